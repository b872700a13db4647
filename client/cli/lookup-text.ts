/**
 * An answer to a look-up in words, and as the JSON that `--json` prints.
 *
 * @module
 */
import { toHex } from "../../schema/bytes.ts";
import type { LookedUp } from "../lookup/entries.ts";
import { keyText } from "../lookup/explain.ts";
import type { Complete, KeyReport, LookupReport, OpaqueReport } from "../lookup/report.ts";
import { saysText } from "../lookup/says.ts";
import type { Tail } from "../lookup/tail.ts";
import { printable } from "../printable.ts";
import type { Witnessed } from "../quorum.ts";
import { timeText } from "../time-text.ts";
import { explainRefusal } from "../verify/explain.ts";
import { entryData } from "./describe.ts";
import { keyData } from "./lookup-question.ts";

/** Entries that a person reads; a program takes all of them with --json. */
const MAX_ENTRIES = 50;

export function reportLines(title: string, report: LookupReport): string[] {
  const { complete, keys, entries, notBrought, opaque } = report;
  const most = Math.max(0, ...keys.map(({ n }) => n));
  const what = most === 0 ? "nothing was ever logged about it" : "";
  return [
    what === "" ? `${printable(title)}:` : `${printable(title)}: ${what}`,
    ...completeLines(complete),
    ...(most === 0 ? [] : keys.filter(({ n }) => n > 0).flatMap(keyLines)),
    ...entries.slice(0, MAX_ENTRIES).map(entryLine),
    ...(entries.length > MAX_ENTRIES
      ? [`  … and ${entries.length - MAX_ENTRIES} more entries; --json shows everything`]
      : []),
    ...notBroughtLines(notBrought),
    ...opaque.map(opaqueLine),
  ];
}

/** What the lists prove to be there, and nobody has read. */
function notBroughtLines(indexes: readonly number[]): string[] {
  const [first] = indexes;
  if (first === undefined) return [];
  const { length } = indexes;
  const them = length === 1 ? `entry ${first} is` : `${length} entries, from ${first} on, are`;
  return [
    `  ${them} in these lists and not in this answer: countersign entry ${first} asks for one`,
  ];
}

/** Up to where, when, and by whose word. */
export function completeLines(complete: Complete): string[] {
  const { origin, size, at, witnessed, verified, newest = size } = complete;
  const when = at === undefined ? "" : ` at ${timeText(at)}`;
  const upTo =
    size === 0 ? "complete: the log was empty" : `complete up to entry ${size - 1}${when}`;
  return [
    `  ${upTo} of ${origin}, ${wordOf(witnessed)}`,
    verified.state === "quorum"
      ? `  map executed by ${verified.by.join(", ")}`
      : "  map unverified: the trust file names no index verifier, so that the map is the log's word alone",
    ...(complete.successor === undefined
      ? []
      : [`  this index has ended; what came later is in ${complete.successor}`]),
    ...(newest > size ? [`  ${newest - size} newer entries are not indexed yet`] : []),
  ];
}

function wordOf(witnessed: Witnessed): string {
  return witnessed.state === "quorum"
    ? `witnessed by ${witnessed.by.join(", ")}`
    : "which nobody but the log says: the trust file names no witness";
}

/** What is not proved to be all, and was read all the same. */
export function tailLines({ from, to, newest, entries }: Tail): string[] {
  const rest = to < newest ? `; entries ${to} to ${newest - 1} were not read` : "";
  const found = entries.length === 0 ? "nothing about it" : `${entries.length} about it`;
  return [
    to === from
      ? `  not indexed, and too large to be read: entries ${from} to ${newest - 1}`
      : `  not indexed, read one by one: entries ${from} to ${to - 1}, ${found}${rest}`,
    ...entries.slice(0, MAX_ENTRIES).map(entryLine),
  ];
}

export function tailData({ entries, ...known }: Tail): object {
  return { ...known, entries: entries.map(entryDataOf) };
}

function entryDataOf({ receipt, supersededBy, ...known }: LookedUp): object {
  return {
    ...known,
    supersededBy: supersededBy ?? null,
    ...(receipt === undefined ? {} : { says: entryData(receipt) }),
  };
}

function keyLines(report: KeyReport): string[] {
  const { key, n, d, saturated } = report;
  const count = `${n} ${n === 1 ? "entry" : "entries"}`;
  const values =
    d === 0 ? "" : `, ${saturated ? "more than 16" : d} ${d === 1 ? "value" : "different values"}`;
  const only = report.indexes === undefined ? ", only counted" : "";
  const lines = [`  ${keyText(key)}: ${count}${values}${only}`];
  if (d < 2) return lines;
  const hint =
    key.type === "git-content"
      ? "two objects with one SHA-1 id: a collision"
      : "a hint, no conviction: read the entries";
  return [...lines, `    ${hint}`];
}

function entryLine(entry: LookedUp): string {
  const { index, receipt, refusal, supersededBy = [] } = entry;
  const by = supersededBy.length === 0 ? "" : ` — taken back by entry ${supersededBy.join(", ")}`;
  const said =
    receipt === undefined
      ? `: ${refusal?.code === "CONTENT_MISSING" ? goneText(entry) : refusalText(refusal)}`
      : ` ${saysText(receipt.reading)}`;
  return `  entry ${index}: ${whoText(entry)}${said}${by}`;
}

function goneText({ gone, index }: LookedUp): string {
  switch (gone?.state) {
    case "erased":
      return `erased by the log, entry ${gone.statement} says so (${printable(gone.reason)})`;
    case "lost":
      return "its content is called erased, and no statement of the log says so";
    case "opaque":
      return "nobody can read it (opaque)";
    case "held":
      return "its content is not here: the log held it when it was logged, and has erased it since or left it out of this answer";
    case "served":
      return `its content did not come with it, and the log has it: countersign entry ${index} asks for it`;
    case undefined:
      return "its content is not here, and this answer does not show whether it is opaque or erased";
  }
}

function refusalText(refusal: LookedUp["refusal"]): string {
  return refusal === undefined ? "not checked" : `not to be used: ${explainRefusal(refusal)}`;
}

function whoText({ person, signerId }: Pick<LookedUp, "person" | "signerId">): string {
  if (person !== undefined) return printable(person);
  return signerId === undefined ? "somebody" : `the key ${toHex(signerId).slice(0, 16)}…`;
}

function opaqueLine({ signerId, person, n }: OpaqueReport): string {
  const who = whoText({ signerId, ...(person === undefined ? {} : { person }) });
  return `  opaque: ${who} signed ${n} ${n === 1 ? "thing" : "things"} nobody can read`;
}

export function reportData(title: string, report: LookupReport): object {
  const { complete, keys, entries, notBrought, opaque } = report;
  return {
    ok: true,
    question: title,
    complete: completeData(complete),
    keys: keys.map(({ key, ...known }) => ({ ...keyData(key), ...known })),
    entries: entries.map(entryDataOf),
    notBrought,
    opaque,
  };
}

export function completeData({ at, newest, verified, ...known }: Complete): object {
  return {
    ...known,
    at: at ?? null,
    newest: newest ?? null,
    verified,
    mapVerified: verified.state === "quorum",
  };
}
