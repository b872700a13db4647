/**
 * What came to names whose lists are too long to be asked for.
 *
 * Their summaries say how many entries there are. Which of them are new is read from the log itself,
 * from where the name was known to the head that was indexed, and mapfn says which of those entries
 * post it. Where just so many were found as the summary has gained, none was left out. That costs
 * what the log has grown by, for such names alone.
 *
 * Spec: docs/formats.md §Monitor.
 *
 * @module
 */
import { toHex } from "../../schema/bytes.ts";
import { MAX_LISTED } from "../../schema/index/lookup.ts";
import type { Listed, Summary } from "../../schema/index/record.ts";
import { gitHashOf } from "../git/hash.ts";
import type { SignedHead } from "../head.ts";
import { LogReader } from "../log.ts";
import { keyText } from "../lookup/explain.ts";
import type { IndexReadPorts } from "../lookup/index-log.ts";
import { type Findings, LOOKUPS } from "./findings.ts";
import type { Learned, Name } from "./names.ts";
import type { Known } from "./state.ts";

/** A name as its summary has it under a head, and what was known of it. */
export interface LongList {
  readonly name: Name;
  readonly summary: Summary;
  readonly head: SignedHead;
  readonly before: Known | undefined;
}

/** `previous` is where a list that was known ended, if it says nothing of its own. */
export async function learnLong(
  ports: IndexReadPorts,
  findings: Findings,
  lists: readonly LongList[],
  previous: number,
): Promise<readonly Learned[]> {
  const [first] = lists;
  if (first === undefined) return [];
  const { head } = lists.reduce((a, b) => (b.head.tree.size > a.head.tree.size ? b : a));
  const from = lists
    .filter(({ name, before }) => isTold(name) && before !== undefined)
    .reduce((least, { before }) => Math.min(least, before?.upTo ?? previous), head.tree.size);
  const wanted = lists.filter(({ name }) => isTold(name)).map(({ name }) => name.id);
  const posted = await scan(ports, head, from, new Set(wanted));
  return lists.map((list) => learnOne(findings, list, posted.get(list.name.id) ?? [], previous));
}

function isTold({ watched, own }: Name): boolean {
  return watched === true || own === true;
}

function learnOne(
  findings: Findings,
  { name, summary, head, before }: LongList,
  posted: readonly Listed[],
  previous: number,
): Learned {
  const { size } = head.tree;
  const known: Known = { n: summary.n, root: toHex(summary.listRoot), upTo: size };
  const subject = name.title ?? keyText(name.key);
  // Under such a name of an entry of ours nobody can say whether it is there.
  if (!isTold(name)) return { name, known, added: [], isFirst: false };
  if (before === undefined) {
    if (name.own === true)
      findings.tell({
        kind: "unchecked",
        subject,
        message: `has more entries than a list can be asked for with (${MAX_LISTED}): the ${summary.n} that are there are not asked for`,
        about: [name.id],
        seen: { n: summary.n },
      });
    return { name, known, added: [], isFirst: name.own !== true };
  }
  const from = before.upTo ?? previous;
  const added = posted.filter(({ index }) => index >= from && index < size);
  if (before.n + added.length !== summary.n)
    findings.hold(LOOKUPS, {
      kind: "unchecked",
      subject,
      message: `the index counts ${summary.n} entries, ${summary.n - before.n} more than before, and ${added.length} were found in the log`,
      about: [name.id],
      seen: { n: summary.n, before: before.n, found: added.length },
    });
  return { name, known, added, isFirst: false };
}

async function scan(
  ports: IndexReadPorts,
  head: SignedHead,
  from: number,
  wanted: ReadonlySet<string>,
): Promise<ReadonlyMap<string, readonly Listed[]>> {
  const { crypto, generation, log } = ports;
  const hashes = { sha256: crypto.sha256, git: gitHashOf(crypto) };
  const indexed = { origin: log.origin, vkeys: log.vkeyTexts };
  const posted = new Map<string, Listed[]>();
  for await (const entry of new LogReader(ports, head).contents(from)) {
    const { index, content } = entry;
    const held = content.state === "held" ? content.bytes : undefined;
    for (const { key, claim } of generation.mapfn(hashes, indexed, entry, held)) {
      const id = toHex(key);
      if (!wanted.has(id)) continue;
      const list = posted.get(id) ?? [];
      list.push(claim === undefined ? { index } : { index, claim });
      posted.set(id, list);
    }
  }
  return posted;
}
