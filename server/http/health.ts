/**
 * `/healthz`: the process is up. `/readyz`: it can sign, and if not, why not.
 *
 * What readiness cannot see is said in its answer, so that nobody reads more into it.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Check } from "./ports.ts";
import { sendJson } from "./respond.ts";

/** Probes may come often; storage and guard are asked at most this often. */
const FRESH_MS = 1_000;

/** I6 says what the head guard cannot: this is the sentence for it. */
export const BLIND_SPOT: string =
  "No witness is configured: a rollback of the store and the head guard together " +
  "(a snapshot of both) cannot be seen.";

export interface Readings {
  readonly ready: boolean;
  readonly checks: readonly Check[];
  readonly notes: readonly string[];
}

export class Readiness {
  readonly #checks: () => Promise<readonly Check[]>;
  readonly #notes: () => readonly string[];
  #at = Number.NEGATIVE_INFINITY;
  #running: Promise<Readings> | undefined;
  #ready = false;

  constructor(checks: () => Promise<readonly Check[]>, notes: () => readonly string[]) {
    this.#checks = checks;
    this.#notes = notes;
  }

  /** As of the last time that somebody asked. */
  get last(): boolean {
    return this.#ready;
  }

  read(): Promise<Readings> {
    const now = performance.now();
    if (this.#running === undefined || now - this.#at > FRESH_MS) {
      this.#at = now;
      this.#running = this.#ask();
    }
    return this.#running;
  }

  async answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const readings = await this.read();
    sendJson(req, res, readings.ready ? 200 : 503, readings);
  }

  async #ask(): Promise<Readings> {
    const checks = await this.#checks();
    this.#ready = checks.every(({ ok }) => ok);
    return { ready: this.#ready, checks, notes: this.#notes() };
  }
}

export function answerHealth(req: IncomingMessage, res: ServerResponse): void {
  sendJson(req, res, 200, { up: true });
}
