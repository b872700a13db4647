/**
 * A mirror folder as the source of a log: the same paths, answered from files. So one reader,
 * `LogReader`, checks what comes from a folder and what comes over the network.
 *
 * @module
 */
import type { Source } from "../../client/fetch.ts";
import { LogError, unwrap } from "../../schema/error.ts";
import { CHECKPOINT_PATH, parseDigest } from "../../schema/http/paths.ts";
import { MAX_CONTENT_TILE_BYTES, MAX_NOTE_BYTES } from "../../schema/limits.ts";
import { encodeBundle, encodeContentTile } from "../../schema/tlog/bundle.ts";
import { HASH_BYTES, type Hash } from "../../schema/tlog/hash.ts";
import { parseTilePath, rowLength, TILE_WIDTH, type TileAddress } from "../../schema/tlog/tile.ts";
import type { MirrorFiles } from "./folder.ts";
import type { MirrorReader } from "./reader.ts";

/** What a folder has of a tree of `size`, under the paths of a log. */
export function folderSource(files: MirrorFiles, reader: MirrorReader, size: () => number): Source {
  const answer = (path: string): Uint8Array | undefined => {
    const [name = "", query = ""] = path.replace(/^\/+/, "").split("?");
    if (`/${name}` === CHECKPOINT_PATH) return files.read(name, MAX_NOTE_BYTES);
    const named = /^(content|key)\/sha256\/([0-9a-f]{64})$/.exec(name);
    const digest = parseDigest(named?.[2] ?? "");
    if (digest !== undefined)
      return named?.[1] === "key" ? reader.key(digest) : heldContent(reader, digest);
    const tile = unwrap(parseTilePath(name));
    if (tile.index * TILE_WIDTH + tile.width > rowLength(size(), tile.level)) return undefined;
    return answerTile(reader, tile, Number(/^from=(\d{1,3})$/.exec(query)?.[1] ?? "0"));
  };
  return {
    url: files.path,
    get: async (path, maxBytes) => {
      const bytes = answer(path);
      if (bytes === undefined)
        throw new LogError("NOT_FOUND", `${files.path} has no ${path}`, { field: path });
      if (bytes.length <= maxBytes) return bytes;
      throw new LogError("RESPONSE_INVALID", `${path} in ${files.path} is above its limit`, {
        field: path,
        limit: maxBytes,
      });
    },
  };
}

function answerTile(
  reader: MirrorReader,
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
function contentTile(reader: MirrorReader, from: number, to: number): Uint8Array {
  let count = 0;
  let bytes = 0;
  for (const size of reader.contentSizes(from, to)) {
    bytes += 4 + size;
    if (bytes > MAX_CONTENT_TILE_BYTES) break;
    count++;
  }
  return encodeContentTile(reader.contents(from, from + count)).bytes;
}

function heldContent(reader: MirrorReader, digest: Hash): Uint8Array | undefined {
  const content = reader.content(digest);
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
