/**
 * Look-ups over HTTP: bundles of the index, for one key or many.
 *
 * Spec: docs/formats.md §HTTP, §Index.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { LRUCache } from "lru-cache";
import { LogError, unwrap } from "../../schema/error.ts";
import {
  LOOKUP_PATH,
  type LookupRequest,
  MAX_LOOKUP_REQUEST_BYTES,
  parseLookupQuery,
  parseLookupRequest,
  parseUpdateRange,
} from "../../schema/http/lookup-request.ts";
import { type MapPiece, parseMapPiece } from "../../schema/http/map-paths.ts";
import { JSON_TYPE, OCTETS_TYPE } from "../../schema/http/paths.ts";
import { formatClaims, formatIndexHead, INDEX_HEAD_MEDIA_TYPE } from "../../schema/index/claims.ts";
import { type Generation, INDEX_V1 } from "../../schema/index/generation.ts";
import {
  formatLookup,
  LOOKUP_MEDIA_TYPE,
  type Lookup,
  type LookupKey,
} from "../../schema/index/lookup.ts";
import { formatUpdate, type LeafUpdate, parseUpdate } from "../../schema/index/update.ts";
import { parseSize } from "../../schema/tlog/size.ts";
import type { PublishedHead } from "../sequencer/ports.ts";
import type { StorageReader } from "../storage/storage.ts";
import { checkBodyHead, readBody } from "./body.ts";
import type { HttpPorts } from "./ports.ts";
import { IMMUTABLE } from "./read.ts";
import { send } from "./respond.ts";

/** An index, as far as a front end sees it. */
export interface IndexPort {
  readonly generation: Generation;
  /** Where it has ended: the number of the index that goes on. */
  readonly successor: () => number | undefined;
  readonly lookup: (
    keys: LookupRequest["keys"],
    options: Omit<LookupRequest, "keys" | "index" | "form">,
  ) => Promise<Lookup>;
  /** The update that leads to a leaf of the index log, also to one that is not published yet. */
  readonly update: (leafIndex: number) => Promise<Uint8Array | undefined>;
  /** The right edge of the postings tree behind a leaf. */
  readonly edge: (leafIndex: number) => Promise<Uint8Array | undefined>;
  /** A piece of the map, of some recent version; `undefined` where none of them has it. */
  readonly piece: (piece: MapPiece) => Promise<Uint8Array | undefined>;
  /** The index log, read as any log. Throws `INDEX_NOT_READY` while it is not open. */
  readonly log: () => { readonly published: () => PublishedHead; readonly reader: StorageReader };
}

/** Leaves whose updates go into one answer. */
const MAX_UPDATES = 256;
const NO_CACHE = ["Cache-Control", "no-cache"] as const;
/** Whose look-up has the same head as any other's. */
const ANY_KEY: LookupKey = { type: "opaque", fields: [] };
/** Pieces of the map that are kept: those near its root are asked for by everybody. */
const CACHE_BYTES = 8_388_608;

