/**
 * The life of the write-ahead file: when it is copied into the database (checkpoint), and the
 * generations that tie the two files together (see files.ts).
 *
 * Checkpoints are ours to call and not SQLite's, which would run them inside COMMIT and swallow
 * their errors: a failed fsync must stop the log (I5).
 *
 * @module
 */
import Database from "better-sqlite3";
import { sealedGeneration } from "./files.ts";

/** Frames after which the write-ahead file is copied. Bounds the file, and the time to open a store. */
const FRAMES = 2_000;

/** How long a commit waits for readers: of the driver, and while the file is being emptied. */
const BUSY_MS = 5_000;
const EMPTYING_MS = 50;

interface CheckpointRow {
  readonly busy: number;
  readonly log: number;
  readonly checkpointed: number;
}

export class WriteAhead {
  readonly #database: Database.Database;
  #generation: number;
  /** The file was copied whole: the next commit starts it anew. */
  #fresh = false;
  /** The generation was made odd, and the file is to be copied. */
  #sealed = false;
  #isLong = false;
  /** Its pages must not stay in the file, also not behind the end of what is in use. */
  #emptying = false;

  constructor(database: Database.Database) {
    this.#database = database;
    this.#generation = numberOf(database.pragma("user_version", { simple: true }));
  }

  /** Runs `bump` in a transaction of its own, between two checkpoints: the store starts sealed. */
  open(bump: () => void): void {
    const complete = this.#checkpoint("TRUNCATE");
    this.#database.exec("BEGIN IMMEDIATE");
    bump();
    // A reader of another process may hold the old write-ahead file open; then an odd one stays.
    if (complete || this.#generation % 2 === 0) this.#set(sealedGeneration(this.#generation));
    this.#database.exec("COMMIT");
    this.#fresh = this.#checkpoint("TRUNCATE");
    this.#sealed = !this.#fresh;
  }

  /** Inside a transaction, before its COMMIT. */
  beforeCommit(): void {
    if (this.#fresh) {
      this.#set(this.#generation + 1);
    } else if (!this.#sealed && this.#isLong) {
      this.#set(sealedGeneration(this.#generation));
      this.#sealed = true;
    }
  }

  /** The same, where pages of earlier commits must not outlive this one: the file is copied next. */
  beforeErase(): void {
    if (!this.#sealed) this.#set(sealedGeneration(this.#generation));
    this.#sealed = true;
    this.#emptying = true;
  }

  /** After COMMIT was answered. Throws where a checkpoint failed for another reason than space. */
  afterCommit(): void {
    this.#fresh = false;
    this.#isLong = this.#frames() >= FRAMES;
    if (!this.#sealed) return;
    this.#fresh = this.#checkpoint("PASSIVE");
    this.#sealed = !this.#fresh;
    if (this.#fresh && this.#emptying) this.#emptying = !this.#empty();
  }

  close(): void {
    if (!this.#fresh && !this.#sealed) this.#set(sealedGeneration(this.#generation));
    this.#checkpoint("TRUNCATE");
  }

  #set(generation: number): void {
    this.#database.pragma(`user_version = ${generation}`);
    this.#generation = generation;
  }

  #frames(): number {
    const row = this.#run("NOOP");
    return row === undefined ? 0 : row.log - row.checkpointed;
  }

  /** Not while somebody reads out of the file (a backup, say): then the next commit tries again. */
  #empty(): boolean {
    this.#database.pragma(`busy_timeout = ${EMPTYING_MS}`);
    const done = this.#checkpoint("TRUNCATE");
    this.#database.pragma(`busy_timeout = ${BUSY_MS}`);
    return done;
  }

  /** Whether the whole file is in the database now. */
  #checkpoint(mode: "PASSIVE" | "TRUNCATE"): boolean {
    try {
      const row = this.#run(mode);
      return row !== undefined && row.busy === 0 && row.log === row.checkpointed;
    } catch (error) {
      // The database cannot grow now. The write-ahead file keeps everything and room.ts speaks up.
      if (error instanceof Database.SqliteError && error.code === "SQLITE_FULL") return false;
      throw error;
    }
  }

  #run(mode: string): CheckpointRow | undefined {
    return this.#database.prepare<[], CheckpointRow>(`PRAGMA wal_checkpoint(${mode})`).get();
  }
}

function numberOf(value: unknown): number {
  if (typeof value !== "number") throw new Error("SQLite gave no number");
  return value;
}
