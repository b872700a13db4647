/**
 * Checksum files as `sha256sum` and `sha512sum` write them: `<digest>  <name>` on each line.
 *
 * Strict, so that nothing else is taken for one: at least one line, each with a final LF, all of
 * one algorithm, no escapes, names without control characters. Anything else is opaque bytes.
 *
 * @module
 */
import { fromUtf8 } from "../bytes.ts";

export interface ChecksumLine {
  readonly algorithm: "sha256" | "sha512";
  /** Lower-case hex. */
  readonly digest: string;
  readonly name: string;
}

const LINE = /^([0-9a-f]{64}|[0-9a-f]{128}) [ *]([^\p{Cc}]{1,4096})$/u;

/** The lines of a checksum file; `undefined` where the bytes are not one. */
export function parseChecksumFile(attackerBytes: Uint8Array): readonly ChecksumLine[] | undefined {
  const text = fromUtf8(attackerBytes);
  if (text === undefined) return undefined;
  const lines: ChecksumLine[] = [];
  for (let at = 0; at < text.length || lines.length === 0; ) {
    const end = text.indexOf("\n", at);
    const [, digest = "", name = ""] = LINE.exec(text.slice(at, Math.max(at, end))) ?? [];
    const algorithm = digest.length === 64 ? "sha256" : "sha512";
    if (digest === "" || (lines[0] !== undefined && lines[0].algorithm !== algorithm))
      return undefined;
    lines.push({ algorithm, digest, name });
    at = end + 1;
  }
  return lines;
}
