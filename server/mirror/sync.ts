/**
 * The step by which a mirror follows its log.
 *
 *     1  ask       the log's signed head, under keys that were given, with its quorum where asked for
 *     2  compare   with the newest head this mirror has ever seen; a fork ends here, with evidence
 *     3  fetch     entries, contents and keys, each checked against the signed root as it comes
 *     4  derive    every hash tile, out of the leaf hashes, from the tree that is here to the new root
 *     5  settle    what the log's statements erase is gone (erasures.ts), and all of it is durable
 *     6  move      the checkpoint
 *
 * - M1  A mirror never moves its checkpoint to a head that does not extend the one it has, and
 *       never shows a head unless every byte below it was hashed by this file and is durable.
 *
 * Whatever a run that was killed has left behind is taken up again by the next one, checked like
 * bytes from the network. Memory holds one bundle and one content answer, whatever the log's size.
 *
 * Spec: C2SP tlog-tiles; docs/formats.md §Mirror folder.
 *
 * @module
 */
import type { Crypto } from "../../client/crypto/crypto.ts";
import type { Source } from "../../client/fetch.ts";
import { forkError } from "../../client/fork.ts";
import { type Head, tooFewWitnesses } from "../../client/head.ts";
import { LogReader, type ReadEntry } from "../../client/log.ts";
import type { Memory } from "../../client/memory.ts";
import type { TrustedLog } from "../../client/trust.ts";
import { fetchHead, observe } from "../../client/update.ts";
import { equal } from "../../schema/bytes.ts";
import { parseLeaf } from "../../schema/entry/leaf.ts";
import { LogError, unwrap } from "../../schema/error.ts";
import { encodeBundle } from "../../schema/tlog/bundle.ts";
import { HASH_BYTES } from "../../schema/tlog/hash.ts";
import { parseNote } from "../../schema/tlog/note.ts";
import { entriesPath, TILE_WIDTH, tilePath, tileWidth } from "../../schema/tlog/tile.ts";
import { Edge } from "../sequencer/edge.ts";
import { ContentKeeper } from "./contents.ts";
import { MirrorErasures } from "./erasures.ts";
import type { MirrorFolder } from "./folder.ts";
import { CHECKPOINT, edgeOf, headOf } from "./folder-head.ts";
import { type MirrorInfo, mustBeMirrorOf, readInfo, writeInfo } from "./info.ts";
import { MirrorReader, slotsPath } from "./reader.ts";
import { folderSource, nearFirst } from "./source.ts";

export interface MirrorPorts {
  readonly crypto: Crypto;
  /** The log, or another mirror of it. */
  readonly source: Source;
  readonly log: TrustedLog;
  readonly folder: MirrorFolder;
  /** The newest head that was ever seen, whole here or not. */
  readonly memory: Memory;
  /** Why a signed head is not followed, e.g. for want of a quorum; `undefined` where it is. */
  readonly refuses?: (head: Head) => Promise<string | undefined>;
  /** Leave contents and keys to others, also where the log has them. */
  readonly entriesOnly?: boolean;
  readonly progress?: (done: number, total: number) => void;
  /** Ends a run between two bundles, with `STOPPING`. */
  readonly stop?: AbortSignal;
}

export type Synced =
  /** `shown` is the log's head, `head` the one that is whole here now. */
  | {
      readonly state: "first" | "advanced" | "same" | "stale";
      readonly shown: Head;
      readonly head: Head;
      /** Entries whose content is called erased, and no statement of the log says so. */
      readonly lost: readonly number[];
    }
  /** The log's head is signed and may not be followed. */
  | { readonly state: "refused"; readonly shown: Head; readonly reason: string };

/** What one run brings along from bundle to bundle. */
interface Filling {
  /** Full tiles, whose partial ones are not needed any more. */
  readonly filled: string[];
  readonly again: boolean;
  readonly erasures: MirrorErasures;
}

export class Mirror {
  readonly #ports: MirrorPorts;
  #info: MirrorInfo | undefined;
  #head: Head | undefined;
  #edge: Edge;

