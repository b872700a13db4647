import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { openKeyFile } from "../../../client/keys/key-file.ts";
import { parseOpensshKey } from "../../../client/keys/openssh-key.ts";
import { signSshsig } from "../../../client/keys/signer.ts";
import { toBase64, utf8 } from "../../../schema/bytes.ts";
import { unwrap } from "../../../schema/error.ts";
import { parseSshKeyLine } from "../../../schema/key/ssh-key.ts";
import { folder, has, run } from "./tools.ts";

const TYPES = [
  ["ed25519", []],
  ["ecdsa", ["-b", "256"]],
  ["ecdsa", ["-b", "384"]],
  ["ecdsa", ["-b", "521"]],
  ["rsa", ["-b", "2048"]],
] as const;

function keygen(path: string, args: readonly string[], passphrase = ""): string {
  run("ssh-keygen", ["-q", "-f", path, "-N", passphrase, "-C", "ann@example.test", ...args]);
  return path;
}

describe.skipIf(!has("ssh-keygen"))("private keys as ssh-keygen writes them", () => {
  test.each(TYPES)("%s %j opens as the key of its .pub file and signs", async (type, size) => {
    const path = keygen(join(folder(), "key"), ["-t", type, ...size]);
    const signer = await openKeyFile(path);
    const published = unwrap(parseSshKeyLine(readFileSync(`${path}.pub`, "utf8")));
    expect(signer.ssh?.wire).toEqual(published.wire);
    expect(run("ssh-keygen", ["-lf", path])).toContain(signer.ssh?.fingerprint ?? "none");
    expect((await signSshsig(signer, "file", utf8("x"))).length).toBeGreaterThan(100);
  });

  test("an encrypted one is refused, and the hint says how the agent takes it", async () => {
    const path = keygen(join(folder(), "key"), ["-t", "ed25519"], "correct horse");
    await expect(openKeyFile(path, async () => "correct horse")).rejects.toMatchObject({
      code: "SIGNER_FAILED",
      message: `the key ${path} needs a running ssh-agent: it is encrypted`,
      detail: { hint: `ssh-add ${path}` },
    });
  });

  test("no change to the file gives another key: it opens the same, or not at all", () => {
    const path = keygen(join(folder(), "key"), ["-t", "ed25519"]);
    const text = readFileSync(path, "utf8");
    const header = text.slice(0, text.indexOf("\n") + 1);
    const body = Buffer.from(text.replace(/-----.*-----/g, "").replace(/\s/g, ""), "base64");
    const good = unwrap(parseOpensshKey(text));
    const change = fc.record({
      at: fc.nat({ max: body.length - 1 }),
      byte: fc.integer({ min: 1, max: 255 }),
      cut: fc.boolean(),
    });
    fc.assert(
      fc.property(change, ({ at, byte, cut }) => {
        const bytes = new Uint8Array(cut ? body.subarray(0, at) : body);
        if (!cut) bytes[at] = (bytes[at] ?? 0) ^ byte;
        const armored = `${header}${toBase64(bytes)}\n-----END OPENSSH PRIVATE KEY-----\n`;
        const result = parseOpensshKey(armored);
        if (!result.ok || result.value.privateKey === undefined) return;
        expect(cut).toBe(false);
        expect(result.value.publicKey.wire).toEqual(good.publicKey.wire);
      }),
      { numRuns: 300 },
    );
  });
});

test("text that is no key file is refused, whatever it is", () => {
  const begin = "-----BEGIN OPENSSH PRIVATE KEY-----";
  const end = "-----END OPENSSH PRIVATE KEY-----";
  for (const text of [
    "",
    begin,
    `${end}${begin}`,
    `${begin}\n${end}`,
    `${begin}\nAAAA\n${end}`,
    `${begin}\n!\n${end}`,
  ])
    expect(parseOpensshKey(text)).toMatchObject({ ok: false, code: "FIELD_INVALID" });
});
