/**
 * A saved look-up bundle, read without asking anybody: whose it is, whether it holds, and, where
 * this machine remembers a head of the same size, that it is the same one.
 *
 * Offline only heads of equal size can be compared; other sizes are for `askLookup`, with the log
 * at hand.
 *
 * Spec: docs/formats.md §Index.
 *
 * @module
 */
import { equal, utf8 } from "../../schema/bytes.ts";
import { unwrap } from "../../schema/error.ts";
import {
  CURRENT_INDEX,
  GENERATIONS,
  type Generation,
  generationOf,
} from "../../schema/index/generation.ts";
import { parseIndexLeaf } from "../../schema/index/index-leaf.ts";
import { parseLookup } from "../../schema/index/lookup.ts";
import { sameSizeEvidence } from "../fork.ts";
import { claimedLog, openSigned } from "../head.ts";
import type { TrustedLog } from "../trust.ts";
import type { VerifyPorts } from "../verify/receipt.ts";
import type { Asked } from "./ask.ts";
import { indexLogOf, verifiersOf } from "./index-log.ts";
import type { LookupRefusal } from "./verdict.ts";
import { verifyLookup } from "./verify.ts";

export interface OfflinePorts extends VerifyPorts {
  /** The indexes whose bundles are read; each bundle names its own. Default: all that are known. */
  readonly known?: readonly Generation[];
}

/** Check a bundle by its own keys: what it is about is for the caller to look for in the answer. */
export async function openLookup(
  ports: OfflinePorts,
  strangersBytes: Uint8Array,
): Promise<Exclude<Asked, { readonly state: "stale" }>> {
  const { crypto, known = GENERATIONS, trust } = ports;
  const refused = (refusal: LookupRefusal): Asked & { readonly state: "refused" } => ({
    state: "refused",
    refusal,
    bytes: strangersBytes,
  });
  const parsed = parseLookup(strangersBytes);
  if (!parsed.ok) return refused({ code: "LOOKUP_MALFORMED", message: parsed.message });
  const { index, main, answers } = parsed.value;
  const log = claimedLog(trust, utf8(main));
  if (!log.ok) return refused({ code: "MAIN_HEAD_REFUSED", message: log.message });
  const leaf = parseIndexLeaf(index.leaf);
  // Of another one it is refused like any bundle that is of another index than it should be.
  const generation = (leaf.ok && generationOf(known, leaf.value.mapfn)) || CURRENT_INDEX;
  const verifiers = verifiersOf(log.value, generation);
  const indexLog = indexLogOf(crypto.sha256, log.value, generation, verifiers);
  const fork =
    (await forkOf(ports, log.value, main)) ?? (await forkOf(ports, indexLog, index.checkpoint));
  if (fork !== undefined) return fork;
  const verifyPorts = { crypto, log: log.value, verifiers, generation };
  const keys = answers.map(({ key }) => key);
  const answer = await verifyLookup(verifyPorts, strangersBytes, keys);
  return answer.ok ? { state: "answered", answer, bytes: strangersBytes } : refused(answer.refusal);
}

/** A head of the size that is remembered, with another root. */
async function forkOf(
  { crypto, memory }: OfflinePorts,
  log: TrustedLog,
  strangersNote: string,
): Promise<Extract<Asked, { readonly state: "forked" }> | undefined> {
  const remembered = await memory?.load(log.vkeyTexts);
  const shown = await openSigned(crypto, log, utf8(strangersNote));
  if (remembered === undefined || !shown.ok || remembered.size !== shown.value.tree.size)
    return undefined;
  const known = unwrap(await openSigned(crypto, log, remembered.checkpoint));
  if (equal(known.tree.root, shown.value.tree.root)) return undefined;
  return { state: "forked", origin: log.origin, evidence: sameSizeEvidence(known, shown.value) };
}