  /**
   * Throws `STORE_CORRUPT` where what is here does not give the head that is here, unless all of it
   * is to be gone through again.
   */
  static async open(ports: MirrorPorts, again = false): Promise<Mirror> {
    const { crypto, folder, log } = ports;
    const info = readInfo(folder);
    if (info !== undefined) mustBeMirrorOf(folder.path, info, log.origin);
    const head = await headOf(ports, folder).catch((error: unknown) => {
      if (again) return undefined;
      throw error;
    });
    const edge =
      head === undefined || again ? Edge.empty(crypto.sha256) : edgeOf(crypto.sha256, folder, head);
    return new Mirror(ports, info, head, edge);
  }

  private constructor(
    ports: MirrorPorts,
    info: MirrorInfo | undefined,
    head: Head | undefined,
    edge: Edge,
  ) {
    this.#ports = ports;
    this.#info = info;
    this.#head = head;
    this.#edge = edge;
  }

  /** The newest head that is whole here. */
  get head(): Head | undefined {
    return this.#head;
  }

  get hasContents(): boolean {
    return this.#info?.contents ?? false;
  }

  /** A reader of what is here, up to the head that is whole. */
  reader(): MirrorReader {
    return new MirrorReader(
      this.#ports.folder,
      () => this.#head?.tree.size ?? 0,
      () => this.hasContents,
    );
  }

