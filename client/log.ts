/**
 * Reading a log that is not believed.
 *
 * A reader stands on one signed head (`head.ts`) and hands out nothing that this head does not
 * commit to: a node by the tiles above it, a leaf by its leaf hash in a tile, a content and a key
 * by the digest in their leaf. The network may answer what it likes; what does not fit is
 * `RESPONSE_INVALID` with the name of the resource.
 *
 * Make a reader from a head that was held against the memory (`update`), else it reads a true
 * tree, but perhaps another one than yesterday's.
 *
 * Spec: C2SP tlog-tiles; docs/formats.md §HTTP.
 *
 * @module
 */
import { equal, fromUtf8, toHex } from "../schema/bytes.ts";
import { type Leaf, leafContentDigest, parseLeaf } from "../schema/entry/leaf.ts";
import { LogError, type Result, unwrap } from "../schema/error.ts";
import { contentPath, entryPath, keyPath } from "../schema/http/paths.ts";
import {
  MAX_BODY_BYTES,
  MAX_CONTENT_BYTES,
  MAX_CONTENT_TILE_BYTES,
  MAX_KEY_BYTES,
  MAX_LEAF_BYTES,
} from "../schema/limits.ts";
import type { LogEntry, Receipt } from "../schema/receipt.ts";
import { type ContentSlot, decodeBundle, decodeContentTile } from "../schema/tlog/bundle.ts";
import { HASH_BYTES, type Hash, leafHash } from "../schema/tlog/hash.ts";
import { keyHash } from "../schema/tlog/note.ts";
import {
  contentPath as contentTilePath,
  entriesPath,
  TILE_WIDTH,
  type Tile,
  tilePath,
  tileWidth,
} from "../schema/tlog/tile.ts";
import { TileReader } from "../schema/tlog/tile-reader.ts";
import type { GetNode, TreeNode } from "../schema/tlog/tree.ts";
import { askAhead } from "./ahead.ts";
import { parseEntryAnswer } from "./answer.ts";
import type { Crypto } from "./crypto/crypto.ts";
import type { Source } from "./fetch.ts";
import type { SignedHead } from "./head.ts";
import type { TrustedLog } from "./trust.ts";
import { checkInclusion } from "./verify/inclusion.ts";

export interface ReadPorts {
  readonly crypto: Crypto;
  readonly transport: Source;
  /** From the trust file, and from nowhere else. */
  readonly log: TrustedLog;
}

/** A leaf that the reader's head commits to. */
export interface ReadEntry {
  readonly index: number;
  readonly leafHash: Hash;
  readonly leafBytes: Uint8Array;
}

const HASH_TILE_BYTES = TILE_WIDTH * HASH_BYTES;
const BUNDLE_BYTES = TILE_WIDTH * (2 + MAX_LEAF_BYTES);

export class LogReader {
  readonly head: SignedHead;
  readonly #ports: ReadPorts;
  readonly #tiles: TileReader;

