/**
 * What `/readyz` of a witness looks at: its state is writable, its clock is believed, its list of logs
 * is the one in the file.
 *
 * @module
 */
import { LogError } from "../../schema/error.ts";
import type { Check } from "../http/ports.ts";
import type { WitnessClock } from "./clock.ts";
import type { LogsFile } from "./logs-file.ts";
import type { WitnessState } from "./state.ts";

/** How old an answer may be: probes come as often as strangers like, and asking writes to the disk. */
const FRESH_MS = 1_000;

export interface ReadinessParts {
  readonly state: Pick<WitnessState, "checkRoom" | "count" | "newestTime">;
  readonly clock: WitnessClock;
  readonly file: Pick<LogsFile, "problem" | "list">;
}

export function makeWitnessChecks(parts: ReadinessParts): () => readonly Check[] {
  let found = checksOf(parts);
  let at = performance.now();
  return () => {
    if (performance.now() - at < FRESH_MS) return found;
    at = performance.now();
    found = checksOf(parts);
    return found;
  };
}

/** A list of logs that is bad is said, and does not stop the logs of the old one. */
function checksOf({ state, clock, file }: ReadinessParts): readonly Check[] {
  return [
    checked("state", () => {
      const room = state.checkRoom();
      if (room !== undefined) throw room;
      return `writable, ${state.count()} logs`;
    }),
    checked("clock", () => `at ${clock.now()}, newest signed ${state.newestTime}`),
    { name: "logs", ok: true, detail: file.problem ?? `${file.list.size} logs` },
  ];
}

/** A check that cannot be made is a check that failed. */
function checked(name: string, find: () => string): Check {
  try {
    return { name, ok: true, detail: find() };
  } catch (error) {
    return { name, ok: false, detail: error instanceof LogError ? error.message : String(error) };
  }
}
