/** F1: a process under load is killed at random points; nothing that was acknowledged is lost. */
import { expect, test } from "vitest";
import { newPlace } from "../server/fixture.ts";
import { findTrouble, live, Memory } from "./killed.ts";

const KILLS = 200;

test(`${KILLS} kills at random points under load, then fsck and every receipt again`, async () => {
  const place = await newPlace();
  const memory = new Memory();
  let lives = 0;
  for (let n = 0; n < KILLS; n++) {
    const before = memory.indexes.size;
    const { child, ended } = live(place, memory);
    // Every tenth dies while it starts, the others somewhere in the first half second of work.
    const starting = n % 10 === 9;
    if (!starting) await said(child);
    await delay(Math.random() * (starting ? 300 : 400));
    child.kill("SIGKILL");
    const { signal, errors } = await ended;
    expect(errors).toBe("");
    expect(signal).toBe("SIGKILL");
    expect(memory.trouble).toEqual([]);
    if (memory.indexes.size > before) lives++;
    if (n % 25 === 24) expect(await findTrouble(place, memory)).toEqual([]);
  }
  expect(lives).toBeGreaterThan(KILLS / 2);
  expect(await findTrouble(place, memory)).toEqual([]);
  console.log(
    `${KILLS} kills, ${memory.indexes.size} acknowledged entries, ${memory.roots.size} heads`,
  );
});

function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** The first line: the log is up. */
function said(child: ReturnType<typeof live>["child"]): Promise<void> {
  return new Promise((resolve) => {
    child.stdout?.once("data", () => resolve());
    child.once("close", () => resolve());
  });
}
