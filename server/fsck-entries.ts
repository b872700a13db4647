/**
 * The part of fsck that walks the entries: leaves, dedup rows, what stands beside each leaf, and
 * the tiles of every level as they come out of the leaf hashes.
 *
 * @module
 */
import { equal } from "../schema/bytes.ts";
import type { Result } from "../schema/error.ts";
import { asHash, HASH_BYTES, type Hash, leafHash } from "../schema/tlog/hash.ts";
import { rowLength, TILE_WIDTH } from "../schema/tlog/tile.ts";
import type { Findings, FsckPorts, LeafFacts } from "./fsck.ts";
import type { ErasureCheck } from "./fsck-erased.ts";
import { Edge } from "./sequencer/edge.ts";
import type { Counts, LeafRow } from "./storage/sqlite/audit.ts";
import type { StoredHead, TileWrite } from "./storage/storage.ts";

export class EntryCheck {
  readonly #ports: FsckPorts;
  readonly #head: StoredHead;
  readonly #factsOf: (leaf: Uint8Array) => Result<LeafFacts>;
  readonly #findings: Findings;
  readonly #erasures: ErasureCheck;

  constructor(
    ports: FsckPorts,
    head: StoredHead,
    factsOf: (leaf: Uint8Array) => Result<LeafFacts>,
    findings: Findings,
    erasures: ErasureCheck,
  ) {
    this.#ports = ports;
    this.#head = head;
    this.#factsOf = factsOf;
    this.#findings = findings;
    this.#erasures = erasures;
  }

  run(counts: Counts | undefined): void {
    const { crypto, progress } = this.#ports;
    const { size } = this.#head;
    let edge: Edge | undefined = Edge.empty(crypto.sha256);
    for (let from = 0; from < size; from += TILE_WIDTH) {
      const to = Math.min(from + TILE_WIDTH, size);
      const hashes = this.#chunk(from, to);
      // Above an entry that nothing vouches for no tile can be told right from wrong.
      edge = hashes === undefined ? undefined : this.#grow(edge, hashes, to === size);
      progress?.(to, size);
    }
    if (edge !== undefined && !equal(edge.head.root, this.#head.root))
      this.#findings.add("head", `the entries do not give the root of size ${size}`);
    if (counts !== undefined) this.#count(counts);
  }

  /** Checks 256 entries; their leaf hashes, or `undefined` where one cannot be told. */
  #chunk(from: number, to: number): Hash[] | undefined {
    const { audit } = this.#ports;
    const rows = new Map(audit.leaves(from, to).map((row) => [row.idx, row]));
    const stored = audit.tile(0, from / TILE_WIDTH);
    if (stored === undefined) this.#missing(0, from / TILE_WIDTH);
    const tile = stored ?? new Uint8Array(0);
    const hashes: Hash[] = [];
    let known = true;
    for (let index = from; index < to; index++) {
      const at = (index - from) * HASH_BYTES;
      const hash = this.#entry(index, rows.get(index), asHash(tile.subarray(at, at + HASH_BYTES)));
      if (hash === undefined) known = false;
      else hashes.push(hash);
    }
    return known ? hashes : undefined;
  }

  /** The leaf hash that two of leaf, tile and dedup row agree on. */
  #entry(index: number, row: LeafRow | undefined, inTile: Hash | undefined): Hash | undefined {
    const { audit, crypto } = this.#ports;
    const place = `entry ${index}`;
    const vouched = inTile !== undefined && audit.indexOf(inTile) === index;
    if (row === undefined) {
      this.#findings.add(place, "its leaf is missing");
      return vouched ? inTile : undefined;
    }
    const hash = leafHash(crypto.sha256, row.bytes);
    const listed = audit.indexOf(hash) === index;
    if (inTile === undefined || !equal(hash, inTile)) {
      if (!listed) {
        this.#findings.add(place, "its leaf is neither what the tile nor what the dedup row says");
        return vouched ? inTile : undefined;
      }
      // The tile is wrong; the comparison of whole tiles names it.
    } else if (!listed) {
      this.#findings.add(`leaf_hash of ${place}`, "the dedup row is missing or wrong", true);
    }
    this.#beside(place, row);
    this.#erasures.leaf(row);
    return hash;
  }

  #beside(place: string, row: LeafRow): void {
    const { audit } = this.#ports;
    const facts = this.#factsOf(row.bytes);
    if (!facts.ok) {
      this.#findings.add(place, `its leaf cannot be read: ${facts.message}`);
      return;
    }
    const { contentDigest, keyDigest, mayBeOpaque } = facts.value;
    if (row.content === null && !mayBeOpaque)
      this.#findings.add(place, "its content is missing, and this kind of leaf always has one");
    if (row.content !== null && audit.contentId(contentDigest) !== row.content)
      this.#findings.add(place, `its content ${row.content} is not the one its leaf names`);
    if (keyDigest !== undefined && !audit.hasKey(keyDigest))
      this.#findings.add(place, "the key object that its leaf names is missing");
  }

  #grow(edge: Edge | undefined, hashes: readonly Hash[], isLast: boolean): Edge | undefined {
    if (edge === undefined) return undefined;
    const growth = edge.grow(hashes);
    // Each tile once: when it is full, or at the end.
    for (const tile of growth.tiles)
      if (tile.hashes.length === TILE_WIDTH * HASH_BYTES) this.#compare(tile);
    if (isLast) for (const tile of growth.edge.partialTiles()) this.#compare(tile);
    return growth.edge;
  }

  #compare({ level, index, hashes }: TileWrite): void {
    const stored = this.#ports.audit.tile(level, index);
    const place = `tile ${level}/${index}`;
    if (stored === undefined) {
      // Of the lowest level it was said where its entries were read.
      if (level > 0) this.#missing(level, index);
      return;
    }
    for (let at = 0; at < hashes.length; at += HASH_BYTES) {
      if (equal(stored.subarray(at, at + HASH_BYTES), hashes.subarray(at, at + HASH_BYTES)))
        continue;
      this.#findings.add(place, `hash ${at / HASH_BYTES} is wrong`, true);
      return;
    }
    if (stored.length !== hashes.length)
      this.#findings.add(place, `it has ${stored.length} bytes and not ${hashes.length}`, true);
  }

  #missing(level: number, index: number): void {
    this.#findings.add(`tile ${level}/${index}`, "it is missing", true);
  }

  #count(counts: Counts): void {
    const { size } = this.#head;
    let tiles = 0;
    for (let level = 0; rowLength(size, level) > 0; level++)
      tiles += Math.ceil(rowLength(size, level) / TILE_WIDTH);
    if (counts.leaf !== size) this.#findings.add("leaf", `${counts.leaf} rows for ${size} entries`);
    if (counts.leaf_hash !== size)
      this.#findings.add("leaf_hash", `${counts.leaf_hash} rows for ${size} entries`, true);
    if (counts.tile !== tiles)
      this.#findings.add("tile", `${counts.tile} rows, ${tiles} expected`, true);
  }
}
