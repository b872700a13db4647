/**
 * Damage that nothing in the store can heal: leaves, contents and key objects come back from a
 * mirror. `fsck --repair-from` runs it; what is only derived is written anew with it.
 *
 * The store's own signed head is what everything is held against: its checkpoint must verify under
 * the log's key and say what the head says, and the guard must not contradict it. Each leaf of the
 * mirror is checked by the tile that leads to that root, each content and key by the digest in its
 * leaf; and at the end all leaves together must give the root, or nothing is kept.
 *
 * A content that the log has erased is not asked for, and does not come back.
 *
 * A leaf that may be opaque and has no content in the store stays so: no mirror can make it say more
 * than was logged.
 *
 * @module
 */
import type { Crypto } from "../client/crypto/crypto.ts";
import type { Source } from "../client/fetch.ts";
import { type Head, openHead } from "../client/head.ts";
import { LogReader, type ReadEntry } from "../client/log.ts";
import { keptPostings } from "../client/lookup/erased.ts";
import type { TrustedLog } from "../client/trust.ts";
import { fetchHead } from "../client/update.ts";
import { equal, toHex } from "../schema/bytes.ts";
import { OwnStatements } from "../schema/entry/own-statements.ts";
import { LogError } from "../schema/error.ts";
import { encodePostings } from "../schema/index/posting.ts";
import { type Hash, leafHash } from "../schema/tlog/hash.ts";
import { TILE_WIDTH } from "../schema/tlog/tile.ts";
import { factsOf, type LeafFacts } from "./fsck.ts";
import { states } from "./sequencer/commit.ts";
import type { GuardedHead } from "./sequencer/ports.ts";
import type { LeafRow } from "./storage/sqlite/audit.ts";
import { StorePatch } from "./storage/sqlite/patch.ts";

export interface RepairFromPorts {
  readonly crypto: Crypto;
  /** The folder of the store. */
  readonly folder: string;
  /** This log, as its own key knows it. */
  readonly log: TrustedLog;
  readonly source: Source;
  /** What the guard says, where it is at hand. */
  readonly guard: GuardedHead | undefined;
  readonly progress?: (done: number, total: number) => void;
}

export interface Repaired {
  /** Indexes of the leaves that were taken from the mirror. */
  readonly leaves: readonly number[];
  /** Digests, hex. */
  readonly contents: readonly string[];
  readonly keys: readonly string[];
  /** What is damaged here and not to be had from the mirror, in words. */
  readonly missing: readonly string[];
}

/** Throws `STORE_CORRUPT` where the leaves, the mirror's among them, do not give the signed root. */
export async function repairFrom(ports: RepairFromPorts): Promise<Repaired> {
  const patch = StorePatch.open(ports.folder, ports.crypto.sha256);
  try {
    const own = await ownHead(ports, patch);
    const shown = await fetchHead({ ...ports, transport: ports.source });
    // A mirror that lags vouches for what it has; the root at the end vouches for all.
    const authority = shown.tree.size < own.tree.size ? shown : own;
    const repair = new Repair(ports, patch, authority);
    patch.deriveContentRows();
    await repair.run();
    patch.commit(repair.named, ports.progress);
    return repair.repaired;
  } finally {
    patch.close();
  }
}

/** The store's head, if it was signed and the guard does not say otherwise. */
async function ownHead(
  { crypto, log, guard }: RepairFromPorts,
  { meta, head }: StorePatch,
): Promise<Head> {
  const hint = "restore a backup into a new folder, or `countersign recover --from … --new-store`";
  const field = "head.checkpoint";
  if (meta.origin !== log.origin || !states(head.checkpoint, log.origin, head))
    throw new LogError("STORE_CORRUPT", "the checkpoint does not state the head beside it", {
      field,
      hint,
    });
  const opened = await openHead(crypto, log, head.checkpoint);
  if (!opened.ok) throw new LogError("STORE_CORRUPT", opened.message, { field, hint });
  if (guard?.size === head.size && !equal(guard.root, head.root))
    throw new LogError("GUARD_DIFFERS", `another root was signed for size ${head.size}`, {
      field: "guard",
      expected: `root ${toHex(guard.root)}`,
      hint: "this store is a fork of the log: do not publish it; `countersign recover` explains",
    });
  return opened.value;
}

