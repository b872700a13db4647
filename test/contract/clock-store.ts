/**
 * What every driver of the clock's file promises (`server/log-clock.ts`), and what the clock
 * promises over each of them, as one suite. The machine's two clocks are passed in (F7).
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { LogError } from "../../schema/error.ts";
import {
  type ClockStore,
  type HeldClock,
  LEASE_SECONDS,
  MAX_JUMP_SECONDS,
  MAX_PAUSE_SECONDS,
  openClock,
} from "../../server/log-clock.ts";

const START = 1_790_000_000;
const YEAR = 31_557_600;

/** A machine whose clocks can be set, and which can crash. */
class Machine {
  wall = START;
  monotonic = 0;
  readonly #reopen: () => ClockStore;
  #clock: HeldClock | undefined;

  constructor(reopen: () => ClockStore) {
    this.#reopen = reopen;
  }

  get clock(): HeldClock {
    this.#clock ??= openClock({
      store: this.#reopen(),
      wall: () => this.wall * 1000 + 999,
      monotonic: () => this.monotonic * 1000,
    });
    return this.#clock;
  }

  /** Both clocks move, as they do in a machine that is well. */
  pass(seconds: number): void {
    this.wall += seconds;
    this.monotonic += seconds;
  }

  crash(): void {
    this.#clock = undefined;
    this.monotonic = 7;
  }

  async end(): Promise<void> {
    await this.clock.close();
    this.crash();
  }

  /** A time, or `undefined` where none is given. */
  tryNow(): number | undefined {
    try {
      return this.clock.now();
    } catch (error) {
      if (error instanceof LogError && error.code === "CLOCK_REFUSED") return undefined;
      throw error;
    }
  }
}

export interface ClockStoreUnderTest {
  /** The same file, opened again. */
  readonly open: () => ClockStore;
}

