/**
 * Contradictions under keys of the map: the entries that make them, and what they are.
 *
 * That a key has two values is a hint. Here its entries are read again, named by mapfn, and held
 * against each other by the rules of `schema/index/contradiction.ts`; their signatures were checked
 * when they were admitted. A verdict that was superseded is left out.
 *
 * Runs in the thread of the index, beside its tables. Spec: docs/formats.md §Contradictions.
 *
 * @module
 */
import { equal } from "../../schema/bytes.ts";
import type { ClaimKind } from "../../schema/evidence/claims.ts";
import {
  contradiction,
  type Said,
  SIGNER_SLOTS,
  said,
  supersededKey,
} from "../../schema/index/contradiction.ts";
import type { Generation } from "../../schema/index/generation.ts";
import type { LookupKey } from "../../schema/index/lookup.ts";
import { mapKey } from "../../schema/index/map-key.ts";
import type { IndexedLog, MapHashes } from "../../schema/index/mapfn.ts";
import type { NamedPosting } from "../../schema/index/posting-set.ts";
import { whatStands } from "../../schema/index/supersedes.ts";
import type { Hash } from "../../schema/tlog/hash.ts";
import type { StorageReader } from "../storage/storage.ts";
import type { IndexStore } from "./store.ts";

/** Newest entries of a slot that are held against each other, besides the first of each value. */
const NEWEST = 16;

export interface FindPorts {
  readonly generation: Generation;
  readonly hashes: MapHashes;
  readonly log: IndexedLog;
  readonly reader: Pick<StorageReader, "leaves" | "contents">;
  readonly store: Pick<IndexStore, "record" | "newest">;
  /** Entries that are indexed. */
  readonly size: number;
}

/** Two entries that contradict each other. */
export interface FoundConflict {
  readonly kind: ClaimKind;
  readonly slot: LookupKey;
  /** Indexes, the smaller one first. */
  readonly entries: readonly [number, number];
}

interface Speaker extends Said {
  readonly index: number;
  readonly posting: NamedPosting;
}

/** At most one of each kind: the first pair of entries. */
export function findConflicts(ports: FindPorts, key: Hash): readonly FoundConflict[] {
  const record = ports.store.record(key, ports.size);
  const values = record?.summary().values ?? [];
  if (values.length < 2) return [];
  const newest = ports.store.newest(key, ports.size, NEWEST);
  const indexes = new Set([...values, ...newest].map(({ index }) => index));
  const speakers = [...indexes]
    .toSorted((a, b) => a - b)
    .flatMap((index) => speakerOf(ports, key, index) ?? []);
  return pairs(stillStanding(ports, speakers));
}

/** Slots in which an entry that is not logged yet says something else than an entry before it. */
export function findHints(
  { generation, hashes, log, store, size }: Omit<FindPorts, "reader">,
  leaf: Uint8Array,
  content: Uint8Array,
): readonly LookupKey[] {
  return generation
    .namedPostings(hashes, log, leaf, content)
    .filter(({ type, key, claim }) => {
      if (claim === undefined || !SIGNER_SLOTS.includes(type)) return false;
      const values = store.record(key, size)?.summary().values ?? [];
      return values.some((value) => !equal(value.claim, claim));
    })
    .map(({ type, fields }) => ({ type, fields }));
}

function speakerOf(
  { generation, hashes, log, reader }: FindPorts,
  key: Hash,
  index: number,
): Speaker | undefined {
  const [leaf] = reader.leaves(index, index + 1);
  const [content] = reader.contents(index, index + 1);
  // What was erased can be shown to nobody any more.
  if (leaf === undefined || content?.state !== "held") return undefined;
  const named = generation.namedPostings(hashes, log, leaf, content.bytes);
  const posting = named.find((one) => equal(one.key, key));
  const says = posting && said(hashes, leaf, content.bytes, posting);
  return says && { ...says, index, posting };
}

/** Without the verdicts that their signers have replaced or withdrawn. */
function stillStanding(
  { hashes, log, store, size }: FindPorts,
  speakers: readonly Speaker[],
): readonly Speaker[] {
  if (speakers[0]?.posting.type !== "verdict-by") return speakers;
  return whatStands(speakers).standing.filter((speaker) => {
    const { type, fields } = supersededKey(speaker);
    return store.record(mapKey(hashes.sha256, log.origin, type, fields), size) === undefined;
  });
}

function pairs(speakers: readonly Speaker[]): readonly FoundConflict[] {
  const found = new Map<ClaimKind, FoundConflict>();
  for (const [i, a] of speakers.entries())
    for (const b of speakers.slice(i + 1)) {
      const { type, fields } = a.posting;
      // Of one signer, `ref-by` says the same.
      if (type === "ref-value" && equal(a.signer, b.signer)) continue;
      const kind = contradiction(type, a, b);
      if (kind === "none" || kind === "resolved" || found.has(kind)) continue;
      found.set(kind, { kind, slot: { type, fields }, entries: [a.index, b.index] });
    }
  return [...found.values()];
}
