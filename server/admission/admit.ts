/**
 * The door of the log: a submission is checked (check.ts), then its signers are asked for
 * whether they may append, and how often. One that is refused is refused whole.
 *
 * @module
 */
import { toHex } from "../../schema/bytes.ts";
import type { LogError } from "../../schema/error.ts";
import type { Hash } from "../../schema/tlog/hash.ts";
import type { Authority } from "./authority.ts";
import type { Check, CheckedEntry, Door } from "./check.ts";
import type { Limits } from "./limit.ts";

export type AdmittedEntry = CheckedEntry;

export interface AdmissionPorts {
  readonly check: Check;
  readonly authority: Authority;
  readonly limits: Limits;
  /** Why no entry may name a content: it was erased. */
  readonly refuses?: (contentDigest: Hash) => LogError | undefined;
}

export type Admit = (untrusted: Uint8Array, door?: Door) => Promise<readonly AdmittedEntry[]>;

/** The function rejects with the `LogError` of the first thing that is wrong. */
export function makeAdmit({ check, authority, limits, refuses }: AdmissionPorts): Admit {
  return async (untrusted, door) => {
    const entries = await check(untrusted, door);
    for (const { contentDigest } of entries) {
      const refusal = refuses?.(contentDigest);
      if (refusal !== undefined) throw refusal;
    }
    // The same signatures were let in, and counted, a moment ago.
    if (door?.endsWith("twins") === true) return entries;
    for (const { signerId } of entries) authority.checkSigner(signerId);
    if (limits.countsEntries) await limits.entries(entries.map(({ signerId }) => toHex(signerId)));
    return entries;
  };
}
