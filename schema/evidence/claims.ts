/**
 * Evidence about what people have signed: two logged statements with different values in one slot.
 *
 * One kind accuses, `equivocation`; the others are reported and accuse nobody. A draft that was
 * never logged has no entry, and cannot stand in such a file.
 *
 * Spec: docs/formats.md §Evidence, §Contradictions; docs/evidence.md.
 *
 * @module
 */
import type { Fields } from "../fields.ts";
import {
  formatLookupKey,
  type Lookup,
  type LookupKey,
  lookupJson,
  readLookup,
  readLookupKey,
} from "../index/lookup.ts";
import { formatLogEntry, type LogEntry, readLogEntry } from "../receipt.ts";
import { bytesMembers, readBytes, readPair } from "./log.ts";

export const CLAIM_KINDS = [
  "equivocation",
  "irreproducible",
  "builders-disagree",
  "ref-moved",
  "sha1-collision",
] as const;

export type ClaimKind = (typeof CLAIM_KINDS)[number];

/** A statement that is in a log, with what its signature covers. */
export interface LoggedStatement {
  readonly entry: LogEntry;
  readonly content: Uint8Array;
  /** The key object, where the leaf only names its digest. */
  readonly key?: Uint8Array;
}

export interface ClaimEvidence {
  readonly kind: ClaimKind;
  /** The key of the map under which both claim something. */
  readonly slot: LookupKey;
  readonly statements: readonly [LoggedStatement, LoggedStatement];
  /** Of a verdict: nobody has superseded either statement, up to the head of this bundle. */
  readonly lookup?: Lookup;
}

/** The members of a file besides its kind. */
export function claimMembers({ slot, statements, lookup }: ClaimEvidence): object {
  return {
    slot: formatLookupKey(slot),
    statements: statements.map(({ entry, ...bytes }) => ({
      entry: formatLogEntry(entry),
      ...bytesMembers(bytes),
    })),
    ...(lookup === undefined ? {} : { lookup: lookupJson(lookup) }),
  };
}

/** Inside `readFields`. */
export function readClaimEvidence(root: Fields, kind: ClaimKind): ClaimEvidence {
  root.only("mediaType", "kind", "slot", "statements", "lookup");
  const lookup = root.optional("lookup", (name) => readLookup(root.object(name)));
  return {
    kind,
    slot: readLookupKey(root.object("slot")),
    statements: readPair(root, "statements", readStatement),
    ...(lookup === undefined ? {} : { lookup }),
  };
}

function readStatement(fields: Fields): LoggedStatement {
  fields.only("entry", "content", "key");
  const entry = readLogEntry(fields.object("entry"));
  const { content, key } = readBytes(fields);
  if (content === undefined) return fields.refuse("content", "what the signature covers");
  return { entry, content, ...(key === undefined ? {} : { key }) };
}
