/**
 * How long it is from one step of the index to the next: a second, and up to two while somebody
 * writes.
 *
 * A step over a few hundred entries costs more for each of them than a larger one: it writes the same
 * pages of the tables again, hashes the same top of the map, and waits for the disk that those who
 * write wait for. So where a step takes a noticeable part of its second the next one waits longer and
 * takes more. An index that is far behind loses nothing, it is at work all the time; what it has
 * indexed is at most these two seconds older than what it could have.
 *
 * @module
 */

/** A step may take this part of the time, as far as the longest distance allows. */
const SHARE = 1 / 20;
/** The longest distance beside the shortest. */
const LONGEST = 2;

/** Milliseconds from the begin of a step that took so long to the begin of the next one. */
export function stepDistance(shortestMs: number, tookMs: number): number {
  return Math.min(LONGEST * shortestMs, Math.max(shortestMs, tookMs / SHARE));
}
