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
import { CLAIMS_PATH, INDEX_PREFIX, LOOKUP_PATH } from "../../schema/http/lookup-request.ts";
import { MAP_PREFIX } from "../../schema/http/map-paths.ts";
import { CHECKPOINT_PATH } from "../../schema/http/paths.ts";
import { ConflictSide } from "./conflicts.ts";
import { LookupSide } from "./lookup.ts";
import type { HttpPorts } from "./ports.ts";
import { ReadSide } from "./read.ts";
import type { Handler, Route } from "./route.ts";

/** Look-ups, and the index log as a log of its own. */
export function indexRoutes(ports: HttpPorts): readonly Route[] {
  const { index, unread } = ports;
  if (index === undefined) return [];
  const side = new LookupSide(ports, index);
  // One read side for each opening of the index: it has a cache of tiles.
  let opened: { readonly log: ReturnType<typeof index.log>; readonly side: ReadSide } | undefined;
  const read = (): ReadSide => {
    const log = index.log();
    if (opened?.log !== log)
      opened = { log, side: new ReadSide(log.reader, log.published, unread) };
    return opened.side;
  };
  const get = (name: string, path: string, handler: Handler): Route => ({
    name,
    method: "GET",
    path,
    handler,
  });
  return [
    get("look-up", LOOKUP_PATH, (req, res, _, query) => side.ask(req, res, query, false)),
    get("look-up", CLAIMS_PATH, (req, res, _, query) => side.ask(req, res, query, true)),
    {
      name: "look-up",
      method: "POST",
      path: LOOKUP_PATH,
      handler: (req, res) => side.askMany(req, res),
    },
    ...conflictRoutes(get, new ConflictSide(index.conflicts)),
    get("index checkpoint", `${INDEX_PREFIX}${CHECKPOINT_PATH}`, (req, res) =>
      read().checkpoint(req, res),
    ),
    get("index tile", `${INDEX_PREFIX}/tile/*name`, (req, res, name, query) =>
      read().tile(req, res, name.slice(name.indexOf("tile/")), query),
    ),
    get("index edge", `${INDEX_PREFIX}/edge/:name`, (req, res, name) => side.edge(req, res, name)),
    get("index update", `${INDEX_PREFIX}/update/:name`, (req, res, name) =>
      side.update(req, res, name),
    ),
    get("index map", `${MAP_PREFIX}/:name`, (req, res, name, query) =>
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