/** What is read of one index log besides its tiles. */
export class LookupSide {
  readonly #index: IndexPort;
  readonly #pieces = new LRUCache<string, Uint8Array>({
    maxSize: CACHE_BYTES,
    sizeCalculation: (body) => body.length + 512,
  });

  constructor(index: IndexPort) {
    this.#index = index;
  }

  /** `GET /index/v1/update/{old}-{new}`: what leads from leaf old − 1 to leaf new − 1. */
  async update(req: IncomingMessage, res: ServerResponse, untrustedRange: string): Promise<void> {
    const { from, to } = unwrap(parseUpdateRange(untrustedRange, MAX_UPDATES));
    const updates: LeafUpdate[] = [];
    for (let at = from; at < to; at++) {
      const bytes = await this.#index.update(at);
      if (bytes === undefined)
        throw new LogError("NOT_FOUND", `The index has no update for its leaf ${at}.`, {
          field: "range",
          limit: this.#index.log().published().size,
        });
      updates.push(...unwrap(parseUpdate(bytes)));
    }
    send(req, res, 200, OCTETS_TYPE, formatUpdate(updates), NO_CACHE);
  }

  /** `GET /index/v1/edge/{leaf}`: what an execution that begins behind this leaf cannot know. */
  async edge(req: IncomingMessage, res: ServerResponse, untrustedLeaf: string): Promise<void> {
    const leaf = unwrap(parseSize(untrustedLeaf, "leaf"));
    const { size } = this.#index.log().published();
    const bytes = leaf < size ? await this.#index.edge(leaf) : undefined;
    if (bytes === undefined)
      throw new LogError("NOT_FOUND", `The index has no leaf ${leaf}.`, { limit: size });
    send(req, res, 200, OCTETS_TYPE, bytes, NO_CACHE);
  }

  /** `GET /index/v1/head/{leaf}`: what answers in bytes from this leaf are under. */
  async head(req: IncomingMessage, res: ServerResponse, untrustedLeaf: string): Promise<void> {
    const at = unwrap(parseSize(untrustedLeaf, "leaf"));
    const options = { entries: false, summaries: true, at };
    const head = await this.#index.lookup([ANY_KEY], options);
    send(req, res, 200, INDEX_HEAD_MEDIA_TYPE, formatIndexHead(head), NO_CACHE);
  }

  /** `GET /index/v1/map/{piece}`: named by its hash, so that it never changes. */
  async piece(
    req: IncomingMessage,
    res: ServerResponse,
    untrustedName: string,
    untrustedQuery: string,
  ): Promise<void> {
    const piece = unwrap(parseMapPiece(untrustedName, untrustedQuery));
    const body = this.#pieces.get(untrustedName) ?? (await this.#index.piece(piece));
    if (body === undefined)
      throw new LogError("NOT_FOUND", "The index keeps no version of its map with this piece.", {
        field: "map",
        hint: "begin again at the map root of the newest leaf of the index log",
      });
    this.#pieces.set(untrustedName, body);
    send(req, res, 200, OCTETS_TYPE, body, IMMUTABLE);
  }
}

/** RFC 8288, RFC 5829: where what came later is looked up. */
function successorLink({ successor }: IndexPort): readonly string[] {
  const next = successor();
  if (next === undefined) return [];
  return ["Link", `<${LOOKUP_PATH}?index=${next}>; rel="successor-version"`];
}

/** Look-ups in the index that the request names, and in the first where it names none. */
export class LookupsSide {
  readonly #ports: HttpPorts;
  readonly #indexes: readonly IndexPort[];

  constructor(ports: HttpPorts, indexes: readonly IndexPort[]) {
    this.#ports = ports;
    this.#indexes = indexes;
  }

  /** `GET /v1/lookup` and, for summaries alone, `GET /v1/claims`. */
  async ask(
    req: IncomingMessage,
    res: ServerResponse,
    untrustedQuery: string,
    claims: boolean,
  ): Promise<void> {
    await this.#answer(req, res, unwrap(parseLookupQuery(untrustedQuery, claims)));
  }

  /** `POST /v1/lookup`: a read that needs room for its keys, and counts as a request like others. */
  async askMany(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { budget, bodyTimeoutMs, clientAddress, limits: rates } = this.#ports;
    if (rates.countsAddresses) await rates.request(clientAddress(req));
    checkBodyHead(req, res, MAX_LOOKUP_REQUEST_BYTES, [JSON_TYPE]);
    const limits = { maxBytes: MAX_LOOKUP_REQUEST_BYTES, timeoutMs: bodyTimeoutMs };
    const body = await readBody(req, limits, budget);
    try {
      await this.#answer(req, res, unwrap(parseLookupRequest(body)));
    } finally {
      budget.give(body.length);
    }
  }

  async #answer(req: IncomingMessage, res: ServerResponse, request: LookupRequest): Promise<void> {
    const { keys, index = INDEX_V1.number, form, ...options } = request;
    const asked = this.#indexes.find(({ generation }) => generation.number === index);
    if (asked === undefined)
      throw new LogError("NOT_FOUND", `The log keeps no index ${index}.`, {
        field: "index",
        expected: this.#indexes.map(({ generation }) => generation.number).join(", "),
      });
    const lookup = await asked.lookup(keys, options);
    const headers = [...NO_CACHE, ...successorLink(asked)];
    if (form === "bytes") send(req, res, 200, OCTETS_TYPE, formatClaims(lookup), headers);
    else send(req, res, 200, LOOKUP_MEDIA_TYPE, formatLookup(lookup), headers);
  }
}
