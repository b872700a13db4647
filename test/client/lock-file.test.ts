import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { withLock } from "../../client/lock-file.ts";
import { temporaryFolder } from "../server/fixture.ts";

/** What a holder of this machine left behind that has our own process number. */
function lockOf(started: string | undefined): string {
  const path = join(temporaryFolder(), "lock");
  const nonce = "00000000-0000-4000-8000-000000000000";
  writeFileSync(path, JSON.stringify({ pid: process.pid, host: hostname(), nonce, started }));
  return path;
}

describe("a lock between processes", () => {
  test("is held by one at a time, and is gone afterwards", async () => {
    const path = join(temporaryFolder(), "lock");
    const seen: string[] = [];
    const hold = async (name: string): Promise<void> =>
      withLock(path, async () => {
        seen.push(`${name} begins`);
        await new Promise((resolve) => setTimeout(resolve, 20));
        seen.push(`${name} ends`);
      });
    await Promise.all([hold("a"), hold("b"), hold("c")]);
    expect(seen.map((word) => word.split(" ")[1])).toEqual(
      Array.from({ length: 3 }, () => ["begins", "ends"]).flat(),
    );
    expect(existsSync(path)).toBe(false);
  });

  test.runIf(existsSync("/proc/self/stat"))(
    "is broken where its holder is dead and another process has its number",
    async () => {
      const path = lockOf("another boot 17");
      expect(await withLock(path, async () => "taken")).toBe("taken");
    },
  );

  test("is not broken where its holder may live", async () => {
    const path = join(temporaryFolder(), "lock");
    const own = await withLock(path, async () => readFileSync(path, "utf8"));
    const { started }: { readonly started?: string } = JSON.parse(own);
    for (const held of [lockOf(undefined), lockOf(started)]) {
      const { promise: ended, resolve } = Promise.withResolvers<string>();
      const taken = withLock(held, async () => "taken").then(resolve);
      const early = new Promise((wake) => setTimeout(() => wake("waits"), 200));
      expect(await Promise.race([ended, early])).toBe("waits");
      // The holder has ended.
      rmSync(held);
      await taken;
    }
  });
});
