/**
 * A store that lives in memory, for tests: the same promises as on disk, without the disk.
 *
 * `MemoryDisk` is what outlives a process; `MemoryStorage` is one process's hold on it.
 *
 * @module
 */
import { equal, toHex } from "../../../schema/bytes.ts";
import { LogError } from "../../../schema/error.ts";
import { emptyRoot, type Hash, leafHash, type Sha256 } from "../../../schema/tlog/hash.ts";
import type {
  Batch,
  CommitResult,
  ErasedContents,
  EraseResult,
  Erasure,
  NewEntry,
  Storage,
  StorageReader,
  StoredContent,
  StoredHead,
  TileWrite,
} from "../storage.ts";

interface Row {
  readonly leaf: Uint8Array;
  /** Digest of the content that is held; `undefined` for an opaque entry. */
  readonly content: string | undefined;
}

export class MemoryDisk {
  readonly origin: string;
  readonly databaseId: Uint8Array;
  /** Bytes of leaves, contents and keys that fit. A test may change it at any time. */
  capacity: number = Number.POSITIVE_INFINITY;
  used = 0;
  held = false;
  head: StoredHead;
  readonly rows: Row[] = [];
  readonly indexes: Map<string, number> = new Map();
  /** `undefined` once erased. */
  readonly contents: Map<string, Uint8Array | undefined> = new Map();
  readonly erased: Map<string, Omit<Erasure, "postings">> = new Map();
  erasedUpTo = 0;
  readonly postings: Map<number, Uint8Array> = new Map();
  readonly keys: Map<string, Uint8Array> = new Map();
  readonly tiles: Map<string, Uint8Array> = new Map();

  constructor(sha256: Sha256, origin: string, databaseId: Uint8Array) {
    this.origin = origin;
    this.databaseId = databaseId;
    this.head = { size: 0, root: emptyRoot(sha256), epoch: 0, checkpoint: new Uint8Array(0) };
  }

  /** The process that held the disk is gone. */
  release(): void {
    this.held = false;
  }
}

export class MemoryStorage implements Storage {
  readonly place = "memory";
  readonly reader: StorageReader;
  readonly #disk: MemoryDisk;
  readonly #sha256: Sha256;

  static async open(disk: MemoryDisk, sha256: Sha256): Promise<MemoryStorage> {
    if (disk.held) throw new LogError("STORE_LOCKED", "another process holds the memory store");
    disk.held = true;
    disk.head = { ...disk.head, epoch: disk.head.epoch + 1 };
    return new MemoryStorage(disk, sha256);
  }

  private constructor(disk: MemoryDisk, sha256: Sha256) {
    this.#disk = disk;
    this.#sha256 = sha256;
    this.reader = new MemoryReader(disk);
  }

  get databaseId(): Uint8Array {
    return this.#disk.databaseId;
  }

  get origin(): string {
    return this.#disk.origin;
  }

  async readHead(): Promise<StoredHead> {
    return this.#disk.head;
  }