class Repair {
  /** Digests of the key objects that leaves name, hex. */
  readonly named = new Set<string>();
  readonly #ports: RepairFromPorts;
  readonly #patch: StorePatch;
  readonly #authority: Head;
  readonly #reader: LogReader;
  readonly #sound: Set<string>;
  readonly #leaves: number[] = [];
  readonly #contents: string[] = [];
  readonly #keys: string[] = [];
  readonly #missing: string[] = [];
  /** Digests of contents that the log has erased, in hex: never asked for. */
  readonly #erased = new Set<string>();
  /** Entries whose content the mirror calls erased, with its digest. */
  readonly #called = new Map<number, string>();

  constructor(ports: RepairFromPorts, patch: StorePatch, authority: Head) {
    this.#ports = ports;
    this.#patch = patch;
    this.#authority = authority;
    this.#reader = new LogReader({ ...ports, transport: ports.source }, authority);
    this.#sound = new Set(patch.soundKeys().map(toHex));
  }

  get repaired(): Repaired {
    return {
      leaves: this.#leaves,
      contents: this.#contents,
      keys: this.#keys,
      missing: this.#missing,
    };
  }

  async run(): Promise<void> {
    const { size } = this.#patch.head;
    this.#findErased();
    for (let from = 0; from < size; from += TILE_WIDTH) {
      const to = Math.min(from + TILE_WIDTH, size);
      const rows = new Map(this.#patch.leaves(from, to).map((row) => [row.idx, row]));
      const wrong = await this.#wrong(rows, from, to);
      const given = wrong.size === 0 ? wrong : await this.#fetch(wrong, from, to);
      for (let index = from; index < to; index++) await this.#entry(index, rows.get(index), given);
      this.#ports.progress?.(to, size);
    }
    this.#findErased();
    for (const [index, digest] of this.#called)
      if (!this.#erased.has(digest))
        this.#missing.push(
          `the content of entry ${index}: called erased, and no statement of the log says so`,
        );
  }

  /** As far as its statements are whole here; the next start finds the others and carries them out. */
  #findErased(): void {
    const own = new OwnStatements(this.#ports.crypto.sha256, this.#ports.log.vkeyTexts);
    const { size } = this.#patch.head;
    for (let from = 0; from < size; from += TILE_WIDTH)
      for (const { bytes, content } of this.#patch.leaves(
        from,
        Math.min(from + TILE_WIDTH, size),
      )) {
        const leaf = content === null ? undefined : own.find(bytes);
        const held = leaf && content !== null ? this.#patch.contentBytes(content) : undefined;
        const erasure = leaf && held && own.erasure(leaf, held);
        if (erasure !== undefined) this.#erased.add(erasure.digest);
      }
  }

  /** Entries whose leaf is not the one that the signed root commits to. */
  async #wrong(
    rows: ReadonlyMap<number, LeafRow>,
    from: number,
    to: number,
  ): Promise<Map<number, ReadEntry | undefined>> {
    const wrong = new Map<number, ReadEntry | undefined>();
    const known = Math.min(to, this.#authority.tree.size);
    if (from >= known) return wrong;
    const places = Array.from({ length: known - from }, (_, i) => ({ level: 0, index: from + i }));
    const committed = await this.#reader.nodes(places);
    for (let index = from; index < known; index++) {
      const row = rows.get(index);
      const hash = committed(0, index);
      const same =
        row !== undefined &&
        hash !== undefined &&
        equal(leafHash(this.#ports.crypto.sha256, row.bytes), hash);
      if (!same) wrong.set(index, undefined);
    }
    return wrong;
  }

  async #fetch(
    wrong: ReadonlyMap<number, unknown>,
    from: number,
    to: number,
  ): Promise<Map<number, ReadEntry | undefined>> {
    const given = new Map<number, ReadEntry | undefined>();
    for await (const entry of this.#reader.entries(from, to))
      if (wrong.has(entry.index)) given.set(entry.index, entry);
    return given;
  }

  /** Leaf first: what stands beside it is what the right leaf names. */
  async #entry(
    index: number,
    row: LeafRow | undefined,
    given: ReadonlyMap<number, ReadEntry | undefined>,
  ): Promise<void> {
    const fetched = given.get(index);
    const bytes = fetched?.leafBytes ?? row?.bytes;
    const facts = bytes === undefined ? undefined : factsOf(bytes);
    // Beyond what the mirror has: the root at the end says whether anything is wrong.
    if (index >= this.#authority.tree.size && facts?.ok !== true) return;
    if (bytes === undefined || facts === undefined)
      throw new LogError("INTERNAL", "a missing leaf was not asked for");
    if (!facts.ok) throw new LogError(facts.code, `entry ${index}: ${facts.message}`);
    const before = row?.content ?? null;
    const content = await this.#content(index, facts.value, before, row === undefined);
    if (fetched !== undefined) this.#leaves.push(index);
    if (fetched !== undefined || content !== before) this.#patch.putLeaf(index, content, bytes);
    if (facts.value.keyDigest !== undefined) await this.#key(index, facts.value.keyDigest);
  }

  /** The id of the content that a leaf names; `null` where there is none. */
  async #content(
    index: number,
    { contentDigest, mayBeOpaque }: LeafFacts,
    before: number | null,
    isNew: boolean,
  ): Promise<number | bigint | null> {
    if (before === null && mayBeOpaque && !(isNew && (await this.#wasHeld(index)))) return null;
    if (this.#erased.has(toHex(contentDigest)))
      return this.#erasedContent(index, contentDigest, before);
    const known = this.#patch.contentId(contentDigest);
    if (known !== undefined) return known;
    const what = `the content of entry ${index}`;
    const bytes = await this.#orMissing(what, async () => this.#orErased(contentDigest));
    if (bytes === undefined) return before;
    if (bytes === "erased") {
      this.#called.set(index, toHex(contentDigest));
      return this.#erasedContent(index, contentDigest, before);
    }
    this.#contents.push(toHex(contentDigest));
    return this.#patch.addContent(contentDigest, bytes);
  }

  /** The mirror may know of a statement whose leaf is damaged here. */
  async #orErased(digest: Hash): Promise<Uint8Array | "erased"> {
    try {
      return await this.#reader.content(digest);
    } catch (error) {
      if (error instanceof LogError && error.code === "CONTENT_ERASED") return "erased";
      throw error;
    }
  }

  /** What the log has erased is not asked for, only what its entries post, where that is gone. */
  async #erasedContent(
    index: number,
    digest: Hash,
    before: number | null,
  ): Promise<number | bigint> {
    const id = this.#patch.addErased(digest, before);
    if (this.#patch.keptPostings(index) === undefined) {
      const postings = await keptPostings(this.#ports.source, index);
      if (postings !== undefined) this.#patch.keepPostings(index, encodePostings(postings));
    }
    return id;
  }

  /** Of a row that is gone only the mirror can say whether its content was held. */
  async #wasHeld(index: number): Promise<boolean> {
    for await (const { content } of this.#reader.contents(index, index + 1))
      return content.state !== "never-held";
    return false;
  }

  async #key(index: number, digest: Hash): Promise<void> {
    const name = toHex(digest);
    this.named.add(name);
    if (this.#sound.has(name)) return;
    const what = `the key object of entry ${index}`;
    const bytes = await this.#orMissing(what, async () => this.#reader.key(digest));
    if (bytes === undefined) return;
    this.#patch.putKey(digest, bytes);
    this.#sound.add(name);
    this.#keys.push(name);
  }

  async #orMissing<T>(what: string, ask: () => Promise<T>): Promise<T | undefined> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof LogError) || !GONE.has(error.code)) throw error;
      this.#missing.push(`${what}: ${error.message}`);
      return undefined;
    }
  }
}

/** The mirror answers, and has it not, or has other bytes. */
const GONE: ReadonlySet<string> = new Set(["NOT_FOUND", "RESPONSE_INVALID"]);
