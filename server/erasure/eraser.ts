/**
 * Erasing a content while the log runs, one at a time:
 *
 *     1  refuse    from now on no new entry may name the content
 *     2  ask       all its entries must lie under a published leaf of the index, so that what they
 *                  post stays committed; that leaf carries the quorum of index verifiers, where one
 *                  is asked for
 *     3  say       the statement, through the same door as every entry, until it is published
 *     4  remove    the content, in one transaction with what is kept of it (carry-out.ts, R1)
 *
 * Where 2 or 3 refuses, nothing has changed. After 3 there is no way back: whatever fails then is
 * carried out by the next call, or the next start.
 *
 * Spec: docs/formats.md §Erased contents.
 *
 * @module
 */
import type { Crypto } from "../../client/crypto/crypto.ts";
import { toHex } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import type { Generation } from "../../schema/index/generation.ts";
import type { IndexedLog } from "../../schema/index/mapfn.ts";
import type { Hash } from "../../schema/tlog/hash.ts";
import type { Admit } from "../admission/admit.ts";
import type { LogKey } from "../log-key.ts";
import { makeStatement } from "../own-statements.ts";
import type { Sequencer } from "../sequencer/log.ts";
import type { Storage } from "../storage/storage.ts";
import {
  type CarryOutPorts,
  carryOut,
  disagreeing,
  entriesWith,
  eraseNow,
  erasureOf,
  isOwnStatement,
} from "./carry-out.ts";
import type { Refusals } from "./refusals.ts";

/** Entries after which a running log looks again for statements that came by another way. */
const LOOK_AFTER = 16_384;

export interface ErasePorts {
  readonly crypto: Crypto;
  readonly key: Pick<LogKey, "origin" | "vkey" | "statement">;
  readonly storage: Storage;
  readonly sequencer: Pick<Sequencer, "appendDurable" | "published" | "settled">;
  /** The door of this log, without limits and authority. */
  readonly admit: Admit;
  readonly refusals: Refusals;
  /** Entries under the newest published leaf of the index; `undefined` where the log keeps none. */
  readonly indexed: () => number | undefined;
  /** Mapfns of the indexes that the log keeps besides the first. */
  readonly others?: () => readonly Generation[];
  /** Seconds since 1970, by the clock of what the log signs (I7). */
  readonly clock: () => number;
  /** The disk is in doubt (I5). */
  readonly onFatal: (reason: LogError) => void;
  /** Told of a content that is gone; what else was derived from it goes before the erasure is answered. */
  readonly onErased?: (digest: Hash, statement: number) => Promise<void>;
}

export interface Erased {
  /** Index of the statement. */
  readonly statement: number;
  /** Entries whose content is gone; empty where it was gone before. */
  readonly entries: readonly number[];
}

export class Eraser {
  readonly #ports: ErasePorts;
  readonly #carryOut: CarryOutPorts;
  /** Statements that are in the log, of contents that are still here. */
  readonly #stated = new Map<string, number>();
  readonly #gone = new Map<string, number>();
  #turn: Promise<unknown> = Promise.resolve();
  #upTo = 0;
  #lookAt = 0;

  /** Carries out what the log has said already; nothing may be served before. */
  static async open(ports: ErasePorts): Promise<Eraser> {
    const eraser = new Eraser(ports);
    await eraser.#look();
    // Durable, and not yet published: its statements are carried out when it is.
    eraser.#lookAt = (await ports.storage.readHead()).size;
    for (const { digest, statement } of (await ports.storage.erased()).contents)
      eraser.#gone.set(toHex(digest), statement);
    return eraser;
  }

  private constructor(ports: ErasePorts) {
    this.#ports = ports;
    const { crypto, key, storage } = ports;
    const log: IndexedLog = { origin: key.origin, vkeys: [key.vkey] };
    this.#carryOut = { crypto, log, storage };
  }

  /** @throws LogError why the content is still there: NOT_FOUND, INDEX_NOT_READY, USAGE, … */
  async erase(digest: Hash, reason: string): Promise<Erased> {
    return this.#next(() => this.#erase(digest, reason));
  }

