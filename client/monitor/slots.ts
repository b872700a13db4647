/**
 * Contradictions in slots that are watched, proved by this monitor itself.
 *
 * Slots come from three places: those of the configuration, those that new entries of watched names
 * post, and those that the log's own feed of conflicts names. The feed is a hint: what it says is
 * looked up again, and what it does not say is found without it. Both entries are read with their
 * signatures, and only what `verifyEvidence` accepts is told.
 *
 * Spec: docs/formats.md §Monitor, §Contradictions.
 *
 * @module
 */
import { toHex } from "../../schema/bytes.ts";
import { LogError, unwrap } from "../../schema/error.ts";
import type { ClaimEvidence, LoggedStatement } from "../../schema/evidence/claims.ts";
import { type Fields, readFields } from "../../schema/fields.ts";
import { CONFLICTS_PATH, MAX_CONFLICT_ITEMS } from "../../schema/http/conflicts.ts";
import {
  contradiction,
  type Said,
  SLOT_TYPES,
  said,
  supersededKey,
} from "../../schema/index/contradiction.ts";
import {
  type Lookup,
  type LookupKey,
  parseLookup,
  readLookupKey,
} from "../../schema/index/lookup.ts";
import type { Listed, Summary } from "../../schema/index/record.ts";
import { parseJson } from "../../schema/json.ts";
import { gitHashOf } from "../git/hash.ts";
import { fetchLookup } from "../lookup/ask.ts";
import { keyText } from "../lookup/explain.ts";
import type { EntryPorts, EntryReader, ReadOne } from "./entries.ts";
import { chargeOf, type Findings } from "./findings.ts";
import { askNames, type Name, nameOfKey, portions } from "./names.ts";

/** Newest entries of a slot that are held against the others, besides the first of each value. */
const NEWEST = 8;
/** Bytes of one answer of the feed. */
const MAX_FEED_BYTES = 1_048_576;
/** Answers of the feed that one round reads. */
const MAX_FEEDS = 16;

interface Speaker {
  readonly read: ReadOne;
  readonly says: Said;
  readonly statement: LoggedStatement;
}

/** Slots in which an entry says something. */
export function slotsOf({ postings }: ReadOne): LookupKey[] {
  return postings
    .filter(({ type, claim }) => claim !== undefined && SLOT_TYPES.includes(type))
    .map(({ type, fields }) => ({ type, fields }));
}

/** Look the slots up, and tell of every contradiction in them that can be shown. */
export async function tellContradictions(
  ports: EntryPorts,
  findings: Findings,
  reader: EntryReader,
  slots: readonly LookupKey[],
): Promise<void> {
  const names = new Map(slots.map((slot) => [nameOfKey(ports, slot).id, slot]));
  const each = Array.from(names.values(), (slot) => nameOfKey(ports, slot));
  for (const portion of portions(each)) {
    const { of } = await askNames(ports, findings, portion, false);
    for (const [name, summary, list] of of)
      if (summary !== undefined && summary.values.length > 1)
        await tellSlot(ports, findings, reader, name, summary, list ?? []);
  }
}

async function tellSlot(
  ports: EntryPorts,
  findings: Findings,
  reader: EntryReader,
  { id, key }: Name,
  summary: Summary,
  list: readonly Listed[],
): Promise<void> {
  const indexes = new Set([...summary.values, ...list.slice(-NEWEST)].map(({ index }) => index));
  const speakers: Speaker[] = [];
  for (const index of [...indexes].toSorted((a, b) => a - b)) {
    const speaker = speakerOf(ports, id, await reader.read(index));
    if (speaker !== undefined) speakers.push(speaker);
  }
  const kinds = new Set<string>();
  for (const [i, a] of speakers.entries())
    for (const b of speakers.slice(i + 1)) {
      const kind = contradiction(key.type, a.says, b.says);
      if (kind === "none" || kind === "resolved" || kinds.has(kind)) continue;
      const evidence = await proved(
        ports,
        { kind, slot: key, statements: [a.statement, b.statement] },
        a,
        b,
      );
      if (evidence === undefined) continue;
      kinds.add(kind);
      const [first, second] = [a.read.index, b.read.index];
      await findings.show(evidence.file, {
        subject: keyText(key),
        message: evidence.charge,
        about: [id],
        seen: { first, second },
      });
    }
}

