/**
 * The feed of a log's conflicts over HTTP.
 *
 *     GET /v1/conflicts?after=<cursor>     JSON, oldest first, behind a cursor; 0 where it is absent
 *     GET /v1/conflicts.atom               Atom, newest first; also by `Accept`
 *     GET /v1/conflicts/<id>/evidence      the evidence file of one
 *
 * The feed accuses nobody: it points to files that can be checked.
 *
 * Spec: docs/formats.md §HTTP.
 *
 * @module
 */
import { failure, type Result } from "../error.ts";
import type { JsonValue } from "../json.ts";
import { parseSize } from "../tlog/size.ts";

export const CONFLICTS_PATH = "/v1/conflicts";
export const CONFLICTS_ATOM_PATH = "/v1/conflicts.atom";
export const ATOM_TYPE = "application/atom+xml";
/** Conflicts of one answer. */
export const MAX_CONFLICT_ITEMS = 100;

/** The path of an evidence file. */
export function conflictEvidencePath(id: string): string {
  return `${CONFLICTS_PATH}/${id}/evidence`;
}

export interface ConflictItem {
  readonly cursor: number;
  readonly id: string;
  /** A kind of evidence file. */
  readonly kind: string;
  /** `{"type", "fields"}`, as a look-up has it. */
  readonly slot: JsonValue;
  /** Indexes of the two entries. */
  readonly entries: readonly [number, number];
  /** RFC 3339. */
  readonly foundAt: string;
  /** Path of the evidence file. */
  readonly evidence: string;
}

export interface ConflictFeed {
  readonly origin: string;
  readonly items: readonly ConflictItem[];
  /** The cursor to go on behind. */
  readonly next: number;
  /** There are more behind `next` already. */
  readonly more: boolean;
  /** `false` while the log is still going through what was indexed before it started. */
  readonly scanned: boolean;
}

/** The cursor out of a query. */
export function parseConflictsQuery(strangersQuery: string): Result<number> {
  const query = new URLSearchParams(strangersQuery);
  const names = [...query.keys()];
  if (names.length === 0) return parseSize("0", "after");
  if (names.length === 1 && names[0] === "after")
    return parseSize(query.get("after") ?? "", "after");
  return failure("FIELD_INVALID", "Only after is asked for here, once.", {
    field: "query",
    expected: "after=<cursor>",
  });
}
