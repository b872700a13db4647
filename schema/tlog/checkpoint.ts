/**
 * Checkpoints: what a log signs about its tree, as the text of a note.
 *
 *     <origin>
 *     <size>
 *     <base64 root>
 *     [extension lines]
 *
 * This log writes no extension lines, and keeps those of others because signatures cover them.
 *
 * Spec: C2SP tlog-checkpoint. Vectors: test/vectors/note/checkpoints.json.
 *
 * @module
 */
import { fromBase64, toBase64 } from "../bytes.ts";
import { type Failure, failure, LogError, type Result, success } from "../error.ts";
import { asHash } from "./hash.ts";
import type { TreeHead } from "./proof.ts";
import { formatSize, parseSize } from "./size.ts";

export interface Checkpoint extends TreeHead {
  /** Whose tree this is. Not authenticated by itself: compare it with the origin that was asked for. */
  readonly origin: string;
  /** Lines after the root, without their newlines; usually none. */
  readonly extensions: readonly string[];
}

/** The parts of a note's text that is a checkpoint. */
export function parseCheckpoint(strangersText: string): Result<Checkpoint> {
  if (!strangersText.endsWith("\n")) return malformed("the last line has no newline", "checkpoint");
  const [origin, sizeText, rootText, ...extensions] = strangersText.slice(0, -1).split("\n");
  if (origin === undefined || origin === "")
    return malformed("the origin is empty", "checkpoint.origin");
  const size = parseSize(sizeText ?? "", "checkpoint.size");
  if (!size.ok) return size;
  const root = asHash(fromBase64(rootText ?? "") ?? new Uint8Array());
  if (root === undefined)
    return malformed("the root is not the base64 of 32 bytes", "checkpoint.root");
  if (extensions.includes(""))
    return malformed("an extension line is empty", "checkpoint.extensions");
  return success({ origin, size: size.value, root, extensions });
}

/**
 * The text that a log signs. Throws `INTERNAL` for an origin or extension that is empty or has a
 * newline, and for what is no size.
 */
export function formatCheckpoint(
  checkpoint: TreeHead & {
    readonly origin: string;
    readonly extensions?: readonly string[];
  },
): string {
  const { origin, size, root, extensions = [] } = checkpoint;
  const lines = [origin, formatSize(size), toBase64(root), ...extensions];
  if (lines.some((line) => line === "" || line.includes("\n")))
    throw new LogError("INTERNAL", "a checkpoint has lines that are not empty");
  return `${lines.join("\n")}\n`;
}

function malformed(message: string, field: string): Failure {
  return failure("FIELD_INVALID", message, {
    field,
    expected: "origin, size and root, each on its line (C2SP tlog-checkpoint)",
  });
}
