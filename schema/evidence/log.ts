/**
 * Evidence against a log as a log: two histories, entries that contradict each other, and what
 * should never have been admitted. An index log is a log too.
 *
 * Spec: docs/formats.md §Evidence, docs/evidence.md.
 *
 * @module
 */
import { toBase64 } from "../bytes.ts";
import type { Fields } from "../fields.ts";
import { MAX_CONTENT_BYTES, MAX_KEY_BYTES, MAX_NOTE_BYTES } from "../limits.ts";
import { formatLogEntry, type LogEntry, readHashes, readLogEntry } from "../receipt.ts";
import type { Hash } from "../tlog/hash.ts";

export type LogEvidence =
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

export const LOG_KINDS: readonly LogEvidence["kind"][] = [
  "fork-same-size",
  "fork-inconsistent",
  "wrong-entry",
  "duplicate-leaf",
  "bad-admission",
];

/** The members of a file besides its kind. */
export function logMembers(evidence: LogEvidence): object {
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
      return { entry: formatLogEntry(entry), ...bytesMembers({ content, key }) };
    }
  }
}

/** Inside `readFields`. */
export function readLogEvidence(root: Fields, kind: LogEvidence["kind"]): LogEvidence {
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
      return { kind, entries: readPair(root, "entries", readLogEntry) };
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

/** Inside `readFields`: an array of just two. */
export function readPair<T>(root: Fields, name: string, read: (one: Fields) => T): [T, T] {
  const [first, second] = root.objects(name, { min: 2, max: 2 }).map(read);
  if (first === undefined || second === undefined) return root.refuse(name, "an array of two");
  return [first, second];
}

/** Inside `readFields`: what stands beside an entry. */
export function readBytes(fields: Fields): { content?: Uint8Array; key?: Uint8Array } {
  const content = fields.optional("content", (n) => fields.bytes(n, { max: MAX_CONTENT_BYTES }));
  const key = fields.optional("key", (n) => fields.bytes(n, { max: MAX_KEY_BYTES }));
  return {
    ...(content === undefined ? {} : { content }),
    ...(key === undefined ? {} : { key }),
  };
}

export function bytesMembers({
  content,
  key,
}: {
  readonly content?: Uint8Array | undefined;
  readonly key?: Uint8Array | undefined;
}): object {
  return {
    ...(content === undefined ? {} : { content: toBase64(content) }),
    ...(key === undefined ? {} : { key: toBase64(key) }),
  };
}
