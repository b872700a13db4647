/**
 * Evidence: one file that convicts a log by the log's own signatures.
 *
 * The file holds signed notes and entries, nothing that must be believed. What each kind shows
 * is checked by `client/evidence.ts` with the log's key out of a trust file:
 *
 * - `fork-same-size`     two notes of one size and different roots;
 * - `fork-inconsistent`  notes (m, r) and (n, s), m < n, and a path that folds to s, and at m
 *                        to r′ ≠ r. The path is the consistency proof; where m is a power of
 *                        two, which leaves r′ out of the proof, r′ stands before it. A path that
 *                        does not fold to s proves nothing;
 * - `wrong-entry`        two entries with one index and different leaves, both included;
 * - `duplicate-leaf`     one leaf, included at two indexes (I8);
 * - `bad-admission`      an included entry that breaks the rules of admission, for instance by a
 *                        signature that does not verify.
 *
 * Spec: docs/formats.md §Evidence.
 *
 * @module
 */
import { toBase64, utf8 } from "./bytes.ts";
import { failure, type Result } from "./error.ts";
import { type Fields, readFields } from "./fields.ts";
import { parseJson } from "./json.ts";
import { MAX_BODY_BYTES, MAX_CONTENT_BYTES, MAX_KEY_BYTES, MAX_NOTE_BYTES } from "./limits.ts";
import { formatLogEntry, type LogEntry, readHashes, readLogEntry } from "./receipt.ts";
import type { Hash } from "./tlog/hash.ts";

export const EVIDENCE_MEDIA_TYPE = "application/vnd.countersign.evidence+json;version=1";
/** What the name of such a file ends with. */
export const EVIDENCE_SUFFIX = ".evidence.json";
/** Bytes of an evidence file. */
export const MAX_EVIDENCE_BYTES: number = MAX_BODY_BYTES;

export type Evidence =
  | {
      readonly kind: "fork-same-size";
      /** Two signed notes, verbatim. */
      readonly notes: readonly [string, string];
    }
  | {
      readonly kind: "fork-inconsistent";
      /** Two signed notes, verbatim; the smaller tree first. */
      readonly notes: readonly [string, string];
      /** Consistency path between their sizes, beginning with r′ where m is a power of two. */
      readonly path: readonly Hash[];
    }
  | {
      readonly kind: "wrong-entry" | "duplicate-leaf";
      readonly entries: readonly [LogEntry, LogEntry];
    }
  | {
      readonly kind: "bad-admission";
      readonly entry: LogEntry;
      readonly content?: Uint8Array;
      readonly key?: Uint8Array;
    };

export type EvidenceKind = Evidence["kind"];

const KINDS: readonly EvidenceKind[] = [
  "fork-same-size",
  "fork-inconsistent",
  "wrong-entry",
  "duplicate-leaf",
  "bad-admission",
];

/** An evidence file out of its bytes: its form. It convicts nobody before it is checked. */
export function parseEvidence(attackerBytes: Uint8Array): Result<Evidence> {
  if (attackerBytes.length > MAX_EVIDENCE_BYTES)
    return failure("TOO_LARGE", `an evidence file has at most ${MAX_EVIDENCE_BYTES} bytes`, {
      field: "evidence",
      limit: MAX_EVIDENCE_BYTES,
    });
  const json = parseJson(attackerBytes);
  return json.ok ? readFields(json.value, "", readEvidence) : json;
}

/** The bytes of an evidence file: JSON with two spaces and a final LF. */
export function formatEvidence(evidence: Evidence): Uint8Array<ArrayBuffer> {
  const file = { mediaType: EVIDENCE_MEDIA_TYPE, kind: evidence.kind, ...body(evidence) };
  return utf8(`${JSON.stringify(file, null, 2)}\n`);
}

function body(evidence: Evidence): object {
  switch (evidence.kind) {
    case "fork-same-size":
      return { notes: evidence.notes };
    case "fork-inconsistent":
      return { notes: evidence.notes, path: evidence.path.map(toBase64) };
    case "wrong-entry":
    case "duplicate-leaf":
      return { entries: evidence.entries.map(formatLogEntry) };
    case "bad-admission": {
      const { entry, content, key } = evidence;
      return {
        entry: formatLogEntry(entry),
        ...(content === undefined ? {} : { content: toBase64(content) }),
        ...(key === undefined ? {} : { key: toBase64(key) }),
      };
    }
  }
}

function readEvidence(root: Fields): Evidence {
  root.oneOf("mediaType", [EVIDENCE_MEDIA_TYPE]);
  const kind = root.oneOf("kind", KINDS);
  switch (kind) {
    case "fork-same-size":
      root.only("mediaType", "kind", "notes");
      return { kind, notes: readNotes(root) };
    case "fork-inconsistent":
      root.only("mediaType", "kind", "notes", "path");
      return { kind, notes: readNotes(root), path: readHashes(root, "path") };
    case "wrong-entry":
    case "duplicate-leaf":
      root.only("mediaType", "kind", "entries");
      return { kind, entries: readEntries(root) };
    case "bad-admission":
      root.only("mediaType", "kind", "entry", "content", "key");
      return { kind, entry: readLogEntry(root.object("entry")), ...readBytes(root) };
  }
}

function readNotes(root: Fields): [string, string] {
  const [first, second, ...more] = root.strings("notes", { max: 2 });
  if (first === undefined || second === undefined || more.length > 0)
    return root.refuse("notes", "an array of two signed notes");
  for (const [i, note] of [first, second].entries())
    if (note.length > MAX_NOTE_BYTES)
      root.refuse(`notes[${i}]`, `a signed note of at most ${MAX_NOTE_BYTES} bytes`);
  return [first, second];
}

function readEntries(root: Fields): [LogEntry, LogEntry] {
  const [first, second] = root.objects("entries", { min: 2, max: 2 }).map(readLogEntry);
  if (first === undefined || second === undefined)
    return root.refuse("entries", "an array of two entries");
  return [first, second];
}

function readBytes(root: Fields): { content?: Uint8Array; key?: Uint8Array } {
  const content = root.optional("content", (n) => root.bytes(n, { max: MAX_CONTENT_BYTES }));
  const key = root.optional("key", (n) => root.bytes(n, { max: MAX_KEY_BYTES }));
  return {
    ...(content === undefined ? {} : { content }),
    ...(key === undefined ? {} : { key }),
  };
}
