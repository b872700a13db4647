/**
 * An in-toto Statement v1: subjects, a predicate type, and a predicate that is read where its
 * type is known.
 *
 * The payload is I-JSON, so that no two readers see two statements. Unknown fields are kept in
 * the content and ignored, as in-toto asks.
 *
 * Spec: in-toto attestation framework v1; docs/formats.md §Statements.
 *
 * @module
 */
import type { Result } from "../error.ts";
import { Fields, readFields } from "../fields.ts";
import { type JsonObject, parseJson } from "../json.ts";
import { digestSet, present } from "../predicate/forms.ts";
import type { Subject } from "../predicate/predicate.ts";
import { type KnownPredicate, readPredicate } from "../predicate/registry.ts";
import type { Sha256 } from "../tlog/hash.ts";

export type { Subject } from "../predicate/predicate.ts";

export const IN_TOTO_PAYLOAD_TYPE = "application/vnd.in-toto+json";
export const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";

/** Types of in-toto payloads that are logged without being read. */
const UNREAD_TYPES = ["https://in-toto.io/Statement/v0.1", "link", "layout"];

export interface Statement {
  /** At least one. */
  readonly subject: readonly Subject[];
  readonly predicateType: string;
  /** As it was signed, with every field. Empty where the statement has none. */
  readonly predicate: JsonObject;
  /** Its meaning, where the predicate type is known. */
  readonly known?: KnownPredicate;
}

/**
 * Read the payload of an in-toto envelope. `undefined` for older in-toto types, which are bytes
 * without meaning here. Fails with JSON_MALFORMED or STATEMENT_INVALID; fields are named from
 * `payload`, e.g. `payload.predicate.head.gitTree`.
 */
export function parseStatement(
  sha256: Sha256,
  attackerPayload: Uint8Array,
): Result<Statement | undefined> {
  const json = parseJson(attackerPayload);
  if (!json.ok) return { ...json, detail: { ...json.detail, field: "payload" } };
  const statement = readFields(json.value, "payload", (root) => readStatement(sha256, root));
  if (statement.ok || statement.code !== "FIELD_INVALID") return statement;
  return { ...statement, code: "STATEMENT_INVALID" };
}

function readStatement(sha256: Sha256, root: Fields): Statement | undefined {
  const type = root.string("_type");
  if (UNREAD_TYPES.includes(type)) return undefined;
  if (type !== STATEMENT_TYPE) root.refuse("_type", STATEMENT_TYPE);
  const subject = root.objects("subject", { min: 1 }).map(readSubject);
  const predicateType = root.string("predicateType", { min: 1 });
  // in-toto takes a predicate that is not there for an empty one.
  const fields = root.has("predicate")
    ? root.object("predicate")
    : new Fields({}, root.name("predicate"));
  const context = { sha256, subject, fields, subjectPath: root.name("subject") };
  const known = readPredicate(predicateType, context);
  return {
    subject,
    predicateType,
    predicate: fields.raw,
    ...(known === undefined ? {} : { known }),
  };
}

function readSubject(subject: Fields): Subject {
  return {
    digest: digestSet(subject, "digest"),
    ...present({
      name: subject.optional("name", (name) => subject.string(name)),
      uri: subject.optional("uri", (name) => subject.string(name)),
    }),
  };
}
