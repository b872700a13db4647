/**
 * The rows of a map in typed arrays that grow by half when they are full: 48 bytes for an inner
 * node, 100 for a leaf. Freed rows are used again.
 *
 * Owned by map-tree.ts, which says what a row is. The snapshot of a map is these arrays
 * (map-image.ts).
 *
 * @module
 */
import { HASH_BYTES } from "../tlog/hash.ts";

const FIRST_ROWS = 1_024;
/** A map that was loaded grows as well; its arrays are not to be copied for the first new key. */
const ROOM_FOR_MORE = 1.125;

/** Bytes of a row in `parts`: hash, two references and a bit; hash, key and value. */
export const INNER_PART_BYTES: number = HASH_BYTES + 4 + 4 + 1;
export const LEAF_PART_BYTES: number = 3 * HASH_BYTES;

/** What both kinds of rows have: the version they were born in, their hash, and a list of free ones. */
class Rows {
  #born = new Uint32Array(FIRST_ROWS);
  #hashes = new Uint8Array(FIRST_ROWS * HASH_BYTES);
  readonly #freed: number[] = [];
  #count = 0;

  get capacity(): number {
    return this.#born.length;
  }

  /** Rows that were ever taken. */
  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#born.byteLength + this.#hashes.byteLength;
  }

  born(row: number): number {
    return this.#born[row] ?? 0;
  }

  /** Takes a row over into another version. */
  bear(row: number, born: number): void {
    this.#born[row] = born;
  }

  hash(row: number): Uint8Array {
    return this.#hashes.subarray(row * HASH_BYTES, (row + 1) * HASH_BYTES);
  }

  setHash(row: number, hash: Uint8Array): void {
    this.#hashes.set(hash, row * HASH_BYTES);
  }

  free(row: number): void {
    this.#freed.push(row);
  }

  /** The bytes of the first `rows` rows, array by array: the arrays themselves, as they stand. */
  parts(rows: number): readonly Uint8Array[] {
    return [this.#hashes.subarray(0, rows * HASH_BYTES)];
  }

  /** Takes the first `rows` rows of arrays without any, for `parts` to be filled. */
  reserve(rows: number): void {
    if (rows > this.capacity) this.grow(Math.ceil(rows * ROOM_FOR_MORE));
    this.#count = rows;
  }

  protected take(born: number): number {
    const row = this.#freed.pop() ?? this.#count++;
    if (row >= this.capacity) this.grow(Math.floor(this.capacity * 1.5));
    this.#born[row] = born;
    return row;
  }

  protected grow(rows: number): void {
    this.#born = grown(this.#born, new Uint32Array(rows));
    this.#hashes = grown(this.#hashes, new Uint8Array(rows * HASH_BYTES));
  }
}

function bytesOf(array: Int32Array, rows: number): Uint8Array {
  return new Uint8Array(array.buffer, 0, rows * array.BYTES_PER_ELEMENT);
}

function grown<T extends { set(from: T): void }>(from: T, to: T): T {
  to.set(from);
  return to;
}

export class InnerRows extends Rows {
  #left = new Int32Array(this.capacity);
  #right = new Int32Array(this.capacity);
  #bits = new Uint8Array(this.capacity);

  override get bytes(): number {
    return super.bytes + this.#left.byteLength + this.#right.byteLength + this.#bits.byteLength;
  }

  add(born: number, bit: number, left: number, right: number): number {
    const row = this.take(born);
    this.#bits[row] = bit;
    this.#left[row] = left;
    this.#right[row] = right;
    return row;
  }

  bit(row: number): number {
    return this.#bits[row] ?? 0;
  }

  left(row: number): number {
    return this.#left[row] ?? 0;
  }

  right(row: number): number {
    return this.#right[row] ?? 0;
  }

  override parts(rows: number): readonly Uint8Array[] {
    const arrays = [bytesOf(this.#left, rows), bytesOf(this.#right, rows)];
    return [...super.parts(rows), ...arrays, this.#bits.subarray(0, rows)];
  }

  read(row: number): { readonly bit: number; readonly left: number; readonly right: number } {
    return { bit: this.bit(row), left: this.left(row), right: this.right(row) };
  }

  setLeft(row: number, left: number): void {
    this.#left[row] = left;
  }

  setRight(row: number, right: number): void {
    this.#right[row] = right;
  }

  protected override grow(rows: number): void {
    super.grow(rows);
    this.#left = grown(this.#left, new Int32Array(rows));
    this.#right = grown(this.#right, new Int32Array(rows));
    this.#bits = grown(this.#bits, new Uint8Array(rows));
  }
}

export class LeafRows extends Rows {
  #keys = new Uint8Array(this.capacity * HASH_BYTES);
  #values = new Uint8Array(this.capacity * HASH_BYTES);

  override get bytes(): number {
    return super.bytes + this.#keys.byteLength + this.#values.byteLength;
  }

  add(born: number, key: Uint8Array, value: Uint8Array): number {
    const row = this.take(born);
    this.#keys.set(key, row * HASH_BYTES);
    this.#values.set(value, row * HASH_BYTES);
    return row;
  }

  override parts(rows: number): readonly Uint8Array[] {
    const end = rows * HASH_BYTES;
    return [...super.parts(rows), this.#keys.subarray(0, end), this.#values.subarray(0, end)];
  }

  key(row: number): Uint8Array {
    return this.#keys.subarray(row * HASH_BYTES, (row + 1) * HASH_BYTES);
  }

  value(row: number): Uint8Array {
    return this.#values.subarray(row * HASH_BYTES, (row + 1) * HASH_BYTES);
  }

  setValue(row: number, value: Uint8Array): void {
    this.#values.set(value, row * HASH_BYTES);
  }

  protected override grow(rows: number): void {
    super.grow(rows);
    this.#keys = grown(this.#keys, new Uint8Array(rows * HASH_BYTES));
    this.#values = grown(this.#values, new Uint8Array(rows * HASH_BYTES));
  }
}