export function clockStoreContract(makeStore: () => ClockStoreUnderTest): void {
  const machine = (): Machine => {
    const { open } = makeStore();
    open().write(START);
    return new Machine(open);
  };

  test("keeps the last second that was written, for the next one who opens it", () => {
    const { open } = makeStore();
    expect(open().read()).toBeUndefined();
    for (const until of [0, START, START + 1, 253_402_300_799]) {
      open().write(until);
      expect(open().read()).toBe(until);
    }
  });

  test("I7 a log without its clock file signs no time", () => {
    const lost = new Machine(makeStore().open);
    expect(lost.tryNow()).toBeUndefined();
    expect(lost.clock.state().state).toBe("refused");
    lost.clock.witnessed(START);
    expect(lost.tryNow()).toBeUndefined();
  });

  test("gives whole seconds that pass as the machine's do", () => {
    const well = machine();
    expect(well.tryNow()).toBe(START);
    well.pass(5);
    expect(well.tryNow()).toBe(START + 5);
    well.pass(30 * YEAR);
    expect(well.tryNow()).toBe(START + 5 + 30 * YEAR);
  });

  test("I7 (F7) a clock that goes back one hour is refused until it has caught up", () => {
    const back = machine();
    back.pass(100);
    expect(back.tryNow()).toBe(START + 100);
    back.wall -= 3_600;
    expect(() => back.clock.now()).toThrow(
      expect.objectContaining({ code: "CLOCK_REFUSED", detail: expect.anything() }),
    );
    expect(back.clock.state().state).toBe("refused");
    back.pass(3_598);
    expect(back.tryNow()).toBeUndefined();
    back.pass(1);
    expect(back.tryNow()).toBe(START + 100);
    back.pass(2);
    expect(back.tryNow()).toBe(START + 101);
  });

  test("I7 (F7) a restart does not help a clock that went back", async () => {
    for (const stop of ["end", "crash"] as const) {
      const back = machine();
      back.pass(100);
      expect(back.tryNow()).toBe(START + 100);
      await back[stop]();
      back.wall -= 3_600;
      expect(back.tryNow()).toBeUndefined();
      back.pass(3_601 + LEASE_SECONDS);
      expect(back.tryNow()).toBeGreaterThanOrEqual(START + 100);
    }
  });

  test("one second back is a correction: the last second is given again", () => {
    const slip = machine();
    slip.pass(10);
    expect(slip.tryNow()).toBe(START + 10);
    slip.wall -= 1;
    expect(slip.tryNow()).toBe(START + 10);
    slip.wall -= 1;
    expect(slip.tryNow()).toBeUndefined();
  });

  test("I7 (F7) ten years forward are not believed, nor after a restart, and leave no trace", async () => {
    const forward = machine();
    expect(forward.tryNow()).toBe(START);
    forward.wall += 10 * YEAR;
    expect(forward.tryNow()).toBeUndefined();
    await forward.end();
    expect(forward.tryNow()).toBeUndefined();
    forward.wall -= 10 * YEAR;
    forward.pass(60);
    expect(forward.tryNow()).toBe(START + 60);
  });

  test("I7 (F7) steps in mid-run add up: many small ones are one large one", () => {
    const stepped = machine();
    expect(stepped.tryNow()).toBe(START);
    let given = 0;
    for (let step = 0; step < 40; step++) {
      stepped.pass(1);
      stepped.wall += MAX_JUMP_SECONDS / 10;
      if (stepped.tryNow() !== undefined) given++;
    }
    expect(given).toBe(10);
  });

  test("a witness's time ends the refusal of a jump, and only where it agrees", () => {
    const forward = machine();
    expect(forward.tryNow()).toBe(START);
    forward.wall += YEAR;
    for (const lie of [START, forward.wall - MAX_JUMP_SECONDS - 1, forward.wall + 700]) {
      forward.clock.witnessed(lie);
      expect(forward.tryNow()).toBeUndefined();
    }
    forward.clock.witnessed(forward.wall - MAX_JUMP_SECONDS);
    expect(forward.tryNow()).toBe(START + YEAR);
    // From here on it is the old time that is in the past.
    forward.wall -= YEAR;
    forward.clock.witnessed(START);
    expect(forward.tryNow()).toBeUndefined();
    // And a witness that went back with us leaves nothing to be measured from.
    forward.wall += YEAR;
    expect(forward.tryNow()).toBe(START + YEAR);
  });

  test("a rest of a day is believed at the start, a longer one is not before a witness agrees", () => {
    const short = machine();
    short.wall += MAX_PAUSE_SECONDS;
    expect(short.tryNow()).toBe(START + MAX_PAUSE_SECONDS);
    const long = machine();
    long.wall += MAX_PAUSE_SECONDS + 1;
    expect(long.tryNow()).toBeUndefined();
    long.clock.witnessed(long.wall);
    expect(long.tryNow()).toBe(START + MAX_PAUSE_SECONDS + 1);
  });

  test("a process that starts in time measures from its start", () => {
    const started = machine();
    started.pass(50);
    expect(started.clock.state().state).toBe("ready");
    started.wall += MAX_JUMP_SECONDS + 1;
    expect(started.tryNow()).toBeUndefined();
  });

  test("a crash holds times up for the lease at most, a clean end not at all", async () => {
    const crashed = machine();
    expect(crashed.tryNow()).toBe(START);
    crashed.crash();
    crashed.pass(1);
    expect(crashed.tryNow()).toBe(START + 1);
    crashed.crash();
    expect(crashed.clock.state().state).toBe("waiting");
    crashed.pass(LEASE_SECONDS);
    expect(crashed.tryNow()).toBe(START + 1 + LEASE_SECONDS);
    await crashed.end();
    expect(crashed.tryNow()).toBe(START + 1 + LEASE_SECONDS);
  });

  test("the file is written once in a lease while times are asked for, and never otherwise", async () => {
    const { open } = makeStore();
    open().write(START);
    const written: number[] = [];
    const counted = new Machine(() => {
      const store = open();
      return {
        place: store.place,
        read: () => store.read(),
        write: (until) => {
          written.push(until);
          store.write(until);
        },
        writeAhead: (until, wanted) => store.writeAhead(until, wanted),
      };
    });
    for (let i = 0; i < 300; i++) {
      counted.pass(0.1);
      counted.tryNow();
      counted.clock.state();
    }
    expect(written.length).toBeLessThanOrEqual(30 / LEASE_SECONDS);
    const busy = written.length;
    for (let i = 0; i < 1_000; i++) {
      counted.pass(10);
      counted.clock.state();
    }
    expect(written).toHaveLength(busy);
    await counted.end();
    expect(written).toHaveLength(busy + 1);
    await counted.clock.close();
    expect(written).toHaveLength(busy + 1);
  });

  test("with `prepare` the file is written ahead of need, and while others wait only at the end", async () => {
    const { open } = makeStore();
    open().write(START);
    let held = 0;
    let ahead = 0;
    const busy = new Machine(() => {
      const store = open();
      return {
        place: store.place,
        read: () => store.read(),
        write: (until) => {
          held++;
          store.write(until);
        },
        writeAhead: async (until, wanted) => {
          ahead++;
          await store.writeAhead(until, wanted);
        },
      };
    });
    for (let second = 1; second <= 40; second++) {
      busy.pass(1);
      await busy.clock.prepare();
      expect(busy.tryNow()).toBe(START + second);
      expect(open().read()).toBeGreaterThanOrEqual(START + second);
    }
    await busy.end();
    expect(held).toBe(1);
    expect(ahead).toBeLessThanOrEqual(9);
  });

  test("a clean end gives back a lease that was written ahead, whatever was in flight", async () => {
    for (const turns of [0, 1, 2, 5, 20]) {
      const { open } = makeStore();
      open().write(START);
      const ended = new Machine(open);
      await ended.clock.prepare();
      expect(ended.tryNow()).toBe(START);
      for (let turn = 0; turn < turns; turn++)
        await new Promise((resolve) => {
          setImmediate(resolve);
        });
      await ended.clock.close();
      expect(open().read()).toBe(START);
      expect(() => ended.clock.now()).toThrow(/shutting down/);
    }
  });

  test("I7 a write ahead that was overtaken, or outlived its clock, replaces nothing", async () => {
    for (const end of ["overtaken", "closed"] as const) {
      const { open } = makeStore();
      open().write(START);
      const { promise: late, resolve: release } = Promise.withResolvers<void>();
      const slow = new Machine(() => {
        const store = open();
        return {
          place: store.place,
          read: () => store.read(),
          write: (until) => store.write(until),
          writeAhead: async (until, wanted) => {
            await late;
            await store.writeAhead(until, wanted);
          },
        };
      });
      slow.pass(1);
      const prepared = slow.clock.prepare();
      slow.pass(30);
      const given = slow.tryNow() ?? 0;
      const closed = end === "closed" ? slow.clock.close() : undefined;
      release();
      await prepared;
      await closed;
      expect(open().read()).toBe(end === "closed" ? given : given + LEASE_SECONDS);
    }
  });

  test("I7 no time is given out that could not be written down", async () => {
    const { open } = makeStore();
    open().write(START);
    let broken = true;
    const failing = new Machine(() => {
      const store = open();
      return {
        place: store.place,
        read: () => store.read(),
        write: (until) => {
          if (broken) throw new Error("no space left");
          store.write(until);
        },
        writeAhead: async (until, wanted) => {
          if (broken) throw new Error("no space left");
          await store.writeAhead(until, wanted);
        },
      };
    });
    failing.pass(20);
    await failing.clock.prepare();
    expect(() => failing.clock.now()).toThrow(/cannot be written/);
    await failing.end();
    expect(open().read()).toBe(START);
    broken = false;
    expect(failing.tryNow()).toBe(START + 20);
  });

  test("I7 whatever the machine's clocks do, times never go back, across crashes too", async () => {
    const step = fc.oneof(
      fc.record({ pass: fc.integer({ min: 0, max: 4_000 }) }),
      fc.record({ set: fc.integer({ min: -4_000, max: 4_000 }) }),
      fc.record({ witness: fc.integer({ min: -1_000, max: 1_000 }) }),
      fc.constantFrom({ stop: "end" as const }, { stop: "crash" as const }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const any = machine();
        let last = 0;
        for (const now of steps) {
          if ("pass" in now) any.pass(now.pass);
          if ("set" in now) any.wall += now.set;
          if ("witness" in now) any.clock.witnessed(any.wall + now.witness);
          if ("stop" in now) await any[now.stop]();
          const given = any.tryNow();
          if (given === undefined) continue;
          expect(given).toBeGreaterThanOrEqual(last);
          expect(Math.abs(given - any.wall)).toBeLessThanOrEqual(1);
          last = given;
        }
      }),
      { numRuns: 60 },
    );
  });
}
