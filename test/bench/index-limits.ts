/**
 * What a builder of an index cannot be faster than, in the same run: as many rows of the same form
 * as one part of the log gave, written in their batches into an empty table; and SHA-256 of a node.
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { hashes } from "./limits.ts";

const ROWS = 400_000;
/** Rows of one step of the index. */
const STEP = 40_000;

export interface IndexLimits {
  /** Rows of postings a second. */
  readonly rows: number;
  /** SHA-256 of 65 bytes a second, one core. */
  readonly hashes: number;
}

export function indexLimits(): IndexLimits {
  const folder = mkdtempSync(join(tmpdir(), "countersign-limit-"));
  try {
    const db = new Database(join(folder, "postings.db"));
    db.pragma("journal_mode = WAL");
    db.pragma("synchronous = NORMAL");
    const schema = new URL("../../server/index/schema.sql", import.meta.url);
    db.exec(readFileSync(schema, "utf8"));
    const insert = db.prepare("INSERT INTO posting (key, idx, claim) VALUES (?, ?, NULL)");
    const keys = Array.from({ length: ROWS }, () => randomBytes(32));
    const begun = performance.now();
    for (let at = 0; at < ROWS; at += STEP)
      db.transaction(() => {
        for (let i = at; i < at + STEP; i++) insert.run(keys[i], i);
      })();
    const seconds = (performance.now() - begun) / 1000;
    db.close();
    return { rows: ROWS / seconds, hashes: hashes() };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
