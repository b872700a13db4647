/**
 * What the tests of the tree share: SHA-256 from the platform, entries by rule, and RFC 6962 §2.1
 * written down word for word, recursively, as an oracle that shares no line with the code.
 */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect } from "vitest";
import type { Failure, Result } from "../../../schema/error.ts";
import { asHash, type Hash } from "../../../schema/tlog/hash.ts";
import { TILE_HEIGHT, type Tile, tilePath } from "../../../schema/tlog/tile.ts";
import type { FetchTile } from "../../../schema/tlog/tile-reader.ts";
import { CompactRange, type GetNode, NodeSet } from "../../../schema/tlog/tree.ts";

export function sha256(data: Uint8Array): Hash {
  const digest = asHash(Uint8Array.from(createHash("sha256").update(data).digest()));
  if (digest === undefined) throw new Error("SHA-256 is not 32 bytes long");
  return digest;
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** What a parser accepts, of texts with a piece changed, is what would be written. */
export function hasOneForm<T>(
  texts: readonly string[],
  parse: (text: string) => Result<T>,
  format: (value: T) => string,
): void {
  const cases = fc.tuple(
    fc.constantFrom(...texts),
    fc.nat(),
    fc.constantFrom("", "\n", "0", "A", "=", " "),
  );
  fc.assert(
    fc.property(cases, ([seed, place, piece]) => {
      const at = place % seed.length;
      const text = seed.slice(0, at) + piece + seed.slice(at + 1);
      const parsed = parse(text);
      if (parsed.ok) expect(format(parsed.value)).toBe(text);
    }),
    { numRuns: 1000 },
  );
}

/** Entry `i` of every tree in these tests. */
export function entry(i: number): Uint8Array {
  return new TextEncoder().encode(`entry ${i}`);
}

export function leafHashes(count: number): Hash[] {
  return Array.from({ length: count }, (_, i) => sha256(joined(Uint8Array.of(0), entry(i))));
}

/** RFC 6962 §2.1, §2.1.1 and §2.1.2 over D[0 : leaves.length], by their own recursions. */
export class NaiveTree {
  readonly #leaves: readonly Hash[];
  readonly #known = new Map<string, Hash>();

  constructor(leaves: readonly Hash[]) {
    this.#leaves = leaves;
  }

  /** MTH(D[begin:end]). */
  root(begin: number, end: number): Hash {
    const name = `${begin}:${end}`;
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const hash = this.#compute(begin, end);
    this.#known.set(name, hash);
    return hash;
  }

  #compute(begin: number, end: number): Hash {
    if (begin === end) return sha256(new Uint8Array());
    const leaf = this.#leaves[begin];
    if (leaf === undefined) throw new Error("no such leaf");
    if (end - begin === 1) return leaf;
    const k = NaiveTree.split(end - begin);
    return sha256(joined(Uint8Array.of(1), this.root(begin, begin + k), this.root(begin + k, end)));
  }

  /** PATH(m, D[begin:end]). */
  path(m: number, begin: number, end: number): Hash[] {
    const n = end - begin;
    if (n === 1) return [];
    const k = NaiveTree.split(n);
    return m < k
      ? [...this.path(m, begin, begin + k), this.root(begin + k, end)]
      : [...this.path(m - k, begin + k, end), this.root(begin, begin + k)];
  }

  /** PROOF(m, D[0:n]). */
  proof(m: number, n: number): Hash[] {
    return this.#subproof(m, 0, n, true);
  }

  #subproof(m: number, begin: number, end: number, complete: boolean): Hash[] {
    const n = end - begin;
    if (m === n) return complete ? [] : [this.root(begin, end)];
    const k = NaiveTree.split(n);
    return m <= k
      ? [...this.#subproof(m, begin, begin + k, complete), this.root(begin + k, end)]
      : [...this.#subproof(m - k, begin + k, end, false), this.root(begin, begin + k)];
  }

  static split(n: number): number {
    let k = 1;
    while (k * 2 < n) k *= 2;
    return k;
  }
}

/** All complete nodes of a tree. */
export function nodesOf(leaves: readonly Hash[]): NodeSet {
  const nodes = new NodeSet();
  const range = CompactRange.empty(sha256);
  for (const leaf of leaves)
    range.append(leaf, (level, index, hash) => nodes.set(level, index, hash));
  return nodes;
}

/** Hash tiles as a log stores them: each in its widest version only. */
export function tilesFrom(nodes: GetNode): FetchTile {
  return async (tile) => {
    const hashes: Hash[] = [];
    for (let i = 0; i < 256; i++) {
      const hash = nodes(tile.level * TILE_HEIGHT, tile.index * 256 + i);
      if (hash === undefined) break;
      hashes.push(hash);
    }
    return joined(...hashes);
  };
}

/** Notes which tiles were asked for, and lets the test change the answers. */
export function watched(
  fetchTile: FetchTile,
  change: (tile: Tile, bytes: Uint8Array) => Uint8Array = (_, bytes) => bytes,
): { readonly fetchTile: FetchTile; readonly asked: Map<string, Tile> } {
  const asked = new Map<string, Tile>();
  return {
    asked,
    fetchTile: async (tile) => {
      asked.set(tilePath(tile.level, tile.index, tile.width), tile);
      return change(tile, await fetchTile(tile));
    },
  };
}

export function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

export function flippedHash(hash: Hash, bit: number): Hash {
  const copy = asHash(flipped(hash, bit));
  if (copy === undefined) throw new Error("not a hash");
  return copy;
}

export function valueOf<T>(result: Result<T>): T {
  if (!result.ok) expect.fail(`${result.code}: ${result.message}`);
  return result.value;
}

export function failureOf<T>(result: Result<T>): Failure {
  if (result.ok) expect.fail("was accepted");
  return result;
}

/** Bytes of a vector's hexadecimal. */
export function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, "hex"));
}

export function hexHash(text: string): Hash {
  return asHash(hex(text)) ?? expect.fail(`${text} is no hash`);
}
