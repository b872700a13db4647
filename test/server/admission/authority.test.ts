import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { toHex } from "../../../schema/bytes.ts";
import { unwrap } from "../../../schema/error.ts";
import { signerId } from "../../../schema/key/signer-id.ts";
import { ed25519Key } from "../../../schema/key/spki.ts";
import { parseSshKeyLine } from "../../../schema/key/ssh-key.ts";
import { anyone, enrolledKeys, tokens } from "../../../server/admission/authority.ts";
import { refusalOf } from "../refusal.ts";

const { sha256 } = nodeCrypto;
const LINE =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea somebody";
const KEY = unwrap(parseSshKeyLine(LINE)).key;
const OTHER = unwrap(
  ed25519Key(
    Buffer.from("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "hex"),
  ),
);

describe("enrolled keys", () => {
  test("an enrolled key may append, by its SSH line or by its signer id", () => {
    enrolledKeys(sha256, `# people\n\n${LINE}\n`, "keys").checkSigner(signerId(sha256, KEY));
    const id = toHex(signerId(sha256, OTHER));
    enrolledKeys(sha256, `${id}\r\n`, "keys").checkSigner(signerId(sha256, OTHER));
  });

  test("another key may not, and is named", () => {
    const authority = enrolledKeys(sha256, LINE, "keys");
    const stranger = signerId(sha256, OTHER);
    const refusal = refusalOf(() => authority.checkSigner(stranger));
    expect(refusal.code).toBe("NOT_ALLOWED");
    expect(refusal.message).toContain(toHex(stranger));
  });

  test("a line that is no key is named by its place", () => {
    const refusal = refusalOf(() => enrolledKeys(sha256, `${LINE}\nssh-nonsense AAAA\n`, "keys"));
    expect(refusal.code).toBe("CONFIG_INVALID");
    expect(refusal.detail).toMatchObject({ field: "admission.keys_file", at: "2:1" });
  });

  test("a file without a key lets nobody in by accident: it is refused", () => {
    expect(() => enrolledKeys(sha256, "# nobody yet\n", "keys")).toThrow(/empty/);
  });
});

describe("tokens", () => {
  const authority = tokens(sha256, "first-token-of-the-log\nsecond-token-of-the-log\n", "tokens");

  test("each of the tokens opens, whatever the case of the scheme", () => {
    authority.checkRequest("Bearer first-token-of-the-log");
    authority.checkRequest("bearer second-token-of-the-log");
  });

  test.each([
    undefined,
    "",
    "Bearer",
    "Bearer ",
    "Bearer third-token-of-the-log",
    "Basic first-token-of-the-log",
    "Bearer first-token-of-the-lo",
    "Bearer first-token-of-the-log second-token-of-the-log",
  ])("%j does not open", (header) => {
    expect(refusalOf(() => authority.checkRequest(header)).code).toBe("NOT_ALLOWED");
  });

  test("a short token and an empty file are refused at the start", () => {
    expect(() => tokens(sha256, "short\n", "tokens")).toThrow(/too short/);
    expect(() => tokens(sha256, "\n", "tokens")).toThrow(/empty/);
  });
});

test("anyone may append to a log that asks for nothing", () => {
  anyone.checkRequest(undefined);
  anyone.checkSigner(signerId(sha256, KEY));
});
