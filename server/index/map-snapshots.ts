/**
 * The snapshots of a running index: the one on the disk, and the one that is being written.
 *
 * What a snapshot is and when it may be used says snapshot.ts (X7), when one is due
 * snapshot-pace.ts. Here is which step it is of: a snapshot is begun of the newest step, and while
 * its slices are written that step's version of the map has to be held.
 *
 * @module
 */
import { encodeIndexLeaf } from "../../schema/index/index-leaf.ts";
import type { MapImage } from "../../schema/index/map-image.ts";
import type { MapTree } from "../../schema/index/map-tree.ts";
import type { KeptStep } from "./kept-steps.ts";
import type { SnapshotStanding } from "./restore.ts";
import { SnapshotWriter } from "./snapshot.ts";

/** A snapshot that is being written. */
interface Writing {
  readonly of: KeptStep;
  readonly image: MapImage;
  readonly to: SnapshotWriter;
}

export class MapSnapshots {
  readonly #path: string;
  readonly #tree: MapTree;
  /** The snapshot on the disk; its changes are counted like those of the steps. */
  #standing: SnapshotStanding;
  #writing: Writing | undefined;

  constructor(path: string, tree: MapTree, standing: SnapshotStanding) {
    this.#path = path;
    this.#tree = tree;
    this.#standing = standing;
  }

  get standing(): SnapshotStanding {
    return this.#standing;
  }

  /** The step whose version of the map is still needed. */
  get held(): KeptStep | undefined {
    return this.#writing?.of;
  }

  /**
   * Writes the next slice of one of the newest step, and answers whether there is more to write.
   * What the file system throws leaves the snapshot before it in place.
   */
  write(newest: KeptStep): boolean {
    this.#writing ??= this.#begin(newest);
    if (this.#writing === undefined) return false;
    const { of, image, to } = this.#writing;
    try {
      if (!to.next(this.#tree.parts(image))) return true;
    } catch (error) {
      this.abandon();
      throw error;
    }
    const { leafIndex, position, changes } = of;
    this.#standing = { leafIndex, size: position.leaf.main.size, changes };
    this.#writing = undefined;
    return false;
  }

  /** Leaves the snapshot on the disk where it is. */
  abandon(): void {
    this.#writing?.to.abandon();
    this.#writing = undefined;
  }

  #begin(of: KeptStep): Writing | undefined {
    const image = this.#tree.image(of.position.map);
    if (image === undefined || of.leafIndex === this.#standing.leafIndex) return undefined;
    const leaf = { leafIndex: of.leafIndex, leaf: encodeIndexLeaf(of.position.leaf) };
    return { of, image, to: new SnapshotWriter(this.#path, leaf, image) };
  }
}
