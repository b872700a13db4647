/**
 * A mirror folder, hashed anew from the signed checkpoint down to the last content, and what is
 * wrong named by its file.
 *
 * Where a bundle and its hash tile contradict each other, the tiles above decide: one that leads
 * to the signed root is right. Every hash tile is derived from the leaves as well and compared.
 *
 * It reads 256 entries at a time and changes nothing. Beside a running mirror it may find a file of
 * a newer head than it began with; that is no fault.
 *
 * @module
 */
import type { Crypto } from "../../client/crypto/crypto.ts";
import type { TrustedLog } from "../../client/trust.ts";
import { equal, fromUtf8, toHex } from "../../schema/bytes.ts";
import { parseLeaf } from "../../schema/entry/leaf.ts";
import { OwnStatements } from "../../schema/entry/own-statements.ts";
import { LogError } from "../../schema/error.ts";
import { MAX_CONTENT_BYTES, MAX_KEY_BYTES } from "../../schema/limits.ts";
import { decodeBundle } from "../../schema/tlog/bundle.ts";
import { HASH_BYTES, type Hash, leafHash } from "../../schema/tlog/hash.ts";
import type { TreeHead } from "../../schema/tlog/proof.ts";
import { entriesPath, TILE_WIDTH, tilePath, tileWidth } from "../../schema/tlog/tile.ts";
import { TileReader } from "../../schema/tlog/tile-reader.ts";
import { factsOf, type LeafFacts } from "../fsck.ts";
import { Edge } from "../sequencer/edge.ts";
import type { TileWrite } from "../storage/storage.ts";
import type { MirrorFiles } from "./folder.ts";
import { CHECKPOINT, headOf } from "./folder-head.ts";
import { mustBeMirrorOf, readInfo } from "./info.ts";
import {
  contentFile,
  ERASED_FOLDER,
  erasedFile,
  isLetter,
  keyFile,
  letterOf,
  MirrorReader,
  slotsPath,
} from "./reader.ts";

export interface MirrorFinding {
  /** The file, relative to the folder. */
  readonly file: string;
  readonly message: string;
}

export interface MirrorReport {
  readonly origin: string;
  readonly size: number;
  /** Hex; empty where there is no head. */
  readonly root: string;
  readonly contents: boolean;
  /** At most {@link MAX_FINDINGS}. */
  readonly findings: readonly MirrorFinding[];
  readonly truncated: boolean;
}

export interface CheckPorts {
  readonly crypto: Crypto;
  readonly log: TrustedLog;
  readonly files: MirrorFiles;
  readonly factsOf?: typeof factsOf;
  readonly progress?: (done: number, total: number) => void;
}

const MAX_FINDINGS = 1_000;
/** An index in decimal, and its line feed. */
const MAX_INDEX_BYTES = 17;
const NOTHING = new Uint8Array(0);

/** A damaged mirror is a report with findings. Throws where it is no mirror of this log at all. */
export async function checkMirror(ports: CheckPorts): Promise<MirrorReport> {
  const { files, log } = ports;
  const info = readInfo(files);
  if (info === undefined)
    throw new LogError("STORE_MISSING", `${files.path} is no mirror`, {
      field: files.path,
      hint: "give the folder that `countersign mirror --folder` wrote",
    });
  mustBeMirrorOf(files.path, info, log.origin);
  const check = new Check(ports, info.contents);
  const tree = await check.head();
  if (tree !== undefined) await check.run(tree);
  const { findings, truncated } = check;
  const root = tree === undefined ? "" : toHex(tree.root);
  return { ...info, size: tree?.size ?? 0, root, findings, truncated };
}

class Check {
  readonly findings: MirrorFinding[] = [];
  truncated = false;
  readonly #ports: CheckPorts;
  readonly #contents: boolean;
  readonly #named = new Set<string>();

  constructor(ports: CheckPorts, contents: boolean) {
    this.#ports = ports;
    this.#contents = contents;
  }

  async head(): Promise<TreeHead | undefined> {
    try {
      const head = await headOf(this.#ports, this.#ports.files);
      if (head === undefined) this.#add(CHECKPOINT, "there is none");
      return head?.tree;
    } catch (error) {
      this.#add(CHECKPOINT, messageOf(error));
      return undefined;
    }
  }

  async run(tree: TreeHead): Promise<void> {
    const { crypto, progress } = this.#ports;
    const tiles = new TileReader(crypto.sha256, tree, async ({ level, index, width }) =>
      this.#whole(tilePath(level, index, width), width * HASH_BYTES),
    );
    let edge: Edge | undefined = Edge.empty(crypto.sha256);
    for (let index = 0; index * TILE_WIDTH < tree.size; index++) {
      const width = tileWidth(tree.size, 0, index);
      const leaves = this.#bundle(index, width);
      const hashes = await this.#hashes(tiles, index, width, leaves);
      if (leaves !== undefined && this.#contents) this.#beside(index, width, leaves);
      edge = this.#grow(edge, hashes);
      progress?.(Math.min((index + 1) * TILE_WIDTH, tree.size), tree.size);
    }
    if (this.#contents) this.#statements(tree.size);
    if (edge === undefined) return;
    for (const tile of edge.partialTiles()) this.#compare(tile);
    if (!equal(edge.head.root, tree.root) && this.findings.length === 0)
      this.#add(CHECKPOINT, "the entries do not give its root");
  }

  /** The bytes of a hash tile, or none where they are not of its length: then it fits no root. */
  #whole(name: string, bytes: number): Uint8Array {
    const found = this.#ports.files.read(name);
    if (found?.length === bytes) return found;
    this.#add(name, found === undefined ? "it is missing" : `it has ${found.length} bytes`);
    return new Uint8Array(0);
  }

  #bundle(index: number, width: number): readonly Uint8Array[] | undefined {
    const name = entriesPath(index, width);
    const bytes = this.#read(name);
    if (bytes === undefined) return undefined;
    const leaves = decodeBundle(bytes, width);
    if (leaves.ok) return leaves.value;
    this.#add(name, leaves.message);
    return undefined;
  }

  /** The leaf hashes of a bundle: those that lead to the signed root, else those of its leaves. */
  async #hashes(
    tiles: TileReader,
    index: number,
    width: number,
    leaves: readonly Uint8Array[] | undefined,
  ): Promise<readonly Hash[] | undefined> {
    const { sha256 } = this.#ports.crypto;
    const computed = leaves?.map((leaf) => leafHash(sha256, leaf));
    const tile = await tiles.tile(0, index);
    if (!tile.ok) return computed;
    const hashes: Hash[] = [];
    for (let i = 0; i < width; i++) {
      const hash = tile.value.get(0, i);
      const own = computed?.[i];
      if (hash !== undefined) hashes.push(hash);
      if (hash !== undefined && own !== undefined && !equal(hash, own))
        this.#add(entriesPath(index, width), `entry ${index * TILE_WIDTH + i} is not its leaf`);
    }
    return hashes;
  }

