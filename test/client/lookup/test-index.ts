/**
 * An index over the small log of the client's tests: a real map, a real index log under the log's
 * own key, and bundles that a test can change in exactly one place.
 */

import { nodeCrypto } from "../../../client/crypto/node.ts";
import type { Source } from "../../../client/fetch.ts";
import { gitHashOf } from "../../../client/git/hash.ts";
import { concat, fromUtf8, toHex } from "../../../schema/bytes.ts";
import { LogError } from "../../../schema/error.ts";
import type { MapPiece } from "../../../schema/http/map-paths.ts";
import { type Generation, INDEX_V1, indexOrigin } from "../../../schema/index/generation.ts";
import { encodeIndexLeaf, type IndexLeaf } from "../../../schema/index/index-leaf.ts";
import type { Lookup, LookupAnswer, LookupKey } from "../../../schema/index/lookup.ts";
import { mapKey } from "../../../schema/index/map-key.ts";
import { MapTree } from "../../../schema/index/map-tree.ts";
import { encodePostings, type Posting, postingsLeafHash } from "../../../schema/index/posting.ts";
import { initialState } from "../../../schema/index/re-execute.ts";
import { type KeyRecord, type Listed, summaryOf } from "../../../schema/index/record.ts";
import { encodePruned } from "../../../schema/index/shown-tree.ts";
import { formatUpdate, type LeafUpdate } from "../../../schema/index/update.ts";
import { IndexGrowth, type IndexPosition, type IndexStep } from "../../../server/index/grow.ts";
import { mapPiece } from "../../../server/index/map-pieces.ts";
import { TestLog } from "../test-log.ts";

const { sha256 } = nodeCrypto;

type PostingLie = (postings: readonly Posting[], index: number) => readonly Posting[];

export class TestIndex {
  readonly main: TestLog;
  readonly log: TestLog;
  readonly generation: Generation;
  readonly tree = new MapTree(sha256);
  readonly updates: LeafUpdate[] = [];
  /** Of each entry that is indexed. */
  readonly posted: (readonly Posting[])[] = [];
  /** Right edges of the postings tree, by leaf. */
  readonly edges: Uint8Array[] = [new Uint8Array(0)];
  readonly #lists = new Map<string, Listed[]>();
  readonly #records = new Map<string, KeyRecord>();
  position: IndexPosition;
  /** The signed note of the main head that was indexed last. */
  mainNote = "";
  /** What an index that lies makes of an entry's postings. */
  lie: PostingLie = (postings) => postings;
  /** The same, told by the map alone: the postings root says what is true. */
  lieInMap: PostingLie = (postings) => postings;
  /** What it says in its leaves instead of what came out. */
  lieInLeaf: (leaf: IndexLeaf) => IndexLeaf = (leaf) => leaf;

  /** `name` is the origin under which it signs its heads. */
  constructor(
    main: TestLog,
    generation: Generation = INDEX_V1,
    name: string = indexOrigin(main.origin, generation),
  ) {
    this.main = main;
    this.generation = generation;
    this.log = new TestLog(name, main.key);
    const { leaf, postings } = initialState(sha256, generation.id, main.origin);
    this.position = { leaf, map: this.tree.newest, postings };
    this.log.append(encodeIndexLeaf(leaf));
  }

  postingsOf(index: number): readonly Posting[] {
    const log = { origin: this.main.origin, vkeys: [this.main.vkey] };
    const { leaf, content } = this.entry(index);
    return this.generation.mapfn({ sha256, git: gitHashOf(nodeCrypto) }, log, leaf, content);
  }

  entry(index: number): { leaf: Uint8Array; content: Uint8Array | undefined } {
    const { entry, content } = this.main.receipt(index);
    return { leaf: entry.leafBytes, content };
  }

  /** Sign another leaf behind the newest one, whatever it says. */
  addLeaf(leaf: IndexLeaf): void {
    const bytes = encodeIndexLeaf(leaf);
    this.log.append(bytes);
    const [update] = this.updates.slice(-1);
    const main = this.main.checkpoint(leaf.main.size);
    if (update !== undefined) this.updates.push({ ...update, main, leaf: bytes });
  }

  /** Index the main log as it is now: one more leaf. */
  grow(): this {
    const from = this.position.leaf.main.size;
    const told = Array.from({ length: this.main.size - from }, (_, i) =>
      this.lie(this.postingsOf(from + i), from + i),
    );
    const lists = told.map((postings, i) => this.lieInMap(postings, from + i));
    this.posted.push(...lists);
    const head = { size: this.main.size, root: this.main.root() };
    const note = this.main.checkpoint();
    const find = (key: Uint8Array): KeyRecord | undefined => this.#records.get(toHex(key));
    const growth = new IndexGrowth({ sha256, tree: this.tree, find }, this.position);
    for (const { key, record } of growth.add(lists)) this.#records.set(toHex(key), record);
    const step = this.#asTold(growth.finish(head, note), told);
    for (const [i, postings] of lists.entries())
      for (const { key, claim } of postings) {
        const index = from + i;
        const list = this.#lists.get(toHex(key)) ?? [];
        list.push(claim === undefined ? { index } : { index, claim });
        this.#lists.set(toHex(key), list);
      }
    this.position = step.position;
    this.updates.push(step.update);
    this.edges.push(concat(...step.position.postings.hashes));
    this.mainNote = fromUtf8(note) ?? "";
    this.log.append(step.update.leaf);
    return this;
  }

