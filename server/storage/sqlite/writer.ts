/**
 * The writing side of the store, as the worker thread runs it: plain, synchronous, one owner.
 *
 * - I2  One transaction holds leaves, contents, keys, tiles, dedup rows and the head: no head
 *       without them, and none of them without the head.
 * - I4  A stored tile never changes: it only grows, and a write that does not begin with what is
 *       there is refused.
 * - I5  After an error of COMMIT, of a checkpoint, or of anything whose effect is in doubt, this
 *       object is broken: it touches the disk no more and answers `unknown` for ever.
 *
 * Nothing is written before COMMIT: the page cache may not spill, so what fails earlier failed
 * without effect.
 *
 * @module
 */
import Database from "better-sqlite3";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { equal } from "../../../schema/bytes.ts";
import { LogError } from "../../../schema/error.ts";
import { HASH_BYTES, leafHash } from "../../../schema/tlog/hash.ts";
import { type Lock, takeLock } from "../../lock.ts";
import type { CommitResult, ErasedContents, EraseResult, Erasure, StoredHead } from "../storage.ts";
import { keepPostings, makeErasedTables, readErased, writeErasures } from "./erase.ts";
import { mustExist, type StoreFiles, storeFiles } from "./files.ts";
import { asLogError, inspectStore, isDamage } from "./inspect.ts";
import { type PackedBatch, unpackEntries, unpackTiles } from "./packing.ts";
import { Room } from "./room.ts";
import { corrupt, headDigest, type Meta, toHead } from "./rows.ts";
import { prepareStatements, type Statements } from "./statements.ts";
import { WriteAhead } from "./write-ahead.ts";

export class SqliteWriter {
  readonly meta: Meta;
  readonly #database: Database.Database;
  readonly #lock: Lock;
  readonly #room: Room;
  readonly #wal: WriteAhead;
  readonly #sql: Statements;
  #broken: unknown;

  /**
   * Takes the store for this process. Throws `STORE_MISSING`, `STORE_LOCKED`, `STORE_NEWER` or
   * `STORE_CORRUPT`; then nothing of it was changed.
   */
  static open(folder: string): SqliteWriter {
    const files = storeFiles(folder);
    mustExist(files.database);
    const lock = takeLock(files.lock, `the store in ${folder}`);
    try {
      const { meta, head } = inspectStore(files);
      return new SqliteWriter(folder, files, lock, meta, head);
    } catch (error) {
      lock.release();
      throw asLogError(error, files.database);
    }
  }

  private constructor(folder: string, files: StoreFiles, lock: Lock, meta: Meta, head: StoredHead) {
    this.meta = meta;
    this.#lock = lock;
    this.#database = new Database(files.database, { fileMustExist: true });
    for (const pragma of PRAGMAS) this.#database.pragma(pragma);
    this.#sql = prepareStatements(this.#database);
    this.#wal = new WriteAhead(this.#database);
    this.#wal.open(() => {
      makeErasedTables(this.#database);
      this.#moveEpoch(head);
    });
    const pageBytes = Number(this.#database.pragma("page_size", { simple: true }));
    this.#room = new Room(folder, files, pageBytes);
  }

  readHead(): StoredHead {
    this.#mustBeWhole();
    return toHead(this.#sql.head.get());
  }

  /** Indexes of packed leaf hashes, −1 where there is none. */
  findLeaves(hashes: Uint8Array): Float64Array<ArrayBuffer> {
    this.#mustBeWhole();
    const found = new Float64Array(hashes.length / HASH_BYTES);
    for (let i = 0; i < found.length; i++) {
      const hash = hashes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES);
      found[i] = this.#sql.findLeaf.get(hash)?.idx ?? -1;
    }
    return found;
  }

  checkRoom(): LogError | undefined {
    this.#mustBeWhole();
    return this.#room.check();
  }

  freeBytes(): number {
    return this.#room.freeBytes();
  }

