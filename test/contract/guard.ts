/**
 * What every driver of the head guard promises (`server/sequencer/ports.ts`), as one suite.
 */
import { expect, test } from "vitest";
import { equal } from "../../schema/bytes.ts";
import type { GuardedHead, HeadGuard } from "../../server/sequencer/ports.ts";
import { DATABASE_ID, entry, newGuardHead, ORIGIN, SIGNER } from "../server/fixture.ts";

/** The place of a guard, which outlives those who open it. */
export interface GuardUnderTest {
  open(): Promise<HeadGuard>;
  /** What `init` does, once. */
  create(head: GuardedHead): Promise<void>;
}

export async function guardedHead(size: number): Promise<GuardedHead> {
  const root = entry(size).leafHash;
  const checkpoint = await SIGNER.sign({ size, root });
  return { origin: ORIGIN, databaseId: DATABASE_ID, size, root, checkpoint };
}

function isSame(a: GuardedHead | undefined, b: GuardedHead): boolean {
  return (
    a !== undefined &&
    a.origin === b.origin &&
    a.size === b.size &&
    equal(a.databaseId, b.databaseId) &&
    equal(a.root, b.root) &&
    equal(a.checkpoint, b.checkpoint)
  );
}

export function guardContract(makeGuard: () => Promise<GuardUnderTest>): void {
  test("is not there until init makes it, and then says size 0", async () => {
    const place = await makeGuard();
    const before = await place.open();
    expect(await before.read()).toBeUndefined();
    await before.close();
    await place.create(newGuardHead());
    const guard = await place.open();
    expect(isSame(await guard.read(), newGuardHead())).toBe(true);
    await guard.close();
  });

  test("I6 is made by init alone: a write makes none", async () => {
    const place = await makeGuard();
    const guard = await place.open();
    await expect(guard.stage()).rejects.toMatchObject({ code: "GUARD_MISSING" });
    await expect(guard.write(await guardedHead(1))).rejects.toMatchObject({
      code: "GUARD_MISSING",
    });
    expect(await guard.read()).toBeUndefined();
    await guard.close();
  });

  test("keeps the last head that was written, for the next one who opens it", async () => {
    const place = await makeGuard();
    await place.create(newGuardHead());
    const guard = await place.open();
    for (const size of [1, 2, 1_000]) {
      await guard.stage();
      await guard.write(await guardedHead(size));
      expect(isSame(await guard.read(), await guardedHead(size))).toBe(true);
    }
    await guard.write(await guardedHead(1_001));
    await guard.close();
    const again = await place.open();
    expect(isSame(await again.read(), await guardedHead(1_001))).toBe(true);
    await again.close();
  });

  test("I1 staging leaves the guard as it was, and leaves no signed head behind", async () => {
    const place = await makeGuard();
    await place.create(newGuardHead());
    const guard = await place.open();
    await guard.write(await guardedHead(1));
    await guard.stage();
    await guard.stage();
    expect(isSame(await guard.read(), await guardedHead(1))).toBe(true);
    await guard.close();
  });

  test("is held by one process for life", async () => {
    const place = await makeGuard();
    await place.create(newGuardHead());
    const guard = await place.open();
    await expect(place.open()).rejects.toMatchObject({ code: "STORE_LOCKED" });
    await guard.close();
    const second = await place.open();
    await second.close();
  });
}
