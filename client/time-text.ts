/**
 * Times of witnesses, for a person.
 *
 * @module
 */

/** Whole seconds since 1970 as `2026-01-31T12:00:00Z`; a stranger's may be beyond any calendar. */
export function timeText(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime())
    ? `${seconds} seconds after 1970`
    : date.toISOString().replace(/\.\d+Z$/, "Z");
}
