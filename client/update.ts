/**
 * The step that makes a log unable to show two histories: every new head is held against the
 * newest one that this machine has seen, before anything else is believed.
 *
 * - A larger head must extend the remembered one; then it is remembered.
 * - A smaller head that the remembered one extends is *stale*: mirrors and caches lag honestly.
 *   It is no evidence, and it does not replace what we know.
 * - A head that does not fit is a fork. It is refused, the memory stays as it is, and there is
 *   evidence that convicts by itself: two signed notes of one size, or two signed notes and a
 *   path which shows that the larger tree has another root at the smaller size.
 * - Where the log's tiles fit neither head, nothing is proved, and nothing is believed: an error.
 * - A head without the witnesses that the trust file asks for is neither believed nor remembered.
 *   That is asked last: a fork convicts the log by its own signature, whoever stands beside it.
 *
 * Spec: docs/formats.md §Evidence; the check of evidence itself is `evidence.ts`.
 *
 * @module
 */
import { equal } from "../schema/bytes.ts";
import { LogError, unwrap } from "../schema/error.ts";
import type { Evidence } from "../schema/evidence.ts";
import { CHECKPOINT_PATH } from "../schema/http/paths.ts";
import { MAX_NOTE_BYTES } from "../schema/limits.ts";
import type { Hash } from "../schema/tlog/hash.ts";
import { foldRight, rangeNodes } from "../schema/tlog/tree.ts";
import type { Crypto } from "./crypto/crypto.ts";
import type { Transport } from "./fetch.ts";
import { forkError, noteText, sameSizeEvidence } from "./fork.ts";
import { type Head, openSigned, type SignedHead, tooFewWitnesses, witnessHead } from "./head.ts";
import { LogReader, type ReadPorts } from "./log.ts";
import type { Memory } from "./memory.ts";
import type { TooFew } from "./quorum.ts";

/** All that is needed to hold heads of one log against what is remembered. */
export interface HeadPorts extends ReadPorts {
  readonly memory: Memory;
}

/** All that is needed to read one log and to submit to it. */
export interface LogPorts extends HeadPorts {
  readonly transport: Transport;
}

/**
 * What became of a head. `newest` is the newest one that meets the trust: what the memory now
 * holds, except where that was remembered under a trust that asked for less.
 */
export type Observed =
  | { readonly state: "first" | "advanced" | "same" | "stale"; readonly newest: Head }
  /** It fits what is remembered, and lacks witnesses. Nothing was remembered of it. */
  | { readonly state: "unwitnessed"; readonly shown: SignedHead; readonly tooFew: TooFew }
  | { readonly state: "forked"; readonly evidence: Evidence };

/** How often another process may be faster before we give up. */
const MAX_RACES = 20;

/**
 * Fetch the log's newest checkpoint, hold it against the memory, and remember it.
 *
 * @returns what became of it. A fork is data, for it is the answer that was asked for.
 * @throws {LogError} `UNREACHABLE`; `RESPONSE_INVALID` or `SIGNATURE_INVALID` where what the log
 *   serves is no checkpoint of it, or its tiles do not fit; `FILE_UNREADABLE` for the memory.
 */
export async function update(ports: HeadPorts): Promise<Observed> {
  return observe(ports, await fetchSigned(ports));
}

/** The log's newest head, signed and witnessed, and held against nothing. */
export async function fetchHead(ports: ReadPorts): Promise<Head> {
  const signed = await fetchSigned(ports);
  const head = unwrap(await witnessHead(ports.crypto, signed));
  return "tooFew" in head ? unwrap(tooFewWitnesses(signed, head.tooFew)) : head;
}

/** As the log serves it, its own signature checked: to be observed. */
export async function fetchSigned(ports: ReadPorts): Promise<SignedHead> {
  const note = await ports.transport.get(CHECKPOINT_PATH, MAX_NOTE_BYTES);
  return unwrap(await openSigned(ports.crypto, ports.log, note));
}

/** As {@link update}, for a head that came with a receipt, a bundle or by hand. */
export async function observe(ports: HeadPorts, shown: SignedHead): Promise<Observed> {
  const { crypto, log, memory } = ports;
  for (let race = 0; race < MAX_RACES; race++) {
    const remembered = await memory.load(log.vkeyTexts);
    const known =
      remembered === undefined
        ? undefined
        : unwrap(await openSigned(crypto, log, remembered.checkpoint));
    const compared =
      known === undefined ? { state: "first" as const } : await compareHeads(ports, known, shown);
    if (compared.state === "forked") return compared;
    // By our own trust, whatever trust the head was opened with.
    const head = unwrap(await witnessHead(crypto, { ...shown, log }));
    if ("tooFew" in head) return { state: "unwitnessed", shown, tooFew: head.tooFew };
    const { state } = compared;
    if (state === "same") return { state, newest: head };
    if (state === "stale") return { state, newest: await newestTrusted(crypto, known, head) };
    const next = { size: head.tree.size, checkpoint: head.note };
    if (await memory.replace(log.vkeyTexts, remembered, next)) return { state, newest: head };
  }
  throw new LogError("FILE_UNREADABLE", "Other processes changed the memory each time.", {
    limit: MAX_RACES,
    hint: "Try again.",
  });
}

