/**
 * Who has seen the checkpoint of an entry, and whether that is enough.
 *
 * Asked for are the quorum of a policy that was given, and the one that the trust file has for
 * the log; where both are there, both. Counted as everywhere (`quorum.ts`): operators, each once.
 *
 * @module
 */
import type { Note } from "../../schema/tlog/note.ts";
import { openCosignatures } from "../cosignature.ts";
import type { Crypto } from "../crypto/crypto.ts";
import { countWitnesses, existedBeforeOf, type WitnessTrust, witnessKeys } from "../quorum.ts";
import { pass, refuse, type Step } from "./verdict.ts";

export interface Seen {
  /** Operators of the quorums that were used. */
  readonly by: readonly string[];
  /** Seconds since 1970 by which each whole quorum had seen the tree. */
  readonly existedBefore: readonly number[];
}

/** Refuses with `WITNESSES_TOO_FEW`, or `CHECKPOINT_REFUSED` where a known witness's line is bad. */
export async function checkWitnesses(
  crypto: Crypto,
  asked: readonly WitnessTrust[],
  checkpoint: { readonly log: string; readonly note: Note; readonly size: number },
): Promise<Step<Seen>> {
  const { log, note, size } = checkpoint;
  const by = new Set<string>();
  const existedBefore: number[] = [];
  for (const trust of asked) {
    const cosigned = await openCosignatures(crypto, note, witnessKeys(trust));
    if (!cosigned.ok) return refuse({ code: "CHECKPOINT_REFUSED", log, message: cosigned.message });
    const counted = countWitnesses(trust, size, cosigned.value);
    if (counted.state === "too few") {
      const { have, need } = counted;
      return refuse({ code: "WITNESSES_TOO_FEW", log, have, need });
    }
    if (counted.state === "quorum") for (const operator of counted.by) by.add(operator);
    const seconds = existedBeforeOf(counted);
    if (seconds !== undefined) existedBefore.push(seconds);
  }
  return pass({ by: [...by], existedBefore });
}
