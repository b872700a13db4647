/**
 * From erase statements in the log to contents that are gone: what the running log does, and what
 * every start does again, by the same code.
 *
 * - R1  No byte of a content is removed before the statement that erases it is in the log, durable
 *       and published. After a crash between the two the next start finds the statement and goes on.
 *
 * Of each entry that has the content its postings are kept, as mapfn gives them one last time:
 * the index has committed to them, and nothing could bring them back. Statements of the log itself
 * are never erased: a log without its genesis, or without the statement that erased something else,
 * could not be started or followed any more.
 *
 * Spec: docs/formats.md §Erased contents.
 *
 * @module
 */
import type { Crypto } from "../../client/crypto/crypto.ts";
import { gitHashOf } from "../../client/git/hash.ts";
import { equal, fromHex, toHex } from "../../schema/bytes.ts";
import { parseLeaf } from "../../schema/entry/leaf.ts";
import { OwnStatements } from "../../schema/entry/own-statements.ts";
import { LogError } from "../../schema/error.ts";
import type { Generation } from "../../schema/index/generation.ts";
import { type IndexedLog, mapfn } from "../../schema/index/mapfn.ts";
import { encodePostings } from "../../schema/index/posting.ts";
import { asHash, type Hash } from "../../schema/tlog/hash.ts";
import { ownEntries } from "../own-statements.ts";
import type { Erasure, Storage, StorageReader } from "../storage/storage.ts";

/** Rows of one read: other work goes on between two of them. */
const ROWS = 2_048;

export interface CarryOutPorts {
  readonly crypto: Crypto;
  readonly log: IndexedLog;
  readonly storage: Pick<Storage, "erase" | "erased" | "reader">;
}

/** A statement of the log, by its index, and the content that it erases. */
export type FoundErasure = Omit<Erasure, "postings">;

/**
 * Carries out every erase statement below `size` that is not carried out yet.
 *
 * @returns the contents that are gone now and were not before
 * @throws LogError OUTCOME_UNKNOWN where nobody knows what is on disk; the process must end
 */
export async function carryOut(
  ports: CarryOutPorts,
  size: number,
): Promise<readonly FoundErasure[]> {
  const { contents, upTo } = await ports.storage.erased();
  if (upTo >= size) return [];
  const done = new Set(contents.map(({ digest }) => toHex(digest)));
  const found = new Map<string, FoundErasure>();
  for (const one of await findStatements(ports, upTo, size))
    if (!done.has(toHex(one.digest)) && !found.has(toHex(one.digest)))
      found.set(toHex(one.digest), one);
  const erasures: Erasure[] = [];
  for (const one of found.values()) {
    const entries = await entriesWith(ports.storage.reader, one.digest, size);
    if (entries.some((index) => isOwnStatement(ports, index))) continue;
    erasures.push(erasureOf(ports, one, entries));
  }
  try {
    await eraseNow(ports.storage, erasures, size);
  } catch (error) {
    // A full disk stops no log that has nothing to erase: it only looks here again the next time.
    const isNoted = erasures.length > 0 || !(error instanceof LogError);
    if (isNoted || error.code === "OUTCOME_UNKNOWN") throw error;
  }
  return erasures;
}

/** Takes contents out. Throws `OUTCOME_UNKNOWN`, or why nothing was changed. */
export async function eraseNow(
  storage: Pick<Storage, "erase">,
  erasures: readonly Erasure[],
  upTo: number,
): Promise<void> {
  const result = await storage
    .erase(erasures, upTo)
    .catch((cause: unknown) => ({ state: "unknown", cause }) as const);
  if (result.state === "failed") throw result.error;
  if (result.state === "unknown")
    throw new LogError("OUTCOME_UNKNOWN", "the store did not say whether it erased", {
      hint: "the log stops; its next start finds the statement and carries it out",
      cause: result.cause,
    });
}

/** What the store keeps when a content goes. */
export function erasureOf(
  { crypto, log, storage }: CarryOutPorts,
  { digest, statement }: FoundErasure,
  entries: readonly number[],
): Erasure {
  const content = storage.reader.content(digest);
  // Gone already where it came so from another copy of the log, with its postings beside it.
  if (content.state !== "held") return { digest, statement, postings: [] };
  const hashes = { sha256: crypto.sha256, git: gitHashOf(crypto) };
  const postings = entries.map((index) => {
    const leaf = leafAt(storage.reader, index);
    return { index, bytes: encodePostings(mapfn(hashes, log, leaf, content.bytes)) };
  });
  return { digest, statement, postings };
}

/**
 * One of these mapfns that gives an entry of the content other postings than the list that is kept:
 * there is one list for all indexes of the log.
 */
export function disagreeing(
  { crypto, log, storage: { reader } }: CarryOutPorts,
  generations: readonly Generation[],
  digest: Hash,
  entries: readonly number[],
): Generation | undefined {
  const content = reader.content(digest);
  if (content.state !== "held") return undefined;
  const hashes = { sha256: crypto.sha256, git: gitHashOf(crypto) };
  return generations.find(({ mapfn: other }) =>
    entries.some((index) => {
      const leaf = leafAt(reader, index);
      const [kept, posted] = [mapfn, other].map((one) =>
        encodePostings(one(hashes, log, leaf, content.bytes)),
      );
      return kept === undefined || posted === undefined || !equal(kept, posted);
    }),
  );
}

/** Entries below `size` that were logged with this content. */
export async function entriesWith(
  reader: Pick<StorageReader, "entriesWith">,
  digest: Hash,
  size: number,
): Promise<readonly number[]> {
  const entries: number[] = [];
  for (let from = 0; from < size; from += ROWS) {
    entries.push(...reader.entriesWith(digest, from, Math.min(from + ROWS, size)));
    await new Promise(setImmediate);
  }
  return entries;
}

/** Whether an entry is the log's own word. */
export function isOwnStatement(
  { crypto, log, storage: { reader } }: Pick<CarryOutPorts, "crypto" | "log" | "storage">,
  index: number,
): boolean {
  const own = new OwnStatements(crypto.sha256, log.vkeys);
  const leaf = parseLeaf(leafAt(reader, index));
  const [content] = reader.contents(index, index + 1);
  return leaf.ok && content?.state === "held" && own.read(leaf.value, content.bytes) !== undefined;
}

async function findStatements(
  { crypto, log, storage: { reader } }: CarryOutPorts,
  from: number,
  size: number,
): Promise<readonly FoundErasure[]> {
  const own = new OwnStatements(crypto.sha256, log.vkeys);
  const found: FoundErasure[] = [];
  for await (const { index, leaf, content } of ownEntries(own, reader, from, size)) {
    const erasure = own.erasure(leaf, content);
    const digest = erasure && asHash(fromHex(erasure.digest) ?? new Uint8Array(0));
    if (digest !== undefined) found.push({ digest, statement: index });
  }
  return found;
}

function leafAt(reader: Pick<StorageReader, "leaves">, index: number): Uint8Array {
  const [leaf] = reader.leaves(index, index + 1);
  if (leaf === undefined) throw new LogError("STORE_CORRUPT", `entry ${index} is not stored`);
  return leaf;
}
