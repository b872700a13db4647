/**
 * A running ssh-agent: which keys it holds, and signatures by them. Keys in hardware (FIDO,
 * PIV through PKCS#11, OpenPGP cards through gpg-agent) sign through here as they do for git.
 *
 * One connection for each question; an answer is at most 256 KiB, and nobody is waited for
 * without end: listing takes ten seconds at most, signing two minutes, because a person may have
 * to find and touch the token.
 *
 * Spec: draft-ietf-sshm-ssh-agent (OpenSSH PROTOCOL.agent).
 *
 * @module
 */
import { createConnection } from "node:net";
import { concat, equal } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import { parseSshKey, type SshPublicKey, sshFingerprint } from "../../schema/key/ssh-key.ts";
import { SshReader, sshString, sshU32 } from "../../schema/key/ssh-wire.ts";
import { nodeCrypto } from "../crypto/node.ts";
import type { Signer } from "./signer.ts";
import { bareSide } from "./ssh-bare.ts";
import { sshSide } from "./ssh-signing.ts";

export interface AgentKey extends SshPublicKey {
  readonly fingerprint: string;
  /** What its owner calls it; often a path or an address. */
  readonly comment: string;
}

const REQUEST_IDENTITIES = 11;
const IDENTITIES_ANSWER = 12;
const SIGN_REQUEST = 13;
const SIGN_RESPONSE = 14;
/** Without one of these an agent signs by RSA with SHA-1, which no SSHSIG may have. */
const RSA_SHA2_256 = 2;
const RSA_SHA2_512 = 4;
const MAX_ANSWER_BYTES = 262_144;
const LIST_MS = 10_000;
const SIGN_MS = 120_000;

/** The agent's keys that can sign for a log. Others (certificates, newer types) are left out. */
export async function listAgentKeys(socketPath: string): Promise<AgentKey[]> {
  const answer = await ask(socketPath, Uint8Array.of(REQUEST_IDENTITIES), LIST_MS);
  const reader = new SshReader(answer);
  if (reader.u8() !== IDENTITIES_ANSWER)
    throw agentError(socketPath, "it did not list its keys (is it locked?)");
  const keys: AgentKey[] = [];
  const count = reader.u32() ?? 0;
  for (let i = 0; i < count; i++) {
    const wire = reader.string();
    const comment = reader.string();
    if (wire === undefined || comment === undefined)
      throw agentError(socketPath, "its answer ends too soon");
    const key = parseSshKey(wire);
    if (key.ok)
      keys.push({
        ...key.value,
        fingerprint: sshFingerprint(nodeCrypto.sha256, wire),
        comment: Buffer.from(comment).toString("utf8"),
      });
  }
  return keys;
}

/**
 * The signer for one key of the agent: by wire form, by `SHA256:…` fingerprint, or, where
 * nothing is asked for, the only one it has. Throws `SIGNER_FAILED` and says which keys there are.
 */
export async function openAgentKey(
  socketPath: string,
  wanted?: string | Uint8Array,
): Promise<Signer> {
  const keys = await listAgentKeys(socketPath);
  const matching = keys.filter(
    (key) =>
      wanted === undefined ||
      (typeof wanted === "string" ? key.fingerprint === wanted : equal(key.wire, wanted)),
  );
  const [key] = matching;
  if (key === undefined || matching.length > 1) throw notOneKey(socketPath, keys, wanted);
  return agentSigner(socketPath, key);
}

function agentSigner(socketPath: string, key: AgentKey): Signer {
  const ask = (flag: number, data: Uint8Array): Promise<Uint8Array> =>
    signByAgent(socketPath, key, key.key.type === "rsa" ? flag : 0, data);
  return {
    publicKey: key.key,
    describe: () => `ssh-agent key ${key.comment} (${key.algorithm}, ${key.fingerprint})`,
    ...bareSide(nodeCrypto, key, (data) => ask(RSA_SHA2_256, data)),
    ...sshSide(nodeCrypto, key, (data) => ask(RSA_SHA2_512, data)),
  };
}

async function signByAgent(
  socketPath: string,
  key: AgentKey,
  flags: number,
  data: Uint8Array,
): Promise<Uint8Array> {
  const request = concat(
    Uint8Array.of(SIGN_REQUEST),
    sshString(key.wire),
    sshString(data),
    sshU32(flags),
  );
  const reader = new SshReader(await ask(socketPath, request, SIGN_MS));
  const type = reader.u8();
  const signature = reader.string();
  if (type !== SIGN_RESPONSE || signature === undefined || !reader.done)
    throw agentError(
      socketPath,
      `it refused to sign with ${key.fingerprint} (was the token touched, the PIN given?)`,
    );
  return signature;
}

/** Send one message and read one answer: both are `string`s. */
function ask(socketPath: string, message: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(socketPath);
    let received = new Uint8Array(0);
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      socket.destroy();
      settle();
    };
    const fail = (reason: string, cause?: unknown): void =>
      end(() => reject(agentError(socketPath, reason, cause)));
    const timer = setTimeout(
      () => fail(`it did not answer within ${timeoutMs / 1000} seconds`),
      timeoutMs,
    );
    socket.on("connect", () => socket.write(sshString(message)));
    socket.on("error", (error) => fail("it cannot be reached", error));
    socket.on("close", () => fail("it hung up"));
    socket.on("data", (chunk) => {
      received = concat(received, chunk);
      const length = new SshReader(received).u32() ?? 0;
      if (length > MAX_ANSWER_BYTES) return fail("its answer is too long");
      const answer = new SshReader(received).string();
      if (answer !== undefined) end(() => resolve(answer));
    });
  });
}

function agentError(socketPath: string, reason: string, cause?: unknown): LogError {
  return new LogError("SIGNER_FAILED", `the ssh-agent at ${socketPath} is of no use: ${reason}`, {
    field: "agent",
    hint: "is ssh-agent running, and SSH_AUTH_SOCK its socket? `ssh-add -l` lists its keys",
    cause,
  });
}

function notOneKey(
  socketPath: string,
  keys: readonly AgentKey[],
  wanted: string | Uint8Array | undefined,
): LogError {
  const asked = wanted instanceof Uint8Array ? sshFingerprint(nodeCrypto.sha256, wanted) : wanted;
  const message =
    keys.length === 0
      ? "the ssh-agent holds no key that can sign here"
      : asked === undefined
        ? "the ssh-agent holds several keys; say which"
        : `the ssh-agent does not hold ${asked}`;
  return new LogError("SIGNER_FAILED", message, {
    field: "agent",
    expected: keys.map((key) => `${key.fingerprint} ${key.comment}`).join("; ") || "a key",
    hint: keys.length === 0 ? "ssh-add" : `choose one by its fingerprint (agent ${socketPath})`,
  });
}
