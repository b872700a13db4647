/**
 * The routes of a log that keeps an index: look-ups, conflicts, and the index log.
 *
 * @module
 */
import {
  CONFLICTS_ATOM_PATH,
  CONFLICTS_PATH,
  conflictEvidencePath,
} from "../../schema/http/conflicts.ts";
import { CLAIMS_PATH, LOOKUP_PATH } from "../../schema/http/lookup-request.ts";
import { mapPrefix } from "../../schema/http/map-paths.ts";
import { CHECKPOINT_PATH } from "../../schema/http/paths.ts";
import { indexPrefix } from "../../schema/index/generation.ts";
import { ConflictSide } from "./conflicts.ts";
import { type IndexPort, LookupSide, LookupsSide } from "./lookup.ts";
import type { HttpPorts } from "./ports.ts";
import { ReadSide } from "./read.ts";
import type { Handler, Route } from "./route.ts";

/** Look-ups in any of the indexes, and each index log as a log of its own. */
export function indexRoutes(ports: HttpPorts): readonly Route[] {
  const { claims, indexes, unread } = ports;
  if (claims === undefined) return [];
  const side = new LookupsSide(ports, indexes);
  return [
    get("look-up", LOOKUP_PATH, (req, res, _, query) => side.ask(req, res, query, false)),
    get("look-up", CLAIMS_PATH, (req, res, _, query) => side.ask(req, res, query, true)),
    {
      name: "look-up",
      method: "POST",
      path: LOOKUP_PATH,
      handler: (req, res) => side.askMany(req, res),
    },
    ...conflictRoutes(get, new ConflictSide(claims)),
    ...indexes.flatMap((index) => indexLogRoutes(index, unread)),
  ];
}

function get(name: string, path: string, handler: Handler): Route {
  return { name, method: "GET", path, handler };
}

function indexLogRoutes(index: IndexPort, unread: HttpPorts["unread"]): readonly Route[] {
  const prefix = indexPrefix(index.generation);
  const side = new LookupSide(index);
  // One read side for each opening of the index: it has a cache of tiles.
  let opened: { readonly log: ReturnType<typeof index.log>; readonly side: ReadSide } | undefined;
  const read = (): ReadSide => {
    const log = index.log();
    if (opened?.log !== log)
      opened = { log, side: new ReadSide(log.reader, log.published, unread) };
    return opened.side;
  };
  return [
    get("index checkpoint", `${prefix}${CHECKPOINT_PATH}`, (req, res) =>
      read().checkpoint(req, res),
    ),
    get("index tile", `${prefix}/tile/*name`, (req, res, name, query) =>
      read().tile(req, res, name.slice(name.indexOf("tile/")), query),
    ),
    get("index edge", `${prefix}/edge/:name`, (req, res, name) => side.edge(req, res, name)),
    get("index head", `${prefix}/head/:name`, (req, res, name) => side.head(req, res, name)),
    get("index update", `${prefix}/update/:name`, (req, res, name) => side.update(req, res, name)),
    get("index map", `${mapPrefix(index.generation)}/:name`, (req, res, name, query) =>
      side.piece(req, res, name, query),
    ),
  ];
}

function conflictRoutes(
  get: (name: string, path: string, handler: Handler) => Route,
  side: ConflictSide,
): readonly Route[] {
  return [
    get("conflicts", CONFLICTS_PATH, (req, res, _, query) => side.feed(req, res, query)),
    get("conflicts", CONFLICTS_ATOM_PATH, (req, res) => side.atom(req, res)),
    get("conflicts", conflictEvidencePath(":name"), (req, res, name) =>
      side.evidence(req, res, name),
    ),
  ];
}
