import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execPath } from "node:process";
import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { parseSshKeygenSign } from "../../../client/keys/git-sign.ts";
import { generateKeyFile, openKeyFile } from "../../../client/keys/key-file.ts";
import { verifySshsig } from "../../../client/signature/sshsig.ts";
import { dearmor, parseSshsig } from "../../../schema/entry/sshsig.ts";
import { unwrap } from "../../../schema/error.ts";
import { parseGitObject } from "../../../schema/git/object.ts";
import { formatSshKeyLine } from "../../../schema/key/ssh-key.ts";
import { folder, has, run, startAgent } from "./tools.ts";

describe("the arguments git gives", () => {
  test("are read, with and without -U", () => {
    const wanted = { namespace: "git", key: "/k", file: "/tmp/buffer" };
    expect(parseSshKeygenSign(["-Y", "sign", "-n", "git", "-f", "/k", "/tmp/buffer"])).toEqual(
      wanted,
    );
    expect(
      parseSshKeygenSign(["-Y", "sign", "-n", "git", "-f", "/k", "-U", "/tmp/buffer"]),
    ).toEqual(wanted);
  });

  test.each([
    [["-Y", "verify", "-n", "git", "-f", "/k", "/b"]],
    [["-Y", "sign", "-n", "git", "-f", "/k"]],
    [["-Y", "sign", "-f", "/k", "/b"]],
    [["-Y", "sign", "-n", "git", "/b"]],
    [["-Y", "sign", "-n", "git", "-f", "/k", "/a", "/b"]],
    [["-Y", "sign", "-n", "git", "-f", "/k", "-x", "/b"]],
    [[]],
  ])("%j is something else", (args) => {
    expect(parseSshKeygenSign(args)).toBeUndefined();
  });
});

const PROGRAM = `
import { openSigner } from ${JSON.stringify(join(import.meta.dirname, "../../../client/keys/open.ts"))};
import { parseSshKeygenSign, signFileLikeSshKeygen } from ${JSON.stringify(join(import.meta.dirname, "../../../client/keys/git-sign.ts"))};
const order = parseSshKeygenSign(process.argv.slice(2));
if (order === undefined) throw new Error(process.argv.join(" "));
const signer = await openSigner(order.key, { agent: process.env.SSH_AUTH_SOCK });
await signFileLikeSshKeygen(signer, order.namespace, order.file);
`;

/** A repository that signs with our program, and knows Ann's key. */
function repository(directory: string, signingKey: string, keyLine: string) {
  const program = join(directory, "sign");
  const module = join(directory, "sign.mjs");
  const signers = join(directory, "allowed_signers");
  writeFileSync(module, PROGRAM);
  writeFileSync(program, `#!/bin/sh\nexec '${execPath}' '${module}' "$@"\n`);
  chmodSync(program, 0o700);
  writeFileSync(signers, `ann@example.test namespaces="git" ${keyLine}\n`);
  const path = join(directory, "repository");
  mkdirSync(path);
  const git = (args: readonly string[], env: Record<string, string> = {}): string =>
    run("git", args, { cwd: path, env });
  git(["init", "-q"]);
  git(["config", "gpg.format", "ssh"]);
  git(["config", "user.signingKey", signingKey]);
  git(["config", "gpg.ssh.allowedSignersFile", signers]);
  return { git, ours: ["-c", `gpg.ssh.program=${program}`] };
}

describe.skipIf(!has("git") || !has("ssh-keygen"))("stock git", () => {
  test.each(["ed25519", "p256", "rsa-3072"] as const)(
    "makes commits and tags through our signer (%s) and verifies them with its own program",
    async (type) => {
      const directory = folder();
      const key = join(directory, "key");
      const signer = await generateKeyFile(key, type);
      if (signer.ssh === undefined) throw new Error("no SSH key");
      const { git, ours } = repository(directory, key, formatSshKeyLine(signer.ssh));
      git([...ours, "commit", "-q", "-S", "--allow-empty", "-m", "signed"]);
      git([...ours, "tag", "-s", "v1", "-m", "signed"]);
      git(["verify-commit", "HEAD"]);
      git(["verify-tag", "v1"]);
      expect(git(["log", "-1", "--format=%G? %GS %GK"]).trim()).toBe(
        `G ann@example.test ${signer.ssh.fingerprint}`,
      );
      const object = unwrap(
        parseGitObject(new TextEncoder().encode(git(["cat-file", "commit", "HEAD"]))),
      );
      const sshsig = unwrap(parseSshsig(unwrap(dearmor(object.signature?.armored ?? ""))));
      expect(await verifySshsig(nodeCrypto, sshsig, object.payload)).toMatchObject({
        ok: true,
        evidence: { namespace: "git" },
      });
      expect((await openKeyFile(key)).ssh?.wire).toEqual(signer.ssh.wire);
    },
  );

  test.skipIf(!has("ssh-agent"))(
    "signs with a literal key whose private half is in the agent",
    () => {
      const directory = folder();
      const socket = startAgent(directory);
      const key = join(directory, "key");
      run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "ann", "-f", key]);
      run("ssh-add", ["-q", key], { env: { SSH_AUTH_SOCK: socket } });
      const line = run("ssh-keygen", ["-y", "-f", key]).trim();
      const { git, ours } = repository(directory, `key::${line}`, line);
      git([...ours, "commit", "-q", "-S", "--allow-empty", "-m", "signed"], {
        SSH_AUTH_SOCK: socket,
      });
      git(["verify-commit", "HEAD"]);
    },
  );

  test("a commit by a key that is not allowed does not verify", async () => {
    const directory = folder();
    const key = join(directory, "key");
    await generateKeyFile(key, "ed25519");
    const other = await generateKeyFile(join(directory, "other"), "ed25519");
    if (other.ssh === undefined) throw new Error("no SSH key");
    const { git, ours } = repository(directory, key, formatSshKeyLine(other.ssh));
    git([...ours, "commit", "-q", "-S", "--allow-empty", "-m", "signed"]);
    expect(() => git(["verify-commit", "HEAD"])).toThrow(/No principal matched/);
  });
});
