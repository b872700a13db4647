import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { utf8 } from "../../../schema/bytes.ts";
import { LogError } from "../../../schema/error.ts";
import { type Hash, leafHash } from "../../../schema/tlog/hash.ts";
import { formatPromise } from "../../../schema/tlog/promise.ts";
import { CompactRange } from "../../../schema/tlog/tree.ts";
import { Promises } from "../../../server/promises/promises.ts";
import {
  memoryPromises,
  type PromiseMemory,
  type PromiseStore,
} from "../../../server/promises/store.ts";
import { sha256 } from "../entries.ts";
import { rejectionOf } from "../refusal.ts";

const DEADLINE = 600;

/** A log as its promises see it: leaves that are guarded, a size that is published, a clock. */
class World {
  leaves: Uint8Array[] = [];
  published = 0;
  seconds = 1_000;
  refuses = false;
  readonly store: PromiseStore;
  writes = 0;
  /** What the next write does instead of being durable. */
  fault: "none" | "not written" | "written and not said" = "none";

  constructor(store: PromiseStore = memoryPromises()) {
    this.store = {
      ...store,
      write: async (memory) => {
        this.writes++;
        const { fault } = this;
        this.fault = "none";
        if (fault !== "not written") await store.write(memory);
        if (fault !== "none") throw new LogError("STORAGE_FAILED", "no");
      },
    };
  }

  grow(count: number, salt = ""): this {
    for (let i = 0; i < count; i++) this.leaves.push(utf8(`entry ${this.leaves.length}${salt}`));
    return this;
  }

  root = (size: number): Hash => {
    const range = CompactRange.empty(sha256);
    for (const leaf of this.leaves.slice(0, size)) range.append(leafHash(sha256, leaf));
    return range.root();
  };

  /** A process over what is on the disk. */
  async open(): Promise<Promises> {
    return Promises.open({
      store: this.store,
      tree: { size: () => this.leaves.length, root: this.root },
      published: () => ({ size: this.published }),
      reader: { leaves: (from, to) => this.leaves.slice(from, to) },
      clock: {
        prepare: async () => undefined,
        now: () => {
          if (this.refuses) throw new LogError("CLOCK_REFUSED", "no");
          return this.seconds;
        },
      },
      sign: async (promise) => utf8(formatPromise({ origin: "log.test", ...promise })),
      sha256,
      deadlineSeconds: DEADLINE,
    });
  }

  entry(index: number): { index: number; leafHash: Hash } {
    return { index, leafHash: leafHash(sha256, this.leaves[index] ?? utf8("none")) };
  }

  async ask(promises: Promises, ...indexes: readonly number[]): Promise<(string | undefined)[]> {
    const given = await promises.give(indexes.map((index) => this.entry(index)));
    return given.map((note) => note && new TextDecoder().decode(note));
  }
}

const timeIn = (text: string | undefined): number => Number(text?.split("\n")[4]);