function speakerOf({ crypto }: EntryPorts, id: string, read: ReadOne): Speaker | undefined {
  const { checked, receipt, postings } = read;
  const posting = postings.find(({ key }) => toHex(key) === id);
  const { content, entry, key } = receipt;
  if (!checked.ok || posting === undefined || content === undefined) return undefined;
  const hashes = { sha256: crypto.sha256, git: gitHashOf(crypto) };
  const says = said(hashes, entry.leafBytes, content, posting);
  const statement = { entry, content, ...(key === undefined ? {} : { key }) };
  return says && { read, says, statement };
}

/** The evidence, where it holds before a stranger with the same trust file. */
async function proved(
  ports: EntryPorts,
  bare: ClaimEvidence,
  a: Speaker,
  b: Speaker,
): Promise<{ readonly file: ClaimEvidence; readonly charge: string } | undefined> {
  const isVerdict = bare.slot.type === "verdict-by";
  const lookup = isVerdict ? await standing(ports, [a.says, b.says]) : undefined;
  const file = lookup === undefined ? bare : { ...bare, lookup };
  const charge = await chargeOf(ports, file);
  return charge === undefined ? undefined : { file, charge };
}

/** Whether anybody has superseded either, as a bundle. */
async function standing(ports: EntryPorts, says: readonly Said[]): Promise<Lookup> {
  const keys = says.map(supersededKey);
  const bytes = await fetchLookup(ports, { keys, entries: false, summaries: false });
  return unwrap(parseLookup(bytes));
}

/** What the log's feed names, and up to where it was read. */
export interface Hints {
  readonly slots: readonly LookupKey[];
  readonly cursor: number;
}

/** Slots out of the feed that are about something watched. A log need not have a feed. */
export async function readHints(
  { transport }: EntryPorts,
  after: number,
  names: readonly Name[],
): Promise<Hints> {
  const isWatched = watchedBy(names);
  const slots: LookupKey[] = [];
  let cursor = after;
  for (let i = 0; i < MAX_FEEDS; i++) {
    const path = `${CONFLICTS_PATH}?after=${cursor}`;
    const bytes = await transport.get(path, MAX_FEED_BYTES).catch((error: unknown) => {
      if (error instanceof LogError && error.code === "NOT_FOUND") return undefined;
      throw error;
    });
    if (bytes === undefined) break;
    const json = parseJson(bytes);
    const feed = unwrap(json.ok ? readFields(json.value, "", readFeed) : json);
    slots.push(...feed.slots.filter(isWatched));
    if (feed.next <= cursor) break;
    cursor = feed.next;
    if (!feed.more) break;
  }
  return { slots, cursor };
}

function readFeed(root: Fields): { slots: LookupKey[]; next: number; more: boolean } {
  const items = root.objects("items", { max: MAX_CONFLICT_ITEMS });
  return {
    slots: items.map((item) => readLookupKey(item.object("slot"))),
    next: root.integer("next"),
    more: root.boolean("more"),
  };
}

/** A slot is about a key or a repository that is watched, or is watched itself. */
function watchedBy(names: readonly Name[]): (slot: LookupKey) => boolean {
  const titled = names.filter(({ watched, own }) => watched === true || own === true);
  const fields = new Set(
    titled.flatMap(({ key }) =>
      ["signer", "repo"].includes(key.type) ? key.fields.map(fieldText) : [],
    ),
  );
  const slots = new Set(
    titled.map(({ key }) => JSON.stringify([key.type, ...key.fields.map(fieldText)])),
  );
  return ({ type, fields: of }) =>
    of.some((field) => fields.has(fieldText(field))) ||
    slots.has(JSON.stringify([type, ...of.map(fieldText)]));
}

function fieldText(field: string | Uint8Array): string {
  return typeof field === "string" ? field : toHex(field);
}
