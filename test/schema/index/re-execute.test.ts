import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHex, utf8 } from "../../../schema/bytes.ts";
import { encodeIndexLeaf } from "../../../schema/index/index-leaf.ts";
import { emptyMapRoot } from "../../../schema/index/map.ts";
import { MapTree } from "../../../schema/index/map-tree.ts";
import { MAPFN_V1 } from "../../../schema/index/mapfn.ts";
import { type Posting, sortPostings } from "../../../schema/index/posting.ts";
import {
  type IndexedEntry,
  type IndexState,
  initialState,
  reExecute,
} from "../../../schema/index/re-execute.ts";
import type { KeyRecord } from "../../../schema/index/record.ts";
import { formatUpdate, type LeafUpdate, parseUpdate } from "../../../schema/index/update.ts";
import { leafHash } from "../../../schema/tlog/hash.ts";
import { CompactRange } from "../../../schema/tlog/tree.ts";
import { IndexGrowth, type IndexPosition } from "../../../server/index/grow.ts";
import { failureOf, flipped, joined, sha256, valueOf } from "../tlog/support.ts";

const ORIGIN = "log.example.org";
const name = (text: string): ReturnType<typeof sha256> => sha256(utf8(text));

/** Entries out of small numbers, so that keys and claims meet again and again. */
const entry = fc
  .uniqueArray(fc.tuple(fc.nat(12), fc.option(fc.nat(3))), {
    selector: ([key]) => key,
    maxLength: 5,
  })
  .map((pairs) =>
    sortPostings(
      pairs.map(
        ([key, claim]): Posting =>
          claim === null
            ? { key: name(`key ${key}`) }
            : { key: name(`key ${key}`), claim: name(`claim ${claim}`) },
      ),
    ),
  );
const steps = fc.array(fc.array(entry, { minLength: 1, maxLength: 6 }), {
  minLength: 1,
  maxLength: 5,
});

/** An honest index over a main log, step by step. */
class Index {
  readonly tree = new MapTree(sha256);
  readonly #records = new Map<string, KeyRecord>();
  readonly #main = CompactRange.empty(sha256);
  position: IndexPosition;

  constructor() {
    const { leaf, postings } = initialState(sha256, MAPFN_V1, ORIGIN);
    this.position = { leaf, map: this.tree.newest, postings };
  }

