import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toBase64, utf8 } from "../../schema/bytes.ts";
import { checkLeaf } from "../../schema/entry/check.ts";
import { parseLeaf } from "../../schema/entry/leaf.ts";
import { unwrap } from "../../schema/error.ts";
import { type JsonObject, parseJson } from "../../schema/json.ts";
import {
  formatLogEntry,
  formatReceipt,
  MAX_RECEIPT_BYTES,
  parseLogEntry,
  parseReceipt,
} from "../../schema/receipt.ts";
import { leafHash } from "../../schema/tlog/hash.ts";
import { verifyInclusion } from "../../schema/tlog/proof.ts";
import { vector } from "../data.ts";
import { reason } from "./entry/support.ts";
import { sha256 } from "./support.ts";

const NAMES = [
  "dsse-ed25519-commit-review",
  "hashedrekord-p256-raw",
  "sshsig-git-commit",
  "sshsig-key-object",
];
const fileOf = (name: string): Uint8Array => vector(`leaf/${name}.receipt.json`);
const [first = ""] = NAMES;
const good = unwrap(parseReceipt(fileOf(first)));
const json = JSON.stringify(formatLogEntry(good.entry));

/** The good receipt with one text in it replaced. */
function replaced(from: string | RegExp, to: string): Uint8Array {
  const text = new TextDecoder().decode(fileOf(first));
  const changed = text.replace(from, to);
  expect(changed).not.toBe(text);
  return utf8(changed);
}

test.each(NAMES)(
  "the receipt %s is read, shows its entry, and is written byte for byte",
  (name) => {
    const receipt = unwrap(parseReceipt(fileOf(name)));
    const { entry } = receipt;
    expect(formatReceipt(receipt)).toEqual(fileOf(name));
    const hash = leafHash(sha256, entry.leafBytes);
    expect(verifyInclusion(sha256, entry, entry.index, hash, entry.hashes)).toBe(true);
    const leaf = unwrap(parseLeaf(entry.leafBytes));
    expect(checkLeaf(sha256, leaf, receipt.content, receipt.key).ok).toBe(true);
  },
);

test("a log entry has every field that Sigstore's clients ask for", () => {
  const entry = formatLogEntry({ ...good.entry, index: 0, size: 1, hashes: [] });
  expect(Object.keys(entry)).toEqual([
    "logIndex",
    "logId",
    "kindVersion",
    "integratedTime",
    "inclusionPromise",
    "inclusionProof",
    "canonicalizedBody",
  ]);
  expect(entry.inclusionProof).toMatchObject({ logIndex: "0", treeSize: "1", hashes: [] });
  expect(unwrap(parseLogEntry(JSON.parse(JSON.stringify(entry)) satisfies JsonObject, ""))).toEqual(
    {
      ...good.entry,
      index: 0,
      size: 1,
      hashes: [],
    },
  );
});

describe("a receipt", () => {
  test.each([
    ["another media type", /version=1/, "version=2", "mediaType"],
    ["an unknown field", "{", '{"x":1,', "x"],
    ["an unknown field in its entry", '"logIndex"', '"x":1,"logIndex"', "logEntry.x"],
    ["two indexes", /"logIndex": "1"/, '"logIndex": "0"', "logEntry.inclusionProof.logIndex"],
    ["an index that is a number", /"logIndex": "1"/, '"logIndex": 1', "logEntry.logIndex"],
    ["an index with a zero before it", /"logIndex": "1"/, '"logIndex": "01"', "logEntry.logIndex"],
    [
      "an index beyond 2^53",
      /"logIndex": "1"/,
      '"logIndex": "9007199254740992"',
      "logEntry.logIndex",
    ],
    [
      "a tree without its entry",
      /"treeSize": "2"/,
      '"treeSize": "1"',
      "logEntry.inclusionProof.treeSize",
    ],
    ["a short root", /"rootHash": "..../, '"rootHash": "', "logEntry.inclusionProof.rootHash"],
    ["a short hash", /"hashes": \[\s*"..../, '"hashes": ["', "logEntry.inclusionProof.hashes[0]"],
    [
      "another kind than its leaf's",
      '"kind": "countersign"',
      '"kind": "hashedrekord"',
      "logEntry.kindVersion.kind",
    ],
    [
      "another version than its leaf's",
      '"version": "0.0.1"',
      '"version": "0.0.2"',
      "logEntry.kindVersion.version",
    ],
    ["a time", '"integratedTime": "0"', '"integratedTime": "1"', "logEntry.integratedTime"],
    [
      "a promise",
      '"inclusionPromise": null',
      '"inclusionPromise": {}',
      "logEntry.inclusionPromise",
    ],
    [
      "an empty checkpoint",
      /"envelope": "[^"]+"/,
      '"envelope": ""',
      "logEntry.inclusionProof.checkpoint.envelope",
    ],
    ["content in another base64", /"content": "/, '"content": "=', "content"],
  ])("with %s is refused, naming the field", (_, from, to, field) => {
    expect(reason(parseReceipt(replaced(from, to)))).toEqual(["FIELD_INVALID", field]);
  });

  test("of a leaf of another kind is refused as unsupported", () => {
    const body = toBase64(utf8('{"apiVersion":"0.0.2","kind":"dsse","spec":{}}'));
    expect(
      reason(
        parseReceipt(replaced(/"canonicalizedBody": "[^"]+"/, `"canonicalizedBody": "${body}"`)),
      ),
    ).toEqual(["KIND_UNSUPPORTED", "logEntry.canonicalizedBody"]);
  });

  test("with too much of anything is refused, naming the limit", () => {
    const hashes = JSON.stringify(Array.from({ length: 64 }, () => toBase64(good.entry.root)));
    expect(reason(parseReceipt(replaced(/"hashes": \[[^\]]*\]/, `"hashes": ${hashes}`)))).toEqual([
      "TOO_LARGE",
      "logEntry.inclusionProof.hashes",
    ]);
    const content = toBase64(new Uint8Array(1_048_577));
    expect(reason(parseReceipt(replaced(/"content": "[^"]*"/, `"content": "${content}"`)))).toEqual(
      ["TOO_LARGE", "content"],
    );
    expect(reason(parseReceipt(new Uint8Array(MAX_RECEIPT_BYTES + 1)))).toEqual([
      "TOO_LARGE",
      "receipt",
    ]);
  });

  test("of any bytes never throws; what is read is written as the same receipt", () => {
    const text = new TextDecoder().decode(fileOf(first));
    fc.assert(
      fc.property(
        fc.nat(text.length - 1),
        fc.string({ maxLength: 2 }),
        fc.json(),
        (at, insert, other) => {
          parseReceipt(utf8(other));
          const changed = parseReceipt(utf8(text.slice(0, at) + insert + text.slice(at + 1)));
          if (changed.ok) expect(parseReceipt(formatReceipt(changed.value))).toEqual(changed);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

test("an entry is read under the path it stands at", () => {
  const value = unwrap(parseJson(json.replace('"0"', '"1"')));
  expect(reason(parseLogEntry(value, "entries[3]"))).toEqual([
    "FIELD_INVALID",
    "entries[3].integratedTime",
  ]);
});
