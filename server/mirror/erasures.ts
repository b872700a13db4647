/**
 * Erasures in a mirror: a statement of the log under the head that is followed takes the content
 * out of the folder before that head is shown.
 *
 * What says so is a file of its own, `erased/sha256/<digest>`, with the index of the statement. It
 * is durable before the content goes, and stands over it: a content that comes back (an old copy of
 * the folder, a power cut, a source that lags) is not shown, and not taken again. Slots need not be
 * written anew. `index/v1/postings/<index>` keeps what the entry posts, for a log that is made whole from here.
 *
 * @module
 */
import type { Crypto } from "../../client/crypto/crypto.ts";
import type { Source } from "../../client/fetch.ts";
import { gitHashOf } from "../../client/git/hash.ts";
import { keptPostings, unannounced } from "../../client/lookup/erased.ts";
import type { TrustedLog } from "../../client/trust.ts";
import { equal, fromHex, toBase64, utf8 } from "../../schema/bytes.ts";
import { type Leaf, leafContentDigest, parseLeaf } from "../../schema/entry/leaf.ts";
import { OwnStatements } from "../../schema/entry/own-statements.ts";
import { mapfn } from "../../schema/index/mapfn.ts";
import { encodePostings } from "../../schema/index/posting.ts";
import { MAX_CONTENT_BYTES } from "../../schema/limits.ts";
import type { ContentSlot } from "../../schema/tlog/bundle.ts";
import { asHash, type Hash } from "../../schema/tlog/hash.ts";
import { TILE_WIDTH } from "../../schema/tlog/tile.ts";
import type { MirrorFolder } from "./folder.ts";
import { contentFile, erasedFile, MirrorReader, postingsFile } from "./reader.ts";

export interface MirrorErasurePorts {
  readonly crypto: Crypto;
  readonly source: Source;
  readonly log: TrustedLog;
  readonly folder: MirrorFolder;
}

interface SeenEntry {
  readonly index: number;
  readonly leaf: Leaf;
  readonly content: ContentSlot;
}

export class MirrorErasures {
  readonly #ports: MirrorErasurePorts;
  readonly #own: OwnStatements;
  /** Index of the statement, by digest in hex. */
  readonly #stated = new Map<string, number>();
  /** Entries whose content the source calls erased. */
  readonly #called = new Map<number, Hash>();

  constructor(ports: MirrorErasurePorts) {
    this.#ports = ports;
    this.#own = new OwnStatements(ports.crypto.sha256, ports.log.vkeyTexts);
  }

  /** Every entry of a run goes by, with its content checked. */
  see({ index, leaf, content }: SeenEntry): void {
    if (content.state === "erased") this.#called.set(index, leafContentDigest(leaf));
    const said = content.state === "held" ? this.#own.erasure(leaf, content.bytes) : undefined;
    if (said !== undefined && !this.#stated.has(said.digest)) this.#stated.set(said.digest, index);
  }

  /**
   * What was said is done, durably, before the head of `size` entries is shown.
   *
   * @returns entries that the source calls erased although no statement of the log says so
   */
  async carryOut(size: number): Promise<readonly number[]> {
    const { folder } = this.#ports;
    const gone: string[] = [];
    for (const [name, statement] of this.#stated) {
      const digest = asHash(fromHex(name) ?? new Uint8Array(0));
      // The log's own words are not erased, neither there nor here.
      if (digest === undefined || !(await this.#keepPostings(digest, size))) continue;
      await folder.write(erasedFile(digest), utf8(`${statement}\n`));
      gone.push(contentFile(digest));
    }
    for (const index of this.#called.keys()) await this.#fetchPostings(index);
    if (gone.length > 0) await folder.settle();
    for (const name of gone) await folder.remove(name);
    return this.#lost();
  }

  async #lost(): Promise<readonly number[]> {
    const { folder } = this.#ports;
    const unsaid = [...this.#called].filter(
      ([, digest]) => folder.sizeOf(erasedFile(digest)) === undefined,
    );
    // Perhaps it was said under a head that is newer than the one that is followed.
    return unannounced(
      { ...this.#ports, transport: this.#ports.source },
      unsaid.map(([index]) => index),
    );
  }

  /** Of a content that is here: what each of its entries posts. `false` for a statement of the log. */
  async #keepPostings(digest: Hash, size: number): Promise<boolean> {
    const { crypto, folder, log } = this.#ports;
    const content = folder.read(contentFile(digest), MAX_CONTENT_BYTES);
    if (content === undefined) return true;
    const hashes = { sha256: crypto.sha256, git: gitHashOf(crypto) };
    const named = { origin: log.origin, vkeys: log.vkeyTexts };
    for (const { index, bytes, leaf } of entriesNaming(this.#ports, digest, size)) {
      if (this.#own.read(leaf, content) !== undefined) return false;
      await folder.write(postingsFile(index), encodePostings(mapfn(hashes, named, bytes, content)));
    }
    return true;
  }

  /** A source without an index has none. */
  async #fetchPostings(index: number): Promise<void> {
    const { folder, source } = this.#ports;
    const postings = await keptPostings(source, index);
    if (postings !== undefined) await folder.write(postingsFile(index), encodePostings(postings));
  }
}

/** Entries of the folder that were logged with this content. */
function* entriesNaming(
  { folder }: MirrorErasurePorts,
  digest: Hash,
  size: number,
): Generator<{ readonly index: number; readonly bytes: Uint8Array; readonly leaf: Leaf }> {
  const reader = new MirrorReader(
    folder,
    () => size,
    () => true,
  );
  const name = toBase64(digest);
  for (let from = 0; from < size; from += TILE_WIDTH)
    for (const [i, bytes] of reader.leaves(from, Math.min(from + TILE_WIDTH, size)).entries()) {
      if (!Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(name)) continue;
      const leaf = parseLeaf(bytes);
      if (leaf.ok && equal(leafContentDigest(leaf.value), digest) && reader.held(from + i))
        yield { index: from + i, bytes, leaf: leaf.value };
    }
}
