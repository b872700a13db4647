/**
 * Why a look-up bundle proves nothing, in words.
 *
 * @module
 */
import { toHex } from "../../schema/bytes.ts";
import type { LookupKey } from "../../schema/index/lookup.ts";
import { printable } from "../printable.ts";
import type { FalsePosting, LacksQuorum, LookupRefusal } from "./verdict.ts";

/** One sentence without its full stop. */
export function explainLookupRefusal(refusal: LookupRefusal): string {
  switch (refusal.code) {
    case "LOOKUP_MALFORMED":
      return `the look-up bundle is malformed: ${printable(refusal.message)}`;
    case "INDEX_HEAD_REFUSED":
      return `the head of the index has no signature to trust: ${printable(refusal.message)}`;
    case "MAIN_HEAD_REFUSED":
      return `the head that was indexed has no signature to trust: ${printable(refusal.message)}`;
    case "VERIFIERS_TOO_FEW":
      return `too few index verifiers have executed it: ${lackText(refusal)}`;
    case "WITNESSES_TOO_FEW":
      return `too few witnesses have seen the head that was indexed: ${lackText(refusal)}`;
    case "INDEX_LEAF_REFUSED":
      return `the leaf of the index is not to be used: ${printable(refusal.message)}`;
    case "INDEX_ENDED":
      return `the index goes on after its end: ${printable(refusal.message)}`;
    case "OTHER_HEAD":
      return `the head of ${refusal.size} entries is not the one that the index names`;
    case "OTHER_MAP":
      return "the part of the map that is shown is of another map than the signed one";
    case "OTHER_KEYS":
      return `the answer is not about what was asked: ${keyText(refusal.key)}`;
    case "RECORD_REFUSED":
      return `what is said of ${keyText(refusal.key)} is not in the map: ${printable(refusal.message)}`;
    case "ENTRY_REFUSED":
      return `entry ${refusal.index} is not what the log has: ${printable(refusal.message)}`;
    case "FALSE_POSTING":
      return `the index is false: ${falsehood(refusal)}`;
  }
}

function lackText({ message, besides }: LacksQuorum): string {
  if (besides === undefined) return printable(message);
  return `${printable(message).replace(/\.$/, "")}; and ${explainLookupRefusal(besides)}`;
}

function falsehood({ how, index, key }: FalsePosting): string {
  if (how === "omits") return `it leaves entry ${index} out under ${keyText(key)}`;
  if (how === "alters") return `entry ${index} says something else of ${keyText(key)}`;
  return key.type === "opaque" || key.type === "opaque-by"
    ? `it calls entry ${index} opaque, and here is its content`
    : `entry ${index} does not say what ${keyText(key)} has of it`;
}

/** A key as a person reads it: its type, and its fields. */
export function keyText({ type, fields }: LookupKey): string {
  const shown = fields.map((field) =>
    typeof field === "string" ? printable(field) : toHex(field),
  );
  return [type, ...shown].join(" ");
}
