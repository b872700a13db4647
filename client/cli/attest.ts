/**
 * What the four `attest` commands share: the fields that every statement may have, signing the
 * statement, and handing it over to the log or to a file.
 *
 * A statement is built from flags, put into its canonical bytes and then read back by the rules
 * that the log admits by: whoever signs learns at once what the log would refuse.
 *
 * @module
 */
import {
  IN_TOTO_PAYLOAD_TYPE,
  parseStatement,
  STATEMENT_TYPE,
} from "../../schema/entry/statement.ts";
import { unwrap } from "../../schema/error.ts";
import { canonicalJson, type JsonObject, type JsonValue } from "../../schema/json.ts";
import { nodeCrypto } from "../crypto/node.ts";
import { dsseSubmission } from "../keys/signer.ts";
import type { Arguments, OptionSpec } from "./command.ts";
import { checkDelivery, deliver } from "./deliver.ts";
import type { ExitStatus, Io } from "./io.ts";
import { DELIVERY_OPTIONS, SIGNER_OPTIONS, wholeNumber } from "./options.ts";
import { openSigner } from "./signers.ts";

/** Fields of each of our predicates, and how the statement is signed and handed over. */
export const STATEMENT_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  "for-log": {
    type: "string",
    value: "VKEY",
    help: "the only log that the statement is meant for, by its verifier key",
  },
  seq: { type: "string", value: "N", help: "number of this statement in your own sequence" },
  prev: { type: "string", value: "DIGEST", help: "content digest of the one before it (hex)" },
  supersedes: {
    type: "string",
    value: "DIGEST",
    help: "content digest of the statement that this one takes the place of (hex)",
  },
  ...SIGNER_OPTIONS,
  ...DELIVERY_OPTIONS,
};

export interface Subject {
  readonly name?: string;
  readonly digest: Readonly<Record<string, string>>;
}

/** Leave out what was not given: a statement has no empty fields. */
export function given(fields: Readonly<Record<string, JsonValue | undefined>>): JsonObject {
  const present: Record<string, JsonValue> = {};
  for (const [name, value] of Object.entries(fields))
    if (value !== undefined) present[name] = value;
  return present;
}

/** The optional fields of every one of our predicates, in the order of the documents. */
export function commonFields(args: Arguments): JsonObject {
  const seq = args.value("seq");
  return given({
    log: args.value("for-log"),
    seq: seq === undefined ? undefined : wholeNumber(args, "seq"),
    prev: args.value("prev"),
    supersedes: args.value("supersedes"),
  });
}

/** Build the statement, check it by the log's own rules, sign it, and log it or write it. */
export async function attest(
  args: Arguments,
  io: Io,
  predicateType: string,
  subjects: readonly Subject[],
  predicate: JsonObject,
): Promise<ExitStatus> {
  checkDelivery(args);
  const statement = canonicalJson({
    _type: STATEMENT_TYPE,
    subject: subjects.map(({ name, digest }) => given({ name, digest })),
    predicateType,
    predicate,
  });
  unwrap(parseStatement(nodeCrypto.sha256, statement));
  const signer = await openSigner(args, io);
  const submission = await dsseSubmission(signer, IN_TOTO_PAYLOAD_TYPE, statement);
  return deliver(args, io, submission);
}