  constructor(ports: ReadPorts, head: SignedHead) {
    this.head = head;
    this.#ports = ports;
    this.#tiles = new TileReader(ports.crypto.sha256, head.tree, async (tile) =>
      this.#hashTile(tile),
    );
  }

  /** Hashes of complete nodes of this tree. */
  async nodes(places: readonly TreeNode[]): Promise<GetNode> {
    return unwrap(await this.#tiles.nodes(places));
  }

  /** The inclusion proof of an entry, leaf to root. */
  async inclusionProof(index: number): Promise<Hash[]> {
    this.#inTree(index);
    return unwrap(await this.#tiles.inclusionProof(index));
  }

  /** The consistency proof from a smaller size to this one. */
  async consistencyProof(olderSize: number): Promise<Hash[]> {
    return unwrap(await this.#tiles.consistencyProof(olderSize));
  }

  /**
   * The entries from index `from` up to, not including, `to`, in order. A bundle is fetched while
   * the one before it is taken, so memory is bounded by two bundles (at most 16 MiB each).
   */
  async *entries(from: number, to: number = this.head.tree.size): AsyncGenerator<ReadEntry> {
    const end = Math.min(to, this.head.tree.size);
    const bundles = askAhead(
      from < end ? Math.floor(from / TILE_WIDTH) : undefined,
      async (bundle) => this.#bundle(bundle),
      (bundle) => ((bundle + 1) * TILE_WIDTH < end ? bundle + 1 : undefined),
    );
    for await (const { answer: entries } of bundles)
      for (const entry of entries) if (entry.index >= from && entry.index < end) yield entry;
  }

  /** The entry at an index. Throws `NOT_FOUND` for one outside the tree. */
  async entry(index: number): Promise<ReadEntry> {
    this.#inTree(index);
    for await (const entry of this.entries(index, index + 1)) return entry;
    throw new LogError("INTERNAL", "an entry inside the tree was not read");
  }

  /**
   * The contents of the entries from `from` up to `to`, each checked against the digest in its
   * leaf. One that the log never held, or erased, says so. Those that are not wanted are read and
   * passed over: whoever reads whole tiles shows nobody which entries are meant.
   */
  async *contents(
    from: number,
    to: number = this.head.tree.size,
    isWanted: (index: number) => boolean = () => true,
  ): AsyncGenerator<ReadEntry & { readonly leaf: Leaf; readonly content: ContentSlot }> {
    const slots = this.#contentSlots(from, Math.min(to, this.head.tree.size));
    try {
      for await (const entry of this.entries(from, to)) {
        const { value: content } = await slots.next();
        if (content === undefined) throw new LogError("INTERNAL", "a content tile lost a slot");
        if (isWanted(entry.index))
          yield { ...entry, leaf: this.#leafWith(entry, content), content };
      }
    } finally {
      await slots.return(undefined);
    }
  }

  /** The bytes with this SHA-256. Throws `NOT_FOUND` or `CONTENT_ERASED` where the log has none. */
  async content(digest: Hash): Promise<Uint8Array> {
    const path = contentPath(digest);
    const bytes = await this.#ports.transport.get(path, MAX_CONTENT_BYTES);
    return this.#checkDigest(path, bytes, digest);
  }

  /** A key that was too large for its leaf. */
  async key(digest: Hash): Promise<Uint8Array> {
    const path = keyPath(digest);
    const bytes = await this.#ports.transport.get(path, MAX_KEY_BYTES);
    return this.#checkDigest(path, bytes, digest);
  }

  /**
   * The receipt of the entry at an index, with its content where the log holds it. The proof is
   * made here from tiles; nobody at the log can tell which entry was asked for.
   */
  async receipt(index: number): Promise<Receipt> {
    return this.#complete(await this.logEntry(index));
  }

  /** The entry at an index with its proof, whatever its leaf is. */
  async logEntry(index: number): Promise<LogEntry> {
    const { leafBytes } = await this.entry(index);
    return this.#logEntry(index, leafBytes, await this.inclusionProof(index));
  }

  /**
   * The receipt of the entry with a leaf hash, which only the log can look up. Its answer must be
   * about this very leaf, and under a signed checkpoint; an empty one is an error, not a "no".
   *
   * @returns the receipt, and the head that it is under: hold it against the memory (`observe`).
   */
  async receiptByLeafHash(wanted: Hash): Promise<{ receipt: Receipt; head: SignedHead }> {
    const isIt = ({ leafBytes }: LogEntry): boolean =>
      equal(leafHash(this.#ports.crypto.sha256, leafBytes), wanted);
    const path = entryPath({ by: "leaf-hash", leafHash: wanted });
    return this.#answered(path, isIt, `the leaf with hash ${toHex(wanted)}`);
  }

  /** As {@link receiptByLeafHash}, of the entry at an index: the log sees which, and sends no tiles. */
  async receiptByIndex(index: number): Promise<{ receipt: Receipt; head: SignedHead }> {
    const isIt = (entry: LogEntry): boolean => entry.index === index;
    return this.#answered(entryPath({ by: "index", index }), isIt, `the entry at index ${index}`);
  }

  async #answered(
    path: string,
    isIt: (entry: LogEntry) => boolean,
    expected: string,
  ): Promise<{ receipt: Receipt; head: SignedHead }> {
    const answer = await this.#ports.transport.get(path, MAX_BODY_BYTES);
    const entry = unwrap(asResponse(parseEntryAnswer(answer)));
    if (!isIt(entry))
      throw new LogError("RESPONSE_INVALID", `The log answered ${path} with another entry.`, {
        field: "entry",
        expected,
      });
    const included = await checkInclusion(this.#ports.crypto, { logs: [this.#ports.log] }, entry);
    if (!included.ok)
      throw new LogError("RESPONSE_INVALID", `The log's answer to ${path} is not proved.`, {
        field: "entry",
        expected: "an entry that its checkpoint commits to",
        cause: included.refusal,
      });
    return { receipt: await this.#complete(entry), head: included.head };
  }

  #logEntry(index: number, leafBytes: Uint8Array, hashes: readonly Hash[]): LogEntry {
    const { note, signedBy, tree } = this.head;
    const checkpoint = fromUtf8(note);
    const [vkey] = signedBy;
    if (checkpoint === undefined || vkey === undefined)
      throw new LogError("INTERNAL", "a head that was opened has a signature");
    const { name, type, publicKey } = vkey;
    const logId = keyHash(this.#ports.crypto.sha256, name, type, publicKey);
    return { index, size: tree.size, root: tree.root, hashes, checkpoint, leafBytes, logId };
  }

  async #complete(entry: LogEntry): Promise<Receipt> {
    const leaf = leafOf(entry);
    const content = await orNothing(this.content(leafContentDigest(leaf)));
    const digest = leaf.kind === "countersign" ? leaf.signature.key.digest : undefined;
    const key = digest === undefined ? undefined : await orNothing(this.key(digest));
    return {
      entry,
      ...(content === undefined ? {} : { content }),
      ...(key === undefined ? {} : { key }),
    };
  }

  /** A bundle whose every leaf is the one that its hash tile commits to. */
  async #bundle(index: number): Promise<ReadEntry[]> {
    const width = tileWidth(this.head.tree.size, 0, index);
    const path = entriesPath(index, width);
    const [hashes, bytes] = await Promise.all([
      this.#tiles.tile(0, index),
      this.#ports.transport.get(path, BUNDLE_BYTES),
    ]);
    const tile = unwrap(hashes);
    const leaves = unwrap(decodeBundle(bytes, width));
    return leaves.map((leafBytes, i) => {
      const hash = leafHash(this.#ports.crypto.sha256, leafBytes);
      const committed = tile.get(0, i);
      if (committed === undefined || !equal(hash, committed))
        throw new LogError("RESPONSE_INVALID", `Entry ${index * TILE_WIDTH + i} is not its leaf.`, {
          field: path,
          at: String(i),
        });
      return { index: index * TILE_WIDTH + i, leafHash: hash, leafBytes };
    });
  }

  /** The leaf of an entry that may have this content. */
  #leafWith(entry: ReadEntry, content: ContentSlot): Leaf {
    const leaf = leafOf(entry);
    if (content.state === "held") {
      const path = `content of entry ${entry.index}`;
      this.#checkDigest(path, content.bytes, leafContentDigest(leaf));
    } else if (content.state === "never-held" && leaf.kind !== "hashedrekord")
      throw new LogError("RESPONSE_INVALID", `Entry ${entry.index} is there without content.`, {
        field: `content of entry ${entry.index}`,
        expected: "a content, or that it was erased: only a hashedrekord may be opaque",
      });
    return leaf;
  }

  /** A slot for each entry of a range, and perhaps some behind it. */
  async *#contentSlots(from: number, end: number): AsyncGenerator<ContentSlot, undefined> {
    const answers = askAhead(
      from < end ? from : undefined,
      async (entry) => this.#contentTile(entry),
      (entry, slots) => (entry + slots.length < end ? entry + slots.length : undefined),
    );
    for await (const { answer } of answers) yield* answer;
    return undefined;
  }

  /** The contents of a tile from one entry on; at least one, perhaps not all. */
  async #contentTile(entry: number): Promise<ContentSlot[]> {
    const index = Math.floor(entry / TILE_WIDTH);
    const from = entry % TILE_WIDTH;
    const width = tileWidth(this.head.tree.size, 0, index);
    const query = from === 0 ? "" : `?from=${from}`;
    const path = `${contentTilePath(index, width)}${query}`;
    const bytes = await this.#ports.transport.get(path, MAX_CONTENT_TILE_BYTES);
    return unwrap(decodeContentTile(bytes, width - from));
  }

  /** A log may drop a partial tile once the full one is there, which begins with the same hashes. */
  async #hashTile({ level, index, width }: Tile): Promise<Uint8Array> {
    const { transport } = this.#ports;
    try {
      return await transport.get(tilePath(level, index, width), width * HASH_BYTES);
    } catch (error) {
      if (width === TILE_WIDTH || !isNotFound(error)) throw error;
      return transport.get(tilePath(level, index), HASH_TILE_BYTES);
    }
  }

  #inTree(index: number): void {
    const { size } = this.head.tree;
    if (Number.isSafeInteger(index) && index >= 0 && index < size) return;
    throw new LogError("NOT_FOUND", `The log has no entry ${index}.`, {
      field: "index",
      limit: size,
      expected: `0 to ${size - 1}`,
    });
  }

  #checkDigest(path: string, bytes: Uint8Array, digest: Hash): Uint8Array {
    if (equal(this.#ports.crypto.sha256(bytes), digest)) return bytes;
    throw new LogError("RESPONSE_INVALID", `The log's answer to ${path} has another digest.`, {
      field: path,
      expected: toHex(digest),
    });
  }
}

/** A kind that only a newer program knows is no fault of the log. */
function leafOf({ index, leafBytes }: Pick<ReadEntry, "index" | "leafBytes">): Leaf {
  const parsed = parseLeaf(leafBytes);
  if (parsed.ok || parsed.code === "KIND_UNSUPPORTED") return unwrap(parsed);
  throw new LogError("RESPONSE_INVALID", `Entry ${index} is no leaf: ${parsed.message}`, {
    ...parsed.detail,
    field: `entry ${index}`,
  });
}

/** What is malformed in an answer is the log's fault, whatever the parser calls it. */
function asResponse<T>(result: Result<T>): Result<T> {
  return result.ok ? result : { ...result, code: "RESPONSE_INVALID" };
}

/** What the log does not hold, or not any more, leaves a receipt without it. */
async function orNothing<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isNotFound(error) || (error instanceof LogError && error.code === "CONTENT_ERASED"))
      return undefined;
    throw error;
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof LogError && error.code === "NOT_FOUND";
}