/**
 * As {@link observe}, where only a head that may be believed is an answer: a fork is thrown with
 * its evidence file, too few witnesses as `WITNESSES_TOO_FEW`.
 */
export async function observeOrThrow(ports: HeadPorts, shown: SignedHead): Promise<Head> {
  const observed = await observe(ports, shown);
  if (observed.state === "forked") throw forkError(ports.log.origin, observed.evidence);
  if (observed.state === "unwitnessed")
    return unwrap(tooFewWitnesses(observed.shown, observed.tooFew));
  return observed.newest;
}

/** What is remembered, unless it was remembered when the trust file asked for fewer witnesses. */
async function newestTrusted(
  crypto: Crypto,
  known: SignedHead | undefined,
  shown: Head,
): Promise<Head> {
  const witnessed = known === undefined ? undefined : await witnessHead(crypto, known);
  return witnessed?.ok === true && !("tooFew" in witnessed.value) ? witnessed.value : shown;
}

/** How two heads of one log stand to one another; the log's tiles are asked where sizes differ. */
type Compared =
  | { readonly state: "advanced" | "same" | "stale" }
  | { readonly state: "forked"; readonly evidence: Evidence };

/** `advanced` where `shown` extends `known`, `stale` where it is the other way round. */
export async function compareHeads(
  ports: ReadPorts,
  known: SignedHead,
  shown: SignedHead,
): Promise<Compared> {
  if (known.tree.size === shown.tree.size)
    return equal(known.tree.root, shown.tree.root)
      ? { state: "same" }
      : { state: "forked", evidence: sameSizeEvidence(known, shown) };
  const grew = known.tree.size < shown.tree.size;
  const [older, newer] = grew ? [known, shown] : [shown, known];
  const reader = new LogReader(ports, newer);
  const root = await prefixRoot(reader, ports.crypto, older.tree.size).catch((error: unknown) => {
    throw grew ? error : behind(known, shown, error);
  });
  if (equal(root, older.tree.root)) return { state: grew ? "advanced" : "stale" };
  return { state: "forked", evidence: await inconsistentEvidence(reader, older, newer, root) };
}

/** Who serves a smaller head and no tiles of the larger one may lag, or may have been rolled back. */
function behind(known: SignedHead, shown: SignedHead, cause: unknown): unknown {
  if (!(cause instanceof LogError) || cause.code !== "NOT_FOUND") return cause;
  const { origin } = known.log;
  return new LogError(
    "NOT_FOUND",
    `${origin} shows ${shown.tree.size} entries, fewer than the ${known.tree.size} that are remembered, and nothing it serves shows that both are one log.`,
    {
      field: "checkpoint",
      expected: `a head of at least ${known.tree.size} entries`,
      hint: "It may lag: ask again later, or another mirror. If it stays so, it was rolled back.",
      cause,
    },
  );
}

/** The root that `newer`, whose tiles were checked against its own root, had at a smaller size. */
async function prefixRoot(reader: LogReader, crypto: Crypto, size: number): Promise<Hash> {
  const places = rangeNodes(0, size);
  const getNode = await reader.nodes(places);
  const hashes = places.map(({ level, index }) => {
    const hash = getNode(level, index);
    if (hash === undefined) throw new LogError("INTERNAL", "a node of the tree is missing");
    return hash;
  });
  return foldRight(crypto.sha256, hashes);
}

/**
 * Where the smaller size is a power of two a consistency proof leaves the older root out, and the
 * verifier starts from the one it knows. Evidence must show the other root, so it comes first.
 */
async function inconsistentEvidence(
  reader: LogReader,
  older: SignedHead,
  newer: SignedHead,
  otherRoot: Hash,
): Promise<Evidence> {
  const proof = await reader.consistencyProof(older.tree.size);
  const whole = rangeNodes(0, older.tree.size).length === 1;
  return {
    kind: "fork-inconsistent",
    notes: [noteText(older), noteText(newer)],
    path: whole ? [otherRoot, ...proof] : proof,
  };
}
