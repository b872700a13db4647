/**
 * A mirror folder, or a store, as the source of a log: the same paths, answered from what is stored.
 * So one reader, `LogReader`, checks what comes from a disk and what comes over the network.
 *
 * @module
 */
import type { Crypto } from "../../client/crypto/crypto.ts";
import { httpTransport, type Source } from "../../client/fetch.ts";
import { openHead } from "../../client/head.ts";
import type { TrustedLog } from "../../client/trust.ts";
import { toHex } from "../../schema/bytes.ts";
import { LogError, unwrap } from "../../schema/error.ts";
import { CHECKPOINT_PATH, parseDigest } from "../../schema/http/paths.ts";
import { MAX_CONTENT_TILE_BYTES, MAX_NOTE_BYTES } from "../../schema/limits.ts";
import { encodeBundle, encodeContentTile } from "../../schema/tlog/bundle.ts";
import { HASH_BYTES, type Hash } from "../../schema/tlog/hash.ts";
import { parseTilePath, rowLength, TILE_WIDTH, type TileAddress } from "../../schema/tlog/tile.ts";
import type { Readable } from "../http/read.ts";
import { type MirrorFiles, MirrorView } from "./folder.ts";
import { CHECKPOINT } from "./folder-head.ts";
import { mustBeMirrorOf, readInfo } from "./info.ts";
import { MirrorReader } from "./reader.ts";

/** What `reader` has of a tree of `size`, under the paths of a log. */
export function readableSource(
  url: string,
  reader: Readable,
  size: () => number,
  checkpoint: () => Uint8Array | undefined,
): Source {
  const answer = (path: string): Uint8Array | undefined => {
    const [name = "", query = ""] = path.replace(/^\/+/, "").split("?");
    if (`/${name}` === CHECKPOINT_PATH) return checkpoint();
    const named = /^(content|key)\/sha256\/([0-9a-f]{64})$/.exec(name);
    const digest = parseDigest(named?.[2] ?? "");
    if (digest !== undefined)
      return named?.[1] === "key" ? reader.key(digest) : heldContent(reader, digest);
    const [, index] = /^index\/v1\/postings\/(\d{1,16})$/.exec(name) ?? [];
    if (index !== undefined) return reader.keptPostings(Number(index));
    const tile = unwrap(parseTilePath(name));
    if (tile.index * TILE_WIDTH + tile.width > rowLength(size(), tile.level)) return undefined;
    return answerTile(reader, tile, Number(/^from=(\d{1,3})$/.exec(query)?.[1] ?? "0"));
  };
  return {
    url,
    get: async (path, maxBytes) => {
      const bytes = answer(path);
      if (bytes === undefined)
        throw new LogError("NOT_FOUND", `${url} has no ${path}`, { field: path });
      if (bytes.length <= maxBytes) return bytes;
      throw new LogError("RESPONSE_INVALID", `${path} in ${url} is above its limit`, {
        field: path,
        limit: maxBytes,
      });
    },
  };
}

/** What a mirror folder has of a tree of `size`. */
export function folderSource(files: MirrorFiles, reader: Readable, size: () => number): Source {
  return readableSource(files.path, reader, size, () => files.read(CHECKPOINT, MAX_NOTE_BYTES));
}

/**
 * A log or a mirror by its URL, or a mirror by its folder. Nothing is believed of it: a reader
 * with the log's keys has to follow.
 */
export async function openSource(
  ports: { readonly crypto: Crypto; readonly log: TrustedLog },
  place: string,
  pathOf: (path: string) => string,
): Promise<Source> {
  if (/^https?:\/\//.test(place)) return httpTransport(place);
  const files = new MirrorView(pathOf(place));
  const info = readInfo(files);
  const note = files.read(CHECKPOINT, MAX_NOTE_BYTES);
  if (info === undefined || note === undefined)
    throw new LogError("USAGE", `${place} is no mirror with a head`, {
      field: place,
      expected: "the URL of a log or mirror, or the folder of a mirror",
    });
  mustBeMirrorOf(files.path, info, ports.log.origin);
  const { size } = unwrap(await openHead(ports.crypto, ports.log, note)).tree;
  const reader = new MirrorReader(
    files,
    () => size,
    () => info.contents,
  );
  return folderSource(files, reader, () => size);
}

function answerTile(
  reader: Readable,
  { kind, level, index, width }: TileAddress,
  from: number,
): Uint8Array | undefined {
  const first = index * TILE_WIDTH;
  switch (kind) {
    case "hash": {
      const hashes = reader.tile(level, index);
      return hashes === undefined || hashes.length < width * HASH_BYTES
        ? undefined
        : hashes.subarray(0, width * HASH_BYTES);
    }
    case "entries":
      return encodeBundle(reader.leaves(first, first + width));
    case "content":
      return from < width ? contentTile(reader, first + from, first + width) : undefined;
  }
}

/** As many contents as one answer takes. */
function contentTile(reader: Readable, from: number, to: number): Uint8Array {
  let count = 0;
  let bytes = 0;
  for (const size of reader.contentSizes(from, to)) {
    bytes += 4 + size;
    if (bytes > MAX_CONTENT_TILE_BYTES) break;
    count++;
  }
  return encodeContentTile(reader.contents(from, from + count)).bytes;
}

function heldContent(reader: Readable, digest: Hash): Uint8Array | undefined {
  const content = reader.content(digest);
  if (content.state === "erased")
    throw new LogError("CONTENT_ERASED", "The log erased this content.", {
      field: toHex(digest),
    });
  return content.state === "held" ? content.bytes : undefined;
}

/** Asks `near` first, and `far` for what it does not have whole. */
export function nearFirst(near: Source, far: Source): Source {
  return {
    url: far.url,
    get: async (path, maxBytes) => {
      try {
        return await near.get(path, maxBytes);
      } catch (error) {
        if (!(error instanceof LogError) || error.code === "STORAGE_FAILED") throw error;
        return far.get(path, maxBytes);
      }
    },
  };
}
