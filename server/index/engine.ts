/**
 * The index as its thread runs it: the map in memory, the postings on disk, and one step at a time.
 *
 * - X5  What is answered is a step that was kept, and a step is kept when its leaf is published:
 *       look-ups never show a map that the index log does not name.
 *
 * A step goes: `grow` (worked out, in an open transaction) → the leaf is appended to the index log,
 * guarded, cosigned, published → `keep`, or `abandon` where the leaf was refused. After a crash the
 * index log may be ahead of these tables by some leaves; `replay` grows to each of them by the same
 * code, and must arrive at the very bytes that were logged.
 *
 * Synchronous, one owner. Spec: docs/formats.md §Index.
 *
 * @module
 */
import { equal, join } from "../../schema/bytes.ts";
import { LogError, unwrap } from "../../schema/error.ts";
import type { MapPiece } from "../../schema/http/map-paths.ts";
import { encodeIndexLeaf, firstIndexLeaf, parseIndexLeaf } from "../../schema/index/index-leaf.ts";
import type { LookupKey } from "../../schema/index/lookup.ts";
import type { MapTree } from "../../schema/index/map-tree.ts";
import { formatUpdate } from "../../schema/index/update.ts";
import type { Hash } from "../../schema/tlog/hash.ts";
import type { TreeHead } from "../../schema/tlog/proof.ts";
import { CompactRange } from "../../schema/tlog/tree.ts";
import type { ContestedPage } from "./conflicts.ts";
import { type FoundConflict, findConflicts, findHints } from "./find-conflicts.ts";
import { type FoundKeys, findKeys } from "./find-keys.ts";
import { IndexGrowth } from "./grow.ts";
import { type KeptStep, KeptSteps } from "./kept-steps.ts";
import { notAsLogged } from "./logged-leaf.ts";
import { mapPiece } from "./map-pieces.ts";
import { MapSnapshots } from "./map-snapshots.ts";
import {
  CHUNK,
  damaged,
  type MapPorts,
  mapFromSnapshot,
  mapFromTables,
  postingsOf,
  type SnapshotStanding,
} from "./restore.ts";

/** Keys that are looked at in one question of a scan. */
const SCANNED_KEYS = 4_096;

/** A step that is worked out and waits for its leaf to be published. */
export interface Grown {
  readonly leafIndex: number;
  readonly leaf: Uint8Array;
  /** Keys under which something was claimed, and which have different values now. */
  readonly contradicted: readonly Hash[];
}

export class IndexEngine {
  readonly #ports: MapPorts;
  readonly #tree: MapTree;
  readonly #kept: KeptSteps;
  readonly #snapshots: MapSnapshots;
  #pending: KeptStep | undefined;
  #pendingStep: Uint8Array | undefined;

  private constructor(ports: MapPorts, tree: MapTree, kept: KeptStep, snapshot: SnapshotStanding) {
    this.#ports = ports;
    this.#tree = tree;
    this.#kept = new KeptSteps(kept);
    this.#snapshots = new MapSnapshots(ports.snapshot, tree, snapshot);
  }

  /** The map comes from its snapshot (X7), or is made anew; either way it has the stored root. */
  static open(ports: MapPorts): IndexEngine {
    const { hashes, log, store } = ports;
    if (store.leaves === 0) writeFirstLeaf(ports);
    const leafIndex = store.leaves - 1;
    const stored = store.leaf(leafIndex);
    if (stored === undefined) throw damaged(`leaf ${leafIndex} is missing`);
    const leaf = unwrap(parseIndexLeaf(stored.bytes));
    if (leaf.origin !== log.origin) throw damaged(`leaf ${leafIndex} is of another log`);
    const loaded = mapFromSnapshot(ports, { leafIndex, leaf });
    const tree = loaded?.tree ?? mapFromTables(ports, leaf);
    const postings = CompactRange.from(hashes.sha256, leaf.main.size, stored.edge);
    const position = { leaf, map: tree.newest, postings };
    const changes = loaded?.snapshot.changes ?? leaf.keys;
    const kept = { leafIndex, position, main: stored.main, changes };
    const standing = loaded?.snapshot ?? { leafIndex: 0, size: 0 };
    return new IndexEngine(ports, tree, kept, { ...standing, changes: 0 });
  }

  /** Leaves of the index log that are kept here. */
  get leaves(): number {
    return this.#kept.newest.leafIndex + 1;
  }

  /** Entries that are indexed. */
  get size(): number {
    return this.#kept.newest.position.leaf.main.size;
  }

  get keys(): number {
    return this.#kept.newest.position.leaf.keys;
  }

  /** Entries that the snapshot on the disk has; 0 where there is none. */
  get snapshotSize(): number {
    return this.#snapshots.standing.size;
  }

  /** Values that a start has to set in the map of the snapshot. */
  get snapshotChanges(): number {
    return this.#kept.newest.changes - this.#snapshots.standing.changes;
  }

  /** Bytes of the map. */
  get mapBytes(): number {
    return this.#tree.bytes;
  }

