/**
 * The witnesses of a running log, or the verifiers of its index: told to the operator, shown by
 * `/readyz`, and replaced when the policy file has changed.
 *
 * @module
 */
import type { Crypto } from "../../client/crypto/crypto.ts";
import { LogError } from "../../schema/error.ts";
import { type Policy, splitsInTwo } from "../../schema/tlog/quorum.ts";
import type { Config } from "../config.ts";
import type { Logger } from "../observe/log.ts";
import type { WitnessMeters } from "../observe/witness-meters.ts";
import type { CheckpointSigner } from "../sequencer/ports.ts";
import type { WitnessParts } from "./open.ts";
import { type PolicyKind, splitRisk, WITNESSES } from "./policy.ts";
import type { WitnessObserver } from "./ports.ts";
import { Witnesses } from "./witnesses.ts";

export interface RunningPorts {
  readonly kind?: PolicyKind;
  readonly crypto: Crypto;
  readonly signer: CheckpointSigner;
  readonly logger: Logger;
  readonly metrics: WitnessMeters;
  /** Wall time, milliseconds since 1970. */
  readonly now: () => number;
  /** I7: a time that a witness of the policy has signed. */
  readonly onTime?: (seconds: number) => void;
}

export class RunningWitnesses {
  readonly cosigners: Witnesses;
  readonly #parts: WitnessParts;
  readonly #ports: RunningPorts;
  readonly #freshSeconds: number;
  readonly #kind: PolicyKind;
  /** Why the policy file that was read last is not in force. */
  #refused: LogError | undefined;

  constructor(
    parts: WitnessParts,
    { fresh_seconds, round_ms }: Pick<Config["witness"], "fresh_seconds" | "round_ms">,
    ports: RunningPorts,
  ) {
    this.#parts = parts;
    this.#ports = ports;
    this.#freshSeconds = fresh_seconds;
    const { crypto, signer, now, onTime, kind = WITNESSES } = ports;
    this.#kind = kind;
    this.cosigners = new Witnesses(
      parts.policy,
      {
        kind,
        crypto,
        signer,
        transport: parts.transport,
        sizes: parts.sizes,
        observer: observerOf(ports),
        clock: () => performance.now(),
        now: () => Math.floor(now() / 1_000),
        ...(onTime === undefined ? {} : { onTime }),
      },
      { freshMs: (fresh_seconds * 1_000) / 3, roundMs: round_ms },
    );
    this.#warn();
  }

  get policy(): Policy {
    return this.cosigners.policy;
  }

  /** Seconds since a whole quorum cosigned what is published; `undefined` where none has. */
  get age(): number | undefined {
    const time = this.cosigners.quorumTime;
    return time === undefined
      ? undefined
      : Math.max(0, Math.floor(this.#ports.now() / 1_000) - time);
  }

  /** Reads the policy file again. A policy that is refused leaves the old one in force. */
  async reload(): Promise<void> {
    const { logger } = this.#ports;
    try {
      this.cosigners.setPolicy(await this.#parts.readPolicy());
      this.#refused = undefined;
      logger.info(
        { keys: this.policy.witnesses.length },
        `the policy of the ${this.#kind.many} was read again`,
      );
      this.#warn();
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      this.#refused = error;
      logger.error(
        { err: error },
        `the policy of the ${this.#kind.many} is refused; the old one stays in force`,
      );
    }
  }

  /** For `/readyz`: whether what is published is fresh, and how each witness is. */
  check(): { readonly ok: boolean; readonly detail: string } {
    const { age } = this;
    const isFresh =
      this.policy.quorum === undefined || (age !== undefined && age <= this.#freshSeconds);
    const head =
      age === undefined
        ? "no head has its quorum yet"
        : `the quorum's cosignatures are ${age} s old`;
    const each = this.cosigners.statuses.map(
      ({ name, state, detail }) => `${name} is ${state}: ${detail}`,
    );
    return { ok: isFresh, detail: [head, ...each].join("; ") };
  }

  /** What an operator must know although the log is ready. */
  notes(): readonly string[] {
    const refused = this.#refused;
    return [
      ...(this.#splits ? [splitRisk(this.#kind)] : []),
      ...(refused === undefined
        ? []
        : [
            `The policy of the ${this.#kind.many} is refused, the old one is in force: ${refused.message}`,
          ]),
      ...this.cosigners.statuses
        .filter(({ state }) => state === "out")
        .map(
          ({ name, detail }) =>
            `Alarm: the ${this.#kind.one} ${name} contradicts this log: ${detail}.`,
        ),
    ];
  }

  get #splits(): boolean {
    return this.policy.quorum !== undefined && splitsInTwo(this.policy);
  }

  #warn(): void {
    if (this.#splits) this.#ports.logger.warn(splitRisk(this.#kind));
    if (this.policy.quorum === undefined)
      this.#ports.logger.warn(
        `the policy of the ${this.#kind.many} asks for no quorum: heads are published at once`,
      );
  }
}

function observerOf({ logger, metrics, kind = WITNESSES }: RunningPorts): WitnessObserver {
  const silent = new Set<string>();
  return {
    round: (seconds, hasQuorum) => metrics.round(seconds, hasQuorum),
    failed: (witness, failure, reason) => {
      metrics.failed(witness, failure);
      // Once for each silence: a witness that is gone for a day is asked thousands of times.
      if (!silent.has(witness))
        logger.warn({ witness, kind: failure, reason }, `the ${kind.one} did not cosign`);
      silent.add(witness);
    },
    cosigned: (witness) => {
      if (silent.delete(witness)) logger.info({ witness }, `the ${kind.one} cosigns again`);
    },
    alarm: (witness, reason) => {
      metrics.alarm(witness, reason !== undefined);
      if (reason === undefined) logger.warn({ witness }, `the alarm of the ${kind.one} is over`);
      else logger.error({ witness, reason }, `ALARM: the ${kind.one} contradicts this log`);
    },
  };
}