  /** A step over the map's postings with the postings root of those that were told. */
  #asTold(step: IndexStep, told: readonly (readonly Posting[])[]): IndexStep {
    const range = this.position.postings.clone();
    for (const list of told) range.append(postingsLeafHash(sha256, encodePostings(list)));
    const postings = told.reduce((sum, list) => sum + list.length, this.position.leaf.postings);
    const root = { postings, postingsRoot: range.root() };
    const leaf = this.lieInLeaf({ ...step.position.leaf, ...root });
    const position = { ...step.position, leaf, postings: range };
    return { ...step, position, update: { ...step.update, leaf: encodeIndexLeaf(leaf) } };
  }

  /** A piece of the newest map. */
  piece(wanted: MapPiece): Uint8Array | undefined {
    const { leaf, map } = this.position;
    const list = (key: Uint8Array): readonly Listed[] => this.#lists.get(toHex(key)) ?? [];
    return mapPiece(
      {
        rows: this.tree,
        versions: [{ top: map.top, size: leaf.main.size }],
        list: (key, _, limit) => list(key).slice(0, limit),
        summary: (key) => summaryOf(sha256, list(key)),
      },
      wanted,
    );
  }

  answer(key: LookupKey, summaryOnly = false): LookupAnswer {
    const list = this.#lists.get(toHex(mapKey(sha256, this.main.origin, key.type, key.fields)));
    if (list === undefined) return { key, kind: "absent" };
    return summaryOnly
      ? { key, kind: "summary", summary: summaryOf(sha256, list) }
      : { key, kind: "list", list };
  }

  /** The main log as it is read, with the updates of the index; `change` is what somebody makes of them. */
  source(change: (update: LeafUpdate, leaf: number) => LeafUpdate = (update) => update): Source {
    const get = async (path: string, maxBytes: number): Promise<Uint8Array> => {
      const [, from, to] = /^\/update\/(\d+)-(\d+)$/.exec(this.#underIndex(path)) ?? [];
      const [name = "", query = ""] = path.split("?");
      const updates = this.updates.map((update, i) => change(update, i + 1));
      const body =
        from === undefined
          ? (this.below(name) ?? this.main.serve(name.replace(/^\//, ""), query && `?${query}`))
          : formatUpdate(updates.slice(Number(from) - 1, Number(to) - 1));
      if (body === undefined) throw new LogError("NOT_FOUND", `nothing at ${path}`);
      if (body.length > maxBytes) throw new LogError("RESPONSE_INVALID", `${path} is too long`);
      return body;
    };
    return { url: "memory:", get };
  }

  /** What is served of the index log, and of postings. */
  below(path: string): Uint8Array | undefined {
    const posted = /^\/index\/v1\/postings\/(\d+)$/.exec(path)?.[1];
    if (posted !== undefined) return encodePostings(this.posted[Number(posted)] ?? []);
    return this.#underIndex(path) === "/checkpoint" ? this.log.checkpoint() : undefined;
  }

  #underIndex(path: string): string {
    const prefix = this.log.origin.slice(this.main.origin.length);
    return path.startsWith(prefix) ? path.slice(prefix.length) : "";
  }

  /** The honest bundle for some keys, with all entries of their lists where they are wanted. */
  lookup(
    keys: readonly LookupKey[],
    wanted: "lists" | "entries" | "summaries" = "entries",
  ): Lookup {
    const answers = keys.map((key) => this.answer(key, wanted === "summaries"));
    const indexes = new Set(
      answers.flatMap((one) => (one.kind === "list" ? one.list.map(({ index }) => index) : [])),
    );
    const at = this.log.size - 1;
    const mapKeys = keys.map(({ type, fields }) => mapKey(sha256, this.main.origin, type, fields));
    const { size } = this.position.leaf.main;
    return {
      index: {
        checkpoint: fromUtf8(this.log.checkpoint()) ?? "",
        leafIndex: at,
        leaf: this.log.leaves[at] ?? new Uint8Array(0),
        hashes: this.log.proof(at),
      },
      main: this.mainNote,
      tree: encodePruned(this.tree, this.position.map.top, mapKeys),
      answers,
      entries:
        wanted !== "entries"
          ? []
          : [...indexes]
              .toSorted((a, b) => a - b)
              .map((index) => {
                const { leaf, content } = this.entry(index);
                const hashes = this.main.proof(index, size);
                return { index, leaf, hashes, ...(content === undefined ? {} : { content }) };
              }),
    };
  }
}
