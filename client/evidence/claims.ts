/**
 * Whether a file shows that two signed statements contradict each other, and accuses their signer.
 *
 * Of each statement: it is in the log, its content is the one that the leaf names, its signature
 * verifies, and mapfn gives it the slot with a claim. Then the rules of
 * `schema/index/contradiction.ts`. A signature that does not verify accuses no signer: that would
 * be `bad-admission`, against the log.
 *
 * A verdict may have been withdrawn by a third statement. So an equivocation of verdicts also needs
 * a look-up bundle in which nobody has superseded either statement, with the quorums that the
 * trust file asks for: here the index is a witness against somebody else, not the accused.
 *
 * Spec: docs/formats.md §Evidence, §Contradictions; docs/evidence.md.
 *
 * @module
 */
import { toHex } from "../../schema/bytes.ts";
import { parseLeaf } from "../../schema/entry/leaf.ts";
import type { ClaimEvidence, LoggedStatement } from "../../schema/evidence/claims.ts";
import {
  type Contradiction,
  contradiction,
  type Said,
  saidIn,
  supersededKey,
} from "../../schema/index/contradiction.ts";
import { type Generation, generationOf } from "../../schema/index/generation.ts";
import { parseIndexLeaf } from "../../schema/index/index-leaf.ts";
import { formatLookup, type LookupKey } from "../../schema/index/lookup.ts";
import type { Crypto } from "../crypto/crypto.ts";
import { gitHashOf } from "../git/hash.ts";
import { verifiersOf } from "../lookup/index-log.ts";
import { verifyLookup } from "../lookup/verify.ts";
import { verifyEntrySignature } from "../signature/registry.ts";
import type { TrustedLog } from "../trust.ts";
import {
  type Accused,
  type EvidenceVerdict,
  holds,
  type Logs,
  nothing,
  openEntry,
  type Refused,
  refuse,
} from "./verdict.ts";

/** The trusted logs, and the mapfns that are known. */
interface ClaimTrust {
  readonly trust: Logs;
  readonly known: readonly Generation[];
}

export async function judgeClaims(
  crypto: Crypto,
  trusted: ClaimTrust,
  evidence: ClaimEvidence,
): Promise<EvidenceVerdict> {
  const { kind, slot, statements } = evidence;
  const a = await openStatement(crypto, trusted, slot, statements[0]);
  if (!a.ok) return a;
  const b = await openStatement(crypto, trusted, slot, statements[1]);
  if (!b.ok) return b;
  if (a.log !== b.log)
    return refuse({ code: "LOG_UNKNOWN", message: "The two statements are in two logs." });
  const is = contradiction(slot.type, a.said, b.said);
  if (is !== kind) return nothing(NO_CHARGE[is]);
  const isVerdict = kind === "equivocation" && slot.type === "verdict-by";
  const stands = isVerdict
    ? await checkStanding(crypto, { ...trusted, log: a.log }, evidence, [a.said, b.said])
    : FREE;
  if (!stands.ok) return stands;
  const signer = toHex(a.said.signer);
  const accused: Accused = kind === "equivocation" ? { who: "signer", signer } : { who: "nobody" };
  const indexes = `entries ${statements[0].entry.index} and ${statements[1].entry.index}`;
  return holds(kind, a.log.origin, accused, sentence(evidence, a.said, indexes), stands.also);
}

/** What two statements are that are not what the file says. */
const NO_CHARGE: Readonly<Record<Contradiction, string>> = {
  none: "The two statements do not contradict each other.",
  resolved: "One of the two statements supersedes the other.",
  equivocation: "The two statements are an equivocation, and not what the file says.",
  irreproducible: "Not both statements promise that the build is deterministic.",
  "builders-disagree": "The two statements are of two builders, and not what the file says.",
  "ref-moved": "Not both statements promise that the ref is immutable.",
  "sha1-collision": "The two objects have one SHA-1, and are not what the file says.",
};

