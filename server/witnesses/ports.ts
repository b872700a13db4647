/**
 * What the log's side of witnessing needs, and what it tells.
 *
 * @module
 */
import type { Crypto } from "../../client/crypto/crypto.ts";
import type { CheckpointSigner } from "../sequencer/ports.ts";
import type { PolicyKind } from "./policy.ts";

/** An answer of a witness: bytes of a stranger. */
export interface WitnessAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Uint8Array;
}

/**
 * HTTP to witnesses. Bodies are capped, no redirect is followed. Throws where there is no answer
 * within the time or its body is over the cap.
 */
export interface WitnessTransport {
  readonly post: (url: string, body: Uint8Array) => Promise<WitnessAnswer>;
  readonly get: (url: string) => Promise<WitnessAnswer>;
}

/** Sizes that witnesses have cosigned, by URL. Losing them costs one question to each. */
export interface WitnessSizes {
  readonly get: (url: string) => number;
  readonly set: (url: string, size: number) => void;
  /** What was set is kept from here on. */
  readonly close: () => Promise<void>;
}

/** Why a request brought no cosignature, for metrics. */
export type FailureKind = "unreachable" | "refused" | "invalid" | "alarm";

export interface WitnessObserver {
  /** A round ended after so many seconds. */
  readonly round: (seconds: number, hasQuorum: boolean) => void;
  readonly cosigned: (witness: string) => void;
  readonly failed: (witness: string, kind: FailureKind, reason: string) => void;
  /** A witness says what cannot be true of an honest log; `undefined` when it is sane again. */
  readonly alarm: (witness: string, reason: string | undefined) => void;
}

export interface WitnessPorts {
  /** What they are called; witnesses, where nothing is said. */
  readonly kind?: PolicyKind;
  readonly crypto: Crypto;
  readonly signer: Pick<CheckpointSigner, "origin" | "vkeys">;
  readonly transport: WitnessTransport;
  readonly sizes: WitnessSizes;
  readonly observer: WitnessObserver;
  /** Milliseconds that only grow: how long something took, and when it is tried again. */
  readonly clock: () => number;
  /** Wall time in seconds since 1970, to hold the times of witnesses against. */
  readonly now: () => number;
  /** I7: a time that a witness of the policy has signed. */
  readonly onTime?: (seconds: number) => void;
}

export interface WitnessTiming {
  /** First pause after a failure, doubled for each further one. */
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
  /** Pause after an alarm. */
  readonly alarmMs: number;
  /**
   * At least this lies between the beginnings of two rounds, under load up to three times as much:
   * it bounds what witnesses are asked.
   */
  readonly roundMs: number;
  /** How long a round with a quorum waits for those who usually answer as fast. */
  readonly graceMs: number;
  /** After this an unchanged head is cosigned again. */
  readonly freshMs: number;
}

export const DEFAULT_TIMING: WitnessTiming = {
  backoffMs: 200,
  maxBackoffMs: 10_000,
  alarmMs: 30_000,
  roundMs: 20,
  graceMs: 10,
  freshMs: 28_800_000,
};
