/**
 * What every statement of ours may say besides its subject: for which log it is meant, which
 * number it has in its signer's own sequence, and which statement it takes the place of.
 *
 * Spec: docs/formats.md §Statements.
 *
 * @module
 */
import { type Fields, required } from "../fields.ts";
import type { Sha256 } from "../tlog/hash.ts";
import { parseVkey } from "../tlog/note.ts";
import { optionalText, present, SHA256_HEX, VKEY } from "./forms.ts";

export interface Common {
  /** The vkey of the log this is meant for; in another log it is only bytes. */
  readonly log?: string;
  /** Number in the signer's own sequence, from 0. */
  readonly seq?: number;
  /** Content digest (hex) of the statement before it in that sequence; only with `seq`. */
  readonly prev?: string;
  /** Content digest (hex) of the statement this one replaces or withdraws. */
  readonly supersedes?: string;
}

/** Inside `readFields`. */
export function readCommon(fields: Fields): Common {
  const common = present({
    log: optionalText(fields, "log", VKEY),
    seq: fields.optional("seq", (name) => fields.integer(name)),
    prev: optionalText(fields, "prev", SHA256_HEX),
    supersedes: optionalText(fields, "supersedes", SHA256_HEX),
  });
  if (common.prev !== undefined && common.seq === undefined)
    fields.refuse("seq", "a number, where prev is given");
  return common;
}

/** Inside `readFields`: what needs a hash to be checked. */
export function checkCommon(sha256: Sha256, common: Common, fields: Fields): void {
  if (common.log === undefined) return;
  const vkey = parseVkey(sha256, common.log);
  if (!vkey.ok) fields.refuse("log", VKEY.expected);
  required(vkey);
}
