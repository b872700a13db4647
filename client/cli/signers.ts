/**
 * From options to whoever signs: a key file or the running ssh-agent.
 *
 * @module
 */
import { toBase64 } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import type { RawSubmission, SshsigSubmission } from "../../schema/http/messages.ts";
import { KEY_DETAILS } from "../../schema/key/key-details.ts";
import { encodeSpki } from "../../schema/key/spki.ts";
import type { AskPassphrase } from "../keys/key-file.ts";
import { openSigner as openKey } from "../keys/open.ts";
import {
  FILE_NAMESPACE,
  fileSubmission,
  plainDetails,
  plainly,
  type Signer,
  signSshsig,
} from "../keys/signer.ts";
import { openAgentKey } from "../keys/ssh-agent.ts";
import type { Arguments } from "./command.ts";
import { pathOf, readBytes } from "./files.ts";
import type { Io } from "./io.ts";
import { promptPassphrase } from "./prompt.ts";

const MAX_PASSPHRASE_BYTES = 4096;

/**
 * Throws USAGE where nobody is named, and what the key or the agent throws. Where a bundle is
 * wanted, an agent signs plainly if it can: no Sigstore client verifies an SSHSIG.
 */
export async function openSigner(args: Arguments, io: Io): Promise<Signer> {
  const signer = await openNamed(args, io);
  return args.value("bundle") === undefined ? signer : plainly(signer);
}

async function openNamed(args: Arguments, io: Io): Promise<Signer> {
  const key = args.value("key");
  const fingerprint = args.value("fingerprint");
  const wantsAgent = args.flag("agent") || fingerprint !== undefined;
  if ((key === undefined) !== wantsAgent)
    throw new LogError("USAGE", "it is not said who signs", {
      field: "--key",
      expected: "--key FILE, or --agent (with --fingerprint where the agent has several keys)",
    });
  const agent = agentSocket(io);
  if (key !== undefined)
    return openKey(pathOf(io, key), {
      agent,
      askPassphrase: askPassphrase(io, args.value("passphrase-file"), io.isTty),
    });
  if (agent === undefined)
    throw new LogError("SIGNER_FAILED", "there is no ssh-agent", {
      field: "SSH_AUTH_SOCK",
      hint: 'eval "$(ssh-agent)" && ssh-add',
    });
  return openAgentKey(agent, fingerprint);
}

export function agentSocket(io: Io): string | undefined {
  const socket = io.env["SSH_AUTH_SOCK"];
  return socket === "" ? undefined : socket;
}

/** From a file, from the file that the environment names, or from whoever sits at the terminal. */
export function askPassphrase(
  io: Io,
  option: string | undefined,
  terminal: boolean,
): AskPassphrase | undefined {
  const file = option ?? io.env["COUNTERSIGN_PASSPHRASE_FILE"];
  if (file !== undefined) return () => readPassphrase(io, file);
  return terminal ? (path) => promptPassphrase(`Passphrase of ${path}: `) : undefined;
}

/** The first line of a file, without its line end. */
export async function readPassphrase(io: Io, file: string): Promise<string> {
  const bytes = await readBytes(io, file, MAX_PASSPHRASE_BYTES);
  return (new TextDecoder().decode(bytes).split("\n", 1)[0] ?? "").replace(/\r$/, "");
}

/** Sign a file in the form that was asked for, else in the one that its key has. */
export async function signFile(
  signer: Signer,
  form: "ssh" | "raw" | undefined,
  content: Uint8Array,
): Promise<RawSubmission | SshsigSubmission> {
  if (form === undefined) return fileSubmission(signer, content);
  if (form === "raw") return signPlain(signer, content);
  const blob = await signSshsig(signer, FILE_NAMESPACE, content);
  return { kind: "sshsig", content: toBase64(content), signature: toBase64(blob) };
}

async function signPlain(signer: Signer, content: Uint8Array): Promise<RawSubmission> {
  const keyDetails = plainDetails(signer.publicKey);
  if (signer.signRaw === undefined || keyDetails === undefined)
    throw new LogError("SIGNER_FAILED", `${signer.describe()} cannot make plain signatures`, {
      field: "--as",
      expected: "--as ssh, or a key file",
    });
  const signature = await signer.signRaw(KEY_DETAILS[keyDetails].algorithm, content);
  return {
    kind: "raw",
    content: toBase64(content),
    signature: toBase64(signature),
    verifier: { publicKey: toBase64(encodeSpki(signer.publicKey)), keyDetails },
  };
}
