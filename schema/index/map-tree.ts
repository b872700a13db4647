/**
 * The whole map in memory, with every version of the last while.
 *
 * Nodes are rows of typed arrays, and a row that belongs to a sealed version never changes: a batch
 * copies the path it changes. So a version is one number, the row of its root; look-ups and proofs
 * read any version that is kept while the next one grows, and forgetting a version gives back just
 * the rows that no later one uses.
 *
 * Rows of a batch that is not sealed have no hash yet: `seal` makes each of them once, however many
 * keys passed through it.
 *
 * A reference to a row is a number: an inner row as it is, a leaf as its complement (−1 is leaf 0).
 *
 * Spec: docs/formats.md §Index. The hashes are those of map.ts.
 *
 * @module
 */
import { equal } from "../bytes.ts";
import { LogError } from "../error.ts";
import type { Hash, Sha256 } from "../tlog/hash.ts";
import {
  bitOf,
  emptyMapRoot,
  firstDifference,
  hashAt,
  KEY_BITS,
  mapLeafHash,
  mapNodeHash,
} from "./map.ts";
import { freeOthers, type MapImage } from "./map-image.ts";
import { InnerRows, LeafRows } from "./map-rows.ts";

/** A sealed version of the map. */
export interface MapVersion {
  readonly number: number;
  /** Row of the root; `undefined` for the map without keys. */
  readonly top: number | undefined;
  readonly root: Hash;
  readonly keys: number;
}

export class MapTree {
  readonly #sha256: Sha256;
  readonly #inner: InnerRows;
  readonly #leaves: LeafRows;
  readonly #versions: MapVersion[];
  /** The version that grows. Rows with this number may be written. */
  #number: number;
  #top: number | undefined;
  #keys: number;
  /** Whether the version before the one that grows is given up, and its rows are written in place. */
  #inPlace = false;
  /** Rows that a version was the last to use, by the version that came after it. */
  readonly #dropped = new Map<number, number[]>();

  constructor(sha256: Sha256) {
    this.#sha256 = sha256;
    this.#inner = new InnerRows();
    this.#leaves = new LeafRows();
    this.#versions = [{ number: 0, top: undefined, root: emptyMapRoot(sha256), keys: 0 }];
    this.#number = 1;
    this.#top = undefined;
    this.#keys = 0;
  }

