/**
 * One transaction in which damaged rows of a store are replaced, for `repair-from.ts`, which proves
 * the bytes. It is kept only if, at its end, all leaves together give the root of the head.
 *
 * Look-up rows of contents are derived (all but those of erased ones) and made anew.
 *
 * The server must be stopped: the store's lock is taken.
 *
 * @module
 */
import Database from "better-sqlite3";
import { equal } from "../../../schema/bytes.ts";
import type { Hash, Sha256 } from "../../../schema/tlog/hash.ts";
import { type Lock, takeLock } from "../../lock.ts";
import type { StoredHead } from "../storage.ts";
import type { LeafRow } from "./audit.ts";
import { keepPostings, makeErasedTables, readKeptPostings } from "./erase.ts";
import { mustExist, storeFiles } from "./files.ts";
import { asLogError, inspectStore } from "./inspect.ts";
import { deriveAnew, recreate } from "./repair.ts";
import type { Meta } from "./rows.ts";

type Id = number | bigint;

interface ContentRow {
  readonly id: number;
  readonly bytes: Uint8Array | null;
}

interface KeyRow {
  readonly id: number;
  readonly digest: Uint8Array;
  readonly bytes: Uint8Array;
}

/** Few at a time: a content may have a mebibyte. */
const CONTENTS_AT_ONCE = 16;

export class StorePatch {
  readonly meta: Meta;
  readonly head: StoredHead;
  readonly #path: string;
  readonly #database: Database.Database;
  readonly #lock: Lock;
  readonly #sha256: Sha256;

  /** Throws `STORE_LOCKED`, or `STORE_CORRUPT` where head or meta are not as written. */
  static open(folder: string, sha256: Sha256): StorePatch {
    const files = storeFiles(folder);
    mustExist(files.database);
    const lock = takeLock(files.lock, `the store in ${folder}`);
    let database: Database.Database | undefined;
    try {
      const { meta, head } = inspectStore(files);
      database = new Database(files.database, { fileMustExist: true });
      database.pragma("synchronous = FULL");
      database.pragma("secure_delete = ON");
      database.exec("BEGIN IMMEDIATE");
      makeErasedTables(database);
      return new StorePatch(files.database, database, lock, sha256, { meta, head });
    } catch (error) {
      database?.close();
      lock.release();
      throw asLogError(error, files.database);
    }
  }

  private constructor(
    path: string,
    database: Database.Database,
    lock: Lock,
    sha256: Sha256,
    { meta, head }: { readonly meta: Meta; readonly head: StoredHead },
  ) {
    this.#path = path;
    this.#database = database;
    this.#lock = lock;
    this.#sha256 = sha256;
    this.meta = meta;
    this.head = head;
  }

