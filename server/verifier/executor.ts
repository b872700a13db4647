/**
 * The index verifier's work: before a head of an index log is cosigned, every leaf since the last one is
 * read from the log and executed again.
 *
 * - W3  An index verifier cosigns no head of which it has not executed every leaf, from leaf 0 on: what
 *       could not be read is no answer, and what does not follow is a refusal.
 *
 * Whom it believes: the log's signature under the checkpoint, and the witnesses that the trust file asks
 * for under each main head. The updates themselves come from anybody.
 *
 * A long way is not walked in one request: after a while it answers that it is not there yet, and goes
 * on. How far it got is remembered in memory only; what is durable stands beside a cosigned head.
 *
 * Spec: docs/formats.md §Index. The rule is schema/index/re-execute.ts.
 *
 * @module
 */
import type { Crypto } from "../../client/crypto/crypto.ts";
import type { Source } from "../../client/fetch.ts";
import { committedLeaves } from "../../client/lookup/erased.ts";
import { followIndex } from "../../client/lookup/follow-index.ts";
import { equal } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import { formatIndexState, parseIndexState } from "../../schema/index/index-state.ts";
import { type IndexState, initialState } from "../../schema/index/re-execute.ts";
import type { Checkpoint } from "../../schema/tlog/checkpoint.ts";
import type { Refusal } from "../witness/judge.ts";
import type { WitnessState } from "../witness/state.ts";
import { originId, type WitnessedHead } from "../witness/state-file.ts";
import type { Executed } from "../witness/witness.ts";
import type { ReadableLog, TrustedIndexes } from "./trusted-logs.ts";

/** Logs that are read at one time: each may take the memory of one large answer. */
const MAX_AT_ONCE = 4;
/** Milliseconds for one way, so that a log that answers slowly for ever makes room for others. */
const MAX_RUN_MS = 1_800_000;
const RETRY_SECONDS = 2;

export interface ExecutorPorts {
  readonly crypto: Crypto;
  readonly state: Pick<WitnessState, "executed">;
  /** The trust in force at this moment. */
  readonly logs: () => TrustedIndexes;
  /** How a log is read; every single answer of it has a deadline. */
  readonly reach: (place: string) => Source;
  /** Milliseconds after which a request is answered, executed or not. */
  readonly answerMs: number;
  /** Milliseconds after which a log is read no further until it asks again. */
  readonly runMs?: number;
  readonly onLeaf?: (origin: string, leaf: number) => void;
  readonly onRefused?: (origin: string, reason: string) => void;
}

export class IndexExecutor {
  readonly #ports: ExecutorPorts;
  /** By origin: what is being executed now. */
  readonly #running = new Map<string, Promise<Executed>>();
  /** By origin: how far it got. Beyond the last cosigned head it is kept here alone. */
  readonly #reached = new Map<string, IndexState>();
  #hasEnded = false;

  constructor(ports: ExecutorPorts) {
    this.#ports = ports;
  }

