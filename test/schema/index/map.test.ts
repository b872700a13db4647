import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { equal } from "../../../schema/bytes.ts";
import {
  bitOf,
  emptyMapRoot,
  KEY_BITS,
  MAX_MAP_PROOF_BYTES,
  mapLeafHash,
  mapNodeHash,
  verifyMap,
} from "../../../schema/index/map.ts";
import { proveKey } from "../../../schema/index/map-proof.ts";
import { MapTree, type MapVersion } from "../../../schema/index/map-tree.ts";
import { PrunedTree } from "../../../schema/index/pruned-tree.ts";
import { encodePruned } from "../../../schema/index/shown-tree.ts";
import { asHash, type Hash } from "../../../schema/tlog/hash.ts";
import { describeRealData, jsonOf } from "../../data.ts";
import { flipped, joined, sha256, valueOf } from "../tlog/support.ts";

const keyOf = (n: number): Hash => sha256(new TextEncoder().encode(`key ${n}`));
const valueFor = (n: number): Hash => sha256(new TextEncoder().encode(`value ${n}`));

/** Keys of few bits that differ, so that every shape of tree comes up. */
const shortKey = fc.integer({ min: 0, max: 63 }).map((n) => {
  const bytes = new Uint8Array(32);
  bytes[0] = n << 6;
  bytes[17] = n >> 2;
  return asHash(bytes) ?? expect.fail("not 32 bytes");
});

/** The definition, word for word: split at the first bit in which keys differ. */
function naiveRoot(entries: readonly (readonly [Hash, Hash])[]): Hash {
  const [first] = entries;
  if (first === undefined) return sha256(new Uint8Array(0));
  if (entries.length === 1) return sha256(joined(first[0], first[1]));
  for (let bit = 0; bit < KEY_BITS; bit++) {
    const left = entries.filter(([key]) => bitOf(key, bit) === 0);
    const right = entries.filter(([key]) => bitOf(key, bit) === 1);
    if (left.length > 0 && right.length > 0)
      return sha256(joined(naiveRoot(left), naiveRoot(right), Uint8Array.of(bit)));
  }
  return expect.fail("two equal keys");
}

function mapOf(entries: readonly (readonly [Hash, Hash])[]): {
  tree: MapTree;
  version: MapVersion;
} {
  const tree = new MapTree(sha256);
  for (const [key, value] of entries) tree.set(key, value);
  return { tree, version: tree.seal() };
}

const unique = (entries: readonly (readonly [Hash, Hash])[]): (readonly [Hash, Hash])[] => [
  ...new Map(entries.map((entry) => [entry[0].join(), entry] as const)).values(),
];
const entries = fc
  .array(fc.tuple(shortKey, fc.integer({ min: 0, max: 9 }).map(valueFor)), { maxLength: 20 })
  .map(unique);

