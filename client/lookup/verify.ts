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
import { equal, toHex, utf8 } from "../../schema/bytes.ts";
import { leafContentDigest, parseLeaf } from "../../schema/entry/leaf.ts";
import type { Result } from "../../schema/error.ts";
import type { Generation } from "../../schema/index/generation.ts";
import { beyondEnd, type EndOfIndex } from "../../schema/index/index-end.ts";
import { type IndexLeaf, parseIndexLeaf } from "../../schema/index/index-leaf.ts";
import {
  type Lookup,
  type LookupAnswer,
  type LookupEntry,
  type LookupKey,
  parseLookup,
} from "../../schema/index/lookup.ts";
import { mapKey } from "../../schema/index/map-key.ts";
import type { Posting } from "../../schema/index/posting.ts";
import { PrunedTree } from "../../schema/index/pruned-tree.ts";
import { recordHash, type Summary, summaryOf } from "../../schema/index/record.ts";
import { type Hash, leafHash } from "../../schema/tlog/hash.ts";
import { verifyInclusion } from "../../schema/tlog/proof.ts";
import type { Crypto } from "../crypto/crypto.ts";
import { gitHashOf } from "../git/hash.ts";
import { type Head, openHead } from "../head.ts";
import type { Witnessed, WitnessPolicy } from "../quorum.ts";
import type { TrustedLog } from "../trust.ts";
import { difference } from "./difference.ts";
import { endOf, indexLogOf } from "./index-log.ts";

/** Why a bundle proves nothing, in the order of the checks. */
export type LookupRefusal =
  | { readonly code: "LOOKUP_MALFORMED"; readonly message: string; readonly field?: string }
  /** The index checkpoint or the main one is not signed by the log, or has a bad signature. */
  | { readonly code: "INDEX_HEAD_REFUSED"; readonly message: string }
  | { readonly code: "MAIN_HEAD_REFUSED"; readonly message: string }
  | LacksQuorum
  /** The leaf is not the newest of the index log, or is of another log or mapfn. */
  | { readonly code: "INDEX_LEAF_REFUSED"; readonly message: string }
  /** The index goes on beyond the end that its log has stated for it (X8). */
  | { readonly code: "INDEX_ENDED"; readonly message: string }
  /** The main checkpoint is not the head that the leaf names. */
  | { readonly code: "OTHER_HEAD"; readonly size: number }
  /** The pruned tree has another root than the leaf. */
  | { readonly code: "OTHER_MAP" }
  /** The answers are not about the keys that were asked for. */
  | { readonly code: "OTHER_KEYS"; readonly key: LookupKey }
  /** What is said of a key is not what the map has. */
  | { readonly code: "RECORD_REFUSED"; readonly key: LookupKey; readonly message: string }
  /** An entry is not in the log, or its content is another. */
  | { readonly code: "ENTRY_REFUSED"; readonly index: number; readonly message: string }
  | FalsePosting;

/** Signed, without the index verifiers or witnesses of the trust file: that accuses nobody. */
export interface LacksQuorum {
  readonly code: "VERIFIERS_TOO_FEW" | "WITNESSES_TOO_FEW";
  readonly message: string;
  /** The log has signed it all the same, and what it shows convicts the index. */
  readonly besides?: FalsePosting;
}

/** mapfn gives the entry other postings than the lists say: the index is false. */
export interface FalsePosting {
  readonly code: "FALSE_POSTING";
  readonly key: LookupKey;
  readonly index: number;
  /** What the index does to the entry under this key. */
  readonly how: "adds" | "alters" | "omits";
}

export function lacksQuorum(refusal: LookupRefusal): refusal is LacksQuorum {
  return refusal.code === "VERIFIERS_TOO_FEW" || refusal.code === "WITNESSES_TOO_FEW";
}

/** What a refusal says against the index, whatever else was wrong. */
export function falsehoodOf(refusal: LookupRefusal): FalsePosting | undefined {
  if (refusal.code === "FALSE_POSTING") return refusal;
  return lacksQuorum(refusal) ? refusal.besides : undefined;
}

/** What is proved of one key. */
export type Found = { readonly key: LookupKey } & (
  | { readonly kind: "absent" }
  | { readonly kind: "present"; readonly summary: Summary; readonly list?: LookupList }
);

type LookupList = Extract<LookupAnswer, { readonly kind: "list" }>["list"];

export interface LookupYes {
  readonly ok: true;
  readonly origin: string;
  /** Which of its indexes answered. */
  readonly generation: Generation;
  /** Complete up to this many entries. */
  readonly main: Head;
  /** Who has executed the index: `not asked` is *map unverified*. */
  readonly verified: Witnessed;
  readonly found: readonly Found[];
  /** Where the index has ended: what came later is in the one after it. */
  readonly end?: EndOfIndex;
  /** The entries that were given, each checked against its lists. */
  readonly entries: readonly LookupEntry[];
}

export type LookupVerdict = LookupYes | { readonly ok: false; readonly refusal: LookupRefusal };

export interface LookupPorts {
  readonly crypto: Crypto;
  /** From the trust file. */
  readonly log: TrustedLog;
  /** Policies of index verifiers, from the trust file; none: the map is the log's word alone. */
  readonly verifiers: readonly WitnessPolicy[];
  /** Which of its indexes it is, by whose mapfn. */
  readonly generation: Generation;
}

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

type Refused = Extract<LookupVerdict, { readonly ok: false }>;
type Opened =
  | { readonly ok: true; readonly index: Head; readonly main: Head; readonly leaf: IndexLeaf }
  | Refused;

