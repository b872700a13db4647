/**
 * The read side: C2SP tlog-tiles, contents and keys.
 *
 * - I4  No read, by index, hash or tile, passes the published size. A tile is served only as
 *       far as the published checkpoint covers it; a partial one is the prefix of the growing
 *       tile, so that every size that was ever published can be read.
 *
 * Full tiles never change and are kept, as the buffers that go out, in a bounded cache.
 * Contents are a stranger's bytes: they go out as octets that no browser will run.
 *
 * Spec: C2SP tlog-tiles; docs/formats.md §HTTP.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { LRUCache } from "lru-cache";
import { LogError, unwrap } from "../../schema/error.ts";
import { CHECKPOINT_TYPE, OCTETS_TYPE, parseDigest } from "../../schema/http/paths.ts";
import { MAX_CONTENT_TILE_BYTES } from "../../schema/limits.ts";
import { encodeBundle, encodeContentTile } from "../../schema/tlog/bundle.ts";
import { HASH_BYTES, type Hash } from "../../schema/tlog/hash.ts";
import { parseSize } from "../../schema/tlog/size.ts";
import { parseTilePath, rowLength, TILE_WIDTH, type TileAddress } from "../../schema/tlog/tile.ts";
import type { PublishedHead } from "../sequencer/ports.ts";
import type { StorageReader } from "../storage/storage.ts";
import type { ByteBudget } from "./body.ts";
import { type Headers, send } from "./respond.ts";

const CACHE_BYTES = 33_554_432;
/** About what the kernel takes off our hands. */
const SMALL_BYTES = 65_536;

export const IMMUTABLE: Headers = ["Cache-Control", "public, max-age=31536000, immutable"];
const GROWING: Headers = ["Cache-Control", "public, max-age=86400"];
const NO_CACHE: Headers = ["Cache-Control", "no-cache"];
/** Contents can be erased later: a cache must ask again. */
const ONE_HOUR: Headers = [
  "Cache-Control",
  "public, max-age=3600",
  "Content-Security-Policy",
  "default-src 'none'; sandbox",
  "Content-Disposition",
  "attachment",
];

/** What is served: a store, or the folder of a mirror. */
export type Readable = Omit<StorageReader, "findLeaf" | "hasContent" | "entriesWith" | "together">;

