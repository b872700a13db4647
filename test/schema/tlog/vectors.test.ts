/**
 * The vector files of the tree: that they are what their generator makes, and that this code
 * answers as they say. What each file holds is described in docs/formats.md.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  decodeBundle,
  decodeContentTile,
  encodeBundle,
  encodeContentTile,
} from "../../../schema/tlog/bundle.ts";
import { verifyConsistency, verifyInclusion } from "../../../schema/tlog/proof.ts";
import { formatSize, parseSize } from "../../../schema/tlog/size.ts";
import {
  contentPath,
  entriesPath,
  parseTilePath,
  tilePath,
  tilesOf,
} from "../../../schema/tlog/tile.ts";
import { CompactRange } from "../../../schema/tlog/tree.ts";
import { files } from "../../vectors/make-tlog.ts";
import bundles from "../../vectors/tlog/bundles.json" with { type: "json" };
import consistency from "../../vectors/tlog/consistency.json" with { type: "json" };
import inclusion from "../../vectors/tlog/inclusion.json" with { type: "json" };
import sizes from "../../vectors/tlog/sizes.json" with { type: "json" };
import tiles from "../../vectors/tlog/tiles.json" with { type: "json" };
import trees from "../../vectors/tlog/trees.json" with { type: "json" };
import { hex, hexHash, leafHashes, nodesOf, sha256, tilesFrom, valueOf } from "./support.ts";

const head = ({ size, root }: { size: number; root: string }) => ({ size, root: hexHash(root) });

describe("the vector files", () => {
  test.each([...files()])("%s is what its generator makes", (path, text) => {
    expect(readFileSync(new URL(`../../vectors/${path}`, import.meta.url), "utf8")).toBe(text);
  });

  test("sizes", () => {
    for (const text of sizes.accepted) expect(formatSize(valueOf(parseSize(text)))).toBe(text);
    for (const text of sizes.refused) expect(parseSize(text).ok).toBe(false);
  });

  test("trees", () => {
    const range = CompactRange.empty(sha256);
    const leaves = leafHashes(70_000);
    for (const { size, root, edge } of trees.trees) {
      for (const leaf of leaves.slice(range.size, size)) range.append(leaf);
      expect(range.root()).toEqual(hex(root));
      expect(range.hashes).toEqual(edge.map(hex));
    }
  });

  test("inclusion proofs, good and bad", () => {
    const verdict = (one: (typeof inclusion.valid)[number]): boolean =>
      verifyInclusion(sha256, head(one), one.index, hexHash(one.leafHash), one.proof.map(hexHash));
    expect(inclusion.valid.filter((one) => !verdict(one))).toEqual([]);
    expect(inclusion.invalid.filter(verdict)).toEqual([]);
    expect(inclusion.invalid.length).toBeGreaterThan(5);
  });

  test("consistency proofs, good and bad", () => {
    const verdict = (one: (typeof consistency.valid)[number]): boolean =>
      verifyConsistency(sha256, head(one.older), head(one.newer), one.proof.map(hexHash));
    expect(consistency.valid.filter((one) => !verdict(one))).toEqual([]);
    expect(consistency.invalid.filter(verdict)).toEqual([]);
    expect(consistency.invalid.length).toBeGreaterThan(5);
  });

  test("tiles and their paths", async () => {
    const stored = tilesFrom(nodesAt(70_000));
    for (const { size, count, tiles: listed } of tiles.trees) {
      expect([...tilesOf(size)]).toHaveLength(count);
      for (const one of listed) {
        const tile = valueOf(parseTilePath(one.path));
        const bytes = (await stored(tile)).slice(0, tile.width * 32);
        expect(sha256(bytes)).toEqual(hex(one.sha256));
      }
    }
    const { width, ...place } = valueOf(parseTilePath(tiles.bytes.path));
    const bytes = (await stored({ ...place, width })).slice(0, width * 32);
    expect(Buffer.from(bytes).toString("base64")).toBe(tiles.bytes.base64);
    for (const { path, ...expected } of tiles.paths) {
      expect(parseTilePath(path)).toEqual({ ok: true, value: expected });
      const { kind, level, index, width: w } = expected;
      const written = { entries: entriesPath(index, w), content: contentPath(index, w) }[kind];
      expect(written ?? tilePath(level, index, w)).toBe(path);
    }
    for (const path of tiles.refused) expect(parseTilePath(path).ok).toBe(false);
  });

  test("bundles", () => {
    const leaves = bundles.entries.leaves.map(hex);
    expect(encodeBundle(leaves)).toEqual(hex(bundles.entries.bytes));
    expect(valueOf(decodeBundle(hex(bundles.entries.bytes), leaves.length))).toEqual(leaves);
    const slots = valueOf(decodeContentTile(hex(bundles.contents.bytes), 256));
    expect(slots).toEqual(
      bundles.contents.slots.map((slot) =>
        typeof slot === "string" ? { state: slot } : { state: "held", bytes: hex(slot.held) },
      ),
    );
    expect(encodeContentTile(slots).bytes).toEqual(hex(bundles.contents.bytes));
    for (const { bytes, count } of bundles.refused)
      expect(decodeBundle(hex(bytes), count).ok).toBe(false);
  });
});

function nodesAt(size: number): ReturnType<typeof nodesOf>["get"] {
  const nodes = nodesOf(leafHashes(size));
  return (level, index) => nodes.get(level, index);
}
