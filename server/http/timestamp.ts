/**
 * `POST /api/v1/timestamp`: the timestamp authority over HTTP.
 *
 * A query in DER is answered in DER, also where it is refused: RFC 3161 has names for that. A query
 * in Sigstore's JSON is answered in DER where it is granted, and by a problem document where it is
 * not, because its sender reads JSON then. The status says the same either way, but for a DER query
 * that was read and refused: that is a whole answer, and 200.
 *
 * Spec: RFC 3161 §3.4; docs/formats.md §Time stamps.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type ErrorCode, LogError } from "../../schema/error.ts";
import { JSON_TYPE, TIMESTAMP_QUERY_TYPE, TIMESTAMP_REPLY_TYPE } from "../../schema/http/paths.ts";
import type { TimestampAuthority } from "../tsa/authority.ts";
import {
  MAX_TIMESTAMP_QUERY_BYTES,
  type ParsedQuery,
  parseDerQuery,
  parseJsonQuery,
} from "../tsa/query.ts";
import { rejectedReply } from "../tsa/reply.ts";
import { checkSender } from "./append.ts";
import { checkBodyHead, mediaType, readBody } from "./body.ts";
import type { HttpPorts } from "./ports.ts";
import { problemOf } from "./problem.ts";
import { type Headers, NO_STORE, send } from "./respond.ts";

const TYPES = [TIMESTAMP_QUERY_TYPE, JSON_TYPE];

/** Why a token could not be made now, in RFC 3161's words; anything else is a system failure. */
const FAULTS: Partial<Record<ErrorCode, "timeNotAvailable">> = {
  CLOCK_REFUSED: "timeNotAvailable",
};

export async function answerTimestamp(
  ports: HttpPorts,
  authority: TimestampAuthority,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  await checkSender(ports, req);
  checkBodyHead(req, res, MAX_TIMESTAMP_QUERY_BYTES, TYPES);
  const inDer = mediaType(req.headers["content-type"] ?? "") === TIMESTAMP_QUERY_TYPE;
  const limits = { maxBytes: MAX_TIMESTAMP_QUERY_BYTES, timeoutMs: ports.bodyTimeoutMs };
  const body = await readBody(req, limits, ports.budget);
  ports.budget.give(body.length);
  const parse = inDer ? parseDerQuery : parseJsonQuery;
  const parsed = parse(body, authority.policy);
  if (!parsed.ok) {
    if (!inDer) throw refusal(parsed);
    ports.metrics.refused("FIELD_INVALID");
    reply(req, res, 200, rejectedReply(parsed.fault, parsed.message));
    return;
  }
  try {
    reply(req, res, 200, await authority.answer(parsed.query));
  } catch (error) {
    if (!inDer || !(error instanceof LogError)) throw error;
    const { code, status, detail, retryAfter } = problemOf(error);
    ports.metrics.refused(code);
    const after = retryAfter === undefined ? [] : ["Retry-After", String(retryAfter)];
    reply(req, res, status, rejectedReply(FAULTS[error.code] ?? "systemFailure", detail), after);
  }
}

function reply(
  req: IncomingMessage,
  res: ServerResponse,
  status: number,
  der: Uint8Array,
  headers: Headers = [],
): void {
  send(req, res, status, TIMESTAMP_REPLY_TYPE, der, [...NO_STORE, ...headers]);
}

function refusal({ fault, field, message }: Extract<ParsedQuery, { ok: false }>): LogError {
  return new LogError("FIELD_INVALID", `The timestamp query is refused (${fault}): ${message}.`, {
    field,
  });
}
