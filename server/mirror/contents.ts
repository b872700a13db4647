/**
 * Keeping the contents and key objects of one bundle, each under its digest, and the letter of
 * each entry. What arrives here was checked against the digests in its leaf.
 *
 * @module
 */
import type { Crypto } from "../../client/crypto/crypto.ts";
import type { LogReader, ReadEntry } from "../../client/log.ts";
import { equal, toHex } from "../../schema/bytes.ts";
import { type Leaf, leafContentDigest } from "../../schema/entry/leaf.ts";
import { LogError } from "../../schema/error.ts";
import { MAX_KEY_BYTES } from "../../schema/limits.ts";
import type { ContentSlot } from "../../schema/tlog/bundle.ts";
import type { Hash } from "../../schema/tlog/hash.ts";
import type { MirrorFolder } from "./folder.ts";
import { contentFile, erasedFile, keyFile, letterOf } from "./reader.ts";

/** Files that are made durable at the same time; each holds at most a mebibyte in memory. */
const AT_ONCE = 16;

export class ContentKeeper {
  readonly #crypto: Crypto;
  readonly #folder: MirrorFolder;
  readonly #letters: number[];
  readonly #pending = new Map<string, Promise<void>>();
  readonly #keys = new Set<string>();
  #failed: { readonly error: unknown } | undefined;

  /** `before` are the letters of the bundle's first entries, which are here already. */
  constructor(crypto: Crypto, folder: MirrorFolder, before: Uint8Array) {
    this.#crypto = crypto;
    this.#folder = folder;
    this.#letters = [...before];
  }

  async keep(
    reader: LogReader,
    entry: ReadEntry & { readonly leaf: Leaf; readonly content: ContentSlot },
  ): Promise<void> {
    const { leaf, content, index } = entry;
    // Only a bare digest may come without its content; of everything else it was there once.
    if (content.state === "never-held" && leaf.kind === "countersign")
      throw new LogError(
        "RESPONSE_INVALID",
        `The log does not give the content of entry ${index}.`,
        {
          field: `content of entry ${index}`,
          expected: toHex(leafContentDigest(leaf)),
        },
      );
    // What the log has erased does not come back from a source that lags.
    if (content.state === "held" && !this.#isErased(leafContentDigest(leaf)))
      await this.#write(contentFile(leafContentDigest(leaf)), content.bytes);
    const digest = leaf.kind === "countersign" ? leaf.signature.key.digest : undefined;
    if (digest !== undefined) await this.#key(reader, digest);
    this.#letters.push(letterOf(content.state));
  }

  /** Nothing is being written any more: whoever goes on or gives up has to wait for it. */
  async idle(): Promise<void> {
    await Promise.all(this.#pending.values());
  }

  /** The letters of the whole bundle, everything of which must be in place. */
  letters(): Uint8Array {
    this.#mustGoOn();
    return Uint8Array.from(this.#letters);
  }

  #isErased(digest: Hash): boolean {
    return this.#folder.sizeOf(erasedFile(digest)) !== undefined;
  }

  async #key(reader: LogReader, digest: Hash): Promise<void> {
    const name = keyFile(digest);
    if (this.#keys.has(name)) return;
    this.#keys.add(name);
    const here = this.#folder.read(name, MAX_KEY_BYTES);
    if (here !== undefined && equal(this.#crypto.sha256(here), digest)) return;
    await this.#write(name, await reader.key(digest));
  }

  async #write(name: string, bytes: Uint8Array): Promise<void> {
    if (this.#pending.size >= AT_ONCE) await Promise.race(this.#pending.values());
    // One file is written once at a time: two entries may share a content.
    await this.#pending.get(name);
    this.#mustGoOn();
    this.#pending.set(name, this.#writing(name, bytes));
  }

  /** Never rejects: nobody may be waiting for it yet. */
  async #writing(name: string, bytes: Uint8Array): Promise<void> {
    try {
      await this.#folder.write(name, bytes);
    } catch (error) {
      this.#failed ??= { error };
    }
    this.#pending.delete(name);
  }

  #mustGoOn(): void {
    if (this.#failed !== undefined) throw this.#failed.error;
  }
}