  #grow(edge: Edge | undefined, hashes: readonly Hash[] | undefined): Edge | undefined {
    if (edge === undefined || hashes === undefined) return undefined;
    const growth = edge.grow(hashes);
    for (const tile of growth.full)
      this.#compare({ level: tile.level, index: tile.index, hashes: tile.row() });
    return growth.edge;
  }

  #compare({ level, index, hashes }: TileWrite): void {
    const name = tilePath(level, index, hashes.length / HASH_BYTES);
    const found = this.#read(name);
    if (found === undefined || equal(found, hashes)) return;
    this.#add(name, "it is not what its leaves give");
  }

  #beside(index: number, width: number, leaves: readonly Uint8Array[]): void {
    const name = slotsPath(index, width);
    const letters = this.#read(name);
    if (letters === undefined) return;
    if (letters.length !== width || !letters.every(isLetter)) {
      this.#add(name, `it is not ${width} letters`);
      return;
    }
    for (const [i, leaf] of leaves.entries()) {
      const facts = (this.#ports.factsOf ?? factsOf)(leaf);
      // A bundle whose leaf is wrong was named already.
      if (facts.ok) this.#entry(name, index * TILE_WIDTH + i, letters[i], facts.value);
    }
  }

  #entry(slots: string, index: number, letter: number | undefined, facts: LeafFacts): void {
    const { contentDigest, keyDigest, mayBeOpaque } = facts;
    const isSaid = this.#ports.files.sizeOf(erasedFile(contentDigest)) !== undefined;
    if (letter === letterOf("held")) {
      const name = contentFile(contentDigest);
      if (!isSaid) this.#digest(name, contentDigest, MAX_CONTENT_BYTES);
      else if (this.#ports.files.sizeOf(name) !== undefined)
        this.#add(name, "the log has erased it, and it is here");
    } else if (letter === letterOf("erased")) {
      if (!isSaid)
        this.#add(slots, `entry ${index} is called erased, and no statement of the log says so`);
    } else if (letter === letterOf("never-held") && !mayBeOpaque)
      this.#add(slots, `entry ${index} is of a kind that always has its content`);
    if (keyDigest !== undefined) this.#digest(keyFile(keyDigest), keyDigest, MAX_KEY_BYTES);
  }

  /** What is called erased here was erased by a statement of the log. */
  #statements(size: number): void {
    const { crypto, files, log } = this.#ports;
    const own = new OwnStatements(crypto.sha256, log.vkeyTexts);
    const reader = new MirrorReader(
      files,
      () => size,
      () => true,
    );
    for (const name of files.list(ERASED_FOLDER)) {
      const file = `${ERASED_FOLDER}/${name}`;
      const index = Number(fromUtf8(files.read(file, MAX_INDEX_BYTES) ?? NOTHING) ?? "");
      if (
        !Number.isInteger(index) ||
        index < 0 ||
        index >= size ||
        saidAt(own, reader, index) !== name
      )
        this.#add(file, "no statement of the log says so");
    }
  }

  #digest(name: string, digest: Hash, maxBytes: number): void {
    const bytes = this.#read(name, maxBytes);
    if (bytes !== undefined && !equal(this.#ports.crypto.sha256(bytes), digest))
      this.#add(name, "its bytes are not what its digest says");
  }

  #read(name: string, maxBytes?: number): Uint8Array | undefined {
    try {
      const bytes = this.#ports.files.read(name, maxBytes);
      if (bytes === undefined) this.#add(name, "it is missing");
      return bytes;
    } catch (error) {
      this.#add(name, messageOf(error));
      return undefined;
    }
  }

  /** Each file once, with what was seen first. */
  #add(file: string, message: string): void {
    if (this.#named.has(file)) return;
    if (this.findings.length < MAX_FINDINGS) {
      this.#named.add(file);
      this.findings.push({ file, message });
    } else this.truncated = true;
  }
}

/** The digest that a statement of the log at this index erases. */
function saidAt(own: OwnStatements, reader: MirrorReader, index: number): string | undefined {
  try {
    const [bytes] = reader.leaves(index, index + 1);
    const [content] = reader.contents(index, index + 1);
    const leaf = bytes === undefined ? undefined : parseLeaf(bytes);
    return leaf?.ok === true && content?.state === "held"
      ? own.erasure(leaf.value, content.bytes)?.digest
      : undefined;
  } catch (error) {
    if (error instanceof LogError) return undefined;
    throw error;
  }
}

function messageOf(error: unknown): string {
  if (error instanceof LogError) return error.message;
  throw error;
}
