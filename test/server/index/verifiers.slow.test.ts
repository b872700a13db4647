/** An index that has verifiers: what is shown, and what is offered to them. */
import { describe, expect, test } from "vitest";
import { MemoryNoteFile, memoryNotes } from "../../../server/sequencer/notes.ts";
import type { Cosigners, CosignHost, SignedHead } from "../../../server/sequencer/ports.ts";
import { until } from "../../until.ts";
import { entries } from "../entries.ts";
import { rejectionOf } from "../refusal.ts";
import { ask, caughtUp, leafKey, newLog, run } from "./running.ts";

/** Verifiers that say yes to everything, or nothing at all. */
class Verifiers implements Cosigners {
  isSilent = true;
  #host: CosignHost | undefined;
  attach = (host: CosignHost): void => {
    this.#host = host;
  };
  speak(): void {
    this.isSilent = false;
    this.#host?.changed();
  }
  refusal = (): undefined => undefined;
  isWitnessed = async (): Promise<boolean> => true;
  due = (head: SignedHead, isPublished: boolean): number =>
    this.isSilent || isPublished || head.size === 0 ? Number.POSITIVE_INFINITY : 0;
  round = async (head: SignedHead): Promise<SignedHead> => head;
  close = async (): Promise<void> => undefined;
}

describe("an index that has verifiers", () => {
  test("X5 shows nothing that its verifiers have not signed, and offers them all of it", async () => {
    const place = await newLog();
    const notes = memoryNotes(new MemoryNoteFile());
    const verifiers = new Verifiers();
    // Leaves from before there were verifiers; and the last of them is committed and no more.
    let running = await run(place);
    await running.main.log.append(entries(1, 4));
    await caughtUp(running);
    const { leaves } = running.index.service.status();
    await running.index.close();
    await running.main.log.append(entries(4, 8));
    await running.main.log.close();

    running = await run(place, { cosigners: verifiers, notes });
    const refused = await rejectionOf(ask(running.index, place.key, [leafKey(2)]));
    expect(refused.code).toBe("INDEX_NOT_READY");
    for (let leaf = 1; leaf < leaves; leaf++)
      expect(await running.index.service.update(leaf)).toBeDefined();
    verifiers.speak();
    await caughtUp(running);
    verifiers.isSilent = true;
    await running.main.log.append(entries(8, 10));
    const next = running.index.service.status().leaves;
    await until(async () => (await running.index.service.update(next)) !== undefined);
    // The leaf is there for them, and for nobody else.
    expect(await ask(running.index, place.key, [leafKey(7), leafKey(9)])).toMatchObject({
      found: [{ kind: "present" }, { kind: "absent" }],
    });
    await until(() => running.index.service.status().state.state === "waiting");
    await running.index.close();
    await running.main.log.close();

    running = await run(place, { cosigners: verifiers, notes });
    expect(await ask(running.index, place.key, [leafKey(7)])).toMatchObject({ ok: true });
    expect(running.index.published().size).toBe(next);
    verifiers.speak();
    await caughtUp(running);
    expect(running.index.published().size).toBe(next + 1);
    expect(await ask(running.index, place.key, [leafKey(9)])).toMatchObject({
      found: [{ kind: "present" }],
    });
    await running.index.close();
    await running.main.log.close();
  });
});
