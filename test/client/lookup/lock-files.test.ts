import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { readLockFile } from "../../../client/lookup/lock-files.ts";
import { toHex, utf8 } from "../../../schema/bytes.ts";
import { unwrap } from "../../../schema/error.ts";
import type { LookupKey } from "../../../schema/index/lookup.ts";

const text = ({ type, fields }: LookupKey): string =>
  [type, ...fields.map((one) => (typeof one === "string" ? one : toHex(one)))].join(" ");
const read = (source: string): unknown =>
  unwrap(readLockFile(utf8(source))).map(({ byDigest, byName, ...one }) => ({
    ...one,
    byDigest: byDigest.map(text),
    byName: byName.map(text),
  }));

test("this project's own package-lock.json pins every package by digest and by name", () => {
  const lock = readFileSync(new URL("../../../package-lock.json", import.meta.url));
  const pinned = unwrap(readLockFile(lock));
  expect(pinned.length).toBeGreaterThan(100);
  expect(pinned.filter(({ byDigest }) => byDigest.length === 0)).toEqual([]);
  const vitest = pinned.find(({ name }) => name === "vitest");
  expect(vitest?.byName.map(text)).toEqual([`purl pkg:npm/vitest@${vitest?.version ?? ""}`]);
});

test("a scoped package, the strongest of several digests, a link and a folder of npm", () => {
  const [strong, weak] = [Buffer.alloc(64, 1), Buffer.alloc(20, 2)];
  const packages = {
    "": { name: "root" },
    "node_modules/@scope/Name": {
      version: "1.0.0",
      integrity: `sha1-${weak.toString("base64")} sha512-${strong.toString("base64")}`,
    },
    "node_modules/a/node_modules/b": { version: "2.0.0", integrity: "sha512-!" },
    "node_modules/linked": { link: true, resolved: "here" },
    here: { version: "0.0.1" },
  };
  expect(read(JSON.stringify({ lockfileVersion: 3, packages }))).toEqual([
    {
      name: "@scope/Name",
      version: "1.0.0",
      byDigest: [`subject sha512 ${strong.toString("hex")}`],
      byName: ["purl pkg:npm/%40scope/name@1.0.0"],
    },
    { name: "b", version: "2.0.0", byDigest: [], byName: ["purl pkg:npm/b@2.0.0"] },
    { name: "here", version: "0.0.1", byDigest: [], byName: ["purl pkg:npm/here@0.0.1"] },
  ]);
});

test("Cargo.lock: a crate of a registry, and one of the workspace", () => {
  const sum = "ab".repeat(32);
  const source = `version = 4
[[package]]
name = "serde"
version = "1.0.0"
source = "registry+https://example.org/index"
checksum = "${sum}"

[[package]]
name = "mine"
version = "0.1.0"
`;
  expect(read(source)).toEqual([
    {
      name: "serde",
      version: "1.0.0",
      byDigest: [`artifact ${sum}`, `subject sha256 ${sum}`],
      byName: ["purl pkg:cargo/serde@1.0.0"],
    },
    { name: "mine", version: "0.1.0", byDigest: [], byName: [] },
  ]);
});

test("flake.lock: an input by its commit and its narHash; the root is none", () => {
  const rev = "0123456789abcdef0123456789abcdef01234567";
  const nodes = {
    nixpkgs: { locked: { type: "github", rev, narHash: "sha256-AAAA" } },
    root: { inputs: { nixpkgs: "nixpkgs" } },
  };
  expect(read(JSON.stringify({ version: 7, root: "root", nodes }))).toEqual([
    {
      name: "nixpkgs",
      version: rev,
      byDigest: ["subject nar sha256-AAAA"],
      byName: [
        `git-commit ${rev}`,
        `git-content ${rev}`,
        `subject gitCommit ${rev}`,
        `subject gitObject ${rev}`,
      ],
    },
  ]);
});

test.each([
  "",
  "{}",
  "[]",
  "{",
  '{"lockfileVersion": 1, "dependencies": {}}',
  "a = 1",
  "\u0000",
  "[[",
])("%j is no lock file", (source) => {
  expect(readLockFile(utf8(source))).toMatchObject({ ok: false, code: "FIELD_INVALID" });
});

test("no bytes make the reader throw", () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), fc.json().map(utf8), fc.string().map(utf8)), (bytes) => {
      readLockFile(bytes);
    }),
  );
  const nasty = {
    lockfileVersion: 3,
    packages: { ["__proto__"]: 1, x: null, y: [], z: { version: 5 } },
  };
  expect(read(JSON.stringify(nasty))).toEqual([
    { name: "z", version: "", byDigest: [], byName: [] },
  ]);
});
