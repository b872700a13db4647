import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { generateKeyFile } from "../../../client/keys/key-file.ts";
import { openSigner } from "../../../client/keys/open.ts";
import type { Signer } from "../../../client/keys/signer.ts";
import { formatSshKeyLine } from "../../../schema/key/ssh-key.ts";
import { folder, has, run, startAgent } from "./tools.ts";

/** A key file with its `.pub` file beside it, as ssh-keygen leaves them. */
async function pair(directory: string, name = "key"): Promise<{ path: string; signer: Signer }> {
  const path = join(directory, name);
  const signer = await generateKeyFile(path, "ed25519");
  if (signer.ssh === undefined) throw new Error("no SSH key");
  writeFileSync(`${path}.pub`, `${formatSshKeyLine(signer.ssh, "ann@example.test")}\n`);
  return { path, signer };
}

describe("without an agent", () => {
  test("a key file and its .pub file open the same key", async () => {
    const { path, signer } = await pair(folder());
    for (const name of [path, `${path}.pub`])
      expect((await openSigner(name, {})).publicKey).toEqual(signer.publicKey);
  });

  test("a passphrase is asked for the private file, also where the .pub file is named", async () => {
    const path = join(folder(), "key");
    const signer = await generateKeyFile(path, "ed25519", "correct horse");
    if (signer.ssh === undefined) throw new Error("no SSH key");
    writeFileSync(`${path}.pub`, formatSshKeyLine(signer.ssh));
    const asked: string[] = [];
    const askPassphrase = async (name: string): Promise<string> => {
      asked.push(name);
      return "correct horse";
    };
    for (const name of [path, `${path}.pub`]) await openSigner(name, { askPassphrase });
    expect(asked).toEqual([path, path]);
  });

  test("a .pub file of another key is refused: nobody signs as who he did not name", async () => {
    const directory = folder();
    const { path } = await pair(directory, "one");
    const other = await pair(directory, "two");
    copyFileSync(`${other.path}.pub`, `${path}.pub`);
    await expect(openSigner(`${path}.pub`, {})).rejects.toMatchObject({
      code: "SIGNER_FAILED",
      message: `${path}.pub is not the public half of ${path}`,
    });
  });

  test("what only an agent can do says how to start one", async () => {
    const directory = folder();
    const { path, signer } = await pair(directory);
    const line = signer.ssh === undefined ? "" : formatSshKeyLine(signer.ssh);
    copyFileSync(`${path}.pub`, join(directory, "key.txt"));
    const names = [signer.ssh?.fingerprint ?? "", line, `key::${line}`, join(directory, "key.txt")];
    for (const name of names)
      await expect(openSigner(name, {})).rejects.toMatchObject({
        code: "SIGNER_FAILED",
        detail: { field: "agent" },
      });
  });

  test.skipIf(!has("ssh-keygen"))("an encrypted OpenSSH key says what to type", async () => {
    const path = join(folder(), "key");
    run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "correct horse", "-f", path]);
    await expect(openSigner(path, {})).rejects.toMatchObject({
      code: "SIGNER_FAILED",
      detail: { hint: `ssh-add ${path}` },
    });
  });

  test("a name that is no file is refused as such", async () => {
    const path = join(folder(), "none");
    await expect(openSigner(path, {})).rejects.toMatchObject({
      code: "FILE_UNREADABLE",
      message: `the key file ${path} cannot be read`,
    });
  });
});

describe.skipIf(!has("ssh-agent"))("with an agent that has not the key", () => {
  test("a .pub file falls back to the private key beside it, else the agent's answer is given", async () => {
    const directory = folder();
    const agent = startAgent(directory);
    const { path, signer } = await pair(directory);
    expect((await openSigner(`${path}.pub`, { agent })).publicKey).toEqual(signer.publicKey);
    const lonely = join(directory, "lonely.pub");
    copyFileSync(`${path}.pub`, lonely);
    await expect(openSigner(lonely, { agent })).rejects.toMatchObject({
      message: "the ssh-agent holds no key that can sign here",
    });
  });
});