export class ReadSide {
  readonly #reader: Readable;
  readonly #published: () => PublishedHead;
  readonly #unread: ByteBudget;
  readonly #tiles = new LRUCache<string, Uint8Array>({
    maxSize: CACHE_BYTES,
    sizeCalculation: (body) => body.length + 512,
  });

  constructor(reader: Readable, published: () => PublishedHead, unread: ByteBudget) {
    this.#reader = reader;
    this.#published = published;
    this.#unread = unread;
  }

  checkpoint(req: IncomingMessage, res: ServerResponse): void {
    const { size, checkpoint } = this.#published();
    if (size === 0) throw new LogError("NOT_FOUND", "The log has not published a checkpoint yet.");
    send(req, res, 200, CHECKPOINT_TYPE, checkpoint, NO_CACHE);
  }

  /** `untrusted` is the path from `tile/` on; `query` what followed the question mark. */
  tile(req: IncomingMessage, res: ServerResponse, untrusted: string, query: string): void {
    const cached = this.#tiles.get(untrusted);
    if (cached !== undefined) {
      send(req, res, 200, OCTETS_TYPE, cached, IMMUTABLE);
      return;
    }
    const name = unwrap(parseTilePath(untrusted));
    this.#clamp(name);
    if (name.kind === "content") {
      const from = contentStart(query, name.width);
      this.#send(req, res, this.#contentTile(name, from), ONE_HOUR);
      return;
    }
    const body = name.kind === "hash" ? this.#hashTile(name) : this.#bundle(name);
    const full = name.width === TILE_WIDTH;
    if (full) this.#tiles.set(untrusted, body);
    this.#send(req, res, body, full ? IMMUTABLE : GROWING);
  }

  content(req: IncomingMessage, res: ServerResponse, untrustedDigest: string): void {
    const content = this.#reader.content(digest(untrustedDigest));
    switch (content.state) {
      case "held":
        this.#send(req, res, content.bytes, ONE_HOUR);
        return;
      case "erased":
        throw new LogError("CONTENT_ERASED", "The operator of this log erased this content.");
      case "never-held":
        throw new LogError("NOT_FOUND", "This log holds no content with this digest.");
    }
  }

  /** `GET /index/v1/postings/{index}`: what an entry posts whose content nobody can read any more. */
  postings(req: IncomingMessage, res: ServerResponse, untrustedIndex: string): void {
    const index = unwrap(parseSize(untrustedIndex, "index"));
    const kept = index < this.#published().size ? this.#reader.keptPostings(index) : undefined;
    if (kept === undefined)
      throw new LogError("NOT_FOUND", `No postings are kept of entry ${index}.`, {
        field: "index",
        expected: "an entry whose content was erased; those of others follow from their content",
      });
    send(req, res, 200, OCTETS_TYPE, kept, IMMUTABLE);
  }

  key(req: IncomingMessage, res: ServerResponse, untrustedDigest: string): void {
    const key = this.#reader.key(digest(untrustedDigest));
    if (key === undefined)
      throw new LogError("NOT_FOUND", "This log holds no key object with this digest.");
    send(req, res, 200, OCTETS_TYPE, key, IMMUTABLE);
  }

  /** A large body of its own is counted until it was taken: whoever asks may never read. */
  #send(req: IncomingMessage, res: ServerResponse, body: Uint8Array, headers: Headers): void {
    if (body.length > SMALL_BYTES && req.method !== "HEAD") {
      if (!this.#unread.tryTake(body.length))
        throw this.#unread.overloaded("Answers that nobody reads");
      res.once("close", () => this.#unread.give(body.length));
    }
    send(req, res, 200, OCTETS_TYPE, body, headers);
  }

  /** I4: what the published checkpoint does not cover is not there. */
  #clamp({ level, index, width }: TileAddress): void {
    const { size } = this.#published();
    if (index * TILE_WIDTH + width > rowLength(size, level))
      throw new LogError("NOT_FOUND", "The published tree does not reach this tile yet.", {
        limit: size,
        expected: `a tile inside the published size ${size}`,
      });
  }

  #hashTile({ level, index, width }: TileAddress): Uint8Array {
    const hashes = this.#reader.tile(level, index);
    if (hashes === undefined || hashes.length < width * HASH_BYTES) throw missing(level, index);
    return hashes.length === width * HASH_BYTES ? hashes : hashes.subarray(0, width * HASH_BYTES);
  }

  #bundle({ index, width }: TileAddress): Uint8Array {
    const first = index * TILE_WIDTH;
    return encodeBundle(this.#reader.leaves(first, first + width));
  }

  /** Whole contents from the `from`th of the tile on, as many as fit into one answer. */
  #contentTile({ index, width }: TileAddress, from: number): Uint8Array {
    const first = index * TILE_WIDTH;
    const sizes = this.#reader.contentSizes(first + from, first + width);
    let count = 0;
    let bytes = 0;
    for (const size of sizes) {
      bytes += 4 + size;
      if (bytes > MAX_CONTENT_TILE_BYTES) break;
      count++;
    }
    const contents = this.#reader.contents(first + from, first + from + count);
    return encodeContentTile(contents).bytes;
  }
}

function contentStart(query: string, width: number): number {
  if (query === "") return 0;
  const text = /^from=(0|[1-9]\d{0,2})$/.exec(query)?.[1];
  const from = Number(text);
  if (text === undefined || from >= width)
    throw new LogError("FIELD_INVALID", "The start inside a content tile is not one.", {
      field: "from",
      limit: width - 1,
      expected: `a decimal number from 0 to ${width - 1}`,
    });
  return from;
}

function digest(untrusted: string): Hash {
  const parsed = parseDigest(untrusted);
  if (parsed !== undefined) return parsed;
  throw new LogError("FIELD_INVALID", "The name is not a SHA-256 digest.", {
    field: "sha256",
    expected: "64 lower-case hex digits",
  });
}

function missing(level: number, index: number): LogError {
  return new LogError("STORE_CORRUPT", `Tile ${level}/${index} is not whole in the store.`, {
    field: `tile/${level}/${index}`,
    hint: "the operator should run fsck",
  });
}
