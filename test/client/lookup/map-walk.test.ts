import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { walkMap } from "../../../client/lookup/map-walk.ts";
import { concat, fromBase64, fromHex, toHex, utf8 } from "../../../schema/bytes.ts";
import { unwrap } from "../../../schema/error.ts";
import { type MapPiece, mapPath, parseMapPiece } from "../../../schema/http/map-paths.ts";
import { INDEX_V1 } from "../../../schema/index/generation.ts";
import { emptyMapRoot, mapLeafHash, mapNodeHash, verifyMap } from "../../../schema/index/map.ts";
import { proveKey } from "../../../schema/index/map-proof.ts";
import { PAGE_KEYS, parseMapList } from "../../../schema/index/map-tile.ts";
import { MapTree } from "../../../schema/index/map-tree.ts";
import { type Listed, recordHash, summaryOf } from "../../../schema/index/record.ts";
import { encodePruned } from "../../../schema/index/shown-tree.ts";
import { asHash, type Hash } from "../../../schema/tlog/hash.ts";
import { mapPiece } from "../../../server/index/map-pieces.ts";

const { sha256 } = nodeCrypto;
const keyOf = (n: number | string): Hash => sha256(utf8(`key ${n}`));
const asKey = (bytes: Uint8Array): Hash => asHash(bytes) ?? expect.fail("a key has 32 bytes");

/** A map in which the key at place n has a list of `length(n)` entries. */
class PlacedMap {
  readonly tree = new MapTree(sha256);
  readonly lists = new Map<string, readonly Listed[]>();
  readonly asked: string[] = [];
  /** The honest bytes of a piece, or others. */
  lie = (honest: Uint8Array, _path: string): Uint8Array => honest;

  constructor(keys: readonly Hash[], length = (n: number) => 1 + (n % 3)) {
    for (const [n, key] of keys.entries()) {
      const list = Array.from({ length: length(n) }, (_, i): Listed => {
        return i % 2 === 0 ? { index: n + i } : { index: n + i, claim: keyOf(i) };
      });
      this.lists.set(toHex(key), list);
      this.tree.set(key, recordHash(sha256, summaryOf(sha256, list)));
    }
    this.tree.seal();
  }

  get root(): Hash {
    return this.tree.newest.root;
  }

  readonly fetch = async (path: string): Promise<Uint8Array> => {
    this.asked.push(path);
    const [name = "", query = ""] = path.slice(path.lastIndexOf("/") + 1).split("?");
    const piece = this.piece(unwrap(parseMapPiece(name, query)));
    return this.lie(piece ?? expect.fail(`no piece ${path}`), path);
  };

  piece(wanted: MapPiece): Uint8Array | undefined {
    const list = (key: Uint8Array): readonly Listed[] => this.lists.get(toHex(key)) ?? [];
    const { top } = this.tree.newest;
    return mapPiece(
      {
        rows: this.tree,
        versions: [{ top, size: 1_000 }],
        list: (key, _, limit) => list(key).slice(0, limit),
        summary: (key) => summaryOf(sha256, list(key)),
      },
      wanted,
    );
  }

  walk(...keys: readonly Hash[]) {
    return walkMap(sha256, INDEX_V1, this.root, keys, this.fetch);
  }
}

const many = Array.from({ length: 700 }, (_, n) => keyOf(n));
/** Keys of few different bits, so that paths are long and skip much. */
const oddKey = fc
  .array(fc.constantFrom(0, 1, 128, 255), { minLength: 32, maxLength: 32 })
  .map((bytes) => asKey(Uint8Array.from(bytes)));

