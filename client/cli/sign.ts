/**
 * `sign`: sign a file.
 *
 * @module
 */
import { LogError } from "../../schema/error.ts";
import { MAX_CONTENT_BYTES } from "../../schema/limits.ts";
import { dsseSubmission } from "../keys/signer.ts";
import type { Arguments, Command } from "./command.ts";
import { checkDelivery, deliver } from "./deliver.ts";
import { readBytes } from "./files.ts";
import type { ExitStatus, Io } from "./io.ts";
import { DELIVERY_OPTIONS, oneOf, SIGNER_OPTIONS } from "./options.ts";
import { openSigner, signFile } from "./signers.ts";

export const sign: Command = {
  name: "sign",
  summary: "Sign a file, to be logged now or later.",
  about: [
    "The file becomes the content of an entry, at most 1 MiB, public for ever: of something larger or private sign a checksum file (`sha256sum FILE > SUMS`). With --as ssh anybody can check the signature with `ssh-keygen -Y verify -n file` as well.",
  ],
  positionals: [{ name: "FILE", help: "what is signed, byte for byte", required: true }],
  options: {
    as: {
      type: "string",
      value: "FORM",
      help: "raw (plain; the default of key files), ssh (SSHSIG; of agents), dsse (with --type)",
    },
    type: { type: "string", value: "TYPE", help: "payload type of a DSSE envelope" },
    ...SIGNER_OPTIONS,
    ...DELIVERY_OPTIONS,
  },
  examples: [
    {
      what: "sign offline, log later",
      line: "countersign sign SHA256SUMS --key ada.pem -o sums.submission.json",
    },
    {
      what: "sign with a YubiKey in the agent and log at once",
      line: "countersign sign SHA256SUMS --agent --trust trust.toml --receipts receipts",
    },
    {
      what: "for Sigstore's clients: `cosign verify-blob --key ada.pub --bundle …` verifies it",
      line: "countersign sign SHA256SUMS --key ada.pem --trust trust.toml --bundle SHA256SUMS.sigstore.json",
    },
  ],
  run: async (args: Arguments, io: Io): Promise<ExitStatus> => {
    const [file = ""] = args.positionals;
    checkDelivery(args);
    const form = oneOf(args, "as", ["ssh", "raw", "dsse"]);
    const type = args.value("type");
    if ((form === "dsse") !== (type !== undefined))
      throw new LogError("USAGE", "--as dsse and --type belong together", {
        field: "--type",
        expected: "--as dsse --type TYPE, e.g. application/vnd.in-toto+json",
      });
    const content = await readBytes(io, file, MAX_CONTENT_BYTES);
    const signer = await openSigner(args, io);
    const submission =
      form === "dsse"
        ? await dsseSubmission(signer, type ?? "", content)
        : await signFile(signer, form, content);
    return deliver(args, io, submission);
  },
};
