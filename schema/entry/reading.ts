/**
 * How a content is read: one table over format, namespace and bytes, never over what a
 * submitter says.
 *
 * @module
 */
import type { Result } from "../error.ts";
import type { ChecksumLine } from "./checksum-file.ts";
import type { LogStatement } from "./log-statement.ts";
import type { SimpleSigning } from "./simple-signing.ts";
import type { Statement } from "./statement.ts";

/** What a content is. `mediaType` is what the leaf must carry. */
export type Reading =
  | { readonly kind: "statement"; readonly mediaType: string; readonly statement: Statement }
  | {
      readonly kind: "log-statement";
      readonly mediaType: string;
      /** Speaks for a log only under that log's own key. */
      readonly statement: LogStatement;
    }
  /** A PAE of another payload type, or of a payload without meaning here. */
  | { readonly kind: "pae"; readonly mediaType: string; readonly payload: Uint8Array }
  | { readonly kind: "git-commit" | "git-tag" | "push-certificate"; readonly mediaType: string }
  | {
      readonly kind: "checksum-file";
      readonly mediaType: string;
      readonly lines: readonly ChecksumLine[];
    }
  | {
      readonly kind: "simple-signing";
      readonly mediaType: string;
      readonly signing: SimpleSigning;
    }
  | { readonly kind: "opaque"; readonly mediaType: string };

/** What decides how bytes are read: the leaf's format and, for `sshsig`, the signed namespace. */
export type ReadingContext =
  | { readonly format: "dsse" | "raw" | "hashedrekord" }
  | { readonly format: "sshsig"; readonly namespace: string };

/** Fails only where docs/formats.md §Reading says that the entry is refused. */
export declare function readContent(
  context: ReadingContext,
  attackerContent: Uint8Array,
): Result<Reading>;
