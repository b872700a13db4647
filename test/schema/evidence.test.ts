import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { utf8 } from "../../schema/bytes.ts";
import { unwrap } from "../../schema/error.ts";
import {
  EVIDENCE_KINDS,
  type Evidence,
  formatEvidence,
  MAX_EVIDENCE_BYTES,
  parseEvidence,
} from "../../schema/evidence.ts";
import type { Lookup, LookupKey, PlacedLeaf } from "../../schema/index/lookup.ts";
import { parseReceipt } from "../../schema/receipt.ts";
import { vector } from "../data.ts";
import { reason } from "./entry/support.ts";

const { entry, content = new Uint8Array() } = unwrap(
  parseReceipt(vector("leaf/dsse-ed25519-commit-review.receipt.json")),
);
const { checkpoint: note, root } = entry;
const MEDIA_TYPE = '"mediaType":"application/vnd.countersign.evidence+json;version=1"';

const leaf: PlacedLeaf = { checkpoint: note, leafIndex: 1, leaf: utf8("leaf"), hashes: [root] };
const slot: LookupKey = { type: "ref-by", fields: [root, "https://a.test/x", "refs/tags/v1"] };
const lookup: Lookup = {
  index: leaf,
  main: note,
  tree: utf8("tree"),
  answers: [{ key: slot, kind: "list", list: [{ index: 1, claim: root }] }],
  entries: [{ index: 1, leaf: entry.leafBytes, hashes: [root], content }],
};
const place = { index: 1, position: 0, hashes: [root] };
const statements = [
  { entry, content },
  { entry, content, key: utf8("key") },
] as const;

const ALL: readonly Evidence[] = [
  { kind: "fork-same-size", notes: [note, note] },
  { kind: "fork-inconsistent", notes: [note, note], path: [root, root] },
  { kind: "wrong-entry", entries: [entry, entry] },
  { kind: "duplicate-leaf", entries: [entry, entry] },
  { kind: "bad-admission", entry },
  { kind: "bad-admission", entry, content, key: utf8("key") },
  { kind: "two-promises", promises: ["one\n", "other\n"] },
  { kind: "lost-promise", promise: "one\n", entry },
  { kind: "late-promise", promise: "one\n", checkpoint: note },
  { kind: "index-contradiction", leaves: [leaf, leaf] },
  { kind: "omission", key: slot, lookup, gaps: [{}, { before: place }] },
  {
    kind: "omission",
    key: slot,
    lookup,
    gaps: [{ before: place, after: { ...place, claim: root } }],
  },
  { kind: "false-posting", key: slot, lookup },
  { kind: "equivocation", slot, statements, lookup },
  { kind: "irreproducible", slot, statements },
  { kind: "builders-disagree", slot, statements },
  { kind: "ref-moved", slot, statements },
  { kind: "sha1-collision", slot, statements },
];

test.each(ALL.map((evidence) => [evidence.kind, evidence] as const))(
  "%s is read back whole",
  (_, evidence) => {
    expect(unwrap(parseEvidence(formatEvidence(evidence)))).toEqual(evidence);
  },
);

test("no kind is left out above", () => {
  expect(new Set(ALL.map(({ kind }) => kind))).toEqual(new Set(EVIDENCE_KINDS));
});

test.each(["fork-same-size", "fork-inconsistent", "wrong-entry"])(
  "the vector %s is written byte for byte",
  (name) => {
    const file = vector(`leaf/${name}.evidence.json`);
    expect(formatEvidence(unwrap(parseEvidence(file)))).toEqual(file);
  },
);

describe("an evidence file", () => {
  const text = (body: string): Uint8Array => utf8(`{${MEDIA_TYPE},${body}}`);
  test.each([
    ["of another kind", '"kind":"rumour"', "kind"],
    ["with one note", '"kind":"fork-same-size","notes":["a"]', "notes"],
    ["with a note that is no text", '"kind":"fork-same-size","notes":["a",1]', "notes[1]"],
    [
      "with what belongs to another kind",
      '"kind":"fork-same-size","notes":["a","b"],"path":[]',
      "path",
    ],
    ["without its path", '"kind":"fork-inconsistent","notes":["a","b"]', "path"],
    [
      "with a path of short hashes",
      '"kind":"fork-inconsistent","notes":["a","b"],"path":["AA=="]',
      "path[0]",
    ],
    ["with one entry", '"kind":"wrong-entry","entries":[{}]', "entries"],
    [
      "with entries that are none",
      '"kind":"wrong-entry","entries":[{},{}]',
      "entries[0].integratedTime",
    ],
    ["without its entry", '"kind":"bad-admission"', "entry"],
    ["with one leaf", '"kind":"index-contradiction","leaves":[{}]', "leaves"],
    ["without its key", '"kind":"omission"', "key"],
    ["about a key that there is not", '"kind":"false-posting","key":{"type":"x"}', "key.type"],
    [
      "of a draft",
      '"kind":"equivocation","slot":{"type":"opaque","fields":[]},"statements":[{"content":"AA=="},{}]',
      "statements[0].entry",
    ],
  ])("%s is refused, naming the field", (_, body, field) => {
    expect(reason(parseEvidence(text(body)))).toEqual(["FIELD_INVALID", field]);
  });

  test("with three notes, a longer path than any tree has, or above 4 MiB, is refused", () => {
    expect(reason(parseEvidence(text('"kind":"fork-same-size","notes":["a","b","c"]')))[0]).toBe(
      "TOO_LARGE",
    );
    const path = JSON.stringify(Array.from({ length: 66 }, () => "AA=="));
    expect(
      reason(parseEvidence(text(`"kind":"fork-inconsistent","notes":["a","b"],"path":${path}`))),
    ).toEqual(["TOO_LARGE", "path"]);
    expect(reason(parseEvidence(new Uint8Array(MAX_EVIDENCE_BYTES + 1)))).toEqual([
      "TOO_LARGE",
      "evidence",
    ]);
  });

  test("of any bytes never throws", () => {
    const files = ALL.map((evidence) => new TextDecoder().decode(formatEvidence(evidence)));
    fc.assert(
      fc.property(
        fc.constantFrom(...files),
        fc.nat(),
        fc.string({ maxLength: 3 }),
        (file, at, insert) => {
          const start = at % file.length;
          const parsed = parseEvidence(utf8(file.slice(0, start) + insert + file.slice(start + 1)));
          if (parsed.ok) expect(parseEvidence(formatEvidence(parsed.value))).toEqual(parsed);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
