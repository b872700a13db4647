/**
 * `key generate` and `key show`.
 *
 * @module
 */
import { toBase64, toHex } from "../../schema/bytes.ts";
import { signerId } from "../../schema/key/signer-id.ts";
import { encodeSpki } from "../../schema/key/spki.ts";
import { formatSshKeyLine } from "../../schema/key/ssh-key.ts";
import { nodeCrypto } from "../crypto/node.ts";
import { generateKeyFile, KEY_TYPES } from "../keys/key-file.ts";
import { openSigner as openKey } from "../keys/open.ts";
import type { Signer } from "../keys/signer.ts";
import type { Arguments, Command } from "./command.ts";
import { pathOf } from "./files.ts";
import type { ExitStatus, Io } from "./io.ts";
import { oneOf } from "./options.ts";
import { print, printJson } from "./output.ts";
import { agentSocket, askPassphrase, readPassphrase } from "./signers.ts";

export const keyGenerate: Command = {
  name: "key generate",
  summary: "Make a signing key.",
  about: [
    "The file is PKCS #8 PEM, readable by you alone (mode 0600), and encrypted where a passphrase is given. It also signs git commits: see `git config gpg.ssh.program countersign`.",
  ],
  positionals: [],
  options: {
    output: { type: "string", short: "o", value: "FILE", help: "the new file", required: true },
    type: { type: "string", value: "TYPE", help: `${KEY_TYPES.join(", ")} (default: ed25519)` },
    "passphrase-file": {
      type: "string",
      value: "FILE",
      help: "file whose first line becomes the passphrase",
    },
  },
  examples: [
    { what: "an Ed25519 key", line: "countersign key generate -o ada.pem" },
    {
      what: "an encrypted P-256 key",
      line: "countersign key generate --type p256 --passphrase-file secret.txt -o builder.pem",
    },
  ],
  run: async (args: Arguments, io: Io): Promise<ExitStatus> => {
    const file = args.need("output");
    const secret = args.value("passphrase-file");
    const passphrase = secret === undefined ? undefined : await readPassphrase(io, secret);
    const type = oneOf(args, "type", KEY_TYPES) ?? "ed25519";
    show(args, io, await generateKeyFile(pathOf(io, file), type, passphrase), file);
    return 0;
  },
};

export const keyShow: Command = {
  name: "key show",
  summary: "Show the public side of a key.",
  about: [
    "The first line is what a trust file takes as the key of a person; the signer id is the name of the key in the log, whatever container it came in.",
  ],
  positionals: [
    {
      name: "FILE",
      help: "a private key, a .pub file, or SHA256:… of an agent's key",
      required: true,
    },
  ],
  options: {
    "passphrase-file": {
      type: "string",
      value: "FILE",
      help: "file whose first line is the passphrase of the key",
    },
  },
  examples: [
    { what: "what goes into a trust file", line: "countersign key show ada.pem" },
    { what: "for a program", line: "countersign key show ada.pem --json" },
  ],
  run: async (args: Arguments, io: Io): Promise<ExitStatus> => {
    const [file = ""] = args.positionals;
    const key = file.startsWith("SHA256:") ? file : pathOf(io, file);
    const signer = await openKey(key, {
      agent: agentSocket(io),
      askPassphrase: askPassphrase(io, args.value("passphrase-file"), io.isTty),
    });
    show(args, io, signer, undefined);
    return 0;
  },
};

function show(args: Arguments, io: Io, signer: Signer, written: string | undefined): void {
  const { publicKey, ssh } = signer;
  const id = signerId(nodeCrypto.sha256, publicKey);
  const spki = toBase64(encodeSpki(publicKey));
  const line = ssh === undefined ? spki : formatSshKeyLine(ssh);
  if (args.json)
    printJson(io, {
      ...(written === undefined ? {} : { file: written }),
      key: line,
      type: publicKey.type === "ecdsa" ? `ecdsa ${publicKey.curve}` : publicKey.type,
      signerId: toHex(id),
      ...(ssh === undefined ? {} : { fingerprint: ssh.fingerprint }),
      spki,
    });
  else
    print(
      io,
      line,
      `signer id    ${toHex(id)}`,
      ...(ssh === undefined ? [] : [`fingerprint  ${ssh.fingerprint}`]),
      ...(written === undefined ? [] : [`private key  ${written} (keep it to yourself)`]),
    );
}
