/**
 * An Atom feed, from data. Titles and summaries quote strangers: whatever they hold, the feed stays
 * well-formed and says what we say.
 *
 * Spec: RFC 4287; XML 1.0 §2.2 for the characters that there are.
 *
 * @module
 */

export interface AtomEntry {
  /** An IRI that never changes. */
  readonly id: string;
  readonly title: string;
  /** Seconds since 1970. */
  readonly updated: number;
  /** Plain text. An entry without a page of its own has to have it. */
  readonly content: string;
  readonly link?: { readonly rel: string; readonly type?: string; readonly href: string };
}

export interface AtomFeed {
  /** An IRI that never changes. */
  readonly id: string;
  readonly title: string;
  /** Seconds since 1970. */
  readonly updated: number;
  readonly author: string;
  /** Where the feed is served. */
  readonly self?: string;
  /** Newest first. */
  readonly entries: readonly AtomEntry[];
}

export function formatAtom({ id, title, updated, author, self, entries }: AtomFeed): string {
  return [
    '<?xml version="1.0" encoding="utf-8"?>',
    '<feed xmlns="http://www.w3.org/2005/Atom">',
    `  <id>${escapeXml(id)}</id>`,
    `  <title>${escapeXml(title)}</title>`,
    `  <updated>${atomTime(updated)}</updated>`,
    `  <author><name>${escapeXml(author)}</name></author>`,
    ...(self === undefined ? [] : [`  <link rel="self" href="${escapeXml(self)}"/>`]),
    ...entries.map(formatEntry),
    "</feed>\n",
  ].join("\n");
}

function formatEntry({ id, title, updated, content, link }: AtomEntry): string {
  const type = link?.type === undefined ? "" : ` type="${escapeXml(link.type)}"`;
  return [
    "  <entry>",
    `    <id>${escapeXml(id)}</id>`,
    `    <title>${escapeXml(title)}</title>`,
    `    <updated>${atomTime(updated)}</updated>`,
    ...(link === undefined
      ? []
      : [`    <link rel="${escapeXml(link.rel)}"${type} href="${escapeXml(link.href)}"/>`]),
    `    <content type="text">${escapeXml(content)}</content>`,
    "  </entry>",
  ].join("\n");
}

/** Also without the characters that XML has no way to write. */
function escapeXml(strangersText: string): string {
  return strangersText
    .toWellFormed()
    .replace(/[^\P{Cc}\t\n\r]|[\ufffe\uffff]/gu, "\ufffd")
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** A time as feeds have it: RFC 3339, whole seconds. */
export function atomTime(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;
}