describe("the map", () => {
  test("has the root that its definition gives, in whatever order keys came", () => {
    fc.assert(
      fc.property(entries, fc.integer(), (list, seed) => {
        const shuffled = list.toSorted(([a], [b]) => ((a[0] ?? 0) ^ seed) - ((b[0] ?? 0) ^ seed));
        expect(mapOf(list).version.root).toEqual(naiveRoot(list));
        expect(mapOf(shuffled).version.root).toEqual(naiveRoot(list));
      }),
    );
  });

  test("X1 proves every key that is there and every one that is not, and never both", () => {
    fc.assert(
      fc.property(entries, fc.array(shortKey, { minLength: 1, maxLength: 8 }), (list, others) => {
        const { tree, version } = mapOf(list);
        for (const key of [...list.map(([one]) => one), ...others]) {
          const value = list.find(([one]) => equal(one, key))?.[1];
          expect(tree.get(version, key)).toEqual(value);
          const proof = proveKey(tree, version.top, key);
          expect(proof.length).toBeLessThanOrEqual(MAX_MAP_PROOF_BYTES);
          expect(verifyMap(sha256, version.root, key, value, proof)).toBe(true);
          const lie = value === undefined ? valueFor(77) : undefined;
          expect(verifyMap(sha256, version.root, key, lie, proof)).toBe(false);
          expect(verifyMap(sha256, version.root, key, valueFor(78), proof)).toBe(false);
        }
      }),
    );
  });

  test("X1 refuses a proof in which any one bit, or its length, was changed", () => {
    const list = Array.from({ length: 40 }, (_, n) => [keyOf(n), valueFor(n)] as const);
    const { tree, version } = mapOf(list);
    for (const [key, value] of [
      [keyOf(3), valueFor(3)],
      [keyOf(1_000), undefined],
    ] as const) {
      const proof = proveKey(tree, version.top, key);
      for (let bit = 0; bit < proof.length * 8; bit++)
        expect(verifyMap(sha256, version.root, key, value, flipped(proof, bit))).toBe(false);
      for (let length = 0; length < proof.length; length++)
        expect(verifyMap(sha256, version.root, key, value, proof.subarray(0, length))).toBe(false);
      expect(verifyMap(sha256, version.root, key, value, joined(proof, proof))).toBe(false);
    }
  });

  test("X1 does not take a leaf out of another place of the tree for an absence", () => {
    const list = Array.from({ length: 40 }, (_, n) => [keyOf(n), valueFor(n)] as const);
    const { tree, version } = mapOf(list);
    const absent = keyOf(2_000);
    let refused = 0;
    for (const [key, value] of list) {
      const siblings = proveKey(tree, version.top, key);
      const forged = joined(key, value, siblings);
      if (!verifyMap(sha256, version.root, absent, undefined, forged)) refused++;
    }
    // Exactly one leaf is where the walk for the absent key ends.
    expect(refused).toBe(list.length - 1);
  });

  test("keeps versions as they were while the next one grows, and frees what it forgets", () => {
    fc.assert(
      fc.property(fc.array(entries, { minLength: 2, maxLength: 6 }), (batches) => {
        const tree = new MapTree(sha256);
        const expected = new Map<string, readonly [Hash, Hash]>();
        const sealed: { version: MapVersion; list: (readonly [Hash, Hash])[] }[] = [];
        for (const [n, batch] of batches.entries()) {
          for (const entry of batch) {
            tree.set(...entry);
            expected.set(entry[0].join(), entry);
          }
          sealed.push({ version: tree.seal(), list: [...expected.values()] });
          // A batch that is taken back leaves nothing.
          tree.set(keyOf(n), valueFor(n));
          tree.abandon();
          if (n === 3) {
            const kept = sealed.splice(0, 2);
            expect(kept).toHaveLength(2);
            const [first] = sealed;
            if (first !== undefined) tree.forgetBefore(first.version);
          }
          for (const { version, list } of sealed) {
            expect(version.root).toEqual(naiveRoot(list));
            expect(version.keys).toBe(list.length);
            for (const [key, value] of list) {
              expect(tree.get(version, key)).toEqual(value);
              expect(
                verifyMap(sha256, version.root, key, value, proveKey(tree, version.top, key)),
              ).toBe(true);
            }
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test("says of a key whether it is there since before the version that grows, or set in it", () => {
    const { tree } = mapOf([[keyOf(0), valueFor(0)]]);
    const standings = (): string[] => [0, 1, 2].map((n) => tree.standing(keyOf(n)));
    expect(standings()).toEqual(["old", "absent", "absent"]);
    tree.set(keyOf(1), valueFor(1));
    tree.set(keyOf(0), valueFor(2));
    expect(standings()).toEqual(["new", "new", "absent"]);
    tree.abandon();
    expect(standings()).toEqual(["old", "absent", "absent"]);
    tree.set(keyOf(1), valueFor(1));
    tree.seal();
    expect(standings()).toEqual(["old", "old", "absent"]);
    expect(new MapTree(sha256).standing(keyOf(0))).toBe("absent");
  });

  test("holds no more rows than it needs when versions are forgotten", () => {
    const tree = new MapTree(sha256);
    for (let n = 0; n < 500; n++) tree.set(keyOf(n), valueFor(n));
    tree.seal();
    const before = tree.bytes;
    for (let round = 0; round < 200; round++) {
      for (let n = 0; n < 50; n++) tree.set(keyOf(n), valueFor(n + round));
      tree.forgetBefore(tree.seal());
    }
    expect(tree.bytes).toBeLessThanOrEqual(before * 1.6);
  });
});

describe("a pruned tree", () => {
  const list = Array.from({ length: 60 }, (_, n) => [keyOf(n), valueFor(n)] as const);
  const { tree, version } = mapOf(list);
  const read = (bytes: Uint8Array): PrunedTree => valueOf(PrunedTree.parse(sha256, bytes));

  test("has the root of the whole, and shows the keys it was made for and no others", () => {
    const asked = [keyOf(1), keyOf(2), keyOf(9_000)];
    const pruned = read(encodePruned(tree, version.top, asked));
    expect(pruned.root()).toEqual(version.root);
    expect(pruned.find(keyOf(1))).toEqual({ state: "present", value: valueFor(1) });
    expect(pruned.find(keyOf(9_000))).toEqual({ state: "absent" });
    const hidden = list.filter(([key]) => pruned.find(key).state === "hidden");
    expect(hidden.length).toBeGreaterThan(40);
  });

  test("gives the root after changes that the whole tree gives", () => {
    fc.assert(
      fc.property(entries, entries, (before, changes) => {
        const whole = mapOf(before);
        const keys = changes.map(([key]) => key);
        const pruned = read(encodePruned(whole.tree, whole.version.top, keys));
        expect(pruned.root()).toEqual(whole.version.root);
        for (const [key, value] of changes) {
          expect(pruned.set(key, value)).toBe(true);
          whole.tree.set(key, value);
        }
        expect(pruned.root()).toEqual(whole.tree.seal().root);
      }),
    );
  });

  test("does not change what it hides", () => {
    const pruned = read(encodePruned(tree, version.top, [keyOf(1)]));
    const [hidden] = list.find(([key]) => pruned.find(key).state === "hidden") ?? [];
    if (hidden === undefined) expect.fail("nothing is hidden");
    expect(pruned.set(hidden, valueFor(1))).toBe(false);
    expect(pruned.root()).toEqual(version.root);
  });

  test("with any one bit changed is malformed or has another root", () => {
    const bytes = encodePruned(tree, version.top, [keyOf(1), keyOf(9_000)]);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const parsed = PrunedTree.parse(sha256, flipped(bytes, bit));
      if (parsed.ok) expect(equal(parsed.value.root(), version.root)).toBe(false);
    }
    expect(PrunedTree.parse(sha256, joined(bytes, Uint8Array.of(0))).ok).toBe(false);
    expect(PrunedTree.parse(sha256, bytes.subarray(0, -1)).ok).toBe(false);
  });

  test("is refused where bits do not increase, however deep it says it is", () => {
    const deep = new Uint8Array(2 * 100_000).fill(1);
    expect(PrunedTree.parse(sha256, deep).ok).toBe(false);
  });

  test("of the empty map is nothing, and every key is absent", () => {
    const empty = read(new Uint8Array(0));
    expect(empty.root()).toEqual(emptyMapRoot(sha256));
    expect(empty.find(keyOf(1))).toEqual({ state: "absent" });
    expect(encodePruned(tree, undefined, [keyOf(1)])).toHaveLength(0);
  });

  test("X1 hides a key whose walk ends in a leaf that no honest tree has there", () => {
    const [a, b] = [keyOf(1), keyOf(2)];
    const bit = 0;
    const zero = bitOf(a, bit) === 0 ? a : b;
    // A leaf whose bit 0 is 1 on the left side.
    const wrong = joined(
      Uint8Array.of(1, bit, 2),
      flipped(zero, 7),
      valueFor(1),
      Uint8Array.of(2),
      zero,
      valueFor(2),
    );
    const pruned = PrunedTree.parse(sha256, wrong);
    if (pruned.ok) expect(pruned.value.find(zero).state).not.toBe("absent");
  });
});

interface Kat {
  readonly root: string;
  readonly leaves: readonly { readonly key: string; readonly value: string }[];
  readonly target_index?: number;
  readonly proof?: string;
}

describeRealData("patricia-vectors", (read) => {
  const hash = (text: string): Hash => asHash(bytesOf(text)) ?? expect.fail("not 32 bytes");
  const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "base64"));
  const kats = (name: string): readonly Kat[] =>
    new TextDecoder()
      .decode(read(name))
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => jsonOf<Kat>(new TextEncoder().encode(line)));
  const listOf = ({ leaves }: Kat): (readonly [Hash, Hash])[] =>
    leaves.map(({ key, value }) => [hash(key), hash(value)]);

  test("roots are ours", () => {
    const all = kats("mpt_root_kats.jsonl");
    expect(all.length).toBeGreaterThanOrEqual(24);
    for (const kat of all) expect(mapOf(listOf(kat)).version.root).toEqual(hash(kat.root));
  });

  test("inclusion proofs are ours behind their header", () => {
    const all = kats("mpt_inclusion_kats.jsonl");
    expect(all.length).toBeGreaterThanOrEqual(36);
    for (const kat of all) {
      const list = listOf(kat);
      const [key, value] = list[kat.target_index ?? 0] ?? expect.fail("no target");
      const { tree, version } = mapOf(list);
      // Theirs: eight bytes of label, 01 for presence, the value, then the siblings.
      const theirs = bytesOf(kat.proof ?? "");
      expect(theirs.subarray(9, 41)).toEqual(value);
      const siblings = theirs.subarray(41);
      expect(proveKey(tree, version.top, key)).toEqual(siblings);
      expect(verifyMap(sha256, hash(kat.root), key, value, siblings)).toBe(true);
    }
  });
});

test("hashes of leaves and nodes are those of the definition", () => {
  const [a, b] = [keyOf(1), keyOf(2)];
  expect(mapLeafHash(sha256, a, b)).toEqual(sha256(joined(a, b)));
  expect(mapNodeHash(sha256, a, b, 200)).toEqual(sha256(joined(a, b, Uint8Array.of(200))));
});
