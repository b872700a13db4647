/**
 * Contents that a log has erased: what it still offers of their entries, and whether it has said so.
 *
 * A log that erases a content says it with a statement of its own, signed and in the log, before
 * the bytes go. So "erased" is never only its word of today: an entry that is called erased, and
 * that no statement names, is a loss, and is reported as one. It convicts nobody, because nobody can
 * prove what was not served.
 *
 * Spec: docs/formats.md §Erased contents.
 *
 * @module
 */
import { toHex } from "../../schema/bytes.ts";
import { type Leaf, leafContentDigest, parseLeaf } from "../../schema/entry/leaf.ts";
import { OwnStatements } from "../../schema/entry/own-statements.ts";
import { LogError, unwrap } from "../../schema/error.ts";
import { postingsPath } from "../../schema/http/lookup-request.ts";
import { CHECKPOINT_PATH } from "../../schema/http/paths.ts";
import { indexPrefix } from "../../schema/index/generation.ts";
import { MAX_POSTINGS_BYTES, type Posting, parsePostings } from "../../schema/index/posting.ts";
import { MAX_NOTE_BYTES } from "../../schema/limits.ts";
import type { Transport } from "../fetch.ts";
import { openHead, type SignedHead } from "../head.ts";
import { LogReader, type ReadPorts } from "../log.ts";
import { fetchHead } from "../update.ts";
import { type IndexReadPorts, indexLogOf, verifiersOf } from "./index-log.ts";

/** A content that a statement of the log erases. */
export interface AnnouncedErasure {
  /** Index of the statement. */
  readonly statement: number;
  readonly reason: string;
}

/**
 * The postings that a log keeps of an entry whose content was erased. They are its word until they
 * are held against the postings root of an index leaf.
 */
export async function keptPostings(
  transport: Pick<Transport, "get">,
  index: number,
): Promise<readonly Posting[] | undefined> {
  const path = postingsPath(index);
  let bytes: Uint8Array;
  try {
    bytes = await transport.get(path, MAX_POSTINGS_BYTES);
  } catch (error) {
    if (error instanceof LogError && error.code === "NOT_FOUND") return undefined;
    throw error;
  }
  const parsed = parsePostings(bytes);
  return unwrap(parsed.ok ? parsed : { ...parsed, code: "RESPONSE_INVALID" });
}

/**
 * Leaves of the index under the newest head that the index verifiers of the trust file have signed;
 * none where it names none, or they are too few.
 */
export async function committedLeaves({
  crypto,
  generation,
  log,
  transport,
}: IndexReadPorts): Promise<number> {
  const verifiers = verifiersOf(log, generation);
  if (verifiers.length === 0) return 0;
  const note = await transport.get(`${indexPrefix(generation)}${CHECKPOINT_PATH}`, MAX_NOTE_BYTES);
  const head = await openHead(crypto, indexLogOf(crypto.sha256, log, generation, verifiers), note);
  return head.ok ? head.value.tree.size : 0;
}

/** What the log's own statements from entry `from` on erase, by digest in hex. */
export async function announcedErasures(
  ports: ReadPorts,
  head: SignedHead,
  from: number,
): Promise<ReadonlyMap<string, AnnouncedErasure>> {
  const own = new OwnStatements(ports.crypto.sha256, ports.log.vkeyTexts);
  const reader = new LogReader(ports, head);
  const said: LoggedStatement[] = [];
  for await (const { index, leafBytes } of reader.entries(from)) {
    const leaf = own.find(leafBytes);
    if (leaf === undefined) continue;
    said.push({ index, leaf, content: await reader.content(leafContentDigest(leaf)) });
  }
  return eraseStatements(own, said);
}

export interface LoggedStatement {
  readonly index: number;
  readonly leaf: Leaf;
  readonly content: Uint8Array;
}

/** What these entries of a log erase, by digest in hex; the first statement counts. */
export function eraseStatements(
  own: OwnStatements,
  entries: readonly LoggedStatement[],
): ReadonlyMap<string, AnnouncedErasure> {
  const announced = new Map<string, AnnouncedErasure>();
  for (const { index, leaf, content } of entries) {
    const erasure = own.erasure(leaf, content);
    if (erasure !== undefined && !announced.has(erasure.digest))
      announced.set(erasure.digest, { statement: index, reason: erasure.reason });
  }
  return announced;
}

/** Of entries that a log calls erased, those that none of its statements under its newest head names. */
export async function unannounced(
  ports: ReadPorts,
  entries: readonly number[],
): Promise<readonly number[]> {
  if (entries.length === 0) return [];
  const head = await fetchHead(ports);
  const first = entries.reduce((least, index) => Math.min(least, index), head.tree.size);
  const announced = await announcedErasures(ports, head, first);
  const reader = new LogReader(ports, head);
  const missing: number[] = [];
  for (const index of entries) {
    const leaf = unwrap(parseLeaf((await reader.entry(index)).leafBytes));
    if (!announced.has(toHex(leafContentDigest(leaf)))) missing.push(index);
  }
  return missing;
}
