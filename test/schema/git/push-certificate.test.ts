import { describe, expect, test } from "vitest";
import { concat, utf8 } from "../../../schema/bytes.ts";
import { unwrap } from "../../../schema/error.ts";
import { parseGitObject } from "../../../schema/git/object.ts";
import { parsePushCertificate } from "../../../schema/git/push-certificate.ts";
import { vector } from "../../data.ts";
import { hex, matching } from "../support.ts";

const ZERO = "0".repeat(40);
const ID = "a".repeat(40);
const HEAD = "certificate version 0.1\npusher K 1 +0000\n";

describe("the fields of a push certificate", () => {
  test.each(["sha1", "sha256"])("are read from a certificate that git made (%s)", (hash) => {
    const object = unwrap(parseGitObject(vector(`git/${hash}-ed25519.push-certificate`)));
    const id = matching(hash === "sha1" ? /^[0-9a-f]{40}$/ : /^[0-9a-f]{64}$/);
    expect(object).toMatchObject({
      type: "push-certificate",
      hashAlgorithm: hash,
      pusher: { name: matching(/^SHA256:/), zone: "+0000" },
      pushee: `../${hash}.git`,
      nonce: matching(/^[0-9]+-[0-9a-f]+$/),
      pushOptions: ["reviewer=ed25519"],
      updates: [
        { oldId: matching(/^0+$/), newId: id, ref: "refs/heads/ed25519" },
        { oldId: matching(/^0+$/), newId: id, ref: "refs/heads/ed25519-before" },
      ],
    });
  });

  test("pushee, nonce and options may be missing", () => {
    const text = `${HEAD}\n${ID} ${ZERO} refs/heads/gone\n`;
    expect(unwrap(parsePushCertificate(utf8(text)))).toEqual({
      type: "push-certificate",
      hashAlgorithm: "sha1",
      pusher: { name: "K", email: "", seconds: 1, zone: "+0000" },
      pushOptions: [],
      updates: [{ oldId: ID, newId: ZERO, ref: "refs/heads/gone" }],
    });
  });

  test.each([
    ["version 0.2", HEAD.replace("0.1", "0.2")],
    ["no pusher", "certificate version 0.1\nnonce x\n"],
  ])("are refused: %s", (_name, head) => {
    expect(parsePushCertificate(utf8(`${head}\n${ZERO} ${ID} r\n`)).ok).toBe(false);
  });

  test.each([
    ["no ref", ""],
    ["ids of two lengths", `${ZERO} ${"a".repeat(64)} r\n`],
    ["lines of two lengths", `${ZERO} ${ID} r\n${"0".repeat(64)} ${"a".repeat(64)} s\n`],
    ["upper case", `${ZERO} ${ID.toUpperCase()} r\n`],
    ["no name", `${ZERO} ${ID} \n`],
    ["no line feed at the end", `${ZERO} ${ID} r`],
    ["an empty line between", `${ZERO} ${ID} r\n\n${ZERO} ${ID} s\n`],
    ["a NUL in a name", `${ZERO} ${ID} r\0\n`],
  ])("are refused: %s", (_name, lines) => {
    expect(parsePushCertificate(utf8(`${HEAD}\n${lines}`))).toMatchObject({
      ok: false,
      code: "FIELD_INVALID",
      detail: { at: matching(/^[0-9]+$/) },
    });
  });

  test("a ref name that is not UTF-8 is refused: it could not be compared with others", () => {
    const bytes = concat(utf8(`${HEAD}\n${ZERO} ${ID} r`), hex("ff0a"));
    expect(parsePushCertificate(bytes).ok).toBe(false);
  });
});
