/**
 * Small pieces of an OpenAPI document.
 *
 * @module
 */
import { PROBLEM_TYPE } from "../../schema/http/paths.ts";

export type Json = Readonly<Record<string, unknown>>;

/** The messages that the document describes. */
export type MessageName =
  | "Submission"
  | "TransparencyLogEntry"
  | "SubmitAnswer"
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

export const REFUSED: Json = answer(
  "Refused: what was wrong, field and limit",
  PROBLEM_TYPE,
  of("Problem"),
);
