import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Alert } from "../../../client/monitor/alert.ts";
import {
  add,
  confirmed,
  due,
  EMPTY_OUTBOX,
  failed,
  isLeftAlone,
  MAX_WAITING,
  newOf,
  type Outbox,
  RECENT,
  recent,
  room,
  standing,
  type Taker,
  withChannels,
} from "../../../client/monitor/outbox.ts";
import { alertNumber, alertsTo } from "./alerts.ts";

const all: Taker = { name: "all", takes: () => true };
const grave: Taker = { name: "grave", takes: ({ severity }: Alert) => severity === "critical" };
const NOW = 1_700_100_000;

function fail(outbox: Outbox, now = NOW): Outbox {
  return failed(outbox, "all", { now, reason: "it is down" });
}

describe("the outbox", () => {
  test("M3 whatever fails and confirms in whatever order, each alert is sent until it is confirmed and never after", () => {
    const step = fc.record({
      what: fc.constantFrom("take", "again", "confirm", "fail", "refuse"),
      name: fc.constantFrom("all", "grave"),
      count: fc.integer({ min: 1, max: 4 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let outbox = EMPTY_OUTBOX;
        let now = NOW;
        const made: Alert[] = [];
        const has = new Map([all, grave].map(({ name }) => [name, new Set<string>()]));
        const hasOf = (name: string): Set<string> => has.get(name) ?? new Set();
        for (const { what, name, count } of steps) {
          now += 4_000;
          if (what === "take")
            for (let i = 0; i < count; i++) {
              const kind = made.length % 2 === 0 ? "statement" : "not-signed-by-us";
              made.push(alertNumber(made.length + 1, { kind }));
            }
          if (what === "take" || what === "again") {
            const delivered = made.slice(-4 * count);
            outbox = add(outbox, newOf(outbox, delivered), [all, grave]);
            continue;
          }
          const sent = due(outbox, name, count, now);
          for (const { id } of sent) expect(hasOf(name).has(id)).toBe(false);
          if (what === "confirm") {
            for (const { id } of sent) hasOf(name).add(id);
            outbox = confirmed(outbox, name, sent);
          } else {
            const refused = what === "refuse" ? sent : [];
            outbox = failed(outbox, name, { now, reason: "no", refused });
          }
        }
        for (const { name, takes } of [all, grave]) {
          for (const { id } of due(outbox, name, made.length + 1, now + 10_000)) {
            expect(hasOf(name).has(id)).toBe(false);
            hasOf(name).add(id);
          }
          expect([...hasOf(name)].toSorted()).toEqual(
            made
              .filter(takes)
              .map(({ id }) => id)
              .toSorted(),
          );
        }
      }),
      { numRuns: 200 },
    );
  });

  test("leaves a channel that fails alone for twice as long each time, and for ten minutes at most", () => {
    let outbox = add(EMPTY_OUTBOX, alertsTo(1), [all]);
    const pauses: number[] = [];
    for (let i = 0; i < 12; i++) {
      outbox = fail(outbox);
      pauses.push(standing(outbox, "all").notBefore - NOW);
    }
    expect(pauses).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600, 600]);
    expect(due(outbox, "all", 9, NOW + 599)).toEqual([]);
    expect(due(outbox, "all", 9, NOW + 600)).toHaveLength(1);
    expect(standing(confirmed(outbox, "all", []), "all")).toMatchObject({
      failures: 0,
      notBefore: 0,
    });
  });

  test("is not silenced by a clock that goes back", () => {
    const outbox = fail(add(EMPTY_OUTBOX, alertsTo(1), [all]), NOW + 86_400);
    expect(isLeftAlone(outbox, "all", NOW)).toBe(false);
  });

  test("goes on behind an alert that the other side will not have, and keeps it", () => {
    const taken = add(EMPTY_OUTBOX, alertsTo(3), [all]);
    const [first] = due(taken, "all", 1, NOW);
    const refused = first === undefined ? [] : [first];
    const outbox = failed(taken, "all", { now: NOW, reason: "too large", refused });
    expect(due(outbox, "all", 9, NOW + 60).map(({ number }) => number)).toEqual([2, 3, 1]);
  });

  test("keeps what waits and the newest, and no other alert", () => {
    const made = alertsTo(RECENT + 20);
    let outbox = add(EMPTY_OUTBOX, made, [all]);
    expect(outbox.alerts.size).toBe(RECENT + 20);
    outbox = confirmed(outbox, "all", made.slice(0, 15));
    expect(outbox.alerts.size).toBe(RECENT + 5);
    outbox = confirmed(outbox, "all", made);
    expect(outbox.alerts.size).toBe(RECENT);
    expect(recent(outbox).map(({ number }) => number)).toEqual(
      made
        .map(({ number }) => number)
        .toReversed()
        .slice(0, RECENT),
    );
  });

  test("says when it is full", () => {
    const outbox = add(EMPTY_OUTBOX, alertsTo(7), [all, grave]);
    expect(room(outbox)).toBe(MAX_WAITING - 7);
    expect(room(add(EMPTY_OUTBOX, alertsTo(7), [grave]))).toBe(MAX_WAITING);
  });

  test("takes everything of a monitor that began anew, but what it still knows", () => {
    const outbox = add(EMPTY_OUTBOX, alertsTo(5), [all]);
    expect(newOf(outbox, alertsTo(6)).map(({ number }) => number)).toEqual([6]);
    const anew = [alertNumber(1, { about: ["anew"] }), { ...alertNumber(3), number: 2 }];
    expect(newOf(outbox, anew)).toEqual(anew.slice(0, 1));
  });

  test("forgets a channel that is gone, says what it never had, and gives a new one what is new", () => {
    const before = add(EMPTY_OUTBOX, alertsTo(2), [all]);
    const { outbox, dropped } = withChannels(before, ["later"]);
    expect(dropped).toEqual(new Map([["all", 2]]));
    const after = add(outbox, [alertNumber(3)], [{ name: "later", takes: () => true }]);
    expect(due(after, "later", 9, NOW).map(({ number }) => number)).toEqual([3]);
  });
});