  /** Works out the step to a head. Throws why it cannot; then nothing has changed. */
  grow(head: TreeHead, main: Uint8Array): Grown {
    const { store } = this.#ports;
    if (this.#pending !== undefined) throw new LogError("INTERNAL", "a step is under way already");
    const { leafIndex, position, changes: before } = this.#kept.newest;
    if (head.size <= position.leaf.main.size)
      throw new LogError("INTERNAL", `size ${head.size} is indexed already`);
    store.begin();
    try {
      const find = (key: Hash) => store.find(key);
      const { sha256 } = this.#ports.hashes;
      const growth = new IndexGrowth({ sha256, tree: this.#tree, find }, position);
      const index = leafIndex + 1;
      const entries = head.size - position.leaf.main.size;
      let changes = before;
      for (let at = position.leaf.main.size; at < head.size; at += CHUNK) {
        const changed = growth.add(postingsOf(this.#ports, at, Math.min(at + CHUNK, head.size)));
        store.write(changed);
        store.changes.write(index, at, entries, changed);
        changes += changed.length;
      }
      const step = growth.finish(head, main);
      const { leaf: bytes } = step.update;
      const edge = step.position.postings.hashes;
      this.#pendingStep = formatUpdate([step.update]);
      store.writeLeaf({ index, bytes, edge, main, step: this.#pendingStep });
      this.#pending = { leafIndex: index, position: step.position, main, changes };
      return { leafIndex: index, leaf: bytes, contradicted: step.contradicted };
    } catch (error) {
      this.abandon();
      throw error;
    }
  }

  /** Grows to a leaf that is in the index log already. Throws `STORE_CORRUPT` for another one. */
  replay(logged: Uint8Array, main: Uint8Array): void {
    const leaf = unwrap(parseIndexLeaf(logged));
    const grown = this.grow(leaf.main, main);
    if (equal(grown.leaf, logged)) {
      this.keep();
      return;
    }
    this.abandon();
    throw notAsLogged(grown.leafIndex);
  }

  /** The leaf of the step is published (X5). */
  keep(): void {
    if (this.#pending === undefined) throw new LogError("INTERNAL", "no step is under way");
    this.#ports.store.changes.forgetUpTo(this.#snapshots.standing.leafIndex);
    this.#ports.store.commit();
    this.#kept.add(this.#pending);
    this.#pending = undefined;
    this.#forget();
  }

  /**
   * Writes the next slice of a snapshot of the newest step, and answers whether there is more to
   * write. What the file system throws leaves the snapshot before it in place.
   */
  writeSnapshot(): boolean {
    const more = this.#snapshots.write(this.#kept.newest);
    if (!more) this.#forget();
    return more;
  }

  abandon(): void {
    this.#ports.store.rollback();
    // A sealed version that is not kept is forgotten like rows that were never sealed.
    this.#tree.abandonTo(this.#kept.newest.position.map);
    this.#pending = undefined;
  }

  /** What the map says of some keys, in the newest kept step or in the one of an older leaf. */
  find(keys: readonly LookupKey[], summaries: boolean, at?: number): FoundKeys {
    const kept = at === undefined ? this.#kept.newest : this.#kept.at(at);
    return findKeys({ ...this.#ports, tree: this.#tree }, kept, keys, summaries);
  }

  /**
   * The update that leads to a leaf, as bytes of its own; `undefined` where it is not here. That of a
   * step under way is: its verifiers execute it before it may be published.
   */
  update(leafIndex: number): Uint8Array | undefined {
    if (leafIndex === this.#pending?.leafIndex) return this.#pendingStep;
    const step = leafIndex < this.leaves ? this.#ports.store.leaf(leafIndex)?.step : undefined;
    return step === undefined || step.length === 0 ? undefined : step;
  }

  /** The right edge of the postings tree behind a leaf: where an execution can begin. */
  edge(leafIndex: number): Uint8Array | undefined {
    const edge = this.#ports.store.leaf(leafIndex)?.edge;
    return edge === undefined ? undefined : join(edge);
  }

  /** A piece of the map, in any version that is kept; `undefined` where none of them has it. */
  piece(wanted: MapPiece): Uint8Array | undefined {
    const { store } = this.#ports;
    const versions = this.#kept.newestFirst().map(({ position: { leaf, map } }) => {
      return { top: map.top, size: leaf.main.size };
    });
    const source = {
      rows: this.#tree,
      versions,
      list: (key: Uint8Array, size: number, limit: number) => store.list(key, size, limit),
      summary: (key: Uint8Array, size: number) => store.record(key, size)?.summary(),
    };
    return mapPiece(source, wanted);
  }

  /** Contradictions among the entries of some keys, as far as they are kept. */
  conflicts(keys: readonly Hash[]): readonly FoundConflict[] {
    const ports = { ...this.#ports, size: this.size };
    return keys.flatMap((key) => findConflicts(ports, key));
  }

  /** Slots in which an entry that is not logged yet says something else than what is kept. */
  hints(leaf: Uint8Array, content: Uint8Array): readonly LookupKey[] {
    return findHints({ ...this.#ports, size: this.size }, leaf, content);
  }

  /** The next keys that have several values; `after` is the key to go on behind. */
  contested(after: Uint8Array): ContestedPage {
    return this.#ports.store.contested(after, SCANNED_KEYS);
  }

  /** With a snapshot of the newest step, where it can be written: a start can do without. */
  close(): void {
    if (this.#snapshots.held !== this.#kept.newest) this.#snapshots.abandon();
    try {
      while (this.writeSnapshot());
    } finally {
      this.#ports.store.close();
    }
  }

  /** Versions of the map that are neither kept nor being written. */
  #forget(): void {
    const { oldest } = this.#kept;
    const held = this.#snapshots.held ?? oldest;
    this.#tree.forgetBefore((held.leafIndex < oldest.leafIndex ? held : oldest).position.map);
  }
}

function writeFirstLeaf({ hashes, log, generation, store }: MapPorts): void {
  const bytes = encodeIndexLeaf(firstIndexLeaf(hashes.sha256, generation.id, log.origin));
  const nothing = new Uint8Array(0);
  store.begin();
  store.writeLeaf({ index: 0, bytes, edge: [], main: nothing, step: nothing });
  store.commit();
}