describe("giving promises", () => {
  test("names the entry, its index, the log's time and the deadline", async () => {
    const world = new World().grow(3);
    const [text] = await world.ask(await world.open(), 2);
    const { leafHash: hash } = world.entry(2);
    const parts = { origin: "log.test", leafHash: hash, index: 2, time: 1_000, deadline: 1_600 };
    expect(text).toBe(formatPromise(parts));
  });

  test("P1 an entry gets the same bytes however often it asks, also from the next process", async () => {
    const world = new World().grow(3);
    const first = await world.open();
    const [before] = await world.ask(first, 1);
    world.seconds += 50;
    world.grow(2);
    expect(await world.ask(first, 1)).toEqual([before]);
    const second = await world.open();
    expect(await world.ask(second, 1)).toEqual([before]);
    // Who came later has a later time.
    expect(timeIn((await world.ask(second, 4))[0])).toBe(1_050);
    expect(await world.ask(await world.open(), 1, 4)).toEqual(await world.ask(second, 1, 4));
  });

  test("all that is guarded at one moment is one write, and those who wait share it", async () => {
    const world = new World().grow(50);
    const promises = await world.open();
    await Promise.all(Array.from({ length: 50 }, (_, i) => world.ask(promises, i)));
    expect(world.writes).toBe(1);
  });

  test("P1 what is published is promised to nobody, and leaves the file with the next write", async () => {
    const world = new World().grow(4);
    const promises = await world.open();
    await world.ask(promises, 3);
    world.published = 4;
    world.seconds++;
    world.grow(1);
    await world.ask(promises, 4);
    expect(await world.ask(promises, 3)).toEqual([undefined]);
    expect(await world.store.read()).toMatchObject({ floor: 4, ranges: [{ size: 5 }] });
  });

  test("P1 what another history promised is promised to nobody, and what follows is", async () => {
    const world = new World().grow(6);
    await world.ask(await world.open(), 5);
    world.leaves = world.leaves.slice(0, 3);
    // The store came back from an older copy, and grows again: shorter, as long, and longer.
    for (const more of [0, 3, 1]) {
      const promises = await world.grow(more, " of the second history").open();
      for (const index of [3, 4, 5].filter((one) => one < world.leaves.length))
        expect(await world.ask(promises, index)).toEqual([undefined]);
    }
    expect(timeIn((await world.ask(await world.open(), 6))[0])).toBe(1_000);
  });

  test("I7 where the clock refuses there is no promise, and nothing is written", async () => {
    const world = new World().grow(2);
    const promises = await world.open();
    world.refuses = true;
    expect(await rejectionOf(world.ask(promises, 1))).toMatchObject({ code: "CLOCK_REFUSED" });
    expect(world.writes).toBe(0);
    world.refuses = false;
    expect(timeIn((await world.ask(promises, 1))[0])).toBe(1_000);
  });

  test("I8 an entry that is not what its hash says gets none", async () => {
    const world = new World().grow(2);
    const promises = await world.open();
    const wrong = { index: 1, leafHash: leafHash(sha256, utf8("other")) };
    expect(await rejectionOf(promises.give([wrong]))).toMatchObject({ code: "STORE_CORRUPT" });
  });

  test("I6 an entry that is not guarded gets none", async () => {
    const world = new World().grow(2);
    const promises = await world.open();
    expect(await rejectionOf(world.ask(promises, 2))).toMatchObject({ code: "INTERNAL" });
  });

  test("P1 whatever fails and restarts, no index is ever promised twice", async () => {
    const step = fc.constantFrom(
      "grow",
      "tick",
      "ask",
      "ask old",
      "publish",
      "restart",
      "not written",
      "written and not said",
      "roll back",
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const world = new World().grow(1);
        const outside = new Map<number, string>();
        let promises = await world.open();
        let history = 0;
        for (const one of steps) {
          if (one === "grow") world.grow(2, ` of history ${history}`);
          else if (one === "tick") world.seconds += 7;
          else if (one === "publish") world.published = world.leaves.length;
          else if (one === "restart") promises = await world.open();
          else if (one === "roll back") {
            // Only what nobody was shown as published can be lost.
            world.leaves = world.leaves.slice(0, Math.max(1, world.published));
            world.grow(1, ` of history ${++history}`);
            promises = await world.open();
          } else if (one === "ask" || one === "ask old") {
            const index = one === "ask" ? world.leaves.length - 1 : world.published;
            if (index >= world.leaves.length) continue;
            const [text] = await world.ask(promises, index).catch(() => [undefined]);
            if (text === undefined) continue;
            expect(outside.get(index) ?? text).toBe(text);
            outside.set(index, text);
          } else world.fault = one;
        }
      }),
      { numRuns: 300 },
    );
  });
});

test("a store that was damaged lets nothing be promised", async () => {
  const damaged: PromiseStore = {
    place: "memory",
    read: async (): Promise<PromiseMemory> => {
      throw new LogError("STORE_CORRUPT", "damaged");
    },
    write: async () => undefined,
  };
  expect(await rejectionOf(new World(damaged).open())).toMatchObject({ code: "STORE_CORRUPT" });
});