  step(lists: readonly (readonly Posting[])[]): {
    update: LeafUpdate;
    entries: IndexedEntry[];
    contradicted: readonly Uint8Array[];
  } {
    const entries = lists.map((postings, i) => ({
      leafHash: leafHash(sha256, utf8(`entry ${this.#main.size + i}`)),
      postings,
    }));
    for (const entry of entries) this.#main.append(entry.leafHash);
    const head = { size: this.#main.size, root: this.#main.root() };
    const find = (key: Uint8Array): KeyRecord | undefined => this.#records.get(toHex(key));
    const growth = new IndexGrowth({ sha256, tree: this.tree, find }, this.position);
    // In two chunks, as an index grows that has more to read than fits.
    for (const chunk of [lists.slice(0, 2), lists.slice(2)])
      for (const { key, record } of growth.add(chunk)) this.#records.set(toHex(key), record);
    const step = growth.finish(head, utf8("note"));
    this.position = step.position;
    return { update: step.update, entries, contradicted: step.contradicted };
  }
}

describe("re-execution", () => {
  test("X3 accepts every step of an honest index, and ends with its map", () => {
    fc.assert(
      fc.property(steps, (lists) => {
        const index = new Index();
        let state = initialState(sha256, MAPFN_V1, ORIGIN);
        for (const list of lists) {
          const { update, entries } = index.step(list);
          const [again] = valueOf(parseUpdate(formatUpdate([update])));
          if (again === undefined) expect.fail("no update");
          expect(again).toEqual(update);
          state = valueOf(reExecute(state, again, entries));
        }
        expect(state.leaf).toEqual(index.position.leaf);
        expect(state.index.size).toBe(lists.length + 1);
      }),
    );
  });

  test("X3 refuses an update in which any one bit was changed", () => {
    const index = new Index();
    const list = (n: number): readonly Posting[] =>
      sortPostings([{ key: name(`key ${n}`), claim: name("a") }, { key: name("all") }]);
    const before = index.step([list(0), list(1), list(2)]);
    const state = valueOf(
      reExecute(initialState(sha256, MAPFN_V1, ORIGIN), before.update, before.entries),
    );
    const { update, entries } = index.step([list(1), list(3)]);
    // The main checkpoint is not looked at here; without it every byte counts.
    const bytes = formatUpdate([{ ...update, main: new Uint8Array(0) }]);
    expect(reExecute(state, update, entries).ok).toBe(true);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const parsed = parseUpdate(flipped(bytes, bit));
      if (!parsed.ok) continue;
      const [first, ...more] = parsed.value;
      const accepted =
        first !== undefined && more.length === 0 && first.main.length === 0
          ? reExecute(state, first, entries).ok
          : false;
      expect(accepted, `bit ${bit}`).toBe(false);
    }
    expect(parseUpdate(bytes.subarray(0, -1)).ok).toBe(false);
    expect(parseUpdate(joined(bytes, Uint8Array.of(0))).ok).toBe(false);
  });

  const first = (): { state: IndexState; index: Index } => {
    const index = new Index();
    const { update, entries } = index.step([
      sortPostings([{ key: name("a"), claim: name("1") }, { key: name("b") }]),
      sortPostings([{ key: name("a"), claim: name("2") }]),
    ]);
    const state = valueOf(reExecute(initialState(sha256, MAPFN_V1, ORIGIN), update, entries));
    return { state, index };
  };
  const lies: readonly [string, (entries: IndexedEntry[]) => IndexedEntry[]][] = [
    [
      "a posting left out",
      ([one, ...rest]) => [
        { leafHash: one?.leafHash ?? name("x"), postings: (one?.postings ?? []).slice(1) },
        ...rest,
      ],
    ],
    ["an entry left out", (entries) => entries.slice(1)],
    ["an entry too many", (entries) => [...entries, { leafHash: name("more"), postings: [] }]],
    ["entries in another order", (entries) => entries.toReversed()],
    [
      "another claim",
      ([one, ...rest]) => [
        {
          leafHash: one?.leafHash ?? name("x"),
          postings: [{ key: name("a"), claim: name("3") }, ...(one?.postings ?? []).slice(1)],
        },
        ...rest,
      ],
    ],
    [
      "another leaf",
      ([one, ...rest]) => [{ leafHash: name("x"), postings: one?.postings ?? [] }, ...rest],
    ],
  ];

  test.each(lies)("X3 refuses an index made of %s", (_, lie) => {
    const { state, index } = first();
    const { update, entries } = index.step([
      sortPostings([{ key: name("a"), claim: name("1") }, { key: name("c") }]),
      sortPostings([{ key: name("d") }]),
    ]);
    expect(reExecute(state, update, entries).ok).toBe(true);
    expect(failureOf(reExecute(state, update, lie(entries))).code).toBe("LOG_MISBEHAVED");
  });

  test("X3 refuses a leaf of another mapfn, another log, or a size that does not increase", () => {
    const { state, index } = first();
    const { update, entries } = index.step([sortPostings([{ key: name("c") }])]);
    const { leaf } = index.position;
    for (const changed of [
      { ...leaf, mapfn: name("another") },
      { ...leaf, origin: "other.example.org" },
      { ...leaf, main: state.leaf.main },
      { ...leaf, keys: leaf.keys + 1 },
      { ...leaf, postings: leaf.postings + 1 },
      { ...leaf, mapRoot: emptyMapRoot(sha256) },
    ]) {
      const other = { ...update, leaf: encodeIndexLeaf(changed) };
      expect(failureOf(reExecute(state, other, entries)).code).toBe("LOG_MISBEHAVED");
    }
  });

  test("X3 refuses an update that hides a key which is touched, or brings a record that is not", () => {
    const { state, index } = first();
    const { update, entries } = index.step([sortPostings([{ key: name("a") }])]);
    const hidden = { ...update, tree: joined(Uint8Array.of(0), state.leaf.mapRoot) };
    expect(failureOf(reExecute(state, hidden, entries)).message).toContain("hides");
    const [record] = update.records;
    if (record === undefined) expect.fail("no record");
    const more = { ...update, records: [record, { ...record, key: name("zzz") }] };
    expect(failureOf(reExecute(state, more, entries)).message).toContain("no entry touches");
    const none = { ...update, records: [] };
    expect(failureOf(reExecute(state, none, entries)).message).toContain("old record");
  });

  test("the growing index names a key whenever something is claimed under it and values differ", () => {
    const index = new Index();
    const claim = (key: string, value: string): readonly Posting[] => [
      { key: name(key), claim: name(value) },
    ];
    expect(index.step([claim("a", "1"), claim("b", "1")]).contradicted).toEqual([]);
    expect(index.step([claim("a", "1"), claim("b", "2")]).contradicted).toEqual([name("b")]);
    expect(index.step([claim("b", "3"), claim("b", "1")]).contradicted).toEqual([name("b")]);
    expect(index.step([claim("a", "1"), [{ key: name("b") }]]).contradicted).toEqual([]);
  });
});
