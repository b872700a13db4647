/**
 * What is a contradiction: two signed statements with different values in one slot, and what that
 * means for whoever signed them.
 *
 *     slot                  means                 if
 *     output-by             equivocation          both say that the build is deterministic
 *                           irreproducible        else
 *     ref-by, release-by    equivocation          both say that the ref is immutable
 *                           ref-moved             else
 *     verdict-by            equivocation          neither supersedes the other
 *                           resolved              else
 *     signer-seq            equivocation
 *     output                builders-disagree     two signers
 *     ref-value             ref-moved             (anybody may have written either)
 *     git-content           sha1-collision
 *
 * Only an equivocation accuses somebody, and only in a slot that names its signer: into the others
 * anybody can write. A verdict can also be superseded by a third statement; that is a question to
 * the index (`superseded`), and without its answer "neither supersedes the other" convicts nobody.
 *
 * Spec: docs/formats.md §Contradictions. The graph of verdicts is `supersedes.ts`.
 *
 * @module
 */
import { equal, fromHex } from "../bytes.ts";
import { leafContentDigest, parseLeaf } from "../entry/leaf.ts";
import type { Reading } from "../entry/reading.ts";
import type { KnownPredicate } from "../predicate/registry.ts";
import type { Hash } from "../tlog/hash.ts";
import type { Generation } from "./generation.ts";
import type { LookupKey } from "./lookup.ts";
import { type KeyType, mapKey } from "./map-key.ts";
import { type IndexedLog, type MapHashes, readLogged, signerOf } from "./mapfn.ts";
import type { NamedPosting } from "./posting-set.ts";
import { type Superseding, supersedesOther } from "./supersedes.ts";

export type Contradiction =
  /** One signer has promised two things of which only one can be. */
  | "equivocation"
  | "irreproducible"
  | "builders-disagree"
  | "ref-moved"
  | "sha1-collision"
  /** One of the two has taken the place of the other. */
  | "resolved"
  | "none";

/** Types of slots: keys under which values are claimed. */
export const SLOT_TYPES: readonly KeyType[] = [
  "output",
  "output-by",
  "ref-value",
  "ref-by",
  "release-by",
  "verdict-by",
  "signer-seq",
  "git-content",
];

/** Slots whose first field is the only signer who can write into them. */
export const SIGNER_SLOTS: readonly KeyType[] = [
  "output-by",
  "ref-by",
  "release-by",
  "verdict-by",
  "signer-seq",
];

/** What one entry says in a slot. */
export interface Said extends Superseding {
  readonly signer: Hash;
  readonly content: Hash;
  /** The claim value of the set that it names. */
  readonly claim: Hash;
  readonly reading: Reading;
}

/** What two entries of one slot are to each other. Which of them was logged first says nothing. */
export function contradiction(type: KeyType, a: Said, b: Said): Contradiction {
  if (equal(a.claim, b.claim)) return "none";
  if (SIGNER_SLOTS.includes(type) && !equal(a.signer, b.signer)) return "none";
  return RULES.get(type)?.(a, b) ?? "none";
}

type Rule = (a: Said, b: Said) => Contradiction;

const ofRefs: Rule = (a, b) => (isImmutable(a) && isImmutable(b) ? "equivocation" : "ref-moved");

/** For two different values; of one signer, where the slot names its signer. */
const RULES: ReadonlyMap<KeyType, Rule> = new Map<KeyType, Rule>([
  [
    "output-by",
    (a, b) => (isDeterministic(a) && isDeterministic(b) ? "equivocation" : "irreproducible"),
  ],
  ["ref-by", ofRefs],
  ["release-by", ofRefs],
  ["verdict-by", (a, b) => (supersedesOther(a, b) ? "resolved" : "equivocation")],
  ["signer-seq", () => "equivocation"],
  ["output", (a, b) => (equal(a.signer, b.signer) ? "none" : "builders-disagree")],
  ["ref-value", () => "ref-moved"],
  ["git-content", () => "sha1-collision"],
]);

/** Where a successor of a statement would stand; presence under it means: withdrawn or replaced. */
export function supersededKey({ signer, content }: Superseding): LookupKey {
  return { type: "superseded", fields: [signer, content] };
}

/**
 * What an entry says in a slot; `undefined` where it claims nothing there. The caller has checked
 * that the content is the one whose digest the leaf names.
 */
export function saidIn(
  generation: Generation,
  hashes: MapHashes,
  log: IndexedLog,
  slot: LookupKey,
  leaf: Uint8Array,
  content: Uint8Array,
): Said | undefined {
  const key = mapKey(hashes.sha256, log.origin, slot.type, slot.fields);
  const found = generation
    .namedPostings(hashes, log, leaf, content)
    .find((one) => equal(one.key, key));
  return found && said(hashes, leaf, content, found);
}

/** As {@link saidIn}, of a posting that is at hand. */
export function said(
  hashes: MapHashes,
  leaf: Uint8Array,
  content: Uint8Array,
  { claim }: NamedPosting,
): Said | undefined {
  const parsed = parseLeaf(leaf);
  if (!parsed.ok || claim === undefined) return undefined;
  const signer = signerOf(hashes.sha256, parsed.value);
  const reading = readLogged(hashes.sha256, parsed.value, content);
  if (signer === undefined || reading === undefined) return undefined;
  const supersedes = supersededBy(reading);
  return {
    signer,
    content: leafContentDigest(parsed.value),
    claim,
    reading,
    ...(supersedes === undefined ? {} : { supersedes }),
  };
}

function supersededBy(reading: Reading): Uint8Array | undefined {
  const known = predicateOf(reading);
  if (known === undefined || known.kind === "slsa-provenance") return undefined;
  const { supersedes } = known.value;
  return supersedes === undefined ? undefined : fromHex(supersedes);
}

/** SLSA provenance has no such field, and promises nothing. */
function isDeterministic({ reading }: Said): boolean {
  const known = predicateOf(reading);
  return known?.kind === "build-result" && known.value.deterministic;
}

/** A push certificate promises nothing for later. */
function isImmutable({ reading }: Said): boolean {
  const known = predicateOf(reading);
  if (known?.kind === "release") return known.value.immutable;
  return known?.kind === "ref-update" && known.value.immutable === true;
}

function predicateOf(reading: Reading): KnownPredicate | undefined {
  return reading.kind === "statement" ? reading.statement.known : undefined;
}
