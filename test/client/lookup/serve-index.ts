/**
 * A log with an index on loopback: what `/v1/lookup`, `/index/v1/` and the log itself answer, each
 * behind a hook, so that a test can make one answer lie.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { concat, utf8 } from "../../../schema/bytes.ts";
import { unwrap } from "../../../schema/error.ts";
import {
  type LookupRequest,
  parseLookupQuery,
  parseLookupRequest,
} from "../../../schema/http/lookup-request.ts";
import { parseMapPiece } from "../../../schema/http/map-paths.ts";
import { formatClaims, formatIndexHead } from "../../../schema/index/claims.ts";
import { formatLookup, type Lookup, type LookupKey } from "../../../schema/index/lookup.ts";
import { formatUpdate } from "../../../schema/index/update.ts";
import { type ContentSlot, encodeContentTile } from "../../../schema/tlog/bundle.ts";
import { parseTilePath, TILE_WIDTH } from "../../../schema/tlog/tile.ts";
import type { TestIndex } from "./test-index.ts";

const OPAQUE: LookupKey = { type: "opaque", fields: [] };

export interface ServedIndex {
  readonly url: string;
  readonly asked: string[];
  index: TestIndex;
  /** The honest answer to a look-up, another one, or something else done with the response. */
  lie: LookupLie;
  /** The honest bytes of a piece of the map, or others. */
  lieInPiece: (honest: Uint8Array, name: string) => Uint8Array;
  close(): Promise<void>;
}

type LookupLie = (
  honest: Lookup,
  request: LookupRequest,
  res: ServerResponse,
) => Lookup | Uint8Array | "answered";

export async function serveIndex(index: TestIndex): Promise<ServedIndex> {
  const asked: string[] = [];
  const honestly: LookupLie = (honest) => honest;
  const state = { index, lie: honestly, lieInPiece: (honest: Uint8Array) => honest };
  const server = createServer((req, res) => {
    answer(state, asked, req, res)
      .then((body) => {
        if (body === "answered") return;
        const digest = /content\/sha256\/([0-9a-f]{64})$/.exec(req.url ?? "")?.[1] ?? "";
        const none = state.index.main.erased.has(digest)
          ? { code: "CONTENT_ERASED", detail: "erased", status: 410 }
          : { code: "NOT_FOUND", detail: "nothing here", status: 404 };
        res.writeHead(body === undefined ? none.status : 200);
        res.end(body ?? JSON.stringify(none));
      })
      .catch((error: unknown) => res.destroy(error instanceof Error ? error : undefined));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return Object.assign(state, {
    url: `http://127.0.0.1:${address.port}/`,
    asked,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

async function answer(
  { index, lie, lieInPiece }: Pick<ServedIndex, "index" | "lie" | "lieInPiece">,
  asked: string[],
  req: IncomingMessage,
  res: ServerResponse,
): Promise<Uint8Array | undefined | "answered"> {
  const url = new URL(req.url ?? "/", "http://log.test");
  const path = url.pathname.slice(1);
  asked.push(`${req.method ?? ""} ${path}`);
  if (path === "v1/lookup" || path === "v1/claims") {
    const request = await readRequest(req, url, path === "v1/claims");
    const wanted = request.summaries ? "summaries" : request.entries ? "entries" : "lists";
    const given = lie(index.lookup(request.keys, wanted), request, res);
    if (given instanceof Uint8Array || given === "answered") return given;
    return request.form === "bytes" ? formatClaims(given) : formatLookup(given);
  }
  const newest = /^index\/v1\/head\/(\d+)$/.exec(path)?.[1];
  if (newest !== undefined) {
    const request = { keys: [OPAQUE], entries: false, summaries: true };
    const given = lie(index.lookup(request.keys, "summaries"), request, res);
    return given instanceof Uint8Array || given === "answered" ? given : formatIndexHead(given);
  }
  const [, from, to] = /^index\/v1\/update\/(\d+)-(\d+)$/.exec(path) ?? [];
  if (from !== undefined)
    return formatUpdate(index.updates.slice(Number(from) - 1, Number(to) - 1));
  if (path.startsWith("index/v1/postings/")) return index.below(`/${path}`);
  const leaf = /^index\/v1\/edge\/(\d+)$/.exec(path)?.[1];
  if (leaf !== undefined) return index.edges[Number(leaf)];
  const [, piece] = /^index\/v1\/map\/(.+)$/.exec(path) ?? [];
  if (piece !== undefined) {
    const honest = index.piece(unwrap(parseMapPiece(piece, url.search.slice(1))));
    return honest && lieInPiece(honest, piece);
  }
  const below = /^index\/v1\/(.+)$/.exec(path)?.[1];
  if (below?.startsWith("tile/content/") === true) return heads(index, below, url.search);
  return below === undefined
    ? index.main.serve(path, url.search)
    : index.log.serve(below, url.search);
}

/** Beside each leaf but the first the index log holds the main head that the leaf names. */
function heads({ updates }: TestIndex, path: string, search: string): Uint8Array {
  const { index, width } = unwrap(parseTilePath(path));
  const from = Number(/^\?from=(\d+)$/.exec(search)?.[1] ?? 0);
  const slots = Array.from({ length: width - from }, (_, i): ContentSlot => {
    const update = updates[index * TILE_WIDTH + from + i - 1];
    return update === undefined ? { state: "never-held" } : { state: "held", bytes: update.main };
  });
  return encodeContentTile(slots).bytes;
}

async function readRequest(
  req: IncomingMessage,
  url: URL,
  claims: boolean,
): Promise<LookupRequest> {
  if (req.method === "GET") return unwrap(parseLookupQuery(url.search.slice(1), claims));
  const chunks: Uint8Array[] = [];
  for await (const chunk of req as AsyncIterable<Uint8Array>) chunks.push(chunk);
  const body = concat(...chunks);
  return unwrap(parseLookupRequest(body.length === 0 ? utf8("{}") : body));
}
