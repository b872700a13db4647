/**
 * One round of one log: everything that is checked of it, in order.
 *
 * Both heads first: whatever comes after stands on them. Then the witnesses and index verifiers.
 * Then the look-ups of all names that are watched and of those that our own entries must have, only
 * where the index has moved or a name is new. What a step cannot check is told, and the steps that
 * stand on it are left for the next round; the state advances only with what was checked whole. What
 * lacks its quorum is read all the same, for what accuses the log (`alone.ts`).
 *
 * Spec: docs/formats.md §Monitor.
 *
 * @module
 */
import { toBase64 } from "../../schema/bytes.ts";
import { SLOT_TYPES } from "../../schema/index/contradiction.ts";
import { type LookupKey, MAX_LOOKUP_KEYS } from "../../schema/index/lookup.ts";
import type { Transport } from "../fetch.ts";
import { indexPorts } from "../lookup/ask.ts";
import type { ReceiptFile } from "../verify/receipt.ts";
import { ALONE, accuseAlone, isLack } from "./alone.ts";
import { type EntryPorts, EntryReader, type OwnStatements, tellEntries } from "./entries.ts";
import { type Findings, LOOKUPS } from "./findings.ts";
import { type Seen, seeHead, seeLag } from "./heads.ts";
import { type Learned, type LookedUpNames, lookUpNames, type Name, nameOfKey } from "./names.ts";
import { tellPromises } from "./promises.ts";
import {
  type OwnEntry,
  type ReadBefore,
  readOwn,
  tellDuplicates,
  tellOmissions,
} from "./receipts.ts";
import { readHints, slotsOf, tellContradictions } from "./slots.ts";
import type { Known, LogState } from "./state.ts";
import { seeWitnesses } from "./witnesses.ts";

/** What we signed, as it lies in files. */
interface OwnFiles extends OwnStatements {
  readonly receipts: readonly ReceiptFile[];
  /** Of entries that have no receipt yet. */
  readonly promises: readonly ReceiptFile[];
}

/** What is watched of one log, with all that is needed to do so. */
export interface Watch extends EntryPorts {
  readonly names: readonly Name[];
  /** What we signed, read anew in each round. */
  readonly own: () => Promise<OwnFiles>;
  readonly receiptsRead: ReadBefore;
  readonly openWitness?: (url: string) => Transport;
  readonly indexLagSeconds: number;
  readonly witnessSeconds: number;
}

/** Check one log. The state is what is known afterwards. Throws nothing: that is told too. */
export async function watchLog(
  watch: Watch,
  findings: Findings,
  before: LogState,
  now: number,
): Promise<LogState> {
  const heads = await seeHeads(watch, findings, before, now);
  if (heads === undefined) return before;
  const { index, main, witnesses } = heads;
  const next: LogState = { ...before, witnesses };
  if (index === undefined) return next;
  const files = await findings.check("own statements", watch.own);
  if (files === undefined) return next;
  const accuse = async (): Promise<void> =>
    accuseAlone(watch, findings, async (alone, found) => {
      // What was read so is not known to whoever asks for quorums.
      const own = await readOwn(alone, found, files.receipts, new Map());
      await tellPromises(alone, found, files.promises, now);
      await readNames(alone, found, next, { main, index, ...ownOf(files, own) });
    });
  if (main.newest === undefined) {
    await accuse();
    return next;
  }
  const own = await readOwn(watch, findings, files.receipts, watch.receiptsRead);
  await tellPromises(watch, findings, files.promises, now);
  if (index.newest === undefined) {
    await accuse();
    return next;
  }
  const step = { main, index, ...ownOf(files, own) };
  const state = await findings.check(LOOKUPS, async () =>
    lookUp(watch, findings, next, step).catch(async (error: unknown) => {
      if (isLack(error)) await accuse();
      throw error;
    }),
  );
  if (state === undefined) return next;
  findings.checked.add(ALONE);
  const at = { indexed: state.index?.entries ?? 0, newest: main.newest.tree.size };
  const waiting = seeLag(findings, state, at, { now, boundSeconds: watch.indexLagSeconds });
  const { waiting: _, ...rest } = state;
  return waiting === undefined ? rest : { ...rest, waiting };
}

interface Heads {
  readonly main: Seen;
  readonly index?: Seen;
  readonly witnesses: LogState["witnesses"];
}

/** Both heads, and whoever should stand beside them. */
async function seeHeads(
  watch: Watch,
  findings: Findings,
  before: LogState,
  now: number,
): Promise<Heads | undefined> {
  const main = await seeHead(watch, findings, { area: "head", now, ages: true });
  if (main === undefined) return undefined;
  const { openWitness } = watch;
  const asked = openWitness === undefined ? {} : { openWitness };
  const bounds = { now, boundSeconds: watch.witnessSeconds };
  const witnesses = await findings.check("witnesses", async () =>
    seeWitnesses({ ...watch, ...asked }, findings, main, before.witnesses, {
      ...bounds,
      role: "witness",
    }),
  );
  const below = indexPorts(watch);
  const index = await seeHead(below, findings, { area: "index head", now, ages: false });
  const verifiers =
    index === undefined
      ? undefined
      : await findings.check("index verifiers", async () =>
          seeWitnesses({ ...below, ...asked }, findings, index, before.witnesses, {
            ...bounds,
            role: "index verifier",
          }),
        );
  const seen = new Map([...before.witnesses, ...(witnesses ?? []), ...(verifiers ?? [])]);
  return { main, witnesses: seen, ...(index === undefined ? {} : { index }) };
}

