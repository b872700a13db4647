import fc from "fast-check";
import { expect, test } from "vitest";
import { toHex, utf8 } from "../../../schema/bytes.ts";
import { parseChecksumFile } from "../../../schema/entry/checksum-file.ts";
import { describeRealData } from "../../data.ts";
import { sha256 } from "../support.ts";

const digest = toHex(sha256(utf8("x")));
const long = digest + digest;

test("a file of sha256sum or sha512sum is read line by line", () => {
  expect(parseChecksumFile(utf8(`${digest}  a b.tar\n${digest} *dir/é\n`))).toEqual([
    { algorithm: "sha256", digest, name: "a b.tar" },
    { algorithm: "sha256", digest, name: "dir/é" },
  ]);
  expect(parseChecksumFile(utf8(`${long}  a\n`))).toEqual([
    { algorithm: "sha512", digest: long, name: "a" },
  ]);
});

test.each([
  ["nothing", ""],
  ["an empty line", "\n"],
  ["no final line feed", `${digest}  a`],
  ["an empty line behind", `${digest}  a\n\n`],
  ["text behind", `${digest}  a\nhello\n`],
  ["two algorithms", `${digest}  a\n${long}  b\n`],
  ["capitals", `${digest.toUpperCase()}  a\n`],
  ["one space", `${digest} a\n`],
  ["a tab", `${digest}\ta\n`],
  ["no name", `${digest}  \n`],
  ["a carriage return", `${digest}  a\r\n`],
  ["an escaped name", `\\${digest}  a\\n\n`],
  ["a name without end", `${digest}  ${"a".repeat(4097)}\n`],
  ["another digest", `${digest.slice(0, 40)}  a\n`],
  ["the tagged form", `SHA256 (a) = ${digest}\n`],
])("%s is no checksum file", (_, text) => {
  expect(parseChecksumFile(utf8(text))).toBeUndefined();
});

test("bytes that are not UTF-8 are no checksum file", () => {
  expect(parseChecksumFile(Uint8Array.of(...utf8(`${digest}  `), 0xff, 0x0a))).toBeUndefined();
});

test("what is read is what was written", () => {
  const name = fc
    .string({ unit: "grapheme", minLength: 1 })
    .filter((text) => !/\p{Cc}/u.test(text) && text.isWellFormed());
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 20 }), (names) => {
      const file = utf8(names.map((one) => `${digest}  ${one}\n`).join(""));
      expect(parseChecksumFile(file)?.map((line) => line.name)).toEqual(names);
    }),
  );
});

describeRealData("guix.sigs", (read, folder) => {
  test("the checksum files of independent builders are read whole", async () => {
    const { globSync } = await import("node:fs");
    const found = globSync("**/*.SHA256SUMS", { cwd: folder });
    expect(found.length).toBeGreaterThan(0);
    for (const file of found) {
      const bytes = read(file);
      const lines = parseChecksumFile(bytes);
      expect(lines).toHaveLength(new TextDecoder().decode(bytes).trimEnd().split("\n").length);
    }
  });
});