  async findLeaves(hashes: readonly Hash[]): Promise<readonly (number | undefined)[]> {
    return hashes.map((hash) => this.#disk.indexes.get(toHex(hash)));
  }

  async commit(expected: StoredHead, batch: Batch): Promise<CommitResult> {
    const disk = this.#disk;
    const refused = this.#refuse(batch, expected.size);
    if (refused !== undefined) return { state: "failed", error: refused };
    if (!sameHead(disk.head, expected)) return { state: "conflict", head: disk.head };
    for (const [i, entry] of batch.entries.entries()) this.#put(expected.size + i, entry);
    for (const tile of batch.tiles) disk.tiles.set(tileName(tile), tile.hashes.slice());
    disk.used += bytesOf(batch.entries);
    const { size, root, checkpoint } = batch;
    disk.head = { size, root, checkpoint, epoch: expected.epoch };
    return { state: "committed" };
  }

  async erase(erasures: readonly Erasure[], upTo: number): Promise<EraseResult> {
    const disk = this.#disk;
    for (const { digest, statement, postings } of erasures) {
      const name = toHex(digest);
      disk.used -= disk.contents.get(name)?.length ?? 0;
      if (disk.contents.has(name)) disk.contents.set(name, undefined);
      if (!disk.erased.has(name)) disk.erased.set(name, { digest, statement });
      for (const { index, bytes } of postings) disk.postings.set(index, bytes.slice());
    }
    disk.erasedUpTo = upTo;
    return { state: "committed" };
  }

  async erased(): Promise<ErasedContents> {
    return { contents: [...this.#disk.erased.values()], upTo: this.#disk.erasedUpTo };
  }

  async checkRoom(): Promise<LogError | undefined> {
    return this.#disk.used < this.#disk.capacity ? undefined : full();
  }

  async freeBytes(): Promise<number | undefined> {
    return this.#disk.capacity - this.#disk.used;
  }

  async close(): Promise<void> {
    this.#disk.release();
  }

  #refuse(batch: Batch, from: number): LogError | undefined {
    const disk = this.#disk;
    if (disk.used + bytesOf(batch.entries) > disk.capacity) return full();
    for (const [i, entry] of batch.entries.entries()) {
      if (!equal(leafHash(this.#sha256, entry.leaf), entry.leafHash))
        return new LogError("INTERNAL", `entry ${from + i} changed between admission and storage`);
      if (disk.indexes.has(toHex(entry.leafHash)))
        return new LogError("INTERNAL", `entry ${from + i} is in the store already`);
    }
    if (from + batch.entries.length !== batch.size)
      return new LogError("INTERNAL", "the batch does not reach its size");
    for (const tile of batch.tiles) {
      const stored = disk.tiles.get(tileName(tile));
      if (stored !== undefined && !equal(stored, tile.hashes.subarray(0, stored.length)))
        return new LogError("STORE_CORRUPT", `tile ${tileName(tile)} would change`);
    }
    return undefined;
  }

  #put(index: number, entry: NewEntry): void {
    const disk = this.#disk;
    const { erased } = entry;
    const isHeld = entry.content !== undefined || erased !== undefined;
    const content = isHeld ? toHex(entry.contentDigest) : undefined;
    // Copies: the caller may use its buffers again.
    if (content !== undefined && !disk.contents.has(content))
      disk.contents.set(content, entry.content?.slice());
    if (erased?.postings !== undefined) disk.postings.set(index, erased.postings.slice());
    if (entry.key !== undefined) disk.keys.set(toHex(entry.key.digest), entry.key.bytes.slice());
    disk.rows[index] = { leaf: entry.leaf.slice(), content };
    disk.indexes.set(toHex(entry.leafHash), index);
  }
}

class MemoryReader implements StorageReader {
  readonly #disk: MemoryDisk;

  constructor(disk: MemoryDisk) {
    this.#disk = disk;
  }

  tile(level: number, index: number): Uint8Array | undefined {
    return this.#disk.tiles.get(tileName({ level, index }))?.slice();
  }

  leaves(from: number, to: number): readonly Uint8Array[] {
    return this.#rows(from, to).map((row) => row.leaf);
  }

  findLeaf(hash: Hash): number | undefined {
    return this.#disk.indexes.get(toHex(hash));
  }

  contents(from: number, to: number): readonly StoredContent[] {
    return this.#rows(from, to).map((row) => this.#content(row.content));
  }

  contentSizes(from: number, to: number): readonly number[] {
    return this.#rows(from, to).map((row) => {
      const content = this.#content(row.content);
      return content.state === "held" ? content.bytes.length : 0;
    });
  }

  hasContent(index: number): boolean {
    return this.#rows(index, index + 1)[0]?.content !== undefined;
  }

  content(digest: Hash): StoredContent {
    return this.#content(toHex(digest));
  }

  entriesWith(digest: Hash, from: number, to: number): readonly number[] {
    const name = toHex(digest);
    return this.#rows(from, to).flatMap((row, i) => (row.content === name ? [from + i] : []));
  }

  keptPostings(index: number): Uint8Array | undefined {
    return this.#disk.postings.get(index);
  }

  key(digest: Hash): Uint8Array | undefined {
    return this.#disk.keys.get(toHex(digest));
  }

  together<T>(read: () => T): T {
    return read();
  }

  #content(digest: string | undefined): StoredContent {
    const { contents } = this.#disk;
    if (digest === undefined || !contents.has(digest)) return { state: "never-held" };
    const bytes = contents.get(digest);
    return bytes === undefined ? { state: "erased" } : { state: "held", bytes };
  }

  #rows(from: number, to: number): readonly Row[] {
    const rows = this.#disk.rows.slice(from, to);
    if (rows.length !== Math.max(0, to - from))
      throw new LogError("STORE_CORRUPT", `entries ${from} to ${to - 1} are not all stored`);
    return rows;
  }
}

function tileName({ level, index }: Pick<TileWrite, "level" | "index">): string {
  return `${level}/${index}`;
}

function bytesOf(entries: readonly NewEntry[]): number {
  let bytes = 0;
  for (const { leaf, content, key } of entries)
    bytes += leaf.length + (content?.length ?? 0) + (key?.bytes.length ?? 0);
  return bytes;
}

function sameHead(a: StoredHead, b: StoredHead): boolean {
  return a.size === b.size && a.epoch === b.epoch && equal(a.root, b.root);
}

function full(): LogError {
  return new LogError("STORAGE_FULL", "the memory store is full");
}
