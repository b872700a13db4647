/**
 * Small pieces of an OpenAPI document.
 *
 * @module
 */
import { PROBLEM_TYPE, RESPOND_ASYNC } from "../../schema/http/paths.ts";

export type Json = Readonly<Record<string, unknown>>;

/** The messages that the document describes. */
export type MessageName =
  | "Submission"
  | "TransparencyLogEntry"
  | "SubmitAnswer"
  | "PromiseAnswer"
  | "EntryAnswer"
  | "TimestampQuery"
  | "BatchLine"
  | "BatchEnd"
  | "Readiness"
  | "RekorRequest"
  | "RekorStatus"
  | "Problem";

export function of(name: MessageName): { readonly schema: Json } {
  return { schema: { $ref: `#/components/schemas/${name}` } };
}

export function answer(description: string, type: string, media: Json): Json {
  return { description, content: { [type]: media } };
}

export function bytesPath(summary: string, type: string, parameters: readonly Json[]): Json {
  const media = { schema: { type: "string", format: "binary" } };
  return {
    get: {
      summary,
      parameters,
      responses: { 200: answer("The bytes", type, media), default: REFUSED },
    },
  };
}

export function parameter(name: string, place: "path" | "query", description: string): Json {
  return {
    name,
    in: place,
    required: place === "path",
    description,
    schema: { type: "string" },
  };
}

/** A preference and not a parameter: the log may have the receipt at hand, which is better. */
export const PREFER: Json = {
  name: "Prefer",
  in: "header",
  required: false,
  schema: { type: "string" },
  description: `\`${RESPOND_ASYNC}\` (RFC 7240): do not wait for witnesses, a promise is welcome. Without it a promise comes when they are late. What is published is answered with its proof either way.`,
};

export const REFUSED: Json = answer(
  "Refused: what was wrong, field and limit",
  PROBLEM_TYPE,
  of("Problem"),
);
