/**
 * Texts of strangers on a terminal.
 *
 * @module
 */

/** Characters of a stranger's text that are shown. */
const MAX_SHOWN = 500;
/** Controls, direction marks and invisible characters, line and paragraph separators, and what is no character. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{NChar}]/gu;

/**
 * One value of a stranger (a name, a comment, a message of a log) inside a line of ours: it stays
 * one line, and cannot pretend to be another of our answer. It is well-formed, also where it was cut
 * within a character: what is kept of it in a file can be read again.
 */
export function printable(text: string): string {
  const clean = text.replace(UNSEEN, " ");
  return (clean.length > MAX_SHOWN ? `${clean.slice(0, MAX_SHOWN)}…` : clean).toWellFormed();
}

/**
 * The last sieve before a terminal, for whole texts of ours: line ends and tabs stay, whatever
 * else steers a terminal is shown as its code point.
 */
export function withoutControls(text: string): string {
  return text.replace(UNSEEN, (character) =>
    character === "\n" || character === "\t"
      ? character
      : `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
  );
}
