/** The end of an index, at starts after which nobody remembers having stated it. */
import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { utf8 } from "../../../schema/bytes.ts";
import { LogError } from "../../../schema/error.ts";
import { INDEX_V1, indexOrigin } from "../../../schema/index/generation.ts";
import { ownDoor } from "../../../server/admission/own-door.ts";
import { findEnd } from "../../../server/index/end-index.ts";
import { openLog } from "../../../server/open.ts";
import { entries } from "../entries.ts";
import { rejectionOf } from "../refusal.ts";
import { caughtUp, newLog, type Place, run } from "./running.ts";

/** The log commits the statement, and the process ends before anything else is done. */
async function state(place: Place, end: { leaves: number; entries: number }): Promise<void> {
  const { key } = place;
  const [of, successor] = [INDEX_V1, { number: 2 }].map((one) => indexOrigin(key.origin, one));
  const said = await key.statement({
    type: "index-end",
    log: key.vkey,
    createdAt: "2026-11-27T10:00:00Z",
    indexOrigin: of ?? "",
    successor: successor ?? "",
    ...end,
  });
  const ports = { signer: key.checkpoints, crypto: nodeCrypto, clock: () => performance.now() };
  const main = await openLog(place.place, { ...ports, onFatal: () => undefined });
  await main.log.append(await ownDoor(nodeCrypto)(utf8(JSON.stringify(said))));
  await main.log.append(entries(8, 12));
  const found = await findEnd({ crypto: nodeCrypto, key }, main.storage.reader, INDEX_V1, {
    from: 0,
    size: main.log.published().size,
  });
  expect(found).toMatchObject(end);
  await main.log.close();
}

async function indexed(): Promise<{ place: Place; leaves: number; entries: number }> {
  const place = await newLog();
  const running = await run(place);
  await running.main.log.append(entries(1, 8));
  await caughtUp(running);
  const { leaves, size } = running.index.service.status();
  await running.index.close();
  await running.main.log.close();
  return { place, leaves, entries: size };
}

describe("a start of an index that the log has ended", () => {
  test("X8 holds it at its end, however far the log has gone on", async () => {
    const { place, ...end } = await indexed();
    await state(place, end);
    const { main, index } = await run(place);
    await expect.poll(() => index.service.status().state.state, { timeout: 60_000 }).toBe("ended");
    await main.log.append(entries(12, 20));
    await expect(
      index.service.lookup([], { entries: false, summaries: false, at: 99 }),
    ).rejects.toThrow("has ended");
    expect(index.service.status()).toMatchObject({ leaves: end.leaves, size: end.entries });
    expect(index.published().size).toBe(end.leaves);
    await index.close();
    await main.log.close();
  });

  test("X8 refuses an index log that has more leaves than were stated", async () => {
    const { place, ...end } = await indexed();
    await state(place, { ...end, leaves: end.leaves - 1 });
    const refused = await rejectionOf(run(place));
    expect(refused).toBeInstanceOf(LogError);
    expect(refused.code).toBe("STORE_CORRUPT");
    expect(refused.message).toContain(`ends it with ${end.leaves - 1}`);
  });
});
