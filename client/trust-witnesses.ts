/**
 * Who must have witnessed a log's heads, and who must have executed its index, out of the trust
 * file.
 *
 *     [[log.witnesses]]       # or [[log.index]]
 *     policy = """…"""      # C2SP tlog-policy
 *     until = 4711          # retired: counts for heads of at most this size
 *     allow_split = true    # two of its quorums may have nobody in common
 *     index = 2             # [[log.index]] only: for which index of the log; 1 by default
 *
 *     [[log.index_end]]     # an index that has ended, as the log has stated
 *     index = 1
 *     leaves = 812          # the last size of its log
 *     entries = 90210       # the size of the log under its last leaf
 *
 * One policy holds now; alternatives are groups inside of it, where their quorums can be held
 * against one another. The others are retired, each with the size until which it counts, so that
 * old receipts stay good and the keys of witnesses that are gone cannot vouch for new heads.
 *
 * The heads of `[[log.index]]` are those of the index log. Its verifiers have executed every leaf;
 * a witness has only seen that a log grows. So one key is never both.
 *
 * A log is no witness of itself: a policy that counts a key of the log is refused.
 *
 * Spec: docs/formats.md §Trust file, §Index, C2SP tlog-policy.
 *
 * @module
 */
import type { TomlTable } from "smol-toml";
import { equal, utf8 } from "../schema/bytes.ts";
import { INDEX_V1, indexOrigin } from "../schema/index/generation.ts";
import type { EndOfIndex } from "../schema/index/index-end.ts";
import type { Sha256 } from "../schema/tlog/hash.ts";
import { makeVkey, type Vkey } from "../schema/tlog/note.ts";
import { type Policy, splitsInTwo } from "../schema/tlog/quorum.ts";
import { parsePolicy } from "../schema/tlog/tlog-policy.ts";
import type { IndexPolicy, WitnessPolicy } from "./quorum.ts";
import type { Path } from "./toml-places.ts";
import type { TrustFields } from "./trust-fields.ts";

/** Ten years: above it a bound bounds nothing. */
const MAX_FRESH_SECONDS = 315_360_000;

/** What the trust file says about one log's witnesses; empty where it says nothing. */
interface Witnesses {
  readonly witnesses?: readonly WitnessPolicy[];
  readonly freshSeconds?: number;
  readonly index?: readonly IndexPolicy[];
  readonly indexEnds?: readonly EndOfIndex[];
}

/** Read `witnesses`, `fresh_seconds` and `index` of a `[[log]]`. Throws `TRUST_INVALID`. */
export function readWitnesses(
  sha256: Sha256,
  fields: TrustFields,
  log: TomlTable,
  path: Path,
  vkeys: readonly Vkey[],
): Witnesses {
  const witnesses = readPolicies(sha256, fields, log, [...path, "witnesses"], vkeys);
  const index = readPolicies(sha256, fields, log, [...path, "index"], vkeys);
  const indexEnds = readEnds(fields, log, path);
  oneRolePerKey(fields, [...path, "index"], witnesses, index);
  const bound = log["fresh_seconds"] !== undefined;
  if (bound && witnesses.length === 0)
    throw fields.wrong(
      [...path, "fresh_seconds"],
      "bounds the times of witnesses, and there are none",
      "a [[log.witnesses]] beside it",
    );
  const limits = { least: 1, most: MAX_FRESH_SECONDS, what: "seconds" };
  return {
    ...(witnesses.length === 0 ? {} : { witnesses }),
    ...(bound ? { freshSeconds: fields.count(log, path, "fresh_seconds", limits) } : {}),
    ...(index.length === 0 ? {} : { index }),
    ...(indexEnds.length === 0 ? {} : { indexEnds }),
  };
}

/** The ends of indexes, each once. */
function readEnds(fields: TrustFields, log: TomlTable, path: Path): EndOfIndex[] {
  const ends = fields.tables(log, path, "index_end").map((table, i): EndOfIndex => {
    const at = [...path, "index_end", i];
    fields.only(table, at, ["index", "leaves", "entries", "successor"]);
    const number = (name: string, least: number, what: string): number =>
      fields.count(table, at, name, { least, most: Number.MAX_SAFE_INTEGER, what });
    const origin = fields.text(log, path, "origin");
    const index = number("index", 1, "an index");
    return {
      indexOrigin: indexOrigin(origin, { number: index }),
      leaves: number("leaves", 1, "leaves"),
      entries: number("entries", 0, "entries"),
      successor: indexOrigin(origin, {
        number: table["successor"] === undefined ? index + 1 : number("successor", 2, "an index"),
      }),
    };
  });
  const name = (end: EndOfIndex): string => end.indexOrigin;
  fields.unique(ends, name, (i) => [...path, "index_end", i, "index"], "end of");
  return ends;
}

