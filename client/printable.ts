/**
 * Texts of strangers on a terminal.
 *
 * @module
 */

/** Characters of a stranger's text that are shown. */
const MAX_SHOWN = 500;

/** A stranger's text for a terminal: no control characters, no direction marks, not too long. */
export function printable(text: string): string {
  const clean = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, " ");
  return clean.length > MAX_SHOWN ? `${clean.slice(0, MAX_SHOWN)}…` : clean;
}
