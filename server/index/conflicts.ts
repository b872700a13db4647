/**
 * The conflicts of a log: a feed that only grows, of contradictions that were found in its index.
 *
 * Everything in it follows from the log, so it is written without waiting for the disk, and made
 * again by a scan of the tables where it is gone, torn, or behind them. A slot is in it once for
 * each kind, however often its signers go on. Off the write path: keys come in from published
 * leaves of the index, and are worked on one small portion after the other.
 *
 * The file is NDJSON: one line for each conflict, `{"upTo":n}` where the last of them were taken out
 * because a content was erased, and a last one `{"done":n}` of a log that was closed in order. A line that cannot be read ends the reading; what follows is found again.
 *
 * @module
 */
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { fromUtf8, join, toHex, utf8 } from "../../schema/bytes.ts";
import { codedError, type LogError, type Result } from "../../schema/error.ts";
import { CLAIM_KINDS } from "../../schema/evidence/claims.ts";
import { type Fields, readFields } from "../../schema/fields.ts";
import { formatLookupKey, type LookupKey, readLookupKey } from "../../schema/index/lookup.ts";
import { mapKey } from "../../schema/index/map-key.ts";
import { parseJson } from "../../schema/json.ts";
import type { Hash, Sha256 } from "../../schema/tlog/hash.ts";
import type { FoundConflict } from "./find-conflicts.ts";

/** Conflicts that are kept; more push the oldest out. */
const MAX_CONFLICTS = 50_000;
const MAX_FILE_BYTES = 134_217_728;
/** Keys that the index's thread works on at a time: look-ups wait no longer than for these. */
const PORTION = 4;
const ID_BYTES = 16;

export interface Conflict extends FoundConflict {
  /** Place in the feed, from 1. */
  readonly cursor: number;
  /** Names slot and kind. */
  readonly id: string;
  /** Seconds since 1970, by the log's wall clock. */
  readonly foundAt: number;
}

export interface ConflictPorts {
  readonly sha256: Sha256;
  readonly origin: string;
  readonly path: string;
  /** Leaves of the index that are kept. */
  readonly leaves: () => number;
  readonly find: (keys: readonly Hash[]) => Promise<readonly FoundConflict[]>;
  /** Keys with several values behind a key, in order, and where to go on; for a scan of all. */
  readonly contested: (after?: Hash) => Promise<ContestedPage>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Whether the content of an entry was erased: nobody can show a conflict of it any more. */
  readonly isGone?: (index: number) => boolean;
  readonly onConflict?: (conflict: Conflict) => void;
  readonly onTrouble?: (reason: LogError) => void;
}

export interface ContestedPage {
  readonly keys: readonly Hash[];
  readonly next?: Hash;
}

export class Conflicts {
  readonly #ports: ConflictPorts;
  #kept: Conflict[];
  readonly #known: Map<string, Conflict>;
  readonly #waiting = new Map<string, Hash>();
  /** Keys of the map about which nothing new can be found, however much is written under them. */
  readonly #settled = new Set<string>();
  #cursor: number;
  #scanned: boolean;
  #failed = false;
  #closing = false;
  #working: Promise<void> = Promise.resolve();

  /** Reads what is there. What is missing is found in the background. */
  static async open(ports: ConflictPorts): Promise<Conflicts> {
    const { kept: all, done, cursor } = await readFeed(ports);
    const kept = all.filter((one) => !isGone(ports, one));
    const conflicts = new Conflicts(ports, kept, cursor, done === ports.leaves());
    // Without what could not be read, and without the mark: it holds only until something is found.
    await conflicts.#rewrite();
    conflicts.#work();
    return conflicts;
  }

  private constructor(
    ports: ConflictPorts,
    kept: readonly Conflict[],
    cursor: number,
    scanned: boolean,
  ) {
    this.#ports = ports;
    this.#kept = [...kept];
    this.#known = new Map(kept.map((one) => [one.id, one]));
    for (const one of kept) this.#settle(one);
    this.#cursor = cursor;
    this.#scanned = scanned;
  }

  /** Whether everything that was in the index at the start has been looked at. */
  get scanned(): boolean {
    return this.#scanned;
  }

  /** Keys of the map under which different values are claimed now. */
  add(keys: readonly Hash[]): void {
    this.#await(keys);
    this.#work();
  }