/** All policies of one list; of each index at most one of them holds now. */
function readPolicies(
  sha256: Sha256,
  fields: TrustFields,
  log: TomlTable,
  path: Path,
  vkeys: readonly Vkey[],
): IndexPolicy[] {
  const name = String(path.at(-1));
  const policies = fields
    .tables(log, path.slice(0, -1), name)
    .map((table, i) => readPolicy(sha256, fields, table, [...path, i], vkeys));
  const second = policies.findIndex(
    ({ index, until }, i) =>
      until === undefined &&
      policies.slice(0, i).some((one) => one.until === undefined && one.index === index),
  );
  if (second >= 0)
    throw fields.wrong(
      [...path, second],
      "is a second policy that holds now",
      "one; alternatives are groups in its policy, and a retired one has `until`",
    );
  return policies;
}

/** Who has only seen a head must not be counted as having executed what is under it. */
function oneRolePerKey(
  fields: TrustFields,
  path: Path,
  witnesses: readonly WitnessPolicy[],
  index: readonly WitnessPolicy[],
): void {
  const all = witnesses.flatMap(({ policy }) => policy.witnesses);
  for (const [i, { policy }] of index.entries())
    for (const { name, vkey } of policy.witnesses)
      if (all.some((witness) => equal(witness.vkey.publicKey, vkey.publicKey)))
        throw fields.wrong(
          [...path, i, "policy"],
          `has as ${name} a key that is a witness of the log`,
          "another key: an index verifier is no witness",
        );
}

function readPolicy(
  sha256: Sha256,
  fields: TrustFields,
  table: TomlTable,
  path: Path,
  vkeys: readonly Vkey[],
): IndexPolicy {
  const isIndex = path.at(-2) === "index";
  fields.only(table, path, ["policy", "until", "allow_split", ...(isIndex ? ["index"] : [])]);
  const index = isIndex ? readIndexNumber(fields, table, path) : {};
  const allowSplit = fields.flag(table, path, "allow_split");
  const at = [...path, "policy"];
  const parsed = parsePolicy(sha256, utf8(fields.text(table, path, "policy")));
  if (!parsed.ok) {
    const line = parsed.detail.at === undefined ? "" : `${parsed.detail.at}: `;
    throw fields.wrong(at, `is no policy: ${line}${parsed.message}`, parsed.detail.expected);
  }
  const policy = parsed.value;
  if (policy.quorum === undefined)
    throw fields.wrong(at, "asks for no witness", `a quorum, or no ${listName(path)} at all`);
  if (splitsInTwo(policy) && !allowSplit)
    throw fields.wrong(
      at,
      "has two quorums with nobody in common, so that each can be shown another history",
      "more than half of the witnesses in each quorum, or allow_split = true",
    );
  ownLogOnly(fields, policy, at, isIndex ? indexKeysOf(sha256, vkeys, index) : vkeys);
  if (table["until"] === undefined) return { policy, ...index };
  const limits = { least: 0, most: Number.MAX_SAFE_INTEGER, what: "entries" };
  return { policy, ...index, until: fields.count(table, path, "until", limits) };
}

/** `index = 2`; the first index where it is not said. */
function readIndexNumber(
  fields: TrustFields,
  table: TomlTable,
  path: Path,
): Pick<IndexPolicy, "index"> {
  if (table["index"] === undefined) return {};
  const limits = { least: 1, most: Number.MAX_SAFE_INTEGER, what: "an index" };
  const index = fields.count(table, path, "index", limits);
  return index === INDEX_V1.number ? {} : { index };
}

/** The log's keys sign an index under the index's own name. */
function indexKeysOf(
  sha256: Sha256,
  vkeys: readonly Vkey[],
  { index = INDEX_V1.number }: Pick<IndexPolicy, "index">,
): readonly Vkey[] {
  return vkeys.map(({ name, type, publicKey }) =>
    makeVkey(sha256, indexOrigin(name, { number: index }), type, publicKey),
  );
}

/** `[[log.witnesses]]`, out of the path of one of them. */
function listName(path: Path): string {
  return `[[log.${String(path.at(-2))}]]`;
}

/** A policy for another log may ask for less than this one's reader believes. */
function ownLogOnly(fields: TrustFields, policy: Policy, at: Path, vkeys: readonly Vkey[]): void {
  const isOwn = (key: Vkey): boolean =>
    vkeys.some(
      (own) =>
        own.name === key.name && own.type === key.type && equal(own.publicKey, key.publicKey),
    );
  for (const { vkey, vkeyText } of policy.logs)
    if (!isOwn(vkey))
      throw fields.wrong(at, `is for the log ${vkeyText}`, "no log line, or those of this log");
  for (const { name, vkey } of policy.witnesses)
    if (vkeys.some(({ publicKey }) => equal(publicKey, vkey.publicKey)))
      throw fields.wrong(at, `has a key of the log itself as the witness ${name}`, "other keys");
}
