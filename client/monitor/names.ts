/**
 * The names that a monitor watches, looked up with proof: what came to each list, and whether what
 * was in it still is.
 *
 * First come summaries of all names, in one multiproof; only for a name whose record has changed is
 * its list asked for. A list only grows at its end. That the part of it that is known is unchanged
 * is checked by its root, which the record of before had. So the cost grows with what is watched,
 * and with what happens to it.
 *
 * All names are brought to one state of the log, that of the oldest answer: an entry becomes known
 * under all of its names at once, and is told of once.
 *
 * Spec: docs/formats.md §Monitor.
 *
 * @module
 */
import { toHex } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import { type LookupKey, MAX_LISTED, MAX_LOOKUP_KEYS } from "../../schema/index/lookup.ts";
import { mapKey } from "../../schema/index/map-key.ts";
import { type Listed, listRoot, type Summary } from "../../schema/index/record.ts";
import type { SignedHead } from "../head.ts";
import { type Asked, type AskPorts, askLookup } from "../lookup/ask.ts";
import { convict } from "../lookup/convict.ts";
import { explainLookupRefusal, keyText } from "../lookup/explain.ts";
import { type Found, falsehoodOf, lacksQuorum } from "../lookup/verdict.ts";
import { type Findings, FORK } from "./findings.ts";
import { type LongList, learnLong } from "./long-lists.ts";
import type { Known, LogState } from "./state.ts";

/** Entries of a rewritten list for which evidence is looked for. */
const MAX_CHARGES = 8;

/** A name that is watched. */
export interface Name {
  /** Its key in the map, hex. */
  readonly id: string;
  readonly key: LookupKey;
  /** As the configuration calls it; absent where it is only looked up for what must be in it. */
  readonly title?: string;
  /** What comes to it is told. */
  readonly watched?: boolean;
  /** Everything under it must be known to us. */
  readonly own?: boolean;
}

export function nameOfKey(ports: Pick<AskPorts, "crypto" | "log">, key: LookupKey): Name {
  const id = toHex(mapKey(ports.crypto.sha256, ports.log.origin, key.type, key.fields));
  return { id, key };
}

/** What a round learned of one name. */
export interface Learned {
  readonly name: Name;
  readonly known: Known;
  /** The list, where it was asked for. */
  readonly list?: readonly Listed[];
  /** What came to it since it was known; nothing where it is known for the first time. */
  readonly added: readonly Listed[];
  readonly isFirst: boolean;
}

export interface LookedUpNames {
  /** Entries that all of this is complete for. */
  readonly entries: number;
  readonly learned: readonly Learned[];
}

/** Throws what `askLookup` throws, and `LOG_MISBEHAVED` or `NOT_FOUND` where it was not answered. */
export async function lookUpNames(
  ports: AskPorts,
  findings: Findings,
  names: readonly Name[],
  { known: before, index }: Pick<LogState, "known" | "index">,
): Promise<LookedUpNames> {
  let entries = Number.POSITIVE_INFINITY;
  const changed: Name[] = [];
  const same: Learned[] = [];
  for (const portion of portions(names)) {
    const found = await askNames(ports, findings, portion, true);
    entries = Math.min(entries, found.size);
    for (const [name, summary] of found.of) {
      const known = before.get(name.id);
      if (known === undefined ? summary === undefined : isSame(known, summary))
        same.push({ name, known: knownOf(summary), added: [], isFirst: false });
      else changed.push(name);
    }
  }
  const learned: Learned[] = same.map((one) => {
    const known = before.get(one.name.id) ?? one.known;
    return { ...one, known: known.upTo === undefined ? known : { ...known, upTo: entries } };
  });
  const long: LongList[] = [];
  for (const portion of portions(changed)) {
    const lists = await askNames(ports, findings, portion, false);
    for (const [name, summary, given] of lists.of) {
      // Lists that do not fit into one answer together may fit alone.
      const isShort = given === undefined && (summary?.n ?? 0) <= MAX_LISTED;
      const list = isShort ? (await askNames(ports, findings, [name], false)).of[0]?.[2] : given;
      const known = before.get(name.id);
      if (list !== undefined)
        learned.push(await learn(ports, findings, { name, list, entries }, known));
      else if (summary !== undefined) long.push({ name, summary, head: lists.head, before: known });
    }
  }
  const scanned = await learnLong(ports, findings, long, index?.entries ?? 0);
  return { entries, learned: [...learned, ...scanned] };
}

function isSame(known: Known, summary: Summary | undefined): boolean {
  if (summary === undefined) return known.n === 0;
  return known.n === summary.n && known.root === toHex(summary.listRoot);
}

function knownOf(summary: Summary | undefined): Known {
  return summary === undefined
    ? { n: 0, root: "", indexes: [] }
    : { n: summary.n, root: toHex(summary.listRoot) };
}

