import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { utf8 } from "../../../schema/bytes.ts";
import {
  formatClaims,
  formatIndexHead,
  MAX_CLAIMS_BYTES,
  parseClaims,
  parseIndexHead,
} from "../../../schema/index/claims.ts";
import type { Lookup, LookupAnswer, LookupKey } from "../../../schema/index/lookup.ts";
import { MapTree } from "../../../schema/index/map-tree.ts";
import { encodePruned } from "../../../schema/index/shown-tree.ts";
import { asHash, type Hash } from "../../../schema/tlog/hash.ts";
import { valueOf } from "../tlog/support.ts";

const { sha256 } = nodeCrypto;
const key: LookupKey = { type: "builder", fields: ["https://builder.example.org"] };
const hash = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => asHash(bytes) ?? expect.fail("32 bytes"));

const summary: fc.Arbitrary<LookupAnswer> = fc
  .record({
    n: fc.maxSafeNat().map((n) => Math.max(1, n)),
    last: fc.maxSafeNat(),
    listRoot: hash,
    values: fc.array(fc.record({ index: fc.maxSafeNat(), claim: hash }), { maxLength: 16 }),
  })
  .map((one) => ({ key, kind: "summary", summary: { ...one, saturated: false } }));
const answer = fc.oneof(summary, fc.constant<LookupAnswer>({ key, kind: "absent" }));

function lookupOf(answer: LookupAnswer, tree: Uint8Array, leafIndex = 7): Lookup {
  const index = { checkpoint: "log\n1\n\n", leafIndex, leaf: utf8("leaf"), hashes: [] };
  return { index, main: "main\n2\n\n", tree, answers: [answer], entries: [] };
}

describe("a summary in bytes", () => {
  test("is read as it was written, and its head beside it", () => {
    fc.assert(
      fc.property(answer, fc.uint8Array({ minLength: 1 }), fc.maxSafeNat(), (said, tree, leaf) => {
        const lookup = lookupOf(said, tree, leaf);
        const bytes = formatClaims(lookup);
        expect(valueOf(parseClaims(bytes, key))).toEqual({ leafIndex: leaf, answer: said, tree });
        const { index, main } = lookup;
        expect(valueOf(parseIndexHead(formatIndexHead(lookup)))).toEqual({ index, main });
      }),
    );
  });

  test("is refused where it was cut off, or says neither yes nor no", () => {
    const all = [fc.sample(summary, 1)[0], { key, kind: "absent" } as const];
    for (const said of all) {
      const bytes = formatClaims(lookupOf(said ?? expect.fail(), Uint8Array.of(0)));
      for (let length = 0; length < bytes.length; length++)
        expect(parseClaims(bytes.subarray(0, length), key).ok).toBe(false);
      expect(parseClaims(bytes, key).ok).toBe(true);
      // The magic, and what says whether the key is there.
      for (const at of [0, 21, 30]) {
        const changed = Uint8Array.from(bytes);
        changed[at] = 9;
        expect(parseClaims(changed, key).ok).toBe(false);
      }
    }
    for (const broken of ["", "{}", '{"mediaType":"x"}'])
      expect(parseIndexHead(utf8(broken)).ok).toBe(false);
  });

  test("has less than a kilobyte, however long the list is", () => {
    const tree = new MapTree(sha256);
    const keyOf = (n: number): Hash => sha256(utf8(`${n}`));
    for (let n = 0; n < 20_000; n++) tree.set(keyOf(n), keyOf(n));
    tree.seal();
    const long = { n: 100_000, last: 999_999, listRoot: keyOf(1), values: [], saturated: false };
    for (let n = 0; n < 20_000; n += 97) {
      const shown = encodePruned(tree, tree.newest.top, [keyOf(n)]);
      const bytes = formatClaims(lookupOf({ key, kind: "summary", summary: long }, shown));
      expect(bytes.length).toBeLessThanOrEqual(1_024);
      expect(bytes.length).toBeLessThanOrEqual(MAX_CLAIMS_BYTES);
    }
  });

  test("is the summary of one key and nothing else", () => {
    const list: LookupAnswer = { key, kind: "list", list: [{ index: 1 }] };
    const absent: LookupAnswer = { key, kind: "absent" };
    expect(() => formatClaims(lookupOf(list, Uint8Array.of(0)))).toThrow("one key");
    const two = { ...lookupOf(absent, Uint8Array.of(0)), answers: [absent, absent] };
    expect(() => formatClaims(two)).toThrow("one key");
  });
});
