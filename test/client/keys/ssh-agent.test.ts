import { generateKeyPairSync, sign } from "node:crypto";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { openSigner } from "../../../client/keys/open.ts";
import { dsseSubmission, fileSubmission, signSshsig } from "../../../client/keys/signer.ts";
import { listAgentKeys, openAgentKey } from "../../../client/keys/ssh-agent.ts";
import { verifySshsig } from "../../../client/signature/sshsig.ts";
import { concat, equal, fromBase64, utf8 } from "../../../schema/bytes.ts";
import { pae } from "../../../schema/entry/dsse.ts";
import { parseSshsig } from "../../../schema/entry/sshsig.ts";
import { unwrap } from "../../../schema/error.ts";
import { SshReader, sshString, sshU32 } from "../../../schema/key/ssh-wire.ts";
import { folder, has, run, startAgent } from "./tools.ts";

const MESSAGE = utf8("a message");
const KEYS = [
  ["ed25519", []],
  ["ecdsa", ["-b", "256"]],
  ["ecdsa", ["-b", "384"]],
  ["ecdsa", ["-b", "521"]],
  ["rsa", ["-b", "2048"]],
] as const;

function addKey(socket: string, path: string, args: readonly string[], passphrase = ""): string {
  run("ssh-keygen", ["-q", "-f", path, "-N", "", "-C", path, ...args]);
  run("ssh-add", ["-q", path], { env: { SSH_AUTH_SOCK: socket } });
  if (passphrase !== "") run("ssh-keygen", ["-q", "-p", "-f", path, "-P", "", "-N", passphrase]);
  return path;
}

describe.skipIf(!has("ssh-agent"))("a real ssh-agent", () => {
  test.each(KEYS)("signs with its %s %j key", async (type, size) => {
    const directory = folder();
    const socket = startAgent(directory);
    const path = addKey(socket, join(directory, "key"), ["-t", type, ...size]);
    const signer = await openAgentKey(socket);
    expect(signer.describe()).toContain(path);
    const sshsig = unwrap(parseSshsig(await signSshsig(signer, "file", MESSAGE)));
    expect(await verifySshsig(nodeCrypto, sshsig, MESSAGE)).toMatchObject({
      ok: true,
      evidence: { namespace: "file" },
    });
    if (type === "rsa") expect(sshsig.signature.algorithm).toBe("rsa-sha2-512");
  });

  test("with several keys one must be named; the error lists them", async () => {
    const directory = folder();
    const socket = startAgent(directory);
    addKey(socket, join(directory, "one"), ["-t", "ed25519"]);
    addKey(socket, join(directory, "two"), ["-t", "ed25519"]);
    const keys = await listAgentKeys(socket);
    expect(keys.map((key) => key.comment)).toEqual([
      join(directory, "one"),
      join(directory, "two"),
    ]);
    await expect(openAgentKey(socket)).rejects.toMatchObject({
      message: "the ssh-agent holds several keys; say which",
      detail: { expected: keys.map((key) => `${key.fingerprint} ${key.comment}`).join("; ") },
    });
    for (const key of keys) {
      const byName = await openAgentKey(socket, key.fingerprint);
      const byWire = await openAgentKey(socket, key.wire);
      expect(byName.ssh?.wire).toEqual(key.wire);
      expect(byWire.ssh?.fingerprint).toBe(key.fingerprint);
    }
    const other = `SHA256:${"A".repeat(43)}`;
    await expect(openAgentKey(socket, other)).rejects.toMatchObject({
      message: `the ssh-agent does not hold ${other}`,
    });
  });

  test("an empty or locked agent says so", async () => {
    const socket = startAgent(folder());
    await expect(openAgentKey(socket)).rejects.toMatchObject({
      message: "the ssh-agent holds no key that can sign here",
      detail: { hint: "ssh-add" },
    });
  });

  test("a .pub file, the text of a key, a fingerprint and an encrypted key file all find the agent's key", async () => {
    const directory = folder();
    const agent = startAgent(directory);
    const path = addKey(agent, join(directory, "key"), ["-t", "ed25519"], "a passphrase");
    const [key] = await listAgentKeys(agent);
    const line = run("ssh-keygen", ["-y", "-P", "a passphrase", "-f", path]).trim();
    for (const name of [`${path}.pub`, path, line, `key::${line}`, key?.fingerprint ?? ""]) {
      const signer = await openSigner(name, { agent });
      expect(signer.ssh?.wire).toEqual(key?.wire);
      expect(signer.signRaw).toBeUndefined();
    }
  });

  test("what an agent's key signs is submitted as an SSHSIG: over the PAE, or over the file", async () => {
    const directory = folder();
    const socket = startAgent(directory);
    addKey(socket, join(directory, "key"), ["-t", "ed25519"]);
    const signer = await openAgentKey(socket);
    const submission = await dsseSubmission(signer, "text/plain", MESSAGE);
    expect(submission.verifiers).toEqual([{ sshsig: true }]);
    const { sig, keyid } = submission.envelope.signatures[0] ?? { sig: "" };
    expect(keyid).toBe(signer.ssh?.fingerprint);
    const sshsig = unwrap(parseSshsig(fromBase64(sig) ?? new Uint8Array(0)));
    expect(sshsig.namespace).toBe("dsse@countersign");
    expect(await verifySshsig(nodeCrypto, sshsig, pae("text/plain", MESSAGE))).toMatchObject({
      ok: true,
    });
    expect(await fileSubmission(signer, MESSAGE)).toMatchObject({ kind: "sshsig" });
  });
});