  commit(batch: PackedBatch): CommitResult {
    if (this.#broken !== undefined) return { state: "unknown", cause: this.#broken };
    const noRoom = this.#room.check(batch);
    if (noRoom !== undefined) return { state: "failed", error: noRoom };
    try {
      this.#database.exec("BEGIN IMMEDIATE");
      if (!this.#moveHead(batch)) {
        this.#database.exec("ROLLBACK");
        return { state: "conflict", head: this.readHead() };
      }
      this.#writeEntries(batch);
      this.#writeTiles(batch);
      this.#wal.beforeCommit();
    } catch (error) {
      return this.#undo(error);
    }
    try {
      this.#database.exec("COMMIT");
    } catch (error) {
      return this.#break(error);
    }
    return { state: "committed" };
  }

  erase(erasures: readonly Erasure[], upTo: number): EraseResult {
    if (this.#broken !== undefined) return { state: "unknown", cause: this.#broken };
    const noRoom = this.#room.check();
    if (noRoom !== undefined) return { state: "failed", error: noRoom };
    try {
      if (erasures.length > 0) this.#database.pragma("secure_delete = ON");
      this.#database.exec("BEGIN IMMEDIATE");
      writeErasures(this.#database, erasures, upTo);
      if (erasures.length > 0) this.#wal.beforeErase();
      else this.#wal.beforeCommit();
    } catch (error) {
      return this.#undo(error);
    }
    try {
      this.#database.exec("COMMIT");
      this.#database.pragma("secure_delete = FAST");
    } catch (error) {
      return this.#break(error);
    }
    return { state: "committed" };
  }

  erased(): ErasedContents {
    this.#mustBeWhole();
    return readErased(this.#database);
  }

  /** Copies the write-ahead file where it is long. For after the commit's answer was sent. */
  afterCommit(): void {
    if (this.#broken !== undefined) return;
    try {
      this.#wal.afterCommit();
    } catch (error) {
      this.#break(error);
    }
  }

  close(): void {
    // After an unknown outcome the files are left as they are; the system takes the locks back.
    if (this.#broken !== undefined) return;
    this.#wal.close();
    this.#room.close();
    this.#database.close();
    this.#lock.release();
  }

  #moveEpoch(head: StoredHead): void {
    const next = { ...head, epoch: head.epoch + 1 };
    this.#sql.moveEpoch.run(next.epoch, headDigest(next), head.epoch);
  }

  /** The only place where the head moves. False where it is not the expected one. */
  #moveHead({ expected, size, root, checkpoint }: PackedBatch): boolean {
    const digest = headDigest({ size, root, epoch: expected.epoch, checkpoint });
    const moved = this.#sql.moveHead.run(
      size,
      root,
      checkpoint,
      digest,
      expected.size,
      expected.root,
      expected.epoch,
    );
    return moved.changes === 1;
  }

  #writeEntries(batch: PackedBatch): void {
    let index = batch.expected.size;
    let content: number | bigint | null = null;
    for (const entry of unpackEntries(batch)) {
      if (!equal(leafHash(nodeCrypto.sha256, entry.leaf), entry.leafHash)) {
        throw new LogError("INTERNAL", `entry ${index} changed between admission and storage`, {
          field: `entry ${index}`,
          hint: "suspect this machine's memory",
        });
      }
      if (entry.content === undefined) content = null;
      else if (entry.content !== "same") {
        const bytes = entry.content === "erased" ? null : entry.content;
        content = this.#contentId(entry.contentDigest, bytes);
      }
      if (entry.key !== undefined) this.#sql.insertKey.run(entry.keyDigest, entry.key);
      this.#sql.insertLeaf.run(index, content, entry.leaf);
      this.#sql.insertLeafHash.run(entry.leafHash, index);
      if (entry.postings !== undefined) keepPostings(this.#database, index, entry.postings);
      index++;
    }
    if (index !== batch.size)
      throw new LogError("INTERNAL", `a batch up to ${batch.size} has entries up to ${index}`);
  }

  #contentId(digest: Uint8Array, bytes: Uint8Array | null): number | bigint {
    const known = this.#sql.findContent.get(digest)?.id;
    if (known !== undefined) return known;
    const id = this.#sql.insertContent.run(bytes).lastInsertRowid;
    this.#sql.insertContentDigest.run(digest, id);
    return id;
  }

  #writeTiles(batch: PackedBatch): void {
    for (const tile of unpackTiles(batch)) {
      const stored = this.#sql.tile.get(tile.level, tile.index)?.hashes;
      if (stored !== undefined && !equal(stored, tile.hashes.subarray(0, stored.length))) {
        const name = `tile ${tile.level}/${tile.index}`;
        throw corrupt(name, "a write would change what is stored");
      }
      if (stored?.length !== tile.hashes.length)
        this.#sql.putTile.run(tile.level, tile.index, tile.hashes);
    }
  }

  /** Something failed before COMMIT: with nothing written, a rollback leaves no doubt. */
  #undo(error: unknown): EraseResult {
    try {
      if (this.#database.inTransaction) this.#database.exec("ROLLBACK");
    } catch (second) {
      return this.#break(second);
    }
    if (error instanceof LogError) return { state: "failed", error };
    const code = error instanceof Database.SqliteError ? error.code : "";
    if (code === "SQLITE_FULL") return failed("STORAGE_FULL", "the database cannot grow", error);
    if (code.startsWith("SQLITE_BUSY"))
      return failed("STORAGE_FAILED", "another program writes to the store", error);
    if (isDamage(error)) return failed("STORE_CORRUPT", "SQLite found damage", error);
    if (code.startsWith("SQLITE_CONSTRAINT"))
      return failed("INTERNAL", "the batch contradicts the store", error);
    return this.#break(error);
  }

  #break(cause: unknown): Extract<CommitResult, { readonly state: "unknown" }> {
    this.#broken = cause;
    return { state: "unknown", cause };
  }

  #mustBeWhole(): void {
    if (this.#broken === undefined) return;
    throw new LogError("OUTCOME_UNKNOWN", "the store is not touched after an unknown outcome", {
      cause: this.#broken,
    });
  }
}

/**
 * FULL: every COMMIT waits for the disk. No spill: nothing is written before COMMIT. FAST: what moves
 * to another page leaves no copy behind, where an erasure would not find it.
 */
export const PRAGMAS = [
  "synchronous = FULL",
  "fullfsync = ON",
  "checkpoint_fullfsync = ON",
  "cache_spill = OFF",
  "secure_delete = FAST",
  "wal_autocheckpoint = 0",
  "trusted_schema = OFF",
  "cell_size_check = ON",
  "cache_size = -32768",
] as const;

function failed(
  code: "STORAGE_FULL" | "STORAGE_FAILED" | "STORE_CORRUPT" | "INTERNAL",
  message: string,
  cause: unknown,
): EraseResult {
  return { state: "failed", error: new LogError(code, message, { cause }) };
}