  /**
   * A map of one version out of its arrays (map-image.ts). `fill` writes them, and says whether
   * they are whole. `undefined` where they are not, or are no tree. Its hashes are taken as they
   * are: whoever loads a map compares the root.
   */
  static load(
    sha256: Sha256,
    image: MapImage,
    fill: (parts: readonly Uint8Array[]) => boolean,
  ): MapTree | undefined {
    const { inner, leaves, top, keys } = image;
    const tree = new MapTree(sha256);
    tree.#inner.reserve(inner);
    tree.#leaves.reserve(leaves);
    if (!fill(tree.parts(image)) || !freeOthers(tree.#inner, tree.#leaves, image)) return undefined;
    tree.#top = top;
    tree.#keys = keys;
    tree.#versions[0] = { number: 0, top, root: tree.#rootAt(top), keys };
    return tree;
  }

  /** The newest sealed version. */
  get newest(): MapVersion {
    const version = this.#versions.at(-1);
    if (version === undefined) throw new LogError("INTERNAL", "a map has at least one version");
    return version;
  }

  /** Bytes of the arrays. */
  get bytes(): number {
    return this.#inner.bytes + this.#leaves.bytes;
  }

  /** What a snapshot of a sealed version is made of; `undefined` for less than two keys. */
  image({ top, keys }: MapVersion): MapImage | undefined {
    if (top === undefined || top < 0) return undefined;
    return { inner: this.#inner.count, leaves: this.#leaves.count, top, keys };
  }

  /** The arrays of an image as they stand: asked for again whenever the map may have grown. */
  parts({ inner, leaves }: MapImage): readonly Uint8Array[] {
    return [...this.#inner.parts(inner), ...this.#leaves.parts(leaves)];
  }

  /** Give `key` this value, in the version that grows. */
  set(key: Uint8Array, value: Uint8Array): void {
    if (this.#top === undefined) {
      this.#top = this.#newLeaf(key, value);
      return;
    }
    const found = this.#leafFor(this.#top, key);
    const difference = firstDifference(this.#leaves.key(~found), key);
    this.#top =
      difference === KEY_BITS
        ? this.#replace(this.#top, key, value)
        : this.#insert(this.#top, key, value, difference);
  }

  /** Whether the version that grows has a key: since before it began, or set in it. */
  standing(key: Uint8Array): "absent" | "old" | "new" {
    if (this.#top === undefined) return "absent";
    const leaf = ~this.#leafFor(this.#top, key);
    if (!equal(this.#leaves.key(leaf), key)) return "absent";
    return this.#leaves.born(leaf) === this.#number ? "new" : "old";
  }

  /** The value of a key in a version that is kept. */
  get(version: MapVersion, key: Uint8Array): Hash | undefined {
    if (version.top === undefined) return undefined;
    const leaf = ~this.#leafFor(version.top, key);
    return equal(this.#leaves.key(leaf), key) ? hashAt(this.#leaves.value(leaf), 0) : undefined;
  }

  /**
   * Gives up every sealed version: until the next `seal` rows are written where they are, which
   * costs no copies and cannot be abandoned. For a map that was just loaded.
   */
  giveUpSealed(): void {
    this.#inPlace = true;
  }

  /** Ends the version that grows, and begins the next one. */
  seal(): MapVersion {
    if (this.#top !== undefined) this.#hash(this.#top);
    const top = this.#top;
    const version = { number: this.#number, top, root: this.#rootAt(top), keys: this.#keys };
    if (this.#inPlace) this.#versions.length = 0;
    this.#inPlace = false;
    this.#versions.push(version);
    this.#number++;
    return version;
  }

  /** Takes back what was set since the last `seal`. */
  abandon(): void {
    const { top, keys } = this.newest;
    this.#freeNew(this.#top);
    this.#dropped.delete(this.#number);
    this.#top = top;
    this.#keys = keys;
  }

  /** Takes back every version after this one, sealed or not. Nobody may use them any more. */
  abandonTo(version: MapVersion): void {
    this.abandon();
    while (this.newest.number > version.number) {
      this.#versions.pop();
      this.#number--;
      this.abandon();
    }
  }

  /** Forgets every version before this one. Whoever still holds one must not use it again. */
  forgetBefore(version: MapVersion): void {
    for (let first = this.#versions[0]; first !== undefined && first.number < version.number; ) {
      this.#versions.shift();
      first = this.#versions[0];
      if (first === undefined) break;
      for (const row of this.#dropped.get(first.number) ?? []) this.#free(row);
      this.#dropped.delete(first.number);
    }
  }

  /** The hash of a row of a sealed version. For those who show trees (shown-tree.ts, map-proof.ts). */
  hashOf(row: number): Uint8Array {
    return row >= 0 ? this.#inner.hash(row) : this.#leaves.hash(~row);
  }

  /** An inner row of a sealed version; `undefined` for a leaf. */
  innerOf(
    row: number,
  ): { readonly bit: number; readonly left: number; readonly right: number } | undefined {
    if (row < 0) return undefined;
    const { left, right, bit } = this.#inner.read(row);
    return { left, right, bit };
  }

  /** The key and value of a leaf. */
  leafOf(row: number): { readonly key: Uint8Array; readonly value: Uint8Array } {
    return { key: this.#leaves.key(~row), value: this.#leaves.value(~row) };
  }

  #rootAt(top: number | undefined): Hash {
    const root = top === undefined ? emptyMapRoot(this.#sha256) : hashAt(this.hashOf(top), 0);
    if (root === undefined) throw new LogError("INTERNAL", "a row has no hash");
    return root;
  }

  #leafFor(from: number, key: Uint8Array): number {
    let at = from;
    while (at >= 0)
      at = bitOf(key, this.#inner.bit(at)) === 1 ? this.#inner.right(at) : this.#inner.left(at);
    return at;
  }

  /** A new value for a key that is there: the leaf and the path to it are those of this version. */
  #replace(row: number, key: Uint8Array, value: Uint8Array): number {
    if (row < 0) {
      const leaf = ~row;
      if (this.#inPlace) this.#leaves.bear(leaf, this.#number);
      if (this.#leaves.born(leaf) === this.#number) {
        this.#leaves.setValue(leaf, value);
        return row;
      }
      this.#drop(row);
      return ~this.#leaves.add(this.#number, key, value);
    }
    const mine = this.#writable(row);
    if (bitOf(key, this.#inner.bit(mine)) === 1)
      this.#inner.setRight(mine, this.#replace(this.#inner.right(mine), key, value));
    else this.#inner.setLeft(mine, this.#replace(this.#inner.left(mine), key, value));
    return mine;
  }

  /** A new key that first differs from those around it in `bit`. */
  #insert(row: number, key: Uint8Array, value: Uint8Array, bit: number): number {
    if (row < 0 || this.#inner.bit(row) > bit) {
      const leaf = this.#newLeaf(key, value);
      const [left, right] = bitOf(key, bit) === 1 ? [row, leaf] : [leaf, row];
      return this.#inner.add(this.#number, bit, left, right);
    }
    const mine = this.#writable(row);
    if (bitOf(key, this.#inner.bit(mine)) === 1)
      this.#inner.setRight(mine, this.#insert(this.#inner.right(mine), key, value, bit));
    else this.#inner.setLeft(mine, this.#insert(this.#inner.left(mine), key, value, bit));
    return mine;
  }

  #newLeaf(key: Uint8Array, value: Uint8Array): number {
    this.#keys++;
    return ~this.#leaves.add(this.#number, key, value);
  }

  #writable(row: number): number {
    if (this.#inPlace) this.#inner.bear(row, this.#number);
    if (this.#inner.born(row) === this.#number) return row;
    this.#drop(row);
    const { bit, left, right } = this.#inner.read(row);
    return this.#inner.add(this.#number, bit, left, right);
  }

  #drop(row: number): void {
    const dropped = this.#dropped.get(this.#number);
    if (dropped === undefined) this.#dropped.set(this.#number, [row]);
    else dropped.push(row);
  }

  /** Hashes of the rows of this version, from below; older rows have theirs. */
  #hash(row: number): void {
    if (row < 0) {
      const leaf = ~row;
      if (this.#leaves.born(leaf) === this.#number)
        this.#leaves.setHash(
          leaf,
          mapLeafHash(this.#sha256, this.#leaves.key(leaf), this.#leaves.value(leaf)),
        );
      return;
    }
    if (this.#inner.born(row) !== this.#number) return;
    const { left, right, bit } = this.#inner.read(row);
    this.#hash(left);
    this.#hash(right);
    this.#inner.setHash(row, mapNodeHash(this.#sha256, this.hashOf(left), this.hashOf(right), bit));
  }

  #freeNew(row: number | undefined): void {
    if (row === undefined) return;
    if (row < 0) {
      if (this.#leaves.born(~row) === this.#number) this.#leaves.free(~row);
      return;
    }
    if (this.#inner.born(row) !== this.#number) return;
    const { left, right } = this.#inner.read(row);
    this.#inner.free(row);
    this.#freeNew(left);
    this.#freeNew(right);
  }

  #free(row: number): void {
    if (row >= 0) this.#inner.free(row);
    else this.#leaves.free(~row);
  }
}
