/**
 * Do the witnesses see the log that we see?
 *
 * Each witness of the current policy is asked for the head that it shows of the log, and that is
 * held against the head which the log showed us. Whoever the log keeps apart from us meets us
 * there: a witness that follows another history shows a head of it under the log's own key.
 *
 * - Two heads under the log's own key that contradict one another convict the log, whoever served
 *   them and whatever stands beside the signatures.
 * - Nothing else is evidence against anybody. A witness that lags is only behind; one that is
 *   ahead has seen a head which the log has not published yet; one that answers with something
 *   that the log did not sign, or without its own good cosignature, may be at fault, or may have
 *   somebody between itself and us. It is reported, and accused of nothing.
 *
 * Bounded: a note of at most `MAX_NOTE_BYTES` from each, few at a time, each within the deadline of
 * its transport.
 *
 * Spec: C2SP tlog-witness (monitor retrieval).
 *
 * @module
 */
import { equal } from "../schema/bytes.ts";
import { LogError, type Result } from "../schema/error.ts";
import type { Evidence } from "../schema/evidence.ts";
import { MAX_NOTE_BYTES } from "../schema/limits.ts";
import { parseNote, type Vkey } from "../schema/tlog/note.ts";
import { witnessedCheckpointPath } from "../schema/tlog/tlog-witness.ts";
import { openCosignatures } from "./cosignature.ts";
import type { Crypto } from "./crypto/crypto.ts";
import type { Source } from "./fetch.ts";
import { sameSizeEvidence } from "./fork.ts";
import { openSigned, type SignedHead } from "./head.ts";
import type { ReadPorts } from "./log.ts";
import type { TrustedLog } from "./trust.ts";
import { compareHeads } from "./update.ts";

/** Witnesses that are asked at the same time. */
const AT_ONCE = 8;

/** A witness's server: one address, and the keys that the policy expects behind it. */
export interface WitnessServer {
  /** Of the operator, as in its keys. */
  readonly name: string;
  /** Prefix of its API; absent where the policy has none. */
  readonly url?: string;
  readonly keys: readonly Vkey[];
}

/** What a witness shows, held against nothing yet. */
export type Shown =
  | {
      readonly state: "head";
      readonly head: SignedHead;
      /** What is wrong with its own line, where something is. */
      readonly flaw?: string;
    }
  /** It has never cosigned a head of this log. */
  | { readonly state: "never saw it" }
  | { readonly state: "no address" }
  | { readonly state: "silent"; readonly why: string }
  /** What it answered is no head of this log under a key of the log, or lacks its own line. */
  | { readonly state: "bad answer"; readonly why: string };

/** The same, held against the log's own head. */
export type Gossiped =
  | { readonly state: "agrees" | "lags" | "ahead"; readonly size: number }
  /** The log has signed this head, and what it serves does not show that it continues its own. */
  | { readonly state: "unproved"; readonly size: number; readonly why: string }
  /** The log could not be asked for what lies between both. */
  | { readonly state: "not compared"; readonly size: number; readonly why: string }
  | { readonly state: "forked"; readonly evidence: Evidence }
  | Exclude<Shown, { readonly state: "head" }>;

export interface AskPorts {
  readonly crypto: Crypto;
  readonly log: TrustedLog;
  /** How a witness's server is reached. May throw `LogError` for an address that is none. */
  readonly open: (url: string) => Source;
}

/** The servers behind the policy that holds now. */
export function witnessServers({ witnesses = [] }: TrustedLog): WitnessServer[] {
  const servers = new Map<string, WitnessServer>();
  for (const { policy, until } of witnesses)
    for (const { vkey, url } of until === undefined ? policy.witnesses : []) {
      const place = `${vkey.name} ${url ?? ""}`;
      const keys = [...(servers.get(place)?.keys ?? []), vkey];
      servers.set(place, { name: vkey.name, keys, ...(url === undefined ? {} : { url }) });
    }
  return [...servers.values()];
}

/** Ask every server for the head it shows, in the order of `servers`. Never throws for an answer. */
export async function askWitnesses(
  ports: AskPorts,
  servers: readonly WitnessServer[],
): Promise<Shown[]> {
  const shown: Shown[] = [];
  const queue = servers.entries();
  const worker = async (): Promise<void> => {
    for (const [i, server] of queue) shown[i] = await askOne(ports, server);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return shown;
}

async function askOne(
  { crypto, log, open }: AskPorts,
  { url, keys }: WitnessServer,
): Promise<Shown> {
  if (url === undefined) return { state: "no address" };
  let strangersNote: Uint8Array;
  try {
    const path = witnessedCheckpointPath(crypto.sha256, log.origin);
    strangersNote = await open(url).get(path, MAX_NOTE_BYTES);
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
    if (error.code === "NOT_FOUND") return { state: "never saw it" };
    if (error.code === "RESPONSE_INVALID") return { state: "bad answer", why: error.message };
    return { state: "silent", why: error.message };
  }
  const head = await openSigned(crypto, log, strangersNote);
  if (!head.ok) return { state: "bad answer", why: head.message };
  const flaw = await flawOf(crypto, strangersNote, keys);
  return { state: "head", head: head.value, ...(flaw === undefined ? {} : { flaw }) };
}

/** What is wrong with the witness's own lines; it must have signed what it serves. */
async function flawOf(
  crypto: Crypto,
  strangersNote: Uint8Array,
  keys: readonly Vkey[],
): Promise<string | undefined> {
  const note = parseNote(strangersNote);
  const cosigned: Result<readonly unknown[]> = note.ok
    ? await openCosignatures(crypto, note.value, keys)
    : note;
  if (!cosigned.ok) return cosigned.message;
  return cosigned.value.length === 0 ? "its own cosignature is not there" : undefined;
}

/**
 * Hold what witnesses show against the log's own head, and against one another.
 *
 * @param ports how the log itself is read: its tiles show whether a larger tree extends a smaller
 */
export async function compareWitnesses(
  ports: ReadPorts,
  own: SignedHead,
  shown: readonly Shown[],
): Promise<Gossiped[]> {
  const compared: Gossiped[] = [];
  const heads: SignedHead[] = [own];
  for (const one of shown) {
    if (one.state !== "head") {
      compared.push(one);
      continue;
    }
    const other = heads.find((head) => contradicts(head, one.head));
    heads.push(one.head);
    compared.push(
      other === undefined
        ? await compareOne(ports, own, one)
        : { state: "forked", evidence: sameSizeEvidence(other, one.head) },
    );
  }
  return compared;
}

async function compareOne(
  ports: ReadPorts,
  own: SignedHead,
  { head, flaw }: Extract<Shown, { readonly state: "head" }>,
): Promise<Gossiped> {
  const { size } = head.tree;
  try {
    const result = await compareHeads(ports, own, head);
    if (result.state === "forked") return result;
    if (flaw !== undefined) return { state: "bad answer", why: flaw };
    return { state: WORDS[result.state], size };
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
    const why = error.message;
    if (flaw !== undefined) return { state: "bad answer", why: flaw };
    // A log serves no tiles beyond what it has published.
    if (error.code === "NOT_FOUND" && size > own.tree.size) return { state: "ahead", size };
    const state = error.code === "UNREACHABLE" ? "not compared" : "unproved";
    return { state, size, why };
  }
}

const WORDS = { same: "agrees", stale: "lags", advanced: "ahead" } as const;

function contradicts(a: SignedHead, b: SignedHead): boolean {
  return a.tree.size === b.tree.size && !equal(a.tree.root, b.tree.root);
}