/** An agent that answers each question with these bytes, and then hangs up or not. */
async function fakeAgent(answer: Uint8Array, hangUp = true): Promise<string> {
  const path = join(folder(), "agent");
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => (hangUp ? socket.end(answer) : socket.write(answer)));
  });
  await new Promise<void>((ready) => server.listen(path, ready));
  onTestFinished(() => {
    server.close();
  });
  return path;
}

describe("an agent that misbehaves", () => {
  test.each([
    ["hangs up", [], "it hung up"],
    ["answers half", [0, 0, 0, 9, 12, 0], "it hung up"],
    ["answers without end", [255, 255, 255, 255, 0], "its answer is too long"],
    ["answers something else", [0, 0, 0, 1, 5], "it did not list its keys (is it locked?)"],
    [
      "promises keys it does not send",
      [0, 0, 0, 5, 12, 255, 255, 255, 255],
      "its answer ends too soon",
    ],
  ] as const)("%s: the error says so", async (_name, bytes, reason) => {
    const path = await fakeAgent(Uint8Array.from(bytes));
    await expect(listAgentKeys(path)).rejects.toMatchObject({
      code: "SIGNER_FAILED",
      message: `the ssh-agent at ${path} is of no use: ${reason}`,
    });
  });

  test("is not there: the error names the socket", async () => {
    const path = join(folder(), "none");
    await expect(listAgentKeys(path)).rejects.toMatchObject({
      code: "SIGNER_FAILED",
      message: `the ssh-agent at ${path} is of no use: it cannot be reached`,
    });
  });
});

/** An agent with one FIDO key, whose token is this test: `flags` is what the token says. */
async function fidoAgent(flags: number | "refuses" | "lies"): Promise<string> {
  const name = "sk-ssh-ed25519@openssh.com";
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const raw = new Uint8Array(publicKey.export({ type: "spki", format: "der" })).subarray(-32);
  const wire = concat(sshString(name), sshString(raw), sshString("ssh:"));
  const answer = (question: Uint8Array): Uint8Array => {
    const reader = new SshReader(question);
    if (reader.u8() === 11)
      return concat(Uint8Array.of(12), sshU32(1), sshString(wire), sshString("my token"));
    const [key, data] = [reader.string(), reader.string()];
    if (flags === "refuses" || !key || !data || !equal(key, wire)) return Uint8Array.of(5);
    const tail = concat(Uint8Array.of(flags === "lies" ? 1 : flags), sshU32(42));
    const hash = nodeCrypto.sha256;
    const message = concat(hash(utf8("ssh:")), tail, hash(flags === "lies" ? wire : data));
    const signature = concat(sshString(name), sshString(sign(null, message, privateKey)), tail);
    return concat(Uint8Array.of(14), sshString(signature));
  };
  const path = join(folder(), "agent");
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      const question = new SshReader(chunk).string();
      if (question !== undefined) socket.write(sshString(answer(question)));
    });
  });
  await new Promise<void>((ready) => server.listen(path, ready));
  onTestFinished(() => {
    server.close();
  });
  return path;
}

describe("a FIDO key behind an agent", () => {
  test.each([0x01, 0x05])(
    "signs, and what the token says (flags %i) is evidence",
    async (flags) => {
      const signer = await openAgentKey(await fidoAgent(flags));
      const sshsig = unwrap(parseSshsig(await signSshsig(signer, "git", MESSAGE)));
      expect(await verifySshsig(nodeCrypto, sshsig, MESSAGE)).toMatchObject({
        ok: true,
        evidence: { hardware: { application: "ssh:", flags, counter: 42 } },
      });
    },
  );

  test("that was not touched is refused by the agent, and the error asks about it", async () => {
    const signer = await openAgentKey(await fidoAgent("refuses"));
    await expect(signSshsig(signer, "git", MESSAGE)).rejects.toThrow(
      /refused to sign with SHA256:\S+ \(was the token touched, the PIN given\?\)/,
    );
  });

  test("a signature over something else is found out before it is used", async () => {
    const signer = await openAgentKey(await fidoAgent("lies"));
    await expect(signSshsig(signer, "git", MESSAGE)).rejects.toMatchObject({
      code: "SIGNER_FAILED",
      message:
        "the signature just made is wrong: the sk-ssh-ed25519@openssh.com signature is not by this key over this content",
    });
  });
});
