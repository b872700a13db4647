/**
 * The map on disk, so that a start need not make it anew: its arrays, at a leaf that is published.
 *
 *     "countersign-map/v1\n"
 *     one line of JSON: leafIndex, leaf (base64), littleEndian, inner, leaves, top, keys
 *     the arrays (schema/index/map-image.ts)
 *     SHA-256 of everything before
 *
 * - X7  A start takes the map from a snapshot only if that is whole, of a leaf that the tables have,
 *       and leads to the root in the newest leaf: else the map is made anew from the tables.
 *
 * Written in slices into a draft that takes the old one's place when it is durable, so that a step
 * or a look-up waits for one slice at most. There is the old snapshot or the new one, never a part.
 * It is this program's own: another version, or a machine of another byte order, makes its own.
 *
 * @module
 */
import { createHash } from "node:crypto";
import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { equal, toBase64, utf8 } from "../../schema/bytes.ts";
import { type Fields, readFields } from "../../schema/fields.ts";
import { imageBytes, type MapImage } from "../../schema/index/map-image.ts";
import { MapTree } from "../../schema/index/map-tree.ts";
import { parseJson } from "../../schema/json.ts";
import { HASH_BYTES, type Sha256 } from "../../schema/tlog/hash.ts";
import { syncFolder } from "../durable-file.ts";

const MAGIC = utf8("countersign-map/v1\n");
/** Bytes of the line behind the magic, padded with spaces: its place in the file is fixed. */
const HEADER_BYTES = 4_096;
/** Bytes that are hashed, written and made durable at one time: some milliseconds. */
const SLICE_BYTES = 4_194_304;
const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** The leaf of the index log whose map it is. */
export interface SnapshotLeaf {
  readonly leafIndex: number;
  readonly leaf: Uint8Array;
}

/** Where the snapshot of an index is, by the folder of its tables. */
export function snapshotFile(folder: string): string {
  return join(folder, "map.snapshot");
}

/** One snapshot on its way to the disk. What the file system throws leaves the old one in place. */
export class SnapshotWriter {
  readonly #path: string;
  readonly #file: number;
  readonly #digest = createHash("sha256");
  /** Bytes of the arrays that are written. */
  #written = 0;

  constructor(path: string, leaf: SnapshotLeaf, image: MapImage) {
    this.#path = path;
    this.#file = openSync(draftOf(path), "w", 0o600);
    this.#write(MAGIC);
    this.#write(utf8(headerLine(leaf, image)));
  }

  /** The next slice of the arrays, as they stand now. `true` once the snapshot is in its place. */
  next(parts: readonly Uint8Array[]): boolean {
    let skip = this.#written;
    for (const part of parts) {
      if (skip < part.length) {
        this.#write(part.subarray(skip, skip + SLICE_BYTES));
        this.#written += Math.min(SLICE_BYTES, part.length - skip);
        fdatasyncSync(this.#file);
        return false;
      }
      skip -= part.length;
    }
    this.#writeWhole(this.#digest.digest());
    fdatasyncSync(this.#file);
    closeSync(this.#file);
    renameSync(draftOf(this.#path), this.#path);
    syncFolder(dirname(this.#path));
    return true;
  }

  /** Leaves the old snapshot where it is. */
  abandon(): void {
    closeSync(this.#file);
    rmSync(draftOf(this.#path), { force: true });
  }

  #write(bytes: Uint8Array): void {
    this.#digest.update(bytes);
    this.#writeWhole(bytes);
  }

  #writeWhole(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at);
  }
}

/** A map that was read back. */
export interface LoadedMap {
  readonly tree: MapTree;
  readonly leafIndex: number;
}

/**
 * The snapshot, if there is one that is whole, of this version, and of a leaf that `leafAt` knows
 * (X7). Everything else, unreadable files among it, is none.
 */
export function readSnapshot(
  sha256: Sha256,
  path: string,
  leafAt: (leafIndex: number) => Uint8Array | undefined,
): LoadedMap | undefined {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch {
    return undefined;
  }
  try {
    return readOpen(sha256, file, leafAt);
  } catch {
    return undefined;
  } finally {
    closeSync(file);
  }
}

/** Takes the snapshot away, and what is left of one that was cut off. */
export function removeSnapshot(folder: string): void {
  const path = snapshotFile(folder);
  for (const one of [path, draftOf(path)]) rmSync(one, { force: true });
}

function draftOf(path: string): string {
  return `${path}.new`;
}

function headerLine({ leafIndex, leaf }: SnapshotLeaf, image: MapImage): string {
  const line = JSON.stringify({
    leafIndex,
    leaf: toBase64(leaf),
    littleEndian: LITTLE_ENDIAN,
    ...image,
  });
  return `${line.padEnd(HEADER_BYTES - 1)}\n`;
}

function readHeader(header: Fields): SnapshotLeaf & { readonly image: MapImage } {
  if (header.boolean("littleEndian") !== LITTLE_ENDIAN)
    header.refuse("littleEndian", "this machine's");
  return {
    leafIndex: header.integer("leafIndex"),
    leaf: header.bytes("leaf"),
    image: {
      inner: header.integer("inner"),
      leaves: header.integer("leaves"),
      top: header.integer("top"),
      keys: header.integer("keys"),
    },
  };
}

function readOpen(
  sha256: Sha256,
  file: number,
  leafAt: (leafIndex: number) => Uint8Array | undefined,
): LoadedMap | undefined {
  const digest = createHash("sha256");
  const read = (bytes: Uint8Array): boolean => {
    const whole = readWhole(file, bytes);
    digest.update(bytes);
    return whole;
  };
  const head = new Uint8Array(MAGIC.length + HEADER_BYTES);
  if (!read(head) || !equal(head.subarray(0, MAGIC.length), MAGIC)) return undefined;
  const json = parseJson(head.subarray(MAGIC.length));
  const header = json.ok ? readFields(json.value, "snapshot", readHeader) : json;
  if (!header.ok) return undefined;
  const { leafIndex, leaf, image } = header.value;
  const known = leafAt(leafIndex);
  if (known === undefined || !equal(known, leaf)) return undefined;
  // Before any room is made for them: as many rows as the file has bytes for.
  const { size } = fstatSync(file);
  if (size !== head.length + imageBytes(image) + HASH_BYTES) return undefined;
  const tree = MapTree.load(sha256, image, (parts) => {
    if (!parts.every((part) => inSlices(part).every(read))) return false;
    const trailer = new Uint8Array(HASH_BYTES);
    return readWhole(file, trailer) && equal(trailer, digest.digest());
  });
  return tree && { tree, leafIndex };
}

function inSlices(part: Uint8Array): Uint8Array[] {
  return Array.from({ length: Math.ceil(part.length / SLICE_BYTES) }, (_, i) =>
    part.subarray(i * SLICE_BYTES, (i + 1) * SLICE_BYTES),
  );
}

function readWhole(file: number, bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; ) {
    const got = readSync(file, bytes, at, bytes.length - at, null);
    if (got === 0) return false;
    at += got;
  }
  return true;
}