describe("a walk through pieces of the map", () => {
  test("X1 gives for every key, present or absent, what a proof gives", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(oddKey, { maxLength: 200, selector: toHex }),
        fc.nat(300),
        fc.array(oddKey, { minLength: 1, maxLength: 8 }),
        async (odd, plain, others) => {
          const keys = [...odd, ...many.slice(0, plain)];
          const map = new PlacedMap(keys);
          const asked = [...keys.slice(0, 20), ...keys.slice(-20), ...others, keyOf("absent")];
          const walked = await map.walk(...asked);
          expect(walked.tree.root()).toEqual(map.root);
          for (const key of asked) {
            const proof = proveKey(map.tree, map.tree.newest.top, key);
            const shown = walked.tree.find(key);
            const value = shown.state === "present" ? shown.value : undefined;
            expect(shown.state).toBe(map.lists.has(toHex(key)) ? "present" : "absent");
            expect(verifyMap(sha256, map.root, key, value, proof)).toBe(true);
            const list = map.lists.get(toHex(key));
            const record = list && { kind: "list", list };
            if (list !== undefined) expect(walked.behind(key)?.record).toEqual(record);
          }
          expect(walked.tree.encode(asked)).toEqual(
            encodePruned(map.tree, map.tree.newest.top, asked),
          );
        },
      ),
      { numRuns: 12 },
    );
  });

  test("asks for a page of dozens of keys, and for nothing that tells them apart", async () => {
    const map = new PlacedMap(many);
    const [first = keyOf(0)] = many;
    await map.walk(first);
    const { asked } = map;
    const page = asked.at(-1) ?? "";
    const { behind } = await map.walk(...many);
    const walks = many.map((key) => behind(key)?.piece);
    const alike = walks.filter((piece) => {
      return (
        piece !== undefined && mapPath(INDEX_V1, { root: piece.root, turns: piece.turns }) === page
      );
    });
    expect(alike.length).toBeGreaterThan(PAGE_KEYS / 4);
    expect(alike.length).toBeLessThanOrEqual(PAGE_KEYS);
  });

  test("reads the vectors, from nothing but their root and pieces", async () => {
    const file = new URL("../../vectors/index/map-tiles.json", import.meta.url);
    const vectors: {
      root: string;
      lists: { key: string; list: [number, string?][] }[];
      pieces: Record<string, string>;
    } = JSON.parse(readFileSync(file, "utf8"));
    const fetch = async (path: string): Promise<Uint8Array> =>
      fromBase64(vectors.pieces[path] ?? "") ?? expect.fail(path);
    const keys = vectors.lists.map(({ key }) => asKey(fromHex(key) ?? expect.fail()));
    const root = asKey(fromHex(vectors.root) ?? expect.fail());
    const { tree, behind } = await walkMap(
      sha256,
      INDEX_V1,
      root,
      [...keys, keyOf("absent")],
      fetch,
    );
    for (const [n, { list }] of vectors.lists.entries()) {
      const { record, piece } = behind(keys[n] ?? expect.fail()) ?? expect.fail();
      const listed = list.map(([index, claim]): Listed => {
        return claim === undefined
          ? { index }
          : { index, claim: asKey(fromHex(claim) ?? expect.fail()) };
      });
      if (record.kind === "list") expect(record.list).toEqual(listed);
      else {
        expect(record.summary).toEqual(summaryOf(sha256, listed));
        const bytes = await fetch(mapPath(INDEX_V1, piece));
        expect(parseMapList(sha256, record.summary, bytes)).toMatchObject({ value: listed });
      }
    }
    expect(tree.find(keyOf("absent"))).toEqual({ state: "absent" });
  });

  test("begins with an empty map without asking anything", async () => {
    const map = new PlacedMap([]);
    expect(map.root).toEqual(emptyMapRoot(sha256));
    const { tree } = await map.walk(keyOf(1));
    expect(tree.find(keyOf(1))).toEqual({ state: "absent" });
    expect(map.asked).toEqual([]);
  });

  test("takes a long list from a piece of its own, and believes no other", async () => {
    const [key = keyOf(0)] = many;
    const map = new PlacedMap(many, (n) => (n === 0 ? 500 : 1));
    const { behind } = await map.walk(key);
    const { record, piece } = behind(key) ?? expect.fail("nothing");
    if (record.kind !== "summary") expect.fail("a list of 500 is no part of a page");
    const bytes = map.piece(piece) ?? expect.fail("no list");
    const list = map.lists.get(toHex(key));
    expect(unwrap(parseMapList(sha256, record.summary, bytes))).toEqual(list);
    for (const other of [
      bytes.subarray(0, -41),
      concat(bytes, bytes.subarray(-41)),
      new Uint8Array(0),
      Uint8Array.from(bytes, (byte, i) => (i === 7 ? byte ^ 1 : byte)),
    ])
      expect(parseMapList(sha256, record.summary, other)).toMatchObject({ ok: false });
    expect(map.piece({ ...piece, place: 63 })).toBeUndefined();
  });

  const refusals: readonly (readonly [string, (map: PlacedMap) => PlacedMap["lie"], RegExp])[] = [
    ["another piece of the same map", (map) => () => pieceOf(map, map.root), /another root/],
    ["a piece with one bit changed", () => (bytes) => flipped(bytes, 3), /another root|malformed/],
    [
      "a node that is said to stand at another bit",
      () => (bytes) => Uint8Array.from(bytes, (byte, i) => (i === 2 ? byte + 1 : byte)),
      /another root|malformed/,
    ],
    ["a piece that is cut off", () => (bytes) => bytes.subarray(0, -1), /malformed|no record/],
    ["a piece that goes on", () => (bytes) => concat(bytes, Uint8Array.of(0)), /malformed|goes on/],
    ["nothing", () => () => new Uint8Array(0), /malformed|shows nothing|another root/],
    [
      "a piece that hides everything again",
      () => (_, path) => concat(Uint8Array.of(0, 0), nameOf(path)),
      /shows nothing/,
    ],
    ["a piece of no kind", () => (bytes) => concat(Uint8Array.of(9), bytes), /neither/],
  ];
  test.each(refusals)("refuses %s", async (_, liar, reason) => {
    for (const depth of [0, 1]) {
      const map = new PlacedMap(many);
      const lie = liar(map);
      let n = 0;
      map.lie = (bytes, path) => (n++ === depth ? lie(bytes, path) : bytes);
      // The root itself is the one honest piece that "another one" can be at depth 0.
      if (
        depth === 0 &&
        lie(new Uint8Array(0), mapPath(INDEX_V1, { root: map.root, turns: "" })).length > 99
      )
        continue;
      await expect(map.walk(keyOf(1))).rejects.toThrow(reason);
    }
  });

  test("refuses a page with another record, and a tile of nodes with a leaf and no record", async () => {
    const map = new PlacedMap(many.slice(0, 9));
    map.lie = (bytes) => flipped(bytes, bytes.length - 1);
    await expect(map.walk(keyOf(1))).rejects.toThrow(/another record|no record/);
    const tree = encodePruned(map.tree, map.tree.newest.top, [keyOf(1)]);
    map.lie = () => concat(Uint8Array.of(0), tree);
    await expect(map.walk(keyOf(1))).rejects.toThrow("no records");
    map.lie = () => concat(Uint8Array.of(1, 0, 0, tree.length >> 8, tree.length & 255), tree);
    await expect(map.walk(keyOf(1))).rejects.toThrow("hides keys");
  });

  test("X1 refuses a leaf that stands where no honest map has it, under a root that was signed", async () => {
    // The log signed a tree in which the left side of bit 0 leads to a key that begins with a one.
    const list = [{ index: 1 }];
    const value = recordHash(sha256, summaryOf(sha256, list));
    const [zero, one] = [asKey(new Uint8Array(32)), asKey(new Uint8Array(32).fill(255))];
    const other = asKey(new Uint8Array(32).fill(254));
    const leaf = (key: Hash) => mapLeafHash(sha256, key, value);
    const root = mapNodeHash(sha256, leaf(one), leaf(other), 0);
    const tree = concat(Uint8Array.of(1, 0, 2), one, value, Uint8Array.of(2), other, value);
    const record = concat(Uint8Array.of(0, 1), new Uint8Array(7), Uint8Array.of(1, 0));
    const page = concat(Uint8Array.of(1, 0, 0, 0, tree.length), tree, record, record);
    await expect(walkMap(sha256, INDEX_V1, root, [zero], async () => page)).rejects.toThrow(
      "another place",
    );
    // The key that is there is not found either: its own bits lead to the other side.
    await expect(walkMap(sha256, INDEX_V1, root, [one], async () => page)).resolves.toMatchObject(
      {},
    );
    const { tree: walked } = await walkMap(sha256, INDEX_V1, root, [one], async () => page);
    expect(walked.find(one)).toEqual({ state: "absent" });
  });

  test("refuses bits that are not behind those above, piece by piece", async () => {
    const [a, b] = [asKey(new Uint8Array(32)), asKey(new Uint8Array(32).fill(1, 31))];
    const leaf = (key: Hash) => mapLeafHash(sha256, key, key);
    const inner = mapNodeHash(sha256, leaf(a), leaf(b), 255);
    // The root stands at bit 255 as well, above a node at bit 255.
    const root = mapNodeHash(sha256, inner, leaf(b), 255);
    const top = concat(Uint8Array.of(0, 1, 255, 0), inner, Uint8Array.of(0), leaf(b));
    const below = concat(Uint8Array.of(0, 1, 255, 0), leaf(a), Uint8Array.of(0), leaf(b));
    const fetch = async (path: string) => (path.includes("?at=") ? below : top);
    await expect(walkMap(sha256, INDEX_V1, root, [a], fetch)).rejects.toThrow(
      "not behind those above",
    );
  });
});

function pieceOf(map: PlacedMap, root: Hash): Uint8Array {
  return map.piece({ root, turns: "" }) ?? expect.fail("the root is there");
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  return Uint8Array.from(bytes, (byte, i) => (i === at ? byte ^ 1 : byte));
}

function nameOf(path: string): Uint8Array {
  return fromHex(/map\/([0-9a-f]{64})/.exec(path)?.[1] ?? "") ?? expect.fail("no name");
}