function ownOf(files: OwnFiles, own: readonly OwnEntry[]): Pick<Step, "own" | "digests"> {
  return { own, digests: new Set([...files.digests, ...own.map(({ digest }) => digest)]) };
}

interface Step extends OwnStatements {
  readonly main: Seen;
  readonly index: Seen;
  readonly own: readonly OwnEntry[];
}

async function lookUp(
  watch: Watch,
  findings: Findings,
  before: LogState,
  step: Step,
): Promise<LogState> {
  const news = await readNames(watch, findings, before, step);
  if (news === undefined) return before;
  const { at, entries, learned, names, reader, spokenIn } = news;
  const hints = await readHints(watch, before.conflicts, watch.names);
  const changed = learned.filter(({ name, added }) => name.watched === true && added.length > 0);
  const slots = changed.map(({ name }) => name.key).filter(({ type }) => SLOT_TYPES.includes(type));
  const all = [...slots, ...spokenIn, ...hints.slots];
  await tellContradictions(watch, findings, reader, all);
  return {
    ...before,
    index: { ...at, entries },
    known: knownNow(before, names, learned),
    conflicts: hints.cursor,
    turn: before.turn + 1,
  };
}

interface News extends LookedUpNames {
  readonly at: { readonly size: number; readonly root: string };
  readonly names: readonly Name[];
  readonly reader: EntryReader;
  /** Slots in which new entries say something. */
  readonly spokenIn: readonly LookupKey[];
}

/** What came to the names, each entry of it read. `undefined` where the index is as it was. */
async function readNames(
  watch: Watch,
  findings: Findings,
  before: LogState,
  { main, index, own, digests }: Step,
): Promise<News | undefined> {
  const names = allNames(watch, own);
  const { size, root } = index.shown.tree;
  const at = { size, root: toBase64(root) };
  const isSame = before.index?.size === at.size && before.index.root === at.root;
  if (isSame && names.every(({ id }) => before.known.has(id))) {
    const learned = names.map((name) => ({
      name,
      known: before.known.get(name.id) ?? { n: 0, root: "" },
      added: [],
      isFirst: false,
    }));
    await tellOmissions(watch, findings, main.shown, own, learned, before.index?.entries ?? 0);
    return undefined;
  }
  const asked = namesInTurn(names, before);
  const { entries, learned } = await lookUpNames(watch, findings, asked, before);
  const reader = new EntryReader(watch, main.shown);
  const spokenIn: LookupKey[] = [];
  await tellEntries(watch, findings, reader, learned, { digests }, (one) => {
    spokenIn.push(...slotsOf(one));
  });
  await tellOmissions(watch, findings, main.shown, own, learned, entries);
  await tellDuplicates(watch, findings, reader, learned);
  return { at, entries, learned, names, reader, spokenIn };
}

/**
 * All that are watched or new, and of the others, which only have to stay as they are, so many as
 * one look-up can ask for: they take turns.
 */
function namesInTurn(names: readonly Name[], before: LogState): readonly Name[] {
  const waits = ({ id, watched, own }: Name): boolean =>
    watched !== true && own !== true && before.known.has(id);
  const waiting = names.filter(waits);
  const start = waiting.length === 0 ? 0 : (before.turn * MAX_LOOKUP_KEYS) % waiting.length;
  const inTurn = [...waiting.slice(start), ...waiting.slice(0, start)].slice(0, MAX_LOOKUP_KEYS);
  return [...names.filter((name) => !waits(name)), ...inTurn];
}

/** What is known of every name that is still asked for. */
function knownNow(
  before: LogState,
  names: readonly Name[],
  learned: readonly Learned[],
): LogState["known"] {
  const known = new Map<string, Known>();
  for (const { id } of names) {
    const old = before.known.get(id);
    if (old !== undefined) known.set(id, old);
  }
  for (const { name, known: now } of learned) known.set(name.id, now);
  return known;
}

/** Those that are watched first: where our own entries have the same name, it keeps its title. */
function allNames(watch: Watch, own: readonly OwnEntry[]): Name[] {
  const names = new Map<string, Name>();
  for (const name of [...watch.names, ...own.flatMap((one) => one.names)])
    if (!names.has(name.id)) names.set(name.id, name);
  // Of a log of which nothing is watched, the state of its index still is.
  return names.size > 0 ? [...names.values()] : [nameOfKey(watch, { type: "opaque", fields: [] })];
}
