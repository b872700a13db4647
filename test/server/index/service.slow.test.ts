import { describe, expect, onTestFinished, test } from "vitest";
import { unwrap } from "../../../schema/error.ts";
import { INDEX_V1 } from "../../../schema/index/generation.ts";
import { parseUpdate } from "../../../schema/index/update.ts";
import { indexPlaces } from "../../../server/index/places.ts";
import { IndexStore } from "../../../server/index/store.ts";
import { entries } from "../entries.ts";
import { ask, caughtUp, leafKey, newLog, run } from "./running.ts";

describe("the index of a running log", () => {
  test("follows it, answers with proof, and goes on after a restart", async () => {
    const place = await newLog();
    let running = await run(place);
    await running.main.log.append(entries(1, 4));
    await caughtUp(running);
    const first = await ask(running.index, place.key, [leafKey(2), leafKey(9)]);
    expect(first).toMatchObject({ ok: true, found: [{ kind: "present" }, { kind: "absent" }] });
    await running.index.close();
    await running.main.log.append(entries(4, 12));
    await running.main.log.close();
    running = await run(place);
    await caughtUp(running);
    const second = await ask(running.index, place.key, [leafKey(2), leafKey(9)]);
    expect(second).toMatchObject({ ok: true, found: [{ kind: "present" }, { kind: "present" }] });
    const { leaves } = running.index.service.status();
    expect(running.index.published().size).toBe(leaves);
    const update = await running.index.service.update(leaves - 1);
    expect(unwrap(parseUpdate(update ?? new Uint8Array(0)))).toHaveLength(1);
    await running.index.close();
    await running.main.log.close();
  });

  test("is rebuilt from log and index log where its tables are gone", async () => {
    const place = await newLog();
    let running = await run(place);
    onTestFinished(async () => running.main.log.close());
    for (const to of [4, 8]) {
      await running.main.log.append(entries(to - 3, to));
      await caughtUp(running);
    }
    const before = running.index.service.status();
    expect(before.leaves).toBeGreaterThanOrEqual(3);
    await running.index.close();
    await running.main.log.close();
    IndexStore.remove(indexPlaces(place.place, INDEX_V1).tables);
    running = await run(place);
    const after = running.index.service.status();
    expect([after.leaves, after.size, after.keys]).toEqual([
      before.leaves,
      before.size,
      before.keys,
    ]);
    const verdict = await ask(running.index, place.key, [leafKey(2)]);
    expect(verdict).toMatchObject({ ok: true, found: [{ kind: "present" }] });
    await running.index.close();
  });
});
