/**
 * Everything of a log, read and executed again: each entry's leaf, content and signature, and each
 * leaf of its index.
 *
 * It is what a log must have done itself, by somebody who takes its word for none of it. What it
 * costs grows with the log; so it goes on in steps, each of which ends in a write of the state, and
 * begins where the last one ended, in another life too.
 *
 * Signatures of opaque entries are checked over the digest in their leaf. Erased contents cannot be
 * checked any more; the index says what stood in them.
 *
 * Spec: docs/formats.md §Monitor.
 *
 * @module
 */
import { equal, fromBase64, toBase64 } from "../../schema/bytes.ts";
import { checkLeaf } from "../../schema/entry/check.ts";
import { kindVersionOf, type Leaf, parseLeaf } from "../../schema/entry/leaf.ts";
import { LogError, unwrap } from "../../schema/error.ts";
import { formatIndexState, parseIndexState } from "../../schema/index/index-state.ts";
import { type IndexState, initialState } from "../../schema/index/re-execute.ts";
import type { ContentSlot } from "../../schema/tlog/bundle.ts";
import type { Head, SignedHead } from "../head.ts";
import { LogReader } from "../log.ts";
import { type AskPorts, indexPorts } from "../lookup/ask.ts";
import { unannounced } from "../lookup/erased.ts";
import { followIndex } from "../lookup/follow-index.ts";
import { verifyDigestSignature, verifyEntrySignature } from "../signature/registry.ts";
import { fetchSigned, observeOrThrow } from "../update.ts";
import { isLack, readAlone } from "./alone.ts";
import type { EntryPorts } from "./entries.ts";
import { chargeOf, type Findings } from "./findings.ts";
import type { FullState } from "./state.ts";

/** Entries, and leaves of the index, that one step reads. */
const ENTRIES_AT_ONCE = 1_024;
const LEAVES_AT_ONCE = 16;
const AREA = "whole log";

/** One step, done or stopped: what is to be written, and how far it has come. */
export interface FullStep {
  readonly findings: Findings;
  readonly next: FullState;
  readonly what: "entries" | "index";
  readonly done: number;
  readonly total: number;
}

/** Steps from where the state is up to the heads of now. It ends at the first that is stopped. */
export async function* readWhole(
  ports: EntryPorts,
  before: FullState,
  newFindings: () => Findings,
): AsyncGenerator<FullStep> {
  let state = before;
  let main: Head | undefined;
  let index: Head | undefined;
  for (;;) {
    const findings = newFindings();
    const from = state;
    const step = await findings.check(AREA, async () => {
      main ??= await observeOrThrow(ports, await fetchSigned(ports));
      if (from.entries < main.tree.size) return checkEntries(ports, findings, main, from);
      index ??= await indexHead(ports, findings, from);
      return followOn(ports, findings, index, from);
    });
    if (step === undefined) {
      yield { findings, next: state, what: "entries", done: state.entries, total: state.entries };
      return;
    }
    state = step.next;
    yield { findings, ...step };
    if (step.isEnd) return;
  }
}

/**
 * Consistent with what was seen before. Throws a fork with its evidence, and a quorum that is
 * missing; then the leaves of one step are executed all the same, for what accuses the log (M6).
 */
async function indexHead(ports: EntryPorts, findings: Findings, state: FullState): Promise<Head> {
  const below = indexPorts(ports);
  const shown = await fetchSigned(below);
  return observeOrThrow(below, shown).catch(async (error: unknown) => {
    if (isLack(error))
      await readAlone(ports, findings, async (alone, found) =>
        followOn(alone, found, shown, state),
      );
    throw error;
  });
}

interface Done extends Omit<FullStep, "findings"> {
  readonly isEnd: boolean;
}

async function checkEntries(
  ports: AskPorts,
  findings: Findings,
  head: Head,
  state: FullState,
): Promise<Done> {
  const reader = new LogReader(ports, head);
  const total = head.tree.size;
  const to = Math.min(total, state.entries + ENTRIES_AT_ONCE);
  // Leaves first: one that cannot be read must not end the reading of contents beside it.
  const bad = new Set<number>();
  for await (const { index, leafBytes } of reader.entries(state.entries, to))
    if (!parseLeaf(leafBytes).ok) {
      bad.add(index);
      await tellBad(ports, findings, reader, index);
    }
  const erased: number[] = [];
  for (let from = state.entries; from < to; ) {
    const stop = nextOf(bad, from, to);
    for await (const { index, leaf, content } of reader.contents(from, stop)) {
      if (content.state === "erased") erased.push(index);
      else if (!(await isGood(ports, reader, leaf, content)))
        await tellBad(ports, findings, reader, index, content);
    }
    from = stop + 1;
  }
  for (const index of await unannounced(ports, erased))
    findings.tell({
      kind: "unchecked",
      subject: `entry ${index}`,
      message: "its content is called erased, and no statement of the log has erased it",
      about: [index],
      seen: { index },
    });
  return { next: { ...state, entries: to }, what: "entries", done: to, total, isEnd: false };
}

