/**
 * A monitor: rounds over its logs, each of which ends in one write of the state and then in the
 * sink.
 *
 * Logs are checked beside one another, so that one that is slow holds up no other; their results
 * are written one after the other. Alerts that an earlier life left in the state go first.
 *
 * @module
 */
import { LogError } from "../../schema/error.ts";
import type { Evidence } from "../../schema/evidence.ts";
import type { Sha256 } from "../../schema/tlog/hash.ts";
import { type Alert, type AlertSink, accusesLog } from "./alert.ts";
import { Findings } from "./findings.ts";
import { type FullStep, readWhole } from "./full.ts";
import { type Watch, watchLog } from "./round.ts";
import type { LogState, StateFile } from "./state.ts";
import { limited, ROUND_SECONDS } from "./time-limit.ts";

export interface MonitorPorts {
  readonly sha256: Sha256;
  readonly state: StateFile;
  readonly sink: AlertSink;
  readonly watches: readonly Watch[];
  readonly saveEvidence: (evidence: Evidence) => Promise<string>;
  /** Seconds since 1970. */
  readonly now: () => number;
  /** Given where whole logs are to be read: told how far one has come. */
  readonly full?: (origin: string, step: FullStep) => void;
  /** Ends the reading of whole logs after the step that has begun. */
  readonly stop?: AbortSignal;
}

/**
 * 0 nothing new and nothing wrong, 1 there are alerts, or a condition of one holds, 2 something
 * could not be checked, 3 a log misbehaved.
 */
export type RoundStatus = 0 | 1 | 2 | 3;

export interface Round {
  readonly status: RoundStatus;
  /** Those that were delivered, in order. */
  readonly alerts: readonly Alert[];
  /** Conditions that hold. */
  readonly open: StateFile["open"];
  /** Why alerts stay in the state, where the sink did not take them. */
  readonly undelivered?: string;
}

/** Check every log once. Throws only where the state cannot be read or written. */
export async function runRound(ports: MonitorPorts): Promise<Round> {
  const { state, watches } = ports;
  const round = new Delivery(ports);
  await round.deliver();
  let misbehaved = false;
  let writing: Promise<void> = Promise.resolve();
  await Promise.all(
    watches.map(async (watch) => {
      const { origin } = watch.log;
      const { sha256, saveEvidence, now, full } = ports;
      const newFindings = (): Findings => new Findings({ sha256, origin, saveEvidence });
      const write = async (findings: Findings, next: LogState): Promise<void> => {
        misbehaved ||= findings.misbehaved;
        writing = writing.then(async () => {
          await state.advance(origin, next, findings, now());
          await round.deliver();
        });
        await writing;
      };
      const findings = newFindings();
      const start = now();
      const transport = limited(watch.transport, () => now() - start <= ROUND_SECONDS);
      const bounded = { ...watch, transport };
      await write(findings, await watchLog(bounded, findings, state.log(origin), start));
      if (full === undefined) return;
      const before = state.log(origin).full ?? { entries: 0 };
      for await (const step of readWhole(watch, before, newFindings)) {
        await write(step.findings, { ...state.log(origin), full: step.next });
        full(origin, step);
        if (ports.stop?.aborted === true) break;
      }
    }),
  );
  return round.end(misbehaved);
}

/** What becomes of the alerts of one round. */
class Delivery {
  readonly #ports: MonitorPorts;
  readonly #alerts: Alert[] = [];
  #undelivered: string | undefined;

  constructor(ports: MonitorPorts) {
    this.#ports = ports;
  }

  async deliver(): Promise<void> {
    const { state, sink } = this.#ports;
    const { pending } = state;
    if (pending.length === 0) return;
    try {
      await sink.deliver(pending);
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      this.#undelivered = error.message;
      return;
    }
    await state.delivered();
    this.#undelivered = undefined;
    this.#alerts.push(...pending);
  }

  end(misbehaved: boolean): Round {
    const watched = new Set(this.#ports.watches.map(({ log }) => log.origin));
    // What was left open of a log that nobody watches any more concerns nobody.
    const open = this.#ports.state.open.filter(({ origin }) => watched.has(origin));
    const base = { alerts: this.#alerts, open };
    const undelivered = this.#undelivered;
    const isUnchecked = undelivered !== undefined || !isComplete(open);
    const accuses = misbehaved || this.#alerts.some(({ kind }) => accusesLog(kind));
    const isQuiet = this.#alerts.length === 0 && open.length === 0;
    const status = accuses ? 3 : isUnchecked ? 2 : isQuiet ? 0 : 1;
    return undelivered === undefined ? { ...base, status } : { ...base, status, undelivered };
  }
}

/** Whether everything could be checked, by the conditions that hold. */
export function isComplete(open: StateFile["open"]): boolean {
  return !open.some(({ kind }) => kind === "unchecked" || kind === "unwitnessed");
}

export interface LoopPorts {
  readonly intervalSeconds: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly stop: AbortSignal;
  readonly onRound: (round: Round) => Promise<void> | void;
}

/** Rounds at fixed times, until it is told to stop; a round that has begun is finished. */
export async function runForever(run: () => Promise<Round>, loop: LoopPorts): Promise<void> {
  const { intervalSeconds, now, stop, onRound } = loop;
  const interval = intervalSeconds * 1000;
  for (let next = now(); !stop.aborted; ) {
    await onRound(await run());
    // A round that took longer than the interval is followed by the next at once, and by one only.
    next = Math.max(next + interval, now());
    await pause(next - now(), stop);
  }
}

export async function pause(milliseconds: number, stop: AbortSignal): Promise<void> {
  if (stop.aborted) return;
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      stop.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    stop.addEventListener("abort", end);
  });
}