  /** Carries out statements that came into the log by another way than this. Call it often. */
  async look(): Promise<void> {
    const { size } = this.#ports.sequencer.published();
    if (size >= this.#lookAt && size > this.#upTo) await this.#next(() => this.#look());
  }

  /** Resolves when nothing is being erased. */
  async idle(): Promise<void> {
    await this.#turn.catch(() => undefined);
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.catch(() => undefined).then(work);
    this.#turn = turn;
    return turn;
  }

  async #look(): Promise<void> {
    const { refusals, sequencer, onErased } = this.#ports;
    const { size } = sequencer.published();
    for (const { digest, statement } of await this.#orFatal(carryOut(this.#carryOut, size))) {
      refusals.add(digest);
      this.#gone.set(toHex(digest), statement);
      await onErased?.(digest, statement);
    }
    this.#upTo = size;
    this.#lookAt = size + LOOK_AFTER;
  }

  async #erase(digest: Hash, reason: string): Promise<Erased> {
    const { refusals, sequencer, storage, onErased } = this.#ports;
    const name = toHex(digest);
    const gone = this.#gone.get(name);
    if (gone !== undefined) return { statement: gone, entries: [] };
    refusals.add(digest);
    const stated = this.#stated.get(name) ?? (await this.#say(digest, reason));
    const { size } = sequencer.published();
    const entries = await entriesWith(storage.reader, digest, size);
    const erasure = erasureOf(this.#carryOut, { digest, statement: stated }, entries);
    // What is noted as carried out must not pass over statements that others may have brought.
    await this.#orFatal(eraseNow(storage, [erasure], this.#upTo));
    this.#stated.delete(name);
    this.#gone.set(name, stated);
    await onErased?.(digest, stated);
    return { statement: stated, entries };
  }

  /** Steps 2 and 3; the index of the statement, when it is published. */
  async #say(digest: Hash, reason: string): Promise<number> {
    const { refusals, sequencer } = this.#ports;
    try {
      await sequencer.settled();
      const { size } = await this.#ports.storage.readHead();
      this.#mustBeErasable(digest, await entriesWith(this.#ports.storage.reader, digest, size));
      const entries = await makeStatement(this.#ports, (said) => ({
        type: "erase",
        ...said,
        digest: toHex(digest),
        reason,
      }));
      const { committed, published } = sequencer.appendDurable(entries);
      const [appended] = await committed;
      if (appended === undefined) throw new LogError("INTERNAL", "a statement got no index");
      this.#stated.set(toHex(digest), appended.index);
      await published;
      return appended.index;
    } catch (error) {
      if (!this.#stated.has(toHex(digest))) refusals.remove(digest);
      throw error;
    }
  }

  #mustBeErasable(digest: Hash, entries: readonly number[]): void {
    const last = entries.at(-1);
    if (last === undefined)
      throw new LogError("NOT_FOUND", "This log holds no content with this digest.", {
        field: "digest",
        expected: "the SHA-256 of a content, in hex: `content.digest` of its entries",
        hint: toHex(digest),
      });
    if (entries.some((index) => isOwnStatement(this.#carryOut, index)))
      throw new LogError("USAGE", `entry ${last} is a statement of the log itself`, {
        field: "digest",
        hint: "nobody could start or follow the log without it: it stays",
      });
    const other = disagreeing(this.#carryOut, this.#ports.others?.() ?? [], digest, entries);
    if (other !== undefined)
      throw new LogError(
        "USAGE",
        `index ${other.number} reads more in this content than the first`,
        {
          field: "digest",
          hint: "the log keeps one list of postings of an erased entry, and it would not be that of both",
        },
      );
    const indexed = this.#ports.indexed();
    if (indexed === undefined)
      throw new LogError("INDEX_NOT_READY", "this log keeps no index", {
        field: "index.enabled",
        expected: "an index that commits to what the entries of the content say",
        hint: "`countersign index init` makes one; erase when it has caught up",
      });
    if (last >= indexed)
      throw new LogError("INDEX_NOT_READY", `entry ${last} is under no leaf of the index yet`, {
        field: `entry ${last}`,
        limit: indexed,
        expected: `an index of more than ${last} entries; it has ${indexed}`,
        hint: "/readyz shows how far it is: wait, and give the same command again",
      });
  }

  async #orFatal<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (error instanceof LogError && error.code === "OUTCOME_UNKNOWN") this.#ports.onFatal(error);
      throw error;
    }
  }
}
