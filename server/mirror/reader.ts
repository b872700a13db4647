/**
 * Reading a mirror folder as a store is read, up to one size. Nothing is checked here but shapes:
 * clients check what is served, and whoever repairs or continues from a folder reads it through
 * `LogReader`, which believes nothing.
 *
 * A tile is read in the width that it has in a tree of that size, so that what a run that was
 * killed has left behind above it is never seen.
 *
 * @module
 */
import { toHex } from "../../schema/bytes.ts";
import { LogError, type Result } from "../../schema/error.ts";
import { postingsPath } from "../../schema/http/lookup-request.ts";
import { contentPath, keyPath } from "../../schema/http/paths.ts";
import { MAX_POSTINGS_BYTES } from "../../schema/index/posting.ts";
import { MAX_CONTENT_BYTES, MAX_KEY_BYTES } from "../../schema/limits.ts";
import { decodeBundle } from "../../schema/tlog/bundle.ts";
import { HASH_BYTES, type Hash } from "../../schema/tlog/hash.ts";
import {
  entriesPath,
  contentPath as slotsBase,
  TILE_WIDTH,
  tilePath,
  tileWidth,
} from "../../schema/tlog/tile.ts";
import { factsOf, type LeafFacts } from "../fsck.ts";
import type { Readable } from "../http/read.ts";
import type { StoredContent } from "../storage/storage.ts";
import { damaged, type MirrorFiles } from "./folder.ts";

const HELD = "h".charCodeAt(0);
const NEVER_HELD = "n".charCodeAt(0);
const ERASED = "e".charCodeAt(0);

/** The letter of a slot. */
export function letterOf(state: StoredContent["state"]): number {
  switch (state) {
    case "held":
      return HELD;
    case "never-held":
      return NEVER_HELD;
    case "erased":
      return ERASED;
  }
}

export function isLetter(letter: number): boolean {
  return letter === HELD || letter === NEVER_HELD || letter === ERASED;
}

/** Where the letters of a bundle are. */
export function slotsPath(index: number, width: number): string {
  return slotsBase(index, width).replace("tile/content/", "slots/");
}

/** Relative to the folder, without the slash that URLs begin with. */
export function contentFile(digest: Hash): string {
  return contentPath(digest).slice(1);
}

/** That a content was erased: the index of the log's statement. Stands over the content. */
export function erasedFile(digest: Hash): string {
  return `${ERASED_FOLDER}/${toHex(digest)}`;
}

export const ERASED_FOLDER = "erased/sha256";

/** What an entry posts whose content was erased. */
export function postingsFile(index: number): string {
  return postingsPath(index).slice(1);
}

export function keyFile(digest: Hash): string {
  return keyPath(digest).slice(1);
}

export class MirrorReader implements Readable {
  readonly #files: MirrorFiles;
  readonly #size: () => number;
  readonly #hasContents: () => boolean;
  readonly #factsOf: typeof factsOf;

  constructor(
    files: MirrorFiles,
    size: () => number,
    hasContents: () => boolean,
    readFacts: typeof factsOf = factsOf,
  ) {
    this.#files = files;
    this.#size = size;
    this.#hasContents = hasContents;
    this.#factsOf = readFacts;
  }

  tile(level: number, index: number): Uint8Array | undefined {
    const width = tileWidth(this.#size(), level, index);
    return width === 0
      ? undefined
      : this.#files.read(tilePath(level, index, width), TILE_WIDTH * HASH_BYTES);
  }

  leaves(from: number, to: number): readonly Uint8Array[] {
    return this.#bundles(from, to, (index, width) => {
      const name = entriesPath(index, width);
      const bytes = this.#files.read(name);
      const leaves = bytes === undefined ? undefined : decodeBundle(bytes, width);
      if (leaves === undefined) throw damaged(name, "it is missing");
      if (!leaves.ok) throw damaged(name, leaves.message);
      return leaves.value;
    });
  }

  contents(from: number, to: number): readonly StoredContent[] {
    return this.#slots(from, to).map(({ letter, index, leaf }) => {
      if (letter === NEVER_HELD) return { state: "never-held" };
      if (letter === ERASED) return { state: "erased" };
      const digest = this.#digestIn(index, leaf);
      const content = this.content(digest);
      if (content.state === "never-held") throw damaged(contentFile(digest), "it is missing");
      return content;
    });
  }

  contentSizes(from: number, to: number): readonly number[] {
    return this.#slots(from, to).map(({ letter, index, leaf }) => {
      if (letter !== HELD) return 0;
      const digest = this.#digestIn(index, leaf);
      return this.#isErased(digest) ? 0 : (this.#files.sizeOf(contentFile(digest)) ?? 0);
    });
  }

  /** Whether an entry was logged with its content, erased since or not. */
  held(index: number): boolean {
    return this.#slots(index, index + 1)[0]?.letter !== NEVER_HELD;
  }

  /** Of a content that was erased before this mirror began only the slots of its entries tell. */
  content(digest: Hash): StoredContent {
    if (this.#isErased(digest)) return { state: "erased" };
    const bytes = this.#files.read(contentFile(digest), MAX_CONTENT_BYTES);
    return bytes === undefined ? { state: "never-held" } : { state: "held", bytes };
  }

  key(digest: Hash): Uint8Array | undefined {
    return this.#files.read(keyFile(digest), MAX_KEY_BYTES);
  }

  keptPostings(index: number): Uint8Array | undefined {
    return this.#files.read(postingsFile(index), MAX_POSTINGS_BYTES);
  }

  /** The letters of entries, or `undefined` where the file is not there or not whole. */
  letters(index: number, width: number): Uint8Array | undefined {
    const bytes = this.#files.read(slotsPath(index, width), TILE_WIDTH);
    return bytes?.length === width && bytes.every(isLetter) ? bytes : undefined;
  }

  #isErased(digest: Hash): boolean {
    return this.#files.sizeOf(erasedFile(digest)) !== undefined;
  }

  #digestIn(index: number, leaf: Uint8Array): Hash {
    const facts: Result<LeafFacts> = this.#factsOf(leaf);
    if (!facts.ok) throw new LogError(facts.code, `entry ${index}: ${facts.message}`, facts.detail);
    return facts.value.contentDigest;
  }

  #slots(from: number, to: number): { letter: number; index: number; leaf: Uint8Array }[] {
    if (!this.#hasContents())
      throw new LogError("NOT_FOUND", "This is a mirror of tiles and entries alone.");
    const letters = this.#bundles(from, to, (index, width) => {
      const found = this.letters(index, width);
      if (found === undefined) throw damaged(slotsPath(index, width), "it is missing or not whole");
      return [...found];
    });
    return this.leaves(from, to).map((leaf, i) => ({
      letter: letters[i] ?? 0,
      index: from + i,
      leaf,
    }));
  }

  /** What `read` gives for whole bundles, cut to the entries `from` to `to`. */
  #bundles<T>(
    from: number,
    to: number,
    read: (index: number, width: number) => readonly T[],
  ): readonly T[] {
    const all: T[] = [];
    for (let index = Math.floor(from / TILE_WIDTH); index * TILE_WIDTH < to; index++) {
      const first = index * TILE_WIDTH;
      const width = tileWidth(this.#size(), 0, index);
      if (width === 0 || first + width < Math.min(to, first + TILE_WIDTH))
        throw new LogError("NOT_FOUND", `The mirror does not reach entry ${first + width}.`);
      all.push(...read(index, width).slice(Math.max(0, from - first), to - first));
    }
    return all;
  }
}
