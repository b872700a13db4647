/**
 * One way to open a signer from what people write in a configuration: the path of a private
 * key, the path of a `.pub` file or the text of a public key (then the agent has the private
 * half, or the file beside it), or a fingerprint of an agent's key. The same that git and
 * ssh-keygen take for `user.signingKey` and `-f`.
 *
 * @module
 */
import { open } from "node:fs/promises";
import { equal } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import { parseSshKeyLine } from "../../schema/key/ssh-key.ts";
import { type AskPassphrase, agentOnly, openKeyFile, readKeyFile } from "./key-file.ts";
import { privateKeySigner } from "./private-key.ts";
import type { Signer } from "./signer.ts";
import { openAgentKey } from "./ssh-agent.ts";

export interface SignerPorts {
  /** The agent's socket: the value of SSH_AUTH_SOCK, which only an entry point reads. */
  readonly agent?: string | undefined;
  readonly askPassphrase?: AskPassphrase | undefined;
}

const MAX_PUBLIC_KEY_FILE_BYTES = 65_536;

/** Throws `SIGNER_FAILED` or `FILE_UNREADABLE` with what to type. */
export async function openSigner(key: string, ports: SignerPorts): Promise<Signer> {
  if (/^SHA256:[A-Za-z0-9+/]{43}$/.test(key)) return openAgentKey(needAgent(key, ports), key);
  const literal = parseSshKeyLine(key.replace(/^key::/, ""));
  if (literal.ok) return openAgentKey(needAgent(key, ports), literal.value.wire);
  const line = parseSshKeyLine(await firstLine(key));
  if (line.ok) return openPublic(key, line.value.wire, ports);
  const found = await readKeyFile(key, ports.askPassphrase);
  if (found.privateKey !== undefined) return privateKeySigner(found.privateKey, key);
  if (ports.agent === undefined) throw agentOnly(key, found.file);
  return openAgentKey(ports.agent, found.file.publicKey.wire);
}

/**
 * A `.pub` file: the agent first, as ssh-keygen does, then the private key beside it, which
 * must be the other half. Where neither is to be had, the agent's answer is the error.
 */
async function openPublic(path: string, wire: Uint8Array, ports: SignerPorts): Promise<Signer> {
  const beside = path.endsWith(".pub") ? path.slice(0, -".pub".length) : undefined;
  if (beside === undefined) return openAgentKey(needAgent(path, ports), wire);
  let refusal: unknown;
  try {
    if (ports.agent !== undefined) return await openAgentKey(ports.agent, wire);
  } catch (error) {
    refusal = error;
  }
  try {
    const signer = await openKeyFile(beside, ports.askPassphrase);
    if (signer.ssh !== undefined && equal(signer.ssh.wire, wire)) return signer;
  } catch (error) {
    const missing = error instanceof LogError && error.code === "FILE_UNREADABLE";
    throw missing && refusal !== undefined ? refusal : error;
  }
  throw new LogError("SIGNER_FAILED", `${path} is not the public half of ${beside}`, {
    field: "key",
    hint: `ssh-keygen -y -f ${beside}`,
  });
}

function needAgent(key: string, { agent }: SignerPorts): string {
  if (agent !== undefined) return agent;
  throw new LogError("SIGNER_FAILED", `${key} names a key of an ssh-agent, and there is none`, {
    field: "agent",
    hint: 'start one with `eval "$(ssh-agent)"` and add the key with `ssh-add`',
  });
}

/** The first line of a file, bounded; empty where the file cannot be read as text. */
async function firstLine(path: string): Promise<string> {
  try {
    await using handle = await open(path, "r");
    const buffer = new Uint8Array(MAX_PUBLIC_KEY_FILE_BYTES);
    const { bytesRead } = await handle.read(buffer);
    return Buffer.from(buffer.buffer, 0, bytesRead).toString("utf8").split("\n", 1)[0] ?? "";
  } catch (error) {
    throw new LogError("FILE_UNREADABLE", `the key file ${path} cannot be read`, {
      field: "key",
      cause: error,
    });
  }
}
