/**
 * What a look-up bundle proves: all entries of a log under some keys, up to one witnessed head.
 *
 * The checks, each assuming those before it: the index checkpoint (the log's signature, and the
 * quorum of index verifiers) → the newest leaf of the index log → the main head that it names (the
 * log's signature, and the quorum of witnesses) → the pruned map → each record and its list → each
 * entry: inclusion, its content, and that mapfn gives it just the postings that the lists say.
 *
 * - X4  Nothing is absent because a bundle leaves it out: an absence is a walk in the signed map
 *       that ends at another key, and a list is the one whose record stands in that map.
 *
 * The answer is data: what was found, up to which entry and time, and whether anybody but the log
 * has executed the index (`unverified` where the trust file names no index verifier).
 *
 * Spec: docs/formats.md §Index.
 *
 * @module
 */
import { equal, toHex } from "../../schema/bytes.ts";
import { type IndexLeaf, parseIndexLeaf } from "../../schema/index/index-leaf.ts";
import {
  type LookupAnswer,
  type LookupEntry,
  type LookupKey,
  parseLookup,
} from "../../schema/index/lookup.ts";
import { mapKey } from "../../schema/index/map-key.ts";
import { PrunedTree } from "../../schema/index/pruned-tree.ts";
import { recordHash, summaryOf } from "../../schema/index/record.ts";
import type { Hash } from "../../schema/tlog/hash.ts";
import type { TrustedLog } from "../trust.ts";
import { checkEntries, postingsBy } from "./against-lists.ts";
import { openHeads } from "./bundle-heads.ts";
import { difference } from "./difference.ts";
import { endOf } from "./index-log.ts";
import {
  type Found,
  falsehoodOf,
  type LookupPorts,
  type LookupVerdict,
  lacksQuorum,
  type Refused,
  refuse,
} from "./verdict.ts";

/**
 * Check a bundle. `asked` are the keys that were asked for, in any order: a bundle about others is
 * refused, and one that leaves one out too.
 *
 * Whoever lacks a quorum proves nothing, and answers for what it signed all the same: such a bundle
 * is read once more by the log's word alone, for what that says against the index.
 */
export async function verifyLookup(
  ports: LookupPorts,
  strangersBytes: Uint8Array,
  asked: readonly LookupKey[],
): Promise<LookupVerdict> {
  const verdict = await judge(ports, strangersBytes, asked);
  if (verdict.ok || !lacksQuorum(verdict.refusal)) return verdict;
  const byLogAlone = { ...ports, log: withoutQuorums(ports.log), verifiers: [] };
  const alone = await judge(byLogAlone, strangersBytes, asked);
  const besides = alone.ok ? undefined : falsehoodOf(alone.refusal);
  return besides === undefined ? verdict : refuse({ ...verdict.refusal, besides });
}

/** A log as if the trust file named nobody beside it. What is read so can accuse, and helps nobody. */
export function withoutQuorums(log: TrustedLog): TrustedLog {
  const { witnesses: _, index: __, ...alone } = log;
  return alone;
}

async function judge(
  ports: LookupPorts,
  strangersBytes: Uint8Array,
  asked: readonly LookupKey[],
): Promise<LookupVerdict> {
  const parsed = parseLookup(strangersBytes);
  if (!parsed.ok) {
    const { field } = parsed.detail;
    const where = field === undefined ? {} : { field };
    return refuse({ code: "LOOKUP_MALFORMED", message: parsed.message, ...where });
  }
  const lookup = parsed.value;
  const claimed = parseIndexLeaf(lookup.index.leaf);
  // Of another index, and so under another name: said first, for nothing else of it can be right.
  if (claimed.ok && !equal(claimed.value.mapfn, ports.generation.id))
    return refuse({ code: "INDEX_LEAF_REFUSED", message: "The index follows another mapfn." });
  const opened = await openHeads(ports, lookup);
  if (!opened.ok) return opened;
  const { index, main, leaf } = opened;
  const end = endOf(ports.log, ports.generation);
  const tree = PrunedTree.parse(ports.crypto.sha256, lookup.tree);
  if (!tree.ok) return refuse({ code: "LOOKUP_MALFORMED", message: tree.message, field: "tree" });
  if (!equal(tree.value.root(), leaf.mapRoot)) return refuse({ code: "OTHER_MAP" });
  const other = differentKeys(ports, lookup.answers, asked);
  if (other !== undefined) return refuse({ code: "OTHER_KEYS", key: other });
  const found: Found[] = [];
  for (const answer of lookup.answers) {
    const one = checkAnswer(ports, leaf, tree.value, answer, lookup.entries);
    if ("refusal" in one) return one;
    found.push(one);
  }
  const bad = checkEntries(ports, main, found, lookup.entries);
  if (bad !== undefined) return refuse(bad);
  return {
    ok: true,
    origin: ports.log.origin,
    generation: ports.generation,
    main,
    verified: index.witnessed,
    found,
    entries: lookup.entries,
    ...(end === undefined ? {} : { end }),
  };
}

/** A key that was asked for and is not answered, or the other way round. */
function differentKeys(
  ports: LookupPorts,
  answers: readonly LookupAnswer[],
  asked: readonly LookupKey[],
): LookupKey | undefined {
  const name = (key: LookupKey): string => toHex(keyOf(ports, key));
  const wanted = new Set(asked.map(name));
  const given = new Set<string>();
  for (const { key } of answers) {
    if (!wanted.has(name(key)) || given.has(name(key))) return key;
    given.add(name(key));
  }
  return asked.find((key) => !given.has(name(key)));
}

function keyOf({ crypto, log }: LookupPorts, { type, fields }: LookupKey): Hash {
  return mapKey(crypto.sha256, log.origin, type, fields);
}

function checkAnswer(
  ports: LookupPorts,
  leaf: IndexLeaf,
  tree: PrunedTree,
  answer: LookupAnswer,
  entries: readonly LookupEntry[],
): Found | Refused {
  const { sha256 } = ports.crypto;
  const { key } = answer;
  const bad = (message: string): Refused => refuse({ code: "RECORD_REFUSED", key, message });
  const shown = tree.find(keyOf(ports, key));
  if (shown.state === "hidden") return bad("The map does not show the key.");
  if (answer.kind === "absent")
    return shown.state === "absent" ? { key, kind: "absent" } : bad("The key is in the map.");
  if (shown.state === "absent") return bad("The key is not in the map.");
  const summary = answer.kind === "list" ? summaryOf(sha256, answer.list) : answer.summary;
  if (!equal(recordHash(sha256, summary), shown.value)) {
    const list = answer.kind === "list" ? answer.list : [];
    return bad(difference(keyOf(ports, key), list, entries, postingsBy(ports)));
  }
  if (summary.last >= leaf.main.size) return bad("An entry in the list is beyond the head.");
  return answer.kind === "list"
    ? { key, kind: "present", summary, list: answer.list }
    : { key, kind: "present", summary };
}