  /**
   * Follow the log to the head that it shows. `again` takes from it what is damaged here as well.
   * Throws `LOG_MISBEHAVED` with evidence for a fork, `RESPONSE_INVALID` where what is served does not
   * belong to the signed head; the checkpoint has not moved then.
   */
  async sync(again = false): Promise<Synced> {
    const { refuses } = this.#ports;
    const shown = await fetchHead({ ...this.#ports, transport: this.#ports.source });
    const reason = await refuses?.(shown);
    if (reason !== undefined) return { state: "refused", shown, reason };
    const { state } = await this.#compare(shown);
    const before = this.#head;
    const size = before?.tree.size ?? 0;
    if (again && shown.tree.size < size)
      throw new LogError("NOT_FOUND", `the log shows ${shown.tree.size} entries of ${size}`, {
        hint: "it lags; ask again later, or another mirror",
      });
    let lost: readonly number[] = [];
    if (before === undefined || shown.tree.size > size || again)
      lost = await this.#follow(shown, again);
    else if (shown.tree.size === size) await this.#refresh(before, shown);
    const head = this.#head ?? shown;
    const moved = head.tree.size > size ? "advanced" : state;
    return { state: before === undefined ? "first" : moved, shown, head, lost };
  }

  /** Against the newest head ever seen; a smaller one is judged by the tiles that are here. */
  async #compare(shown: Head): Promise<{ state: "first" | "advanced" | "same" | "stale" }> {
    const { source, memory, log } = this.#ports;
    const seen = await memory.load(log.vkeyTexts);
    const smaller = seen !== undefined && shown.tree.size < seen.size;
    const transport = smaller ? nearFirst(this.#near(this.#head?.tree.size ?? 0), source) : source;
    const observed = await observe({ ...this.#ports, transport }, shown);
    if (observed.state === "forked") throw forkError(log.origin, observed.evidence);
    if (observed.state === "unwitnessed") return unwrap(tooFewWitnesses(shown, observed.tooFew));
    return observed;
  }

  async #follow(target: Head, again: boolean): Promise<readonly number[]> {
    const { crypto, folder, log } = this.#ports;
    const start = again ? Edge.empty(crypto.sha256) : this.#edge;
    const filled: string[] = [];
    const erasures = new MirrorErasures(this.#ports);
    const edge = await this.#fill(target, start, { filled, again, erasures });
    if (!equal(edge.head.root, target.tree.root))
      throw new LogError("RESPONSE_INVALID", `the entries of ${log.origin} are not its root`, {
        field: CHECKPOINT,
      });
    for (const { level, index, hashes } of edge.partialTiles())
      await folder.write(tilePath(level, index, hashes.length / HASH_BYTES), hashes);
    const lost = this.hasContents ? await erasures.carryOut(target.tree.size) : [];
    await folder.settle();
    await folder.write(CHECKPOINT, target.note);
    await folder.settle();
    this.#head = target;
    this.#edge = edge;
    for (const name of filled) await folder.remove(`${name}.p`);
    return lost;
  }

  /** Entries, contents and full tiles from the tree `start` to the target, bundle by bundle. */
  async #fill(target: Head, start: Edge, filling: Filling): Promise<Edge> {
    const { filled } = filling;
    const { folder, progress, stop } = this.#ports;
    const { size } = target.tree;
    let edge = start;
    for (let at = start.head.size; at < size; at = edge.head.size) {
      if (stop?.aborted === true)
        throw new LogError("STOPPING", `stopped at ${at} of ${size} entries; they are kept`);
      const index = Math.floor(at / TILE_WIDTH);
      const width = tileWidth(size, 0, index);
      const entries = await this.#checked(target, (reader) => bundle(reader, index, width));
      const contents = await this.#keepsContents(entries);
      const leaves = entries.map(({ leafBytes }) => leafBytes);
      await folder.write(entriesPath(index, width), encodeBundle(leaves));
      if (contents) await this.#contents(target, start.head.size, { index, width }, filling);
      const growth = edge.grow(entries.slice(at % TILE_WIDTH).map(({ leafHash }) => leafHash));
      for (const tile of growth.full) {
        const name = tilePath(tile.level, tile.index);
        await folder.write(name, tile.row());
        filled.push(name);
      }
      if (width === TILE_WIDTH) filled.push(entriesPath(index), slotsPath(index, width));
      edge = growth.edge;
      progress?.(edge.head.size, size);
    }
    return edge;
  }

  /** Decided once, by entry 0: a log of this kind begins with a `countersign` leaf. */
  async #keepsContents(entries: readonly ReadEntry[]): Promise<boolean> {
    if (this.#info !== undefined) return this.#info.contents;
    const [first] = entries;
    const leaf = first === undefined ? undefined : parseLeaf(first.leafBytes);
    const ours = leaf?.ok === true && leaf.value.kind === "countersign";
    const contents = ours && this.#ports.entriesOnly !== true;
    this.#info = { origin: this.#ports.log.origin, contents };
    await writeInfo(this.#ports.folder, this.#info);
    return contents;
  }

  /** Contents of a bundle, from the entry on whose predecessors' slots are here. */
  async #contents(
    target: Head,
    known: number,
    { index, width }: { readonly index: number; readonly width: number },
    { again, erasures }: Filling,
  ): Promise<void> {
    const { crypto, folder } = this.#ports;
    const first = index * TILE_WIDTH;
    const before = known > first ? this.reader().letters(index, known - first) : undefined;
    const keep = async (reader: LogReader): Promise<void> => {
      const keeper = new ContentKeeper(crypto, folder, before ?? new Uint8Array(0));
      const from = first + (before?.length ?? 0);
      try {
        for await (const entry of reader.contents(from, first + width)) {
          erasures.see(entry);
          await keeper.keep(reader, entry);
        }
      } finally {
        await keeper.idle();
      }
      await folder.write(slotsPath(index, width), keeper.letters());
    };
    // Of a letter that is damaged here only the log can say what it was.
    await (again ? keep(this.#farReader(target)) : this.#checked(target, keep));
  }

  /** What is here is read first; where that does not fit the signed root, the log is asked. */
  async #checked<T>(target: Head, work: (reader: LogReader) => Promise<T>): Promise<T> {
    const near = nearFirst(this.#near(target.tree.size), this.#ports.source);
    try {
      return await work(new LogReader({ ...this.#ports, transport: near }, target));
    } catch (error) {
      if (!(error instanceof LogError) || error.code !== "RESPONSE_INVALID") throw error;
      return work(this.#farReader(target));
    }
  }

  #farReader(target: Head): LogReader {
    return new LogReader({ ...this.#ports, transport: this.#ports.source }, target);
  }

  /** This folder as a source, up to a size that may not be whole here yet. */
  #near(size: number): Source {
    const { folder } = this.#ports;
    const reader = new MirrorReader(
      folder,
      () => size,
      () => this.hasContents,
    );
    return folderSource(folder, reader, () => size);
  }

  /** The same head with other cosignatures: kept where it has not fewer lines. */
  async #refresh(before: Head, shown: Head): Promise<void> {
    if (equal(before.note, shown.note) || lines(shown) < lines(before)) return;
    await this.#ports.folder.write(CHECKPOINT, shown.note);
    await this.#ports.folder.settle();
    this.#head = shown;
  }
}

async function bundle(reader: LogReader, index: number, width: number): Promise<ReadEntry[]> {
  const first = index * TILE_WIDTH;
  const entries: ReadEntry[] = [];
  for await (const entry of reader.entries(first, first + width)) entries.push(entry);
  return entries;
}

function lines({ note }: Head): number {
  return unwrap(parseNote(note)).signatures.length;
}
