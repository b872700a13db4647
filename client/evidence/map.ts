/**
 * Whether a file convicts an index: the log that keeps it, and the verifiers who said that they had
 * executed it.
 *
 * The log's own signatures under both heads are enough; quorums are not asked for, because a log
 * answers for what it signed. Which verifiers of the trust file stand beside it is read off the
 * index checkpoint.
 *
 * An entry whose content the log did not hold posts no claims, and nobody can show afterwards what
 * was held. So an omission must also show that the index does not call the entry opaque, and a
 * false posting must be false with the content and without it.
 *
 * Spec: docs/formats.md §Evidence; docs/evidence.md.
 *
 * @module
 */
import { equal, utf8 } from "../../schema/bytes.ts";
import { leafContentDigest, parseLeaf } from "../../schema/entry/leaf.ts";
import type { MapEvidence } from "../../schema/evidence/map.ts";
import { type ListGap, leavesOut } from "../../schema/index/gap.ts";
import { type Generation, generationOf } from "../../schema/index/generation.ts";
import { type IndexLeaf, parseIndexLeaf } from "../../schema/index/index-leaf.ts";
import {
  formatLookup,
  type Lookup,
  type LookupEntry,
  type LookupKey,
  type PlacedLeaf,
} from "../../schema/index/lookup.ts";
import { ALWAYS_POSTED, type KeyType, mapKey } from "../../schema/index/map-key.ts";
import type { Posting } from "../../schema/index/posting.ts";
import { type Hash, leafHash } from "../../schema/tlog/hash.ts";
import { parseNote } from "../../schema/tlog/note.ts";
import { verifyInclusion } from "../../schema/tlog/proof.ts";
import { openCosignatures } from "../cosignature.ts";
import type { Crypto } from "../crypto/crypto.ts";
import { gitHashOf } from "../git/hash.ts";
import { claimedLog, type SignedHead } from "../head.ts";
import type { Found, LookupYes } from "../lookup/verdict.ts";
import { verifyLookup } from "../lookup/verify.ts";
import { witnessKeys } from "../quorum.ts";
import type { TrustedLog } from "../trust.ts";
import {
  type EvidenceVerdict,
  holds,
  type Logs,
  nothing,
  openNote,
  type Refused,
  refuse,
} from "./verdict.ts";

/** The trusted logs, their index logs, and the mapfns that are known. */
export interface MapTrust {
  readonly trust: Logs;
  readonly indexLogs: Logs;
  readonly known: readonly Generation[];
}

export async function judgeMap(
  crypto: Crypto,
  trusted: MapTrust,
  evidence: MapEvidence,
): Promise<EvidenceVerdict> {
  if (evidence.kind === "index-contradiction")
    return judgeLeaves(crypto, trusted.indexLogs, evidence.leaves);
  const scene = await openScene(crypto, trusted, evidence.key, evidence.lookup);
  if (!scene.ok) return scene;
  return evidence.kind === "omission"
    ? judgeOmission(crypto, scene, evidence.key, evidence.gaps)
    : judgePosting(crypto, scene, evidence.key);
}

async function judgeLeaves(
  crypto: Crypto,
  indexLogs: Logs,
  [first, second]: readonly [PlacedLeaf, PlacedLeaf],
): Promise<EvidenceVerdict> {
  const a = await openLeaf(crypto, indexLogs, first);
  if (!a.ok) return a;
  const b = await openLeaf(crypto, indexLogs, second);
  if (!b.ok) return b;
  if (a.head.log !== b.head.log)
    return refuse({ code: "LOG_UNKNOWN", message: "The two leaves are of two index logs." });
  const charge = chargeOf(
    [first.leafIndex, a.leaf.main.size, first.leaf],
    [second.leafIndex, b.leaf.main.size, second.leaf],
  );
  if (charge === undefined) return nothing("The leaves do not contradict one another.");
  const { origin } = a.head.log;
  return holds("index-contradiction", origin, { who: "log" }, `${origin} ${charge}`);
}

type Placed = readonly [at: number, size: number, leaf: Uint8Array];

function chargeOf(a: Placed, b: Placed): string | undefined {
  const [[at, size, leaf], [later, laterSize, laterLeaf]] = a[0] <= b[0] ? [a, b] : [b, a];
  if (at === later)
    return equal(leaf, laterLeaf) ? undefined : `has two different leaves at index ${at}`;
  if (size === laterSize) return `has two leaves, ${at} and ${later}, for the size ${size}`;
  return size > laterSize
    ? `went back from the size ${size} at leaf ${at} to ${laterSize} at leaf ${later}`
    : undefined;
}