interface Listing {
  readonly name: Name;
  readonly list: readonly Listed[];
  readonly entries: number;
}

async function learn(
  ports: AskPorts,
  findings: Findings,
  { name, list, entries }: Listing,
  before: Known | undefined,
): Promise<Learned> {
  const { sha256 } = ports.crypto;
  const upTo = list.filter(({ index }) => index < entries);
  const known = {
    n: upTo.length,
    root: upTo.length === 0 ? "" : toHex(listRoot(sha256, upTo)),
    indexes: upTo.map(({ index }) => index),
  };
  if (before === undefined) return { name, known, list: upTo, added: upTo, isFirst: true };
  const start = upTo.slice(0, before.n);
  const kept = before.n === 0 || toHex(listRoot(sha256, start)) === before.root;
  if (!kept || start.length < before.n) await rewritten(ports, findings, name, before, upTo);
  const old = new Set(before.indexes ?? start.map(({ index }) => index));
  const added = upTo.filter(({ index }) => !old.has(index));
  return { name, known, list: upTo, added, isFirst: false };
}

/** A list that lost or changed what was in it. */
async function rewritten(
  ports: AskPorts,
  findings: Findings,
  { id, key, title }: Name,
  before: Known,
  list: readonly Listed[],
): Promise<void> {
  const now = new Set(list.map(({ index }) => index));
  const lost = (before.indexes ?? []).filter((index) => !now.has(index));
  const subject = title ?? keyText(key);
  let isProved = false;
  for (const index of lost.slice(0, MAX_CHARGES)) {
    const evidence = await convict(ports, key, index);
    if (evidence === undefined) continue;
    isProved = true;
    const message = `the index leaves entry ${index} out, which it had before`;
    await findings.convict(evidence, { subject, message, about: [id, index], seen: { index } });
  }
  if (isProved) return;
  const what =
    lost.length > 0
      ? `entries ${lost.slice(0, MAX_CHARGES).join(", ")} are gone`
      : "it has other entries or values in the part that was known";
  findings.accuse({
    kind: "list-rewritten",
    subject,
    message: `the list is not the one of before: ${what}`,
    about: [id, before.n, before.root],
    seen: { key: keyText(key), before: before.n, now: list.length },
  });
}

interface Answered {
  readonly size: number;
  readonly head: SignedHead;
  readonly of: readonly (readonly [Name, Summary | undefined, readonly Listed[] | undefined])[];
}

export async function askNames(
  ports: AskPorts,
  findings: Findings,
  names: readonly Name[],
  summaries: boolean,
): Promise<Answered> {
  const request = { keys: names.map(({ key }) => key), entries: false, summaries };
  const asked = await askLookup(ports, request);
  if (asked.state !== "answered") throw await refused(ports, findings, asked);
  const found = new Map(
    asked.answer.found.map((one) => [nameOfKey(ports, one.key).id, one] as const),
  );
  return {
    size: asked.answer.main.tree.size,
    head: asked.answer.main,
    of: names.map((name) => {
      const one = found.get(name.id);
      return [name, summaryIn(one), listIn(one)] as const;
    }),
  };
}

function summaryIn(found: Found | undefined): Summary | undefined {
  return found?.kind === "present" ? found.summary : undefined;
}

function listIn(found: Found | undefined): readonly Listed[] | undefined {
  return found?.kind === "present" ? found.list : [];
}

/** Tells what is wrong with an answer; what is thrown leaves the look-ups unchecked. */
async function refused(
  ports: AskPorts,
  findings: Findings,
  asked: Exclude<Asked, { readonly state: "answered" }>,
): Promise<LogError> {
  if (asked.state === "forked") {
    await findings.convict(asked.evidence, { ...FORK, subject: asked.origin });
    return new LogError("NOT_FOUND", "the log has forked");
  }
  if (asked.state === "stale")
    return new LogError(
      "NOT_FOUND",
      `the index is shown with ${asked.shown} leaves, fewer than the ${asked.remembered} that were seen before`,
    );
  const { refusal } = asked;
  const message = explainLookupRefusal(refusal);
  const lacks = lacksQuorum(refusal);
  const shown = falsehoodOf(refusal);
  const evidence = shown && (await convict(ports, shown.key, shown.index));
  const told = {
    subject: "look-ups",
    message: `a look-up was answered by what is not so: ${message}`,
    about: [refusal.code],
  };
  if (evidence !== undefined) await findings.convict(evidence, told);
  else if (!lacks || shown !== undefined) findings.accuse({ kind: "answer-refused", ...told });
  return new LogError(lacks ? "WITNESSES_TOO_FEW" : "NOT_FOUND", message);
}

export function* portions(names: readonly Name[]): Generator<readonly Name[]> {
  for (let at = 0; at < names.length; at += MAX_LOOKUP_KEYS)
    yield names.slice(at, at + MAX_LOOKUP_KEYS);
}
