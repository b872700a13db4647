/**
 * The head that a mirror folder has whole, and the right edge of the tree below it.
 *
 * Both are read when a mirror starts. The note is believed for its signature alone, and the partial
 * tiles where they give its root: then the tree can grow from here without anything before it.
 *
 * Spec: docs/formats.md §Mirror folder.
 *
 * @module
 */
import type { Crypto } from "../../client/crypto/crypto.ts";
import { type Head, openHead } from "../../client/head.ts";
import type { TrustedLog } from "../../client/trust.ts";
import { equal } from "../../schema/bytes.ts";
import { MAX_NOTE_BYTES } from "../../schema/limits.ts";
import { HASH_BYTES } from "../../schema/tlog/hash.ts";
import { rowLength, TILE_WIDTH, tilePath, tileWidth } from "../../schema/tlog/tile.ts";
import { Edge } from "../sequencer/edge.ts";
import { Pyramid } from "../sequencer/pyramid.ts";
import { damaged, type MirrorFiles } from "./folder.ts";

/** Where the note of the head is. */
export const CHECKPOINT = "checkpoint";

/** Its signature checked. `undefined` where nothing is whole yet. Throws `STORE_CORRUPT`. */
export async function headOf(
  { crypto, log }: { readonly crypto: Crypto; readonly log: TrustedLog },
  files: MirrorFiles,
): Promise<Head | undefined> {
  const note = files.read(CHECKPOINT, MAX_NOTE_BYTES);
  if (note === undefined) return undefined;
  const head = await openHead(crypto, log, note);
  if (head.ok) return head.value;
  throw damaged(CHECKPOINT, head.message);
}

/** The right edge out of the partial tiles. Throws `STORE_CORRUPT` where it does not give the head. */
export function edgeOf(sha256: Crypto["sha256"], files: MirrorFiles, { tree }: Head): Edge {
  const tiles: Pyramid[] = [];
  for (let level = 0; rowLength(tree.size, level) > 0; level++) {
    const index = Math.floor(rowLength(tree.size, level) / TILE_WIDTH);
    const width = tileWidth(tree.size, level, index);
    if (width === 0) continue;
    const name = tilePath(level, index, width);
    const hashes = files.read(name, TILE_WIDTH * HASH_BYTES);
    if (hashes?.length !== width * HASH_BYTES) throw damaged(name, "it is missing or not whole");
    tiles.push(Pyramid.from(sha256, level, index, hashes));
  }
  const edge = tree.size === 0 ? Edge.empty(sha256) : Edge.from(sha256, tree.size, tiles);
  if (equal(edge.head.root, tree.root)) return edge;
  throw damaged(
    tilePath(0, Math.floor(tree.size / TILE_WIDTH), tree.size % TILE_WIDTH),
    `it, or a tile above it, does not give the root of size ${tree.size}`,
  );
}
