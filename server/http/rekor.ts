/**
 * `POST /api/v2/log/entries`: the write interface of Rekor v2, for clients that know no other.
 *
 * It answers as Rekor does where clients look, and better where they suffer: a duplicate gets 201
 * with its entry and a fresh proof, an envelope is logged as the one kind that clients still
 * accept, and nothing waits for a timer. Every refusal has Rekor's shape.
 *
 * - I3  The answer is written only after the sequencer says *published*, and the proof in it is
 *       under a checkpoint that is already served.
 *
 * Spec: docs/formats.md §Rekor's write interface.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { LogError } from "../../schema/error.ts";
import { JSON_TYPE } from "../../schema/http/paths.ts";
import { type RekorStatus, rekorCode } from "../../schema/http/rekor.ts";
import type { Answers } from "./answer.ts";
import { appendBody, withBody } from "./append.ts";
import type { HttpPorts } from "./ports.ts";
import { problemOf } from "./problem.ts";
import { type Headers, sendJsonText, sendRefusal } from "./respond.ts";

export class RekorSide {
  readonly #ports: HttpPorts;
  readonly #answers: Answers;

  constructor(ports: HttpPorts, answers: Answers) {
    this.#ports = ports;
    this.#answers = answers;
  }

  /** One entry, also where its twin was logged with it: the client asked for the first. */
  async submit(req: IncomingMessage, res: ServerResponse): Promise<void> {
    // Rekor's gateway does not look at the type, so some senders leave it out.
    req.headers["content-type"] ??= JSON_TYPE;
    await withBody(this.#ports, req, res, [JSON_TYPE], async (body) => {
      const [entry] = await appendBody(this.#ports, body, "rekor");
      if (entry === undefined) throw new LogError("INTERNAL", "A request became no entry.");
      const text = this.#answers.entry(entry, this.#ports.log.published());
      sendJsonText(req, res, 201, `${text}\n`);
    });
  }
}

/**
 * A refusal as `google.rpc.Status`. What our problem document has in fields is in its message,
 * where something is wrong with the request; what the log cannot do now is said as it is.
 */
export function sendRekorError(
  req: IncomingMessage,
  res: ServerResponse,
  error: unknown,
  extra: Headers = [],
): void {
  const { detail, expected, field, hint, limit, retryAfter, status: own } = problemOf(error);
  const { grpc, http } = rekorCode(own);
  const more = [
    field === undefined ? "" : `field: ${field}`,
    limit === undefined ? "" : `limit: ${limit}`,
    expected === undefined ? "" : `expected: ${expected}`,
    hint ?? "",
  ].filter((part) => part !== "");
  const message = more.length === 0 || http >= 500 ? detail : `${detail} (${more.join("; ")})`;
  const status: RekorStatus = { code: grpc, message, details: [] };
  const headers = retryAfter === undefined ? extra : [...extra, "Retry-After", String(retryAfter)];
  sendRefusal(req, res, http, JSON_TYPE, status, headers);
}
