/**
 * Does this state remember everything that its keys have signed?
 *
 * - W2  A witness that meets its own signature over what it does not remember signs nothing more.
 *
 * A state that was put back to an older copy, or that runs twice, cannot see it by itself. But its
 * signatures are out there: in checkpoints that logs publish, and that they send. A valid one of ours
 * over a larger size, another root or a later time than the state says was never made by this state,
 * because the state is written first (W1). Forged lines prove nothing and are ignored.
 *
 * At the start the logs that the list gives a place for are asked for their checkpoint. Those who do not
 * answer are passed over: this finds many of the states that must not be used, and not all of them.
 *
 * @module
 */
import type { Crypto } from "../../client/crypto/crypto.ts";
import type { Source } from "../../client/fetch.ts";
import { openNote } from "../../client/note.ts";
import { equal } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import { CHECKPOINT_PATH } from "../../schema/http/paths.ts";
import { MAX_NOTE_BYTES } from "../../schema/limits.ts";
import { parseCheckpoint } from "../../schema/tlog/checkpoint.ts";
import { isCosignatureType, parseCosignature } from "../../schema/tlog/cosignature.ts";
import { formatNote, type Note, names, parseNote, type Vkey } from "../../schema/tlog/note.ts";
import type { WitnessState } from "./state.ts";
import { originId, type WitnessedHead } from "./state-file.ts";

/** Lines under one of our names that are checked in one note: a forger gets no more work out of us. */
const MAX_OWN_LINES = 8;
/** Logs that are asked at one time. */
const AT_ONCE = 16;

export interface RecallPorts {
  readonly crypto: Crypto;
  readonly own: readonly Vkey[];
  readonly state: Pick<WitnessState, "head">;
}

/** Why this witness must not sign: its own signature in a stranger's note. */
export async function forgotten(
  { crypto, own, state }: RecallPorts,
  strangersNote: Note,
): Promise<LogError | undefined> {
  const ours = strangersNote.signatures
    .filter((line) => own.some((key) => names(line, key)))
    .slice(0, MAX_OWN_LINES);
  const checkpoint = ours.length === 0 ? undefined : parseCheckpoint(strangersNote.text);
  if (checkpoint?.ok !== true) return undefined;
  const { origin, size, root } = checkpoint.value;
  for (const line of ours) {
    const alone = formatNote({ text: strangersNote.text, signatures: [line] });
    const opened = await openNote(crypto, alone, own);
    const key = opened.ok ? opened.value.verified[0] : undefined;
    if (key === undefined || !isCosignatureType(key.type)) continue;
    const cosignature = parseCosignature(key.type, line.signature);
    if (!cosignature.ok) continue;
    const { timestamp } = cosignature.value;
    if (!remembers(state.head(originId(origin)), { size, root, timestamp }))
      return new LogError(
        "GUARD_AHEAD",
        `these keys have cosigned size ${size} of ${origin} at time ${timestamp}, and the state does not know it`,
        {
          field: origin,
          expected: "the newest state of these keys, and one process that uses it",
          hint: "bring the newest state back, or make a new witness with new keys; see docs/operate.md",
        },
      );
  }
  return undefined;
}

function remembers(
  last: WitnessedHead | undefined,
  seen: Pick<WitnessedHead, "size" | "root"> & { readonly timestamp: number },
): boolean {
  if (last === undefined || seen.size > last.size || seen.timestamp > last.time) return false;
  return seen.size < last.size || equal(seen.root, last.root);
}

export interface AskPorts extends RecallPorts {
  /** Where the logs of the list say that they are. */
  readonly places: readonly string[];
  /** @throws LogError for a place that cannot be asked */
  readonly reach: (place: string) => Source;
  /** A log that could not be asked, or that answered what is no checkpoint. */
  readonly onSilent: (place: string, reason: string) => void;
}

/** Ask the logs what they have of us. @throws LogError GUARD_AHEAD */
export async function askLogs(ports: AskPorts): Promise<void> {
  for (let i = 0; i < ports.places.length; i += AT_ONCE) {
    const group = ports.places.slice(i, i + AT_ONCE);
    const found = await Promise.all(group.map((place) => askOne(ports, place)));
    const refused = found.find((one) => one !== undefined);
    if (refused !== undefined) throw refused;
  }
}

async function askOne(ports: AskPorts, place: string): Promise<LogError | undefined> {
  try {
    const note = parseNote(await ports.reach(place).get(CHECKPOINT_PATH, MAX_NOTE_BYTES));
    if (note.ok) return await forgotten(ports, note.value);
    ports.onSilent(place, note.message);
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
    ports.onSilent(place, error.message);
  }
  return undefined;
}
