/** An index log that was put back to an older copy, and what brings it back. */

import { cpSync, rmSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { unwrap } from "../../../schema/error.ts";
import { INDEX_V1 } from "../../../schema/index/generation.ts";
import { formatUpdate, type LeafUpdate, parseUpdate } from "../../../schema/index/update.ts";
import { indexPlaces } from "../../../server/index/places.ts";
import {
  copyInStore,
  copyServed,
  type IndexCopy,
  recoverIndex,
} from "../../../server/index/recover.ts";
import { IndexStore } from "../../../server/index/store.ts";
import { storeFiles } from "../../../server/storage/sqlite/files.ts";
import { SqliteReader } from "../../../server/storage/sqlite/reader.ts";
import { entries } from "../entries.ts";
import { rejectionOf } from "../refusal.ts";
import { ask, caughtUp, leafKey, newLog, run } from "./running.ts";

describe("an index log behind its guard", () => {
  test("I6 comes back from a copy, to exactly what was signed, and from nothing else", async () => {
    const place = await newLog();
    const places = indexPlaces(place.place, INDEX_V1);
    const [whole, old] = [`${place.place.folder}-whole`, `${place.place.folder}-old`];
    let running = await run(place);
    const grow = async (to: number): Promise<void> => {
      await running.main.log.append(entries(to - 2, to));
      await caughtUp(running);
    };
    await grow(3);
    await running.index.close();
    await running.main.log.close();
    cpSync(places.log.folder, old, { recursive: true });
    running = await run(place);
    await grow(5);
    await grow(7);
    const { size, root } = running.index.published();
    const updates: LeafUpdate[] = [];
    for (let at = 1; at < size; at++)
      updates.push(
        ...unwrap(parseUpdate((await running.index.service.update(at)) ?? new Uint8Array(0))),
      );
    await running.index.close();
    await running.main.log.close();
    cpSync(places.log.folder, whole, { recursive: true });

    const putBack = (): void => {
      rmSync(places.log.folder, { recursive: true });
      cpSync(old, places.log.folder, { recursive: true });
      IndexStore.remove(places.tables);
    };
    const recovered = (copy: IndexCopy): Promise<number> =>
      recoverIndex({ crypto: nodeCrypto, key: place.key, places, copy, clock: () => 0 });
    const served = (change: (update: LeafUpdate) => LeafUpdate): IndexCopy =>
      copyServed(
        {
          url: "memory:",
          get: async (path) => {
            const [, from, to] = /update\/(\d+)-(\d+)$/.exec(path) ?? [];
            return formatUpdate(updates.slice(Number(from) - 1, Number(to) - 1).map(change));
          },
        },
        INDEX_V1,
      );
    putBack();
    const [first] = updates;
    if (first === undefined) expect.fail("no leaf");
    for (const [lie, code] of [
      [(one: LeafUpdate) => ({ ...one, main: first.main }), "STORE_CORRUPT"],
      [() => first, "GUARD_DIFFERS"],
    ] as const)
      expect((await rejectionOf(recovered(served(lie)))).code).toBe(code);
    expect((await rejectionOf(recovered(async () => []))).code).toBe("NOT_FOUND");

    expect(await recovered(served((one) => one))).toBe(2);
    expect((await rejectionOf(recovered(served((one) => one)))).code).toBe("USAGE");
    putBack();
    const reader = new SqliteReader(storeFiles(whole).database);
    expect(await recovered(copyInStore(reader))).toBe(2);
    reader.close();

    running = await run(place);
    await caughtUp(running);
    expect(running.index.published()).toMatchObject({ size, root });
    expect(await ask(running.index, place.key, [leafKey(5)])).toMatchObject({
      ok: true,
      found: [{ kind: "present" }],
    });
    await running.index.close();
    await running.main.log.close();
  });
});
