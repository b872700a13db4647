/**
 * What a log needs to be witnessed, and its index log to be verified: the policy, held against the
 * rules, and where what is known is kept.
 *
 * @module
 */
import type { Sha256 } from "../../schema/tlog/hash.ts";
import type { Policy } from "../../schema/tlog/quorum.ts";
import { fileNotes, MemoryNoteFile, memoryNotes } from "../sequencer/notes.ts";
import type { PublishedNotes } from "../sequencer/ports.ts";
import { httpWitnesses } from "./http.ts";
import { type PolicyRules, readPolicyFile } from "./policy.ts";
import type { WitnessSizes, WitnessTransport } from "./ports.ts";
import { fileSizes, memorySizes } from "./sizes.ts";

export interface WitnessParts {
  readonly policy: Policy;
  /** The policy as its file says now. Throws as at start. */
  readonly readPolicy: () => Promise<Policy>;
  readonly notes: PublishedNotes;
  readonly sizes: WitnessSizes;
  readonly transport: WitnessTransport;
}

export interface WitnessPlaces {
  readonly policy: string;
  /** The data folder; `undefined` for a log in memory. */
  readonly folder: string | undefined;
}

/** @throws LogError CONFIG_INVALID, FILE_UNREADABLE */
export async function openWitnesses(
  sha256: Sha256,
  rules: PolicyRules,
  timeoutMs: number,
  { policy: path, folder }: WitnessPlaces,
): Promise<WitnessParts> {
  const readPolicy = (): Promise<Policy> => readPolicyFile(sha256, path, rules);
  return {
    policy: await readPolicy(),
    readPolicy,
    notes: folder === undefined ? memoryNotes(new MemoryNoteFile()) : fileNotes(folder),
    sizes: folder === undefined ? memorySizes() : await fileSizes(folder),
    transport: httpWitnesses(timeoutMs),
  };
}