  /** W3. @throws LogError NOT_EXECUTED where it could not be read, or takes longer */
  async execute(last: WitnessedHead | undefined, next: Checkpoint): Promise<Executed> {
    const { origin } = next;
    const log = this.#ports.logs().indexedBy(origin);
    if (log === undefined) return { status: 404, reason: "this log is not known here" };
    const late = Promise.withResolvers<"late">();
    const timer = setTimeout(() => late.resolve("late"), this.#ports.answerMs);
    try {
      // One way at a time for each log; whoever waited for another head begins where it ended.
      for (let other = this.#running.get(origin); other !== undefined; ) {
        if ((await Promise.race([other.catch(() => undefined), late.promise])) === "late")
          throw this.#notThere(next);
        other = this.#running.get(origin);
      }
      const said = await Promise.race([this.#start(log, last, next), late.promise]);
      if (said === "late") throw this.#notThere(next);
      return said;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Nothing is read any more. */
  close(): void {
    this.#hasEnded = true;
  }

  #start(log: ReadableLog, last: WitnessedHead | undefined, next: Checkpoint): Promise<Executed> {
    if (this.#running.size >= MAX_AT_ONCE)
      throw notExecuted("the indexes of other logs are being executed");
    const running = this.#run(log, last, next).finally(() => this.#running.delete(next.origin));
    // Whoever asked may be gone when it ends.
    running.catch(() => undefined);
    this.#running.set(next.origin, running);
    return running;
  }

  async #run(
    log: ReadableLog,
    last: WitnessedHead | undefined,
    next: Checkpoint,
  ): Promise<Executed> {
    const cosigned = this.#cosigned(log, last);
    const reached = this.#reached.get(next.origin);
    const isOnTheWay =
      reached !== undefined &&
      reached.index.size > cosigned.index.size &&
      reached.index.size <= next.size;
    const follow = (from: IndexState): Promise<Executed> =>
      this.#follow(log, from, next, last?.size);
    let said = await follow(isOnTheWay ? reached : cosigned);
    // What was executed ahead was never under a signature: the log may have signed another leaf.
    if ("status" in said && isOnTheWay) said = await follow(cosigned);
    if ("status" in said) {
      this.#reached.delete(next.origin);
      if ("reason" in said) this.#ports.onRefused?.(next.origin, said.reason);
    }
    return said;
  }

  /** Where the last cosigned head ended, which is written beside it; else leaf 0. */
  #cosigned(log: ReadableLog, last: WitnessedHead | undefined): IndexState {
    const { crypto, state } = this.#ports;
    if (last === undefined) return initialState(crypto.sha256, log.generation.id, log.origin);
    const bytes = state.executed(originId(last.origin)) ?? new Uint8Array(0);
    const executed = parseIndexState(crypto.sha256, bytes);
    if (
      executed.ok &&
      executed.value.index.size === last.size &&
      equal(executed.value.index.root(), last.root)
    )
      return executed.value;
    throw new LogError("STORE_CORRUPT", "what was executed is not what was cosigned", {
      field: last.origin,
      hint: "the state of this index verifier is damaged: make a new one, with new keys",
    });
  }

  /**
   * Before the first signature for a log all of its past is read, and what it has erased is taken at its
   * word. From then on only where the other verifiers of the trust file have signed the leaf.
   */
  async #follow(
    log: ReadableLog,
    from: IndexState,
    next: Checkpoint,
    signed: number | undefined,
  ): Promise<Executed> {
    const { crypto, reach, onLeaf } = this.#ports;
    if (next.size === 0) return refusal("an index log begins with its leaf 0");
    let state = from;
    try {
      const transport = this.#bounded(reach(log.url));
      const read = { crypto, transport, log, generation: log.generation };
      const committed = async (): Promise<number> =>
        signed === undefined ? next.size : Math.max(signed, await committedLeaves(read));
      const ports = { ...read, committed };
      for await (const followed of followIndex(ports, state, next.size)) {
        const { leaf } = followed;
        if (followed.state === "refused")
          return refusal(`leaf ${leaf}: ${followed.reason.message}`);
        state = followed.next;
        this.#reached.set(next.origin, state);
        onLeaf?.(next.origin, leaf);
      }
    } catch (error) {
      if (error instanceof LogError && error.code !== "NOT_EXECUTED")
        throw notExecuted(`${error.message} [${error.code}]`, error);
      throw error;
    }
    if (!equal(state.index.root(), next.root))
      return refusal("its checkpoint is not over the leaves that it offers to execute");
    return { state: formatIndexState(state) };
  }

  /** Nothing more is read of it when its time is over, or when this verifier ends. */
  #bounded(source: Source): Source {
    const until = performance.now() + (this.#ports.runMs ?? MAX_RUN_MS);
    return {
      url: source.url,
      get: async (path, maxBytes) => {
        if (this.#hasEnded) throw notExecuted("the index verifier is shutting down");
        if (performance.now() < until) return source.get(path, maxBytes);
        throw notExecuted(
          "it takes too long; it goes on from the last leaf when it is asked again",
        );
      },
    };
  }

  #notThere({ origin, size }: Checkpoint): LogError {
    const at = this.#reached.get(origin)?.index.size;
    return notExecuted(
      `${at === undefined ? "its leaves are" : `leaf ${at} of ${size} is`} being executed`,
    );
  }
}

function refusal(reason: string): Refusal {
  return { status: 422, reason };
}

function notExecuted(why: string, cause?: LogError): LogError {
  return new LogError("NOT_EXECUTED", `The index was not executed: ${why}`, {
    field: "index",
    retryAfter: RETRY_SECONDS,
    ...(cause === undefined ? {} : { cause }),
  });
}
