/**
 * From an entry that an index leaves out or makes up, or a leaf that cannot be, to evidence that
 * convicts by itself.
 *
 * The index is asked once more, for the key and for `opaque` alone, so that the file is small and
 * shows what evidence has to show; the entry and its place under the head that was indexed are read
 * from the log's tiles. Only what `verifyEvidence` accepts is given out: an index that has put
 * itself right since leaves nothing to convict it by, and neither does an honest one.
 *
 * A list above `MAX_LISTED` is a summary; evidence about it needs the gap around the entry, which
 * no answer brings. Then there is none here.
 *
 * Spec: docs/formats.md §Evidence; docs/evidence.md.
 *
 * @module
 */
import { utf8 } from "../../schema/bytes.ts";
import { leafContentDigest, parseLeaf } from "../../schema/entry/leaf.ts";
import { LogError } from "../../schema/error.ts";
import { type Evidence, formatEvidence } from "../../schema/evidence.ts";
import {
  type Lookup,
  type LookupEntry,
  type LookupKey,
  type PlacedLeaf,
  parseLookup,
} from "../../schema/index/lookup.ts";
import { verifyEvidence } from "../evidence.ts";
import { noteText } from "../fork.ts";
import { openSigned, type SignedHead } from "../head.ts";
import { LogReader } from "../log.ts";
import type { LogPorts } from "../update.ts";
import { fetchLookup, type IndexedLogPorts, indexPorts } from "./ask.ts";

const OPAQUE: LookupKey = { type: "opaque", fields: [] };

/** Evidence against the index for what it says, or does not say, of an entry under a key. */
export async function convict(
  ports: IndexedLogPorts,
  key: LookupKey,
  index: number,
): Promise<Evidence | undefined> {
  const request = { keys: [key, OPAQUE], entries: false, summaries: false };
  const parsed = parseLookup(await fetchLookup(ports, request));
  if (!parsed.ok) return undefined;
  const entry = await entryUnder(ports, parsed.value, index);
  if (entry === undefined) return undefined;
  const lookup = { ...parsed.value, entries: [entry] };
  return (
    (await ifItHolds(ports, { kind: "omission", key, lookup, gaps: [] })) ??
    (await ifItHolds(ports, { kind: "false-posting", key, lookup }))
  );
}

/**
 * Evidence against an index for a leaf that cannot come after the one before it: for one size, or
 * for a smaller one. Both are read under the index head that the log has signed.
 */
export async function convictLeaf(
  ports: IndexedLogPorts,
  head: SignedHead,
  leafIndex: number,
): Promise<Evidence | undefined> {
  const reader = new LogReader(indexPorts(ports), head);
  const checkpoint = noteText(head);
  const placed = async (at: number): Promise<PlacedLeaf> => ({
    checkpoint,
    leafIndex: at,
    leaf: (await reader.entry(at)).leafBytes,
    hashes: await reader.inclusionProof(at),
  });
  try {
    const leaves = [await placed(leafIndex - 1), await placed(leafIndex)] as const;
    return await ifItHolds(ports, { kind: "index-contradiction", leaves });
  } catch (error) {
    // Leaves that are not served under the signed head convict nobody.
    if (error instanceof LogError) return undefined;
    throw error;
  }
}

async function ifItHolds(
  { crypto, generation, log }: IndexedLogPorts,
  evidence: Evidence,
): Promise<Evidence | undefined> {
  const verdict = await verifyEvidence(crypto, { logs: [log] }, formatEvidence(evidence), [
    generation,
  ]);
  return verdict.ok ? evidence : undefined;
}

/** The entry with its proof under the head that was indexed. */
async function entryUnder(
  ports: LogPorts,
  { main }: Lookup,
  index: number,
): Promise<LookupEntry | undefined> {
  const head = await openSigned(ports.crypto, ports.log, utf8(main));
  if (!head.ok || index >= head.value.tree.size) return undefined;
  const reader = new LogReader(ports, head.value);
  const { leafBytes } = await reader.entry(index);
  const leaf = parseLeaf(leafBytes);
  const content = leaf.ok ? await held(reader.content(leafContentDigest(leaf.value))) : undefined;
  return {
    index,
    leaf: leafBytes,
    hashes: await reader.inclusionProof(index),
    ...(content === undefined ? {} : { content }),
  };
}

/** A content that the log does not have, or not any more. */
async function held(asked: Promise<Uint8Array>): Promise<Uint8Array | undefined> {
  return asked.catch((error: unknown) => {
    const gone = error instanceof LogError && ["NOT_FOUND", "CONTENT_ERASED"].includes(error.code);
    if (gone) return undefined;
    throw error;
  });
}
