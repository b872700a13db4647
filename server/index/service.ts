/**
 * The index of a running log: opens it, and answers look-ups while it follows the log (follower.ts).
 *
 * Off the write path: nothing here holds up an entry. While a step is worked out, guarded or
 * waits for its quorum, the log goes on, and look-ups are answered from the step before (X5).
 *
 * Spec: docs/formats.md §Index.
 *
 * @module
 */
import { codedError, LogError } from "../../schema/error.ts";
import type { MapPiece } from "../../schema/http/map-paths.ts";
import type { StatedEnd } from "../../schema/index/index-end.ts";
import type { Lookup, LookupEntry, LookupKey } from "../../schema/index/lookup.ts";
import type { FoundKeys } from "./find-keys.ts";
import { Follower } from "./follower.ts";
import { foundEntries } from "./found-entries.ts";
import { IndexThread } from "./index-thread.ts";
import { KeptHeads, mustNotBeBeyond, noSuchLeaf } from "./kept-heads.ts";
import { loggedLeaf } from "./logged-leaf.ts";
import type { IndexPorts, IndexStatus } from "./ports.ts";
import type { ConflictQuestion, IndexAnswer } from "./protocol.ts";
import { SnapshotPace } from "./snapshot-pace.ts";

export class IndexService {
  readonly #ports: IndexPorts;
  readonly #thread: IndexThread;
  readonly #heads = new KeptHeads();
  readonly #snapshots: SnapshotPace;
  readonly #follower: Follower;

  /**
   * Opens the tables and replays what the index log has beyond them. Throws `STORE_CORRUPT` where
   * the index log and the log contradict each other.
   */
  static async open(ports: IndexPorts): Promise<IndexService> {
    const service = new IndexService(ports);
    try {
      await service.#open();
    } catch (error) {
      await service.#thread.end();
      throw error;
    }
    service.#follower.start();
    return service;
  }

  private constructor(ports: IndexPorts) {
    this.#ports = ports;
    const thread = new IndexThread(ports.worker);
    this.#thread = thread;
    this.#snapshots = new SnapshotPace({
      clock: ports.clock,
      write: async (milliseconds) =>
        (await thread.ask({ call: "snapshot", milliseconds })).more === true,
      onTrouble: (error) => ports.onTrouble?.(codedError(error)),
    });
    const parts = { thread, heads: this.#heads, snapshots: this.#snapshots };
    this.#follower = new Follower(ports, parts);
  }

  /** There may be a newer published head. */
  notify(): void {
    this.#follower.notify();
  }

  status(): IndexStatus {
    return this.#follower.status();
  }

  /** Everything under some keys. Throws `NOT_FOUND` where `at` is not kept, or nothing is indexed. */
  async lookup(
    keys: readonly LookupKey[],
    options: { readonly entries: boolean; readonly summaries: boolean; readonly at?: number },
  ): Promise<Lookup> {
    const { entries, summaries } = options;
    const { index, sha256 } = this.#ports;
    const at = this.#shown(options.at);
    const request = { call: "find", keys, summaries, ...(at === undefined ? {} : { at }) } as const;
    const { found } = await this.#thread.ask(request);
    if (found === undefined || found.size === 0)
      throw new LogError("NOT_FOUND", "The index has no leaf of a signed head yet.", {
        field: "index",
        hint: "try again in a few seconds",
      });
    return {
      ...this.#heads.proved(sha256, index, found.leafIndex),
      main: found.main,
      tree: found.tree,
      answers: found.answers,
      entries: entries ? this.#entries(found) : [],
    };
  }

  /** X5: the leaf that is asked for, or the newest, as long as it is published. */
  #shown(at: number | undefined): number | undefined {
    const published = this.#ports.index.published().size;
    if (at !== undefined && at < published) return at;
    if (at === undefined && published >= this.#thread.standing.leaves) return undefined;
    if (at === undefined && published > 0) return published - 1;
    throw noSuchLeaf(this.#follower.stated, published);
  }

  /** The update that leads to a leaf (`schema/index/update.ts`), also of one not yet published. */
  async update(leafIndex: number): Promise<Uint8Array | undefined> {
    return (await this.#thread.ask({ call: "update", leafIndex })).update;
  }

  /** The right edge of the postings tree behind a leaf, hash after hash. */
  async edge(leafIndex: number): Promise<Uint8Array | undefined> {
    return (await this.#thread.ask({ call: "edge", leafIndex })).edge;
  }

  /** A piece of the map; `undefined` where no version that is kept has it. */
  async piece(piece: MapPiece): Promise<Uint8Array | undefined> {
    return (await this.#thread.ask({ call: "piece", piece })).piece;
  }

  /** Contradictions of what is indexed, or of what may be soon. */
  async ask(question: ConflictQuestion): Promise<IndexAnswer> {
    return this.#thread.ask(question);
  }

  /** No further step begins, as `Follower.hold` says. */
  async hold(): Promise<() => void> {
    return this.#follower.hold();
  }

  /** X8: the log has stated it, and it is where the index is held. */
  end(stated: StatedEnd): void {
    this.#follower.end(stated);
  }

  async close(): Promise<void> {
    await this.#follower.close();
    await this.#snapshots.close();
    await this.#thread.ask({ call: "close" }).catch(() => undefined);
    await this.#thread.end();
  }

  async #open(): Promise<void> {
    const { folder, logDatabase, log, generation, index } = this.#ports;
    await this.#thread.ask({ call: "open", folder, logDatabase, log, mapfn: generation.id });
    const published = index.published().size;
    const committed = await index.committed();
    if (this.#thread.standing.leaves > committed)
      throw new LogError("STORE_CORRUPT", "the index has leaves that the index log has not", {
        field: folder,
        hint: "`countersign index rebuild` makes it anew from the log",
      });
    mustNotBeBeyond(this.#ports.end, committed);
    // All but the last: verifiers that are new to this index execute it from leaf 1 on, and nothing of
    // it is shown before they have. The last is a step like any other.
    while (this.#thread.standing.leaves < Math.max(published, committed - 1)) {
      const { leaf, main } = loggedLeaf(this.#ports.index, this.#thread.standing.leaves);
      await this.#thread.ask({ call: "replay", leaf, main });
    }
    this.#heads.remember(this.#ports.index.published(), this.#thread.standing.leaves);
    this.#snapshots.consider(this.#thread.standing);
  }

  #entries(found: FoundKeys): LookupEntry[] {
    const { index, main, sha256 } = this.#ports;
    return foundEntries(sha256, main, loggedLeaf(index, found.leafIndex), found);
  }
}