const SLOT_NAMES: Readonly<Record<string, string>> = {
  "output-by": "two outputs of a build that is deterministic by its own word",
  "ref-by": "two objects for a ref that is immutable by its own word",
  "release-by": "two commits for one release",
  "verdict-by": "two verdicts on one change, of which neither takes the other's place",
  "signer-seq": "two statements with one sequence number",
};

function sentence({ kind, slot }: ClaimEvidence, { signer }: Said, indexes: string): string {
  switch (kind) {
    case "equivocation":
      return `signer ${toHex(signer)} has signed ${SLOT_NAMES[slot.type]} (${indexes})`;
    case "irreproducible":
      return `signer ${toHex(signer)} got two outputs out of one input (${indexes})`;
    case "builders-disagree":
      return `two builders got different outputs out of one input (${indexes})`;
    case "ref-moved":
      return `a ref was said to name two objects (${indexes})`;
    case "sha1-collision":
      return `two git objects have one SHA-1 id (${indexes})`;
  }
}

type Statement = { readonly ok: true; readonly log: TrustedLog; readonly said: Said } | Refused;

async function openStatement(
  crypto: Crypto,
  { trust, known }: ClaimTrust,
  slot: LookupKey,
  { entry, content, key }: LoggedStatement,
): Promise<Statement> {
  const opened = await openEntry(crypto, trust, entry);
  if (!opened.ok) return opened;
  const { log } = opened.head;
  const leaf = parseLeaf(entry.leafBytes);
  if (!leaf.ok) return nothing(leaf.message);
  const signature = await verifyEntrySignature(crypto, leaf.value, content, key);
  if (!signature.ok)
    return nothing(`The signature of entry ${entry.index} proves nothing: ${signature.message}.`);
  const hashes = { sha256: crypto.sha256, git: gitHashOf(crypto) };
  const indexed = { origin: log.origin, vkeys: log.vkeyTexts };
  // A slot means the same in every mapfn that has it.
  const [said] = known.flatMap(
    (generation) => saidIn(generation, hashes, indexed, slot, entry.leafBytes, content) ?? [],
  );
  return said === undefined
    ? nothing(`Entry ${entry.index} claims nothing in this slot.`)
    : { ok: true, log, said };
}

type Standing = { readonly ok: true; readonly also: string } | Refused;

const FREE: Standing = { ok: true, also: "" };

/** Nobody has superseded either statement, up to a head that has both. */
async function checkStanding(
  crypto: Crypto,
  { known, log }: ClaimTrust & { readonly log: TrustedLog },
  { lookup, statements }: ClaimEvidence,
  said: readonly [Said, Said],
): Promise<Standing> {
  if (lookup === undefined)
    return nothing("It is not shown that neither of the two verdicts was withdrawn.");
  const leaf = parseIndexLeaf(lookup.index.leaf);
  const generation = leaf.ok ? generationOf(known, leaf.value.mapfn) : undefined;
  if (generation === undefined)
    return nothing("The look-up for a withdrawal is of a mapfn that this program does not know.");
  const ports = { crypto, log, verifiers: verifiersOf(log, generation), generation };
  const answer = await verifyLookup(ports, formatLookup(lookup), said.map(supersededKey));
  if (!answer.ok)
    return nothing(`The look-up for a withdrawal proves nothing [${answer.refusal.code}].`);
  if (answer.found.some((one) => one.kind !== "absent"))
    return nothing("One of the two verdicts was replaced or withdrawn by its signer.");
  const { size } = answer.main.tree;
  if (statements.some(({ entry }) => entry.index >= size))
    return nothing("The look-up for a withdrawal is older than the verdicts.");
  const word =
    answer.verified.state === "quorum"
      ? ""
      : ". That neither was withdrawn is the log's word: the trust file names no index verifier";
  return { ok: true, also: `; or what happened after entry ${size}${word}` };
}
