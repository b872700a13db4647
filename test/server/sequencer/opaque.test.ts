/** Entries with and without their content, in one batch and across batches. */
import { describe, expect, test } from "vitest";
import type { NewEntry } from "../../../server/storage/storage.ts";
import { memoryWorld, sqliteWorld, start } from "../../faults/rig.ts";
import { entry } from "../fixture.ts";

const held = entry(1);
const bare = entry(1, { opaque: true });

describe.each([
  ["memory", memoryWorld],
  ["SQLite", sqliteWorld],
])("opaque entries on %s", (_, world) => {
  async function running() {
    const { log, storage } = await start(await world());
    return {
      log,
      append: async (...calls: readonly (readonly NewEntry[])[]) =>
        Promise.all(calls.map((call) => log.append(call))),
      states: () => storage.reader.contents(1, log.published().size).map(({ state }) => state),
    };
  }

  test.each([
    ["digest first", [bare], [held]],
    ["content first", [held], [bare]],
  ])(
    "one batch with and without the content logs it with it: %s",
    async (_order, first, second) => {
      const { log, append, states } = await running();
      const answers = await append(first, second, first);
      expect(answers.flat().map(({ index, needsTwin }) => [index, needsTwin])).toEqual([
        [1, undefined],
        [1, undefined],
        [1, undefined],
      ]);
      expect(states()).toEqual(["held"]);
      await log.close();
    },
  );

  test("T1 one call with and without it as well", async () => {
    const { log, append, states } = await running();
    const [answer] = await append([bare, held, bare]);
    expect(answer?.map(({ duplicate }) => duplicate)).toEqual([false, true, true]);
    expect(states()).toEqual(["held"]);
    await log.close();
  });

  test("T1 an entry that is stored without content stays so, and whoever brings it is told", async () => {
    const { log, append, states } = await running();
    await append([bare]);
    for (let i = 0; i < 2; i++) {
      const [[without], [with_], [both]] = await appendThree(append);
      expect(without).toEqual({ index: 1, duplicate: true });
      expect(with_).toEqual({ index: 1, duplicate: true, needsTwin: true });
      expect(both).toEqual({ index: 1, duplicate: true, needsTwin: true });
    }
    expect(states()).toEqual(["never-held"]);
    await log.close();
  });

  test("an entry that is stored with its content needs no twin, whoever comes", async () => {
    const { log, append, states } = await running();
    await append([held]);
    const answers = await append([bare], [held]);
    expect(answers).toEqual([[{ index: 1, duplicate: true }], [{ index: 1, duplicate: true }]]);
    expect(states()).toEqual(["held"]);
    await log.close();
  });
});

async function appendThree(
  append: (...calls: readonly (readonly NewEntry[])[]) => Promise<readonly (readonly object[])[]>,
): Promise<readonly [readonly object[], readonly object[], readonly object[]]> {
  const [without = [], brought = [], both = []] = await append([bare], [held], [held, bare]);
  return [without, brought, both];
}