function nextOf(bad: ReadonlySet<number>, from: number, to: number): number {
  for (let at = from; at < to; at++) if (bad.has(at)) return at;
  return to;
}

async function isGood(
  { crypto }: AskPorts,
  reader: LogReader,
  leaf: Leaf,
  content: Exclude<ContentSlot, { readonly state: "erased" }>,
): Promise<boolean> {
  if (content.state === "never-held")
    return leaf.kind === "hashedrekord" && (await verifyDigestSignature(crypto, leaf)).ok;
  const key = await keyOf(reader, leaf);
  const signature = await verifyEntrySignature(crypto, leaf, content.bytes, key);
  return signature.ok && checkLeaf(crypto.sha256, leaf, content.bytes, key).ok;
}

async function keyOf(reader: LogReader, leaf: Leaf): Promise<Uint8Array | undefined> {
  const digest = leaf.kind === "countersign" ? leaf.signature.key.digest : undefined;
  return digest === undefined ? undefined : reader.key(digest);
}

/** Evidence where it can be shown; what only this program does not understand accuses nobody. */
async function tellBad(
  ports: AskPorts,
  findings: Findings,
  reader: LogReader,
  index: number,
  content?: ContentSlot,
): Promise<void> {
  const entry = await reader.logEntry(index);
  const leaf = parseLeaf(entry.leafBytes);
  const subject = `entry ${index}`;
  const about = { subject, about: [index], seen: { index } };
  if (!leaf.ok && leaf.code === "KIND_UNSUPPORTED") {
    findings.tell({ kind: "unchecked", ...about, message: UNKNOWN });
    return;
  }
  if (!leaf.ok && kindVersionOf(entry.leafBytes) === undefined) {
    // A receipt names the kind of its leaf, and evidence holds receipts: there is no file of this.
    const message = `the log admitted what is no leaf: ${leaf.message}`;
    findings.accuse({ kind: "answer-refused", ...about, message });
    return;
  }
  const key = leaf.ok ? await keyOf(reader, leaf.value) : undefined;
  const evidence = {
    kind: "bad-admission" as const,
    entry,
    ...(content?.state === "held" ? { content: content.bytes } : {}),
    ...(key === undefined ? {} : { key }),
  };
  const charge = await chargeOf(ports, evidence);
  if (charge !== undefined) {
    await findings.convict(evidence, { ...about, message: charge });
    return;
  }
  const isOpaque = content?.state === "never-held";
  findings.tell({
    kind: isOpaque ? "answer-refused" : "unchecked",
    ...about,
    message: isOpaque ? "is opaque, and its signature does not verify over its digest" : UNKNOWN,
  });
}

const UNKNOWN = "is of a kind that this program does not check";

async function followOn(
  ports: AskPorts,
  findings: Findings,
  head: SignedHead,
  state: FullState,
): Promise<Done> {
  const { crypto, generation, log } = ports;
  const total = head.tree.size;
  let at = readIndexState(ports, state) ?? initialState(crypto.sha256, generation.id, log.origin);
  const to = Math.min(total, at.index.size + LEAVES_AT_ONCE);
  for await (const followed of followIndex(ports, at, to)) {
    if (followed.state === "accepted") {
      at = followed.next;
      continue;
    }
    const { leaf, reason } = followed;
    if (reason.code !== "LOG_MISBEHAVED") throw new LogError(reason.code, reason.message);
    findings.accuse({
      kind: "answer-refused",
      subject: `leaf ${leaf} of the index`,
      message: `is not what the entries of the log give: ${reason.message}`,
      about: [leaf],
      seen: { leaf },
    });
    return { next: state, what: "index", done: leaf, total, isEnd: true };
  }
  const isEnd = at.index.size >= total;
  if (isEnd && at.index.size === total && !equal(at.index.root(), head.tree.root))
    findings.accuse({
      kind: "answer-refused",
      subject: "head of the index",
      message: "its signed head is not the root over its leaves",
      about: [total],
      seen: { size: total },
    });
  const next = { ...state, index: toBase64(formatIndexState(at)) };
  return { next, what: "index", done: at.index.size, total, isEnd };
}

/** Where an earlier step ended; a state of its own file is not doubted. */
function readIndexState({ crypto }: AskPorts, { index }: FullState): IndexState | undefined {
  const bytes = index === undefined ? undefined : fromBase64(index);
  return bytes && unwrap(parseIndexState(crypto.sha256, bytes));
}
