/**
 * What became of a promise: asked of the log, and told apart without believing it.
 *
 * Kept, and lost, are what the tree at the promised index shows; late is the word of a whole quorum
 * of witnesses, and never our own clock's. What convicts a log is checked as any stranger would
 * check it, before it is handed out.
 *
 * Spec: docs/formats.md §Promises; docs/evidence.md.
 *
 * @module
 */
import { equal, fromUtf8 } from "../schema/bytes.ts";
import { LogError } from "../schema/error.ts";
import { type Evidence, formatEvidence } from "../schema/evidence.ts";
import type { Receipt } from "../schema/receipt.ts";
import { leafHash } from "../schema/tlog/hash.ts";
import { verifyEvidence } from "./evidence.ts";
import { LogReader } from "./log.ts";
import type { SignedPromise } from "./promise.ts";
import { fetchSigned, type HeadPorts, observeOrThrow } from "./update.ts";

export type Redeemed =
  /** The entry is where it was promised to be. */
  | { readonly state: "kept"; readonly receipt: Receipt }
  /** It is not there yet, and nobody shows that it is late. */
  | { readonly state: "pending" }
  /** Not in time, by its witnesses, and perhaps still to come; or another entry has its place. */
  | { readonly state: "late" | "lost"; readonly evidence: Evidence };

/**
 * @throws {LogError} what `observeOrThrow` and `LogReader` throw: then it is not known what became
 *   of it. A fork comes as `LOG_MISBEHAVED` with its own evidence.
 */
export async function redeem(ports: HeadPorts, promise: SignedPromise): Promise<Redeemed> {
  const head = await observeOrThrow(ports, await fetchSigned(ports));
  const { index } = promise;
  const note = textOf(promise.note);
  if (head.tree.size <= index) {
    const evidence: Evidence = {
      kind: "late-promise",
      promise: note,
      checkpoint: textOf(head.note),
    };
    return (await convicts(ports, evidence)) ? { state: "late", evidence } : { state: "pending" };
  }
  const receipt = await new LogReader(ports, head).receipt(index);
  const { sha256 } = ports.crypto;
  if (equal(leafHash(sha256, receipt.entry.leafBytes), promise.leafHash))
    return { state: "kept", receipt };
  const evidence: Evidence = { kind: "lost-promise", promise: note, entry: receipt.entry };
  if (await convicts(ports, evidence)) return { state: "lost", evidence };
  throw new LogError("INTERNAL", "a promise is lost and its evidence does not hold");
}

/** Two promises of one index, each of another entry. */
export function twoPromises(a: SignedPromise, b: SignedPromise): Evidence | undefined {
  if (a.log !== b.log || a.index !== b.index || equal(a.leafHash, b.leafHash)) return undefined;
  return { kind: "two-promises", promises: [textOf(a.note), textOf(b.note)] };
}

async function convicts({ crypto, log }: HeadPorts, evidence: Evidence): Promise<boolean> {
  return (await verifyEvidence(crypto, { logs: [log] }, formatEvidence(evidence))).ok;
}

/** Notes that were opened are UTF-8. */
function textOf(note: Uint8Array): string {
  return fromUtf8(note) ?? "";
}
