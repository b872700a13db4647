/**
 * The feed of conflicts over HTTP: JSON for programs, Atom for people, and the evidence files.
 *
 * Spec: docs/formats.md §HTTP.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { LogError, unwrap } from "../../schema/error.ts";
import { EVIDENCE_MEDIA_TYPE } from "../../schema/evidence.ts";
import { type AtomFeed, atomTime, formatAtom } from "../../schema/http/atom.ts";
import {
  ATOM_TYPE,
  CONFLICTS_ATOM_PATH,
  type ConflictFeed,
  type ConflictItem,
  conflictEvidencePath,
  MAX_CONFLICT_ITEMS,
  parseConflictsQuery,
} from "../../schema/http/conflicts.ts";
import { JSON_TYPE } from "../../schema/http/paths.ts";
import { formatLookupKey } from "../../schema/index/lookup.ts";
import type { Conflict } from "../index/conflicts.ts";
import { send } from "./respond.ts";

/** The feed, as far as a front end sees it. */
export interface ConflictPort {
  readonly origin: string;
  /** Where clients reach the log, without a slash at the end. */
  readonly publicUrl: string;
  readonly after: (cursor: number, limit: number) => readonly Conflict[];
  readonly newest: (limit: number) => readonly Conflict[];
  readonly find: (id: string) => Conflict | undefined;
  readonly scanned: () => boolean;
  readonly evidence: (conflict: Conflict) => Promise<Uint8Array>;
}

const NO_CACHE = ["Cache-Control", "no-cache", "Vary", "Accept"];

export class ConflictSide {
  readonly #port: ConflictPort;

  constructor(port: ConflictPort) {
    this.#port = port;
  }

  /** `GET /v1/conflicts` */
  feed(req: IncomingMessage, res: ServerResponse, untrustedQuery: string): void {
    if (req.headers.accept?.includes(ATOM_TYPE) === true) {
      this.atom(req, res);
      return;
    }
    const { origin, after, scanned } = this.#port;
    const cursor = unwrap(parseConflictsQuery(untrustedQuery));
    const found = after(cursor, MAX_CONFLICT_ITEMS + 1);
    const items = found.slice(0, MAX_CONFLICT_ITEMS).map(toItem);
    const feed: ConflictFeed = {
      origin,
      items,
      next: items.at(-1)?.cursor ?? cursor,
      more: found.length > items.length,
      scanned: scanned(),
    };
    send(req, res, 200, JSON_TYPE, Buffer.from(`${JSON.stringify(feed)}\n`), NO_CACHE);
  }

  /** `GET /v1/conflicts.atom` */
  atom(req: IncomingMessage, res: ServerResponse): void {
    const text = formatAtom(feedOf(this.#port, this.#port.newest(MAX_CONFLICT_ITEMS)));
    send(req, res, 200, `${ATOM_TYPE}; charset=utf-8`, Buffer.from(text), NO_CACHE);
  }

  /** `GET /v1/conflicts/{id}/evidence` */
  async evidence(req: IncomingMessage, res: ServerResponse, untrustedId: string): Promise<void> {
    const conflict = this.#port.find(untrustedId);
    if (conflict === undefined)
      throw new LogError("NOT_FOUND", "The feed has no such conflict.", { field: "id" });
    const file = await this.#port.evidence(conflict);
    send(req, res, 200, EVIDENCE_MEDIA_TYPE, file, NO_CACHE);
  }
}

function toItem({ cursor, id, kind, slot, entries, foundAt }: Conflict): ConflictItem {
  return {
    cursor,
    id,
    kind,
    slot: formatLookupKey(slot),
    entries,
    foundAt: atomTime(foundAt),
    evidence: conflictEvidencePath(id),
  };
}

/** Names in a slot are strangers' text. */
function feedOf({ origin, publicUrl }: ConflictPort, conflicts: readonly Conflict[]): AtomFeed {
  const self = `${publicUrl}${CONFLICTS_ATOM_PATH}`;
  return {
    id: self,
    title: `Conflicts in ${origin}`,
    updated: conflicts[0]?.foundAt ?? 0,
    author: origin,
    self,
    entries: conflicts.map(({ id, kind, slot, entries, foundAt }) => {
      const href = `${publicUrl}${conflictEvidencePath(id)}`;
      return {
        id: href,
        title: `${kind} in ${slot.type}`,
        updated: foundAt,
        link: { rel: "enclosure", type: EVIDENCE_MEDIA_TYPE, href },
        content: `${JSON.stringify(formatLookupKey(slot))}, entries ${entries.join(" and ")}`,
      };
    }),
  };
}