type OpenedLeaf =
  | { readonly ok: true; readonly head: SignedHead; readonly leaf: IndexLeaf }
  | Refused;

async function openLeaf(
  crypto: Crypto,
  indexLogs: Logs,
  { checkpoint, leafIndex, leaf, hashes }: PlacedLeaf,
): Promise<OpenedLeaf> {
  const opened = await openNote(crypto, indexLogs, checkpoint);
  if (!opened.ok) return opened;
  const { tree } = opened.head;
  if (!verifyInclusion(crypto.sha256, tree, leafIndex, leafHash(crypto.sha256, leaf), hashes))
    return nothing(`Leaf ${leafIndex} is not shown to be in the index log.`);
  const parsed = parseIndexLeaf(leaf);
  return parsed.ok
    ? { ok: true, head: opened.head, leaf: parsed.value }
    : nothing(`Leaf ${leafIndex} is none that this program reads: ${parsed.message}.`);
}

/** A bundle that the log has signed, and the one entry in it. */
interface Scene {
  readonly ok: true;
  readonly log: TrustedLog;
  readonly answer: LookupYes;
  readonly entry: LookupEntry;
  /**
   * What the entry posts with the content that is given: under all keys that the trust file has for
   * the log, and under each alone. An index may know fewer of them, and then statements that name
   * another are only bytes to it; what is not so in every reading convicts nobody.
   */
  readonly readings: readonly (readonly Posting[])[];
  /** What it posts without. */
  readonly bare: readonly Posting[];
  readonly verifiers: readonly string[];
}

async function openScene(
  crypto: Crypto,
  { trust, known: generations }: MapTrust,
  key: LookupKey,
  lookup: Lookup,
): Promise<Scene | Refused> {
  const log = claimedLog(trust, utf8(lookup.main));
  if (!log.ok)
    return log.code === "NOT_FOUND"
      ? refuse({ code: "LOG_UNKNOWN", message: log.message })
      : refuse({ code: "EVIDENCE_MALFORMED", message: log.message, field: "lookup.main" });
  const [entry, ...more] = lookup.entries;
  if (entry === undefined || more.length > 0)
    return nothing("The bundle must have just the entry that it is about.");
  const leaf = parseIndexLeaf(lookup.index.leaf);
  const generation = leaf.ok ? generationOf(generations, leaf.value.mapfn) : undefined;
  if (generation === undefined)
    return nothing("The bundle is of an index whose mapfn this program does not know.");
  const { witnesses: _, indexEnds: __, ...alone } = log.value;
  const asked = lookup.answers.length > 1 ? [key, OPAQUE] : [key];
  const ports = { crypto, log: alone, verifiers: [], generation };
  const answer = await verifyLookup(ports, formatLookup({ ...lookup, entries: [] }), asked);
  if (!answer.ok) {
    const { code } = answer.refusal;
    const message = `The bundle proves nothing [${code}].`;
    const unsigned = code === "INDEX_HEAD_REFUSED" || code === "MAIN_HEAD_REFUSED";
    return unsigned ? refuse({ code: "NOT_SIGNED", message }) : nothing(message);
  }
  const { tree } = answer.main;
  const { sha256 } = crypto;
  const hash = leafHash(sha256, entry.leaf);
  if (!verifyInclusion(sha256, tree, entry.index, hash, entry.hashes))
    return nothing(`Entry ${entry.index} is not shown to be in the tree that was indexed.`);
  if (!isItsContent(crypto, entry)) return nothing("The content is not the one of the entry.");
  const verifiers = await verifiersBeside(crypto, log.value, lookup.index.checkpoint);
  if (verifiers === undefined)
    return refuse({ code: "NOT_SIGNED", message: "A line of an index verifier is bad." });
  const hashes = { sha256, git: gitHashOf(crypto) };
  const { origin, vkeyTexts } = log.value;
  const post = (content: Uint8Array | undefined, vkeys: readonly string[]): readonly Posting[] =>
    generation.mapfn(hashes, { origin, vkeys }, entry.leaf, content);
  const known = [vkeyTexts, ...vkeyTexts.map((vkey) => [vkey])];
  const readings = known.map((vkeys) => post(entry.content, vkeys));
  const bare = post(undefined, vkeyTexts);
  return { ok: true, log: log.value, answer, entry, readings, bare, verifiers };
}

function isItsContent({ sha256 }: Crypto, { leaf, content }: LookupEntry): boolean {
  if (content === undefined) return true;
  const parsed = parseLeaf(leaf);
  return parsed.ok && equal(sha256(content), leafContentDigest(parsed.value));
}

