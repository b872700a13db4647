/**
 * The HTTP side of a witness: two resources and two probes, by comparing strings.
 *
 *     POST <prefix>/add-checkpoint               200 signature lines, 409 text/x.tlog.size
 *     GET  <prefix>/<hex origin hash>/checkpoint 200 the newest cosigned checkpoint, 404
 *     GET  /healthz, /readyz
 *
 * A "no" is a problem document (RFC 9457) with the status that the protocol gives it; only the
 * answers that the protocol describes have another form. The listener takes node:http's requests, so
 * that another server can mount it.
 *
 * Spec: C2SP tlog-witness.
 *
 * @module
 */

import {
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import { utf8 } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import {
  CHECKPOINT_TYPE,
  HEALTH_PATH,
  PROBLEM_TYPE,
  parseDigest,
  READY_PATH,
} from "../../schema/http/paths.ts";
import {
  ADD_CHECKPOINT_PATH,
  formatTlogSize,
  MAX_ADD_CHECKPOINT_BYTES,
  TLOG_SIZE_TYPE,
} from "../../schema/tlog/tlog-witness.ts";
import type { ClientAddress } from "../http/address.ts";
import { type ByteBudget, checkBodyHead, readBody } from "../http/body.ts";
import type { Check } from "../http/ports.ts";
import { isDefect } from "../http/problem.ts";
import { type Headers, hasBody, send, sendJson, sendProblem } from "../http/respond.ts";
import type { Logger } from "../observe/log.ts";
import type { WitnessMetrics } from "./metrics.ts";
import type { AddAnswer, Witness } from "./witness.ts";

export interface WitnessHttpPorts {
  readonly witness: Pick<Witness, "addCheckpoint" | "shown">;
  /** Before both resources: `""`, or a path without a slash at its end. */
  readonly prefix: string;
  /** Whether this address may ask once more. @throws LogError RATE_LIMITED */
  readonly admitAddress: (address: string) => Promise<void>;
  readonly clientAddress: ClientAddress;
  readonly budget: ByteBudget;
  readonly bodyTimeoutMs: number;
  readonly checks: () => readonly Check[];
  readonly metrics: WitnessMetrics;
  readonly logger: Logger;
}

export interface WitnessApp {
  readonly listener: RequestListener;
  /** Requests whose answer is not finished. */
  readonly inflight: () => number;
  /** From now on checkpoints are refused, and connections are not kept. */
  readonly drain: () => void;
}

const NO_STORE: Headers = ["Cache-Control", "no-store"];
/** The protocol lets this be an hour behind; monitors want to know sooner. */
const A_MOMENT: Headers = ["Cache-Control", "public, max-age=5"];

export function makeWitnessApp(ports: WitnessHttpPorts): WitnessApp {
  let inflight = 0;
  let draining = false;
  const routes = new Routes(ports, () => draining);
  return {
    listener(req, res) {
      inflight++;
      const started = performance.now();
      res.once("close", () => {
        inflight--;
        ports.metrics.request(res.statusCode, (performance.now() - started) / 1000);
      });
      res.on("error", ignore);
      // A body that no route reads would be read on, however long, before the next request.
      if (draining || (req.method !== "POST" && hasBody(req))) res.shouldKeepAlive = false;
      routes.answer(req, res).catch((error: unknown) => {
        if (isDefect(error)) ports.logger.error({ err: error, url: req.url }, "a defect was met");
        if (res.headersSent) res.destroy();
        else sendProblem(req, res, error);
      });
    },
    inflight: () => inflight,
    drain: () => {
      draining = true;
    },
  };
}

class Routes {
  readonly #ports: WitnessHttpPorts;
  readonly #draining: () => boolean;

  constructor(ports: WitnessHttpPorts, draining: () => boolean) {
    this.#ports = ports;
    this.#draining = draining;
  }

  async answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const [path = "/"] = (req.url ?? "/").split("?", 1);
    const { prefix } = this.#ports;
    if (path === prefix + ADD_CHECKPOINT_PATH) {
      if (mustBe(req, res, "POST")) await this.#add(req, res);
      return;
    }
    const shown = path.startsWith(`${prefix}/`)
      ? /^\/([0-9a-f]{64})\/checkpoint$/.exec(path.slice(prefix.length))?.[1]
      : undefined;
    if (shown === undefined && path !== HEALTH_PATH && path !== READY_PATH)
      throw new LogError("NOT_FOUND", "There is no such resource.", {
        hint: `POST ${prefix}${ADD_CHECKPOINT_PATH}, GET ${prefix}/<hex SHA-256 of the origin>/checkpoint`,
      });
    if (!mustBe(req, res, "GET", "HEAD")) return;
    if (shown !== undefined) await this.#show(req, res, shown);
    else if (path === HEALTH_PATH) sendJson(req, res, 200, { up: true });
    else this.#ready(req, res);
  }

  async #add(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { budget, bodyTimeoutMs, witness } = this.#ports;
    if (this.#draining()) throw new LogError("STOPPING", "The witness is shutting down.");
    await this.#admit(req);
    checkBodyHead(req, res, MAX_ADD_CHECKPOINT_BYTES);
    const limits = { maxBytes: MAX_ADD_CHECKPOINT_BYTES, timeoutMs: bodyTimeoutMs };
    const body = await readBody(req, limits, budget);
    try {
      sendAnswer(req, res, await witness.addCheckpoint(body));
    } finally {
      budget.give(body.length);
    }
  }

  async #show(req: IncomingMessage, res: ServerResponse, hex: string): Promise<void> {
    await this.#admit(req);
    const id = parseDigest(hex);
    const note = id === undefined ? undefined : await this.#ports.witness.shown(id);
    if (note === undefined)
      throw new LogError("NOT_FOUND", "No checkpoint of this log was ever cosigned here.");
    send(req, res, 200, CHECKPOINT_TYPE, note, A_MOMENT);
  }

  async #admit(req: IncomingMessage): Promise<void> {
    await this.#ports.admitAddress(this.#ports.clientAddress(req));
  }

  #ready(req: IncomingMessage, res: ServerResponse): void {
    const checks = this.#ports.checks();
    const ready = !this.#draining() && checks.every(({ ok }) => ok);
    sendJson(req, res, ready ? 200 : 503, { ready, checks });
  }
}

function sendAnswer(req: IncomingMessage, res: ServerResponse, answer: AddAnswer): void {
  if (answer.status === 200) send(req, res, 200, CHECKPOINT_TYPE, utf8(answer.lines), NO_STORE);
  else if (answer.status === 409)
    send(req, res, 409, TLOG_SIZE_TYPE, utf8(formatTlogSize(answer.size)), NO_STORE);
  else {
    const { status, reason } = answer;
    const problem = { type: "about:blank", title: STATUS_CODES[status], status, detail: reason };
    send(req, res, status, PROBLEM_TYPE, utf8(`${JSON.stringify(problem)}\n`), NO_STORE);
  }
}

function mustBe(req: IncomingMessage, res: ServerResponse, ...methods: readonly string[]): boolean {
  if (methods.includes(req.method ?? "")) return true;
  const allow = methods.join(", ");
  const error = new LogError("METHOD_NOT_ALLOWED", "The resource does not take this method.", {
    expected: allow,
  });
  sendProblem(req, res, error, ["Allow", allow]);
  return false;
}

function ignore(): void {}