  /** Takes out, also of the file, what is about a content that was erased. */
  async forget(): Promise<void> {
    this.#working = this.#working.then(async () => {
      const gone = this.#kept.filter((one) => isGone(this.#ports, one));
      if (gone.length === 0) return;
      this.#kept = this.#kept.filter((one) => !gone.includes(one));
      for (const one of gone) {
        this.#known.delete(one.id);
        // Other entries may contradict each other in the same slot.
        this.#settled.delete(toHex(keyOf(this.#ports, one.slot)));
      }
      await this.#rewrite();
    });
    await this.#working;
  }

  /** Those behind a cursor, oldest first. */
  after(cursor: number, limit: number): readonly Conflict[] {
    const first = this.#kept.findIndex((one) => one.cursor > cursor);
    return first < 0 ? [] : this.#kept.slice(first, first + limit);
  }

  /** The newest, newest first. */
  newest(limit: number): readonly Conflict[] {
    return this.#kept.slice(-limit).toReversed();
  }

  find(id: string): Conflict | undefined {
    return this.#known.get(id);
  }

  /** Resolves when everything that was added, and the scan, has been worked on. */
  async idle(): Promise<void> {
    await this.#working;
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#working;
    if (!this.#scanned || this.#failed || this.#waiting.size > 0) return;
    await appendFile(this.#ports.path, `${JSON.stringify({ done: this.#ports.leaves() })}\n`);
  }

  async #rewrite(): Promise<void> {
    // Whoever follows the feed has seen cursors up to here, also of what was taken out.
    const isLast = (this.#kept.at(-1)?.cursor ?? 0) === this.#cursor;
    const mark = isLast ? "" : `${JSON.stringify({ upTo: this.#cursor })}\n`;
    const bytes = join([...this.#kept.map(formatLine), utf8(mark)]);
    await writeFile(this.#ports.path, bytes, { mode: 0o600 });
  }

  #work(): void {
    this.#working = this.#working.then(async () => {
      try {
        await this.#scan();
        await this.#drain();
      } catch (error) {
        // Found again by the scan of the next start.
        this.#failed = true;
        this.#ports.onTrouble?.(codedError(error));
      }
    });
  }

  async #scan(): Promise<void> {
    let after: Hash | undefined;
    while (!this.#scanned && !this.#closing) {
      const page = await this.#ports.contested(after);
      this.#await(page.keys);
      await this.#drain();
      after = page.next;
      if (after === undefined && !this.#closing) this.#scanned = true;
    }
  }

  async #drain(): Promise<void> {
    while (this.#waiting.size > 0 && !this.#closing) {
      const portion = [...this.#waiting].slice(0, PORTION);
      for (const [name] of portion) this.#waiting.delete(name);
      const found = await this.#ports.find(portion.map(([, key]) => key));
      const added = found.flatMap((one) => this.#append(one) ?? []);
      if (added.length === 0) continue;
      await appendFile(this.#ports.path, join(added.map(formatLine)));
      for (const conflict of added) this.#ports.onConflict?.(conflict);
    }
  }

  #await(keys: readonly Hash[]): void {
    for (const key of keys) if (!this.#settled.has(toHex(key))) this.#waiting.set(toHex(key), key);
  }

  /** Only in these two cases may a worse kind come later. */
  #settle({ kind, slot }: FoundConflict): void {
    if (kind === "irreproducible" || (kind === "ref-moved" && slot.type !== "ref-value")) return;
    this.#settled.add(toHex(keyOf(this.#ports, slot)));
  }

  #append(found: FoundConflict): Conflict | undefined {
    const id = conflictId(this.#ports, found);
    if (this.#known.has(id)) return undefined;
    this.#cursor++;
    const foundAt = Math.floor(this.#ports.now() / 1000);
    const conflict = { ...found, id, foundAt, cursor: this.#cursor };
    this.#known.set(id, conflict);
    this.#kept.push(conflict);
    this.#settle(conflict);
    const old = this.#kept.length > MAX_CONFLICTS ? this.#kept.shift() : undefined;
    if (old !== undefined) {
      this.#known.delete(old.id);
      this.#settled.delete(toHex(keyOf(this.#ports, old.slot)));
    }
    return conflict;
  }
}

function isGone(
  { isGone: gone = () => false }: Pick<ConflictPorts, "isGone">,
  { entries }: Conflict,
): boolean {
  return entries.some((index) => gone(index));
}

type Naming = Pick<ConflictPorts, "sha256" | "origin">;

function keyOf({ sha256, origin }: Naming, { type, fields }: LookupKey): Hash {
  return mapKey(sha256, origin, type, fields);
}

function conflictId(naming: Naming, { kind, slot }: FoundConflict): string {
  const named = naming.sha256(join([utf8(`${kind}\0`), keyOf(naming, slot)]));
  return toHex(named).slice(0, 2 * ID_BYTES);
}

function formatLine({ slot, ...rest }: Conflict): Uint8Array {
  return utf8(`${JSON.stringify({ ...rest, slot: formatLookupKey(slot) })}\n`);
}

interface ReadFeed {
  readonly kept: readonly Conflict[];
  /** The last one that was ever given. */
  readonly cursor: number;
  readonly done?: number;
}

async function readFeed(ports: ConflictPorts): Promise<ReadFeed> {
  const bytes = await readFile(ports.path).catch(() => new Uint8Array(0));
  const text = bytes.length > MAX_FILE_BYTES ? undefined : fromUtf8(bytes);
  const kept: Conflict[] = [];
  let last = 0;
  for (const line of (text ?? "").split("\n")) {
    const read = readLine(line);
    if (!read.ok) break;
    if ("done" in read.value)
      return { kept: kept.slice(-MAX_CONFLICTS), cursor: last, done: read.value.done };
    if ("upTo" in read.value) {
      last = Math.max(last, read.value.upTo);
      continue;
    }
    const { cursor, id } = read.value;
    if (cursor <= last || id !== conflictId(ports, read.value)) break;
    kept.push(read.value);
    last = cursor;
  }
  return { kept: kept.slice(-MAX_CONFLICTS), cursor: last };
}

type FeedLine = Conflict | { readonly done: number } | { readonly upTo: number };

function readLine(line: string): Result<FeedLine> {
  const json = parseJson(utf8(line));
  if (!json.ok) return json;
  return readFields(json.value, "", (fields: Fields) => {
    if (fields.has("done")) return { done: fields.integer("done") };
    if (fields.has("upTo")) return { upTo: fields.integer("upTo") };
    const [a, b] = fields.array("entries", { min: 2, max: 2 });
    if (typeof a !== "number" || typeof b !== "number")
      return fields.refuse("entries", "two indexes");
    return {
      kind: fields.oneOf("kind", CLAIM_KINDS),
      entries: [a, b] as const,
      id: fields.string("id"),
      foundAt: fields.integer("foundAt"),
      cursor: fields.integer("cursor"),
      slot: readLookupKey(fields.object("slot")),
    };
  });
}