async function verifiersBeside(
  crypto: Crypto,
  log: TrustedLog,
  checkpoint: string,
): Promise<readonly string[] | undefined> {
  const note = parseNote(utf8(checkpoint));
  if (!note.ok) return undefined;
  const keys = witnessKeys({ witnesses: log.index ?? [] });
  const cosigned = await openCosignatures(crypto, note.value, keys);
  return cosigned.ok ? cosigned.value.map(({ key }) => key.name) : undefined;
}

const OPAQUE: LookupKey = { type: "opaque", fields: [] };
const OPAQUE_TYPES: readonly KeyType[] = ["opaque", "opaque-by"];

function judgeOmission(
  crypto: Crypto,
  scene: Scene,
  key: LookupKey,
  gaps: readonly ListGap[],
): EvidenceVerdict {
  const { answer, entry, readings } = scene;
  const always = ALWAYS_POSTED.has(key.type);
  if (!always && entry.content === undefined)
    return nothing("Without its content nobody can say what the entry posts.");
  if (OPAQUE_TYPES.includes(key.type))
    return nothing("Nobody can show afterwards which contents a log held.");
  if (readings.some((postings) => posted(crypto, scene, key, postings) === undefined))
    return nothing(`Entry ${entry.index} does not post this key.`);
  const needed = always ? [key] : [key, OPAQUE];
  const left = [...gaps];
  for (const wanted of needed) {
    const found = findKey(crypto, scene, wanted);
    if (found === undefined)
      return nothing("It is not shown that the log does not call the entry opaque.");
    if (!isLeftOut(crypto, found, entry.index, left))
      return nothing(`Entry ${entry.index} is not shown to be missing under ${wanted.type}.`);
  }
  const { size } = answer.main.tree;
  const charge = `leaves entry ${entry.index} out under ${key.type}, in the index of ${size} entries`;
  return against("omission", scene, charge);
}

/** A summary needs the gap that is next in turn; a list shows it itself. */
function isLeftOut({ sha256 }: Crypto, found: Found, index: number, gaps: ListGap[]): boolean {
  if (found.kind === "absent") return true;
  if (found.list !== undefined) return !found.list.some((one) => one.index === index);
  return leavesOut(sha256, found.summary, index, gaps.shift());
}

function judgePosting(crypto: Crypto, scene: Scene, key: LookupKey): EvidenceVerdict {
  const { entry, readings, bare } = scene;
  const found = findKey(crypto, scene, key);
  const listed = found === undefined ? undefined : listedAt(found, entry.index);
  if (listed === undefined) return nothing(`The index does not list entry ${entry.index} here.`);
  const fromLeaf = [...ALWAYS_POSTED, ...OPAQUE_TYPES].includes(key.type);
  if (!fromLeaf && entry.content === undefined)
    return nothing("Without its content nobody can say what the entry posts.");
  const isTrue = (list: readonly Posting[]): boolean => {
    const one = posted(crypto, scene, key, list);
    return one !== undefined && sameClaim(one.claim, listed.claim);
  };
  if ([...readings, bare].some(isTrue)) return nothing(`Entry ${entry.index} posts just this.`);
  const posts = readings.some((list) => posted(crypto, scene, key, list) !== undefined);
  const what = posts ? "with another value " : "";
  const charge = `lists entry ${entry.index} ${what}under ${key.type}, where it says no such thing`;
  return against("false-posting", scene, charge);
}

function listedAt(found: Found, index: number): { readonly claim?: Hash } | undefined {
  if (found.kind === "absent") return undefined;
  const places = found.list ?? found.summary.values;
  return places.find((one) => one.index === index);
}

function sameClaim(a: Hash | undefined, b: Hash | undefined): boolean {
  return a === undefined || b === undefined ? a === b : equal(a, b);
}

function posted(
  { sha256 }: Crypto,
  { log }: Scene,
  { type, fields }: LookupKey,
  postings: readonly Posting[],
): Posting | undefined {
  const wanted = mapKey(sha256, log.origin, type, fields);
  return postings.find((one) => equal(one.key, wanted));
}

function findKey({ sha256 }: Crypto, scene: Scene, wanted: LookupKey): Found | undefined {
  const { origin } = scene.log;
  const name = ({ type, fields }: LookupKey): Hash => mapKey(sha256, origin, type, fields);
  return scene.answer.found.find(({ key }) => equal(name(key), name(wanted)));
}

function against(
  kind: "omission" | "false-posting",
  { log, verifiers }: Scene,
  charge: string,
): EvidenceVerdict {
  const accused = { who: "log", ...(verifiers.length === 0 ? {} : { verifiers }) } as const;
  return holds(kind, log.origin, accused, `${log.origin} ${charge}`);
}
