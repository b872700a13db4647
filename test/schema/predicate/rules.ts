/** What the tests of predicates share: a statement, and why it is refused. */
import { parseStatement } from "../../../schema/entry/statement.ts";
import type { Result } from "../../../schema/error.ts";
import type { JsonValue } from "../../../schema/json.ts";
import { payload, type StatementParts } from "../../vectors/statements.ts";
import { sha256 } from "../support.ts";

function parse(statement: StatementParts, subject?: readonly JsonValue[]): Result<unknown> {
  return parseStatement(sha256, payload(subject ? { ...statement, subject } : statement));
}

/** The field that is named, or that it was accepted. */
export function field(statement: StatementParts, subject?: readonly JsonValue[]): string {
  const result = parse(statement, subject);
  if (result.ok) return "accepted";
  if (result.code !== "STATEMENT_INVALID") return result.code;
  return result.detail.field ?? "no field";
}