async function openHeads(ports: LookupPorts, lookup: Lookup): Promise<Opened> {
  const { crypto, generation, log, verifiers } = ports;
  const { sha256 } = crypto;
  const indexLog = indexLogOf(sha256, log, generation, verifiers);
  const index = await openHead(crypto, indexLog, utf8(lookup.index.checkpoint));
  if (!index.ok) {
    const lacks = index.code === "WITNESSES_TOO_FEW";
    const code = lacks ? "VERIFIERS_TOO_FEW" : "INDEX_HEAD_REFUSED";
    return refuse({ code, message: index.message });
  }
  const leaf = newestLeaf(ports, index.value, lookup);
  if (!leaf.ok) return refuse({ code: "INDEX_LEAF_REFUSED", message: leaf.message });
  const end = endOf(log, generation);
  const beyond = end && beyondEnd(end, shownBy(leaf.value, lookup));
  if (beyond !== undefined) return refuse({ code: "INDEX_ENDED", message: beyond });
  const main = await openHead(crypto, log, utf8(lookup.main));
  if (!main.ok) {
    const lacks = main.code === "WITNESSES_TOO_FEW";
    const code = lacks ? "WITNESSES_TOO_FEW" : "MAIN_HEAD_REFUSED";
    return refuse({ code, message: main.message });
  }
  const { tree } = main.value;
  const named = leaf.value.main;
  if (tree.size !== named.size || !equal(tree.root, named.root))
    return refuse({ code: "OTHER_HEAD", size: tree.size });
  return { ok: true, index: index.value, main: main.value, leaf: leaf.value };
}

function shownBy(
  { main }: IndexLeaf,
  { index }: Lookup,
): { readonly leafIndex: number; readonly entries: number } {
  return { leafIndex: index.leafIndex, entries: main.size };
}

/** The last leaf under the head; an older one would show an older map as the newest. */
function newestLeaf(ports: LookupPorts, head: Head, { index }: Lookup): Result<IndexLeaf> {
  const { crypto, log } = ports;
  const bad = (message: string): Result<IndexLeaf> => ({
    ok: false,
    code: "RESPONSE_INVALID",
    message,
    detail: {},
  });
  const parsed = parseIndexLeaf(index.leaf);
  if (!parsed.ok) return parsed;
  if (index.leafIndex !== head.tree.size - 1) return bad("The leaf is not the newest one.");
  const hash = leafHash(crypto.sha256, index.leaf);
  if (!verifyInclusion(crypto.sha256, head.tree, index.leafIndex, hash, index.hashes))
    return bad("The leaf is not in the index log.");
  if (parsed.value.origin !== log.origin) return bad("The index is of another log.");
  return parsed;
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

/** mapfn over an entry, with its content where it is given. */
function postingsBy({
  crypto,
  generation,
  log,
}: LookupPorts): (entry: LookupEntry) => readonly Posting[] {
  const hashes = { sha256: crypto.sha256, git: gitHashOf(crypto) };
  const indexed = { origin: log.origin, vkeys: log.vkeyTexts };
  return ({ leaf, content }) => generation.mapfn(hashes, indexed, leaf, content);
}

/** Each entry under the main head, and its own postings against every list that was given. */
function checkEntries(
  ports: LookupPorts,
  main: Head,
  found: readonly Found[],
  entries: readonly LookupEntry[],
): LookupRefusal | undefined {
  const { sha256 } = ports.crypto;
  const postingsOf = postingsBy(ports);
  for (const entry of entries) {
    const { index, leaf, hashes: proof, content } = entry;
    const bad = (message: string): LookupRefusal => ({ code: "ENTRY_REFUSED", index, message });
    if (!verifyInclusion(sha256, main.tree, index, leafHash(sha256, leaf), proof))
      return bad("The entry is not in the log at this index.");
    const parsed = parseLeaf(leaf);
    if (!parsed.ok) return bad(parsed.message);
    if (content !== undefined && !equal(sha256(content), leafContentDigest(parsed.value)))
      return bad("The content is not the one that the leaf names.");
    // An opaque entry makes no claims; with its content at hand it still makes none in the index.
    const postings = postingsOf(entry);
    for (const one of found) {
      const list = one.kind === "absent" ? [] : one.list;
      if (list === undefined) continue;
      const how = disagrees(ports, one.key, list, index, postings, content !== undefined);
      if (how !== undefined) return { code: "FALSE_POSTING", key: one.key, index, how };
    }
  }
  return undefined;
}

/**
 * How a list and an entry's own postings say different things of it. Without the content only
 * what every entry posts can be told; a key that needs the content is left open then.
 */
function disagrees(
  ports: LookupPorts,
  key: LookupKey,
  list: LookupList,
  index: number,
  postings: readonly Posting[],
  isWhole: boolean,
): FalsePosting["how"] | undefined {
  const wanted = keyOf(ports, key);
  const listed = list.find((one) => one.index === index);
  const posted = postings.find((one) => equal(one.key, wanted));
  if (posted === undefined) return listed !== undefined && isWhole ? "adds" : undefined;
  if (listed === undefined) return isWhole || ALWAYS_POSTED.has(key.type) ? "omits" : undefined;
  const [a, b] = [listed.claim, posted.claim];
  const same = a === undefined || b === undefined ? a === b : equal(a, b);
  return same ? undefined : "alters";
}

/** Keys that follow from the leaf alone. */
const ALWAYS_POSTED: ReadonlySet<string> = new Set(["leaf", "statement", "signer", "artifact"]);

function refuse(refusal: LookupRefusal): Refused {
  return { ok: false, refusal };
}
