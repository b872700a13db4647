/**
 * Which lines of a witness's answer count.
 *
 * - A line counts when it names a key of that very witness in the policy, verifies over this very
 *   checkpoint, and its time is believable. Everything else is ignored; what a known key got wrong
 *   is said.
 *
 * Spec: C2SP tlog-witness §add-checkpoint, tlog-cosignature.
 *
 * @module
 */
import type { Crypto } from "../../client/crypto/crypto.ts";
import { verifyLines } from "../../client/note.ts";
import { fromUtf8 } from "../../schema/bytes.ts";
import { isCosignatureType, parseCosignature } from "../../schema/tlog/cosignature.ts";
import { type NoteSignature, names, parseSignatures } from "../../schema/tlog/note.ts";
import type { PolicyWitness } from "../../schema/tlog/quorum.ts";

/** Seconds between our clock and a witness's. Clients drop stamps that lie in the future. */
const MAX_SKEW_SECONDS = 600;

/** A line that counts. */
export interface Cosigned {
  readonly witness: PolicyWitness;
  readonly line: NoteSignature;
  /** Seconds since 1970. */
  readonly timestamp: number;
}

export interface CheckedLines {
  readonly cosigned: readonly Cosigned[];
  /** What was wrong with lines of known keys, or with the whole. */
  readonly complaints: readonly string[];
}

export interface CheckPorts {
  readonly crypto: Crypto;
  readonly now: () => number;
  readonly onTime?: (seconds: number) => void;
}

/** `text` is the checkpoint that was sent; `witnesses` are the keys of the one who answered. */
export async function checkLines(
  ports: CheckPorts,
  text: string,
  witnesses: readonly PolicyWitness[],
  strangersBytes: Uint8Array,
): Promise<CheckedLines> {
  const lines = parseSignatures(fromUtf8(strangersBytes) ?? "");
  if (!lines.ok) return { cosigned: [], complaints: [lines.message] };
  const cosigned = new Map<PolicyWitness, Cosigned>();
  const complaints: string[] = [];
  for (const line of lines.value) {
    const witness = witnesses.find(({ vkey }) => names(line, vkey));
    if (witness === undefined) continue;
    const checked = await checkLine(ports, text, witness, line);
    if (typeof checked === "string") complaints.push(`${witness.name}: ${checked}`);
    else cosigned.set(witness, checked);
  }
  if (cosigned.size === 0 && complaints.length === 0)
    complaints.push("no line is by a key of this witness in the policy");
  return { cosigned: [...cosigned.values()], complaints };
}

/** The line, or why it does not count. Its name and key id are those of the witness. */
async function checkLine(
  ports: CheckPorts,
  text: string,
  witness: PolicyWitness,
  line: NoteSignature,
): Promise<Cosigned | string> {
  const verified = await verifyLine(ports.crypto, text, witness, line);
  if (typeof verified === "string") return verified;
  ports.onTime?.(verified.timestamp);
  const skew = verified.timestamp - ports.now();
  if (Math.abs(skew) <= MAX_SKEW_SECONDS) return verified;
  return `its time is ${Math.round(Math.abs(skew))} s ${skew > 0 ? "ahead of" : "behind"} ours`;
}

/** As above, whatever the time: the line may be of a note that was published long ago. */
export async function verifyLine(
  crypto: Crypto,
  text: string,
  witness: PolicyWitness,
  line: NoteSignature,
): Promise<Cosigned | string> {
  const { type } = witness.vkey;
  if (!isCosignatureType(type)) return "its key does not cosign";
  const cosignature = parseCosignature(type, line.signature);
  if (!cosignature.ok) return cosignature.message;
  const verified = await verifyLines(crypto, { text, signatures: [line] }, [witness.vkey]);
  if (!verified.ok) return verified.message;
  if (verified.value.length === 0) return "the line names another key";
  const { timestamp } = cosignature.value;
  return timestamp === 0 ? "its cosignature has no time" : { witness, line, timestamp };
}
