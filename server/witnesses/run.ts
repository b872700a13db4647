/**
 * The witnesses of a log, and the verifiers of its index, out of its parts and its configuration.
 *
 * @module
 */
import type { Generation } from "../../schema/index/generation.ts";
import type { Config } from "../config.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { Witnessing } from "../sequencer/ports.ts";
import type { LogParts } from "../serve.ts";
import type { WitnessParts } from "./open.ts";
import { INDEX_VERIFIERS } from "./policy.ts";
import { RunningWitnesses } from "./running.ts";

/** `undefined` where there is no policy. */
export function runWitnesses(
  { witnesses, clock, crypto, key, logger, now }: LogParts,
  config: Config,
  metrics: Metrics,
): RunningWitnesses | undefined {
  if (witnesses === undefined) return undefined;
  const onTime = (seconds: number): void => clock.witnessed(seconds);
  const meters = metrics.witnesses;
  const ports = { crypto, signer: key.checkpoints, logger, metrics: meters, now, onTime };
  return new RunningWitnesses(witnesses, config.witness, ports);
}

/** `undefined` where nobody has to have executed this index. */
export function runVerifiers(
  { crypto, key, logger, now }: LogParts,
  generation: Generation,
  verifiers: WitnessParts | undefined,
  { witness: { fresh_seconds, round_ms } }: Config,
  metrics: Metrics,
): RunningWitnesses | undefined {
  if (verifiers === undefined) return undefined;
  const meters = metrics.indexVerifiers;
  const ports = { crypto, signer: key.indexCheckpoints(generation), logger, metrics: meters, now };
  return new RunningWitnesses(
    verifiers,
    { fresh_seconds, round_ms },
    { ...ports, kind: INDEX_VERIFIERS },
  );
}

/** Those who cosign, and where the head that they cosigned is kept. */
export function witnessingOf(
  running: RunningWitnesses | undefined,
  parts: WitnessParts | undefined,
): Witnessing | undefined {
  if (running === undefined || parts === undefined) return undefined;
  return { cosigners: running.cosigners, notes: parts.notes };
}