  /** Which content has which digest, anew out of the contents; erased ones keep their row. */
  deriveContentRows(): void {
    this.#guarded(() => {
      const erased = this.#database
        .prepare<[], { readonly digest: Uint8Array; readonly id: number }>(
          "SELECT d.digest, d.id FROM content_digest d JOIN content c ON c.id = d.id WHERE c.bytes IS NULL",
        )
        .all();
      recreate(this.#database, "content_digest");
      const insert = this.#database.prepare<[Uint8Array, Id]>(
        "INSERT OR IGNORE INTO content_digest (digest, id) VALUES (?, ?)",
      );
      for (const { digest, id } of erased) insert.run(digest, id);
      const next = this.#database.prepare<[number, number], ContentRow>(
        "SELECT id, bytes FROM content WHERE id > ? ORDER BY id LIMIT ?",
      );
      for (let rows = next.all(Number.MIN_SAFE_INTEGER, CONTENTS_AT_ONCE); rows.length > 0; ) {
        for (const { id, bytes } of rows) if (bytes !== null) insert.run(this.#sha256(bytes), id);
        rows = next.all(rows.at(-1)?.id ?? 0, CONTENTS_AT_ONCE);
      }
    });
  }

  leaves(from: number, to: number): readonly LeafRow[] {
    return this.#guarded(() =>
      this.#database
        .prepare<[number, number], LeafRow>(
          "SELECT idx, content, bytes FROM leaf WHERE idx >= ? AND idx < ? ORDER BY idx",
        )
        .all(from, to),
    );
  }

  putLeaf(index: number, content: Id | null, bytes: Uint8Array): void {
    this.#guarded(() =>
      this.#database
        .prepare<[number, Id | null, Uint8Array]>(
          `INSERT INTO leaf (idx, content, bytes) VALUES (?, ?, ?)
           ON CONFLICT (idx) DO UPDATE SET content = excluded.content, bytes = excluded.bytes`,
        )
        .run(index, content, bytes),
    );
  }

  /** The bytes of the content that has this id; `undefined` where it was erased, or is not there. */
  contentBytes(id: number): Uint8Array | undefined {
    const row = this.#contentRow(id);
    return row?.bytes ?? undefined;
  }

  /** The id of a content that the log has erased, whatever is left of its rows. */
  addErased(digest: Hash, before: number | null): Id {
    return this.#guarded(() => {
      const known = this.contentId(digest);
      if (known !== undefined) return known;
      const isGone = before !== null && this.#contentRow(before)?.bytes === null;
      const id = isGone
        ? before
        : this.#database.prepare("INSERT INTO content (bytes) VALUES (NULL)").run().lastInsertRowid;
      this.#database
        .prepare<[Uint8Array, Id]>("INSERT INTO content_digest (digest, id) VALUES (?, ?)")
        .run(digest, id);
      return id;
    });
  }

  keptPostings(index: number): Uint8Array | undefined {
    return this.#guarded(() => readKeptPostings(this.#database, index));
  }

  keepPostings(index: number, bytes: Uint8Array): void {
    this.#guarded(() => keepPostings(this.#database, index, bytes));
  }

  contentId(digest: Hash): Id | undefined {
    return this.#guarded(
      () =>
        this.#database
          .prepare<[Uint8Array], { readonly id: number }>(
            "SELECT id FROM content_digest WHERE digest = ?",
          )
          .get(digest)?.id,
    );
  }

  /** A content that its digest was checked against; its id. */
  addContent(digest: Hash, bytes: Uint8Array): Id {
    return this.#guarded(() => {
      const id = this.#database
        .prepare<[Uint8Array]>("INSERT INTO content (bytes) VALUES (?)")
        .run(bytes).lastInsertRowid;
      this.#database
        .prepare<[Uint8Array, Id]>("INSERT INTO content_digest (digest, id) VALUES (?, ?)")
        .run(digest, id);
      return id;
    });
  }

  /** Digests of the key objects that are whole. */
  soundKeys(): readonly Uint8Array[] {
    return this.#guarded(() =>
      this.#database
        .prepare<[], KeyRow>("SELECT id, digest, bytes FROM key_object")
        .all()
        .filter((row) => equal(this.#sha256(row.bytes), row.digest))
        .map(({ digest }) => digest),
    );
  }

  putKey(digest: Hash, bytes: Uint8Array): void {
    this.#guarded(() => {
      this.#database.prepare<[Uint8Array]>("DELETE FROM key_object WHERE digest = ?").run(digest);
      this.#database
        .prepare<[Uint8Array, Uint8Array]>("INSERT INTO key_object (digest, bytes) VALUES (?, ?)")
        .run(digest, bytes);
    });
  }

  /** Everything derived anew, what nothing names taken out, and kept if the leaves give the root. */
  commit(named: ReadonlySet<string>, progress?: (done: number, total: number) => void): void {
    this.#guarded(() => {
      const database = this.#database;
      database.prepare<[number]>("DELETE FROM leaf WHERE idx < 0 OR idx >= ?").run(this.head.size);
      database.exec(
        `DELETE FROM content WHERE id NOT IN (SELECT content FROM leaf WHERE content IS NOT NULL);
         DELETE FROM content_digest WHERE id NOT IN (SELECT id FROM content)`,
      );
      const remove = database.prepare<[number]>("DELETE FROM key_object WHERE id = ?");
      const keys = database.prepare<[], KeyRow>("SELECT id, digest, bytes FROM key_object").all();
      for (const { id, digest } of keys)
        if (!named.has(Buffer.from(digest).toString("hex"))) remove.run(id);
      deriveAnew(database, this.head, this.#sha256, progress);
      // The next start goes through all of them: what came back although it was erased goes again.
      database.exec("UPDATE erased_up_to SET size = 0");
      database.exec("COMMIT");
    });
  }

  /** Takes back what was not committed. */
  close(): void {
    if (this.#database.inTransaction) this.#database.exec("ROLLBACK");
    this.#database.close();
    this.#lock.release();
  }

  #contentRow(id: number): ContentRow | undefined {
    return this.#guarded(() =>
      this.#database
        .prepare<[number], ContentRow>("SELECT id, bytes FROM content WHERE id = ?")
        .get(id),
    );
  }

  #guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw asLogError(error, this.#path);
    }
  }
}
