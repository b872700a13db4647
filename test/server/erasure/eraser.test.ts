/** Erasing while the log runs: what is asked first, what is left, and every way in which it can be cut off. */
import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { gitHashOf } from "../../../client/git/hash.ts";
import { dsseSubmission } from "../../../client/keys/signer.ts";
import { toHex, utf8 } from "../../../schema/bytes.ts";
import { parseLeaf } from "../../../schema/entry/leaf.ts";
import { formatLogStatement, LOG_PAYLOAD_TYPE } from "../../../schema/entry/log-statement.ts";
import { OwnStatements } from "../../../schema/entry/own-statements.ts";
import { unwrap } from "../../../schema/error.ts";
import { mapfn } from "../../../schema/index/mapfn.ts";
import { parsePostings } from "../../../schema/index/posting.ts";
import { ORIGIN, sha256 } from "../fixture.ts";
import { makeSigner } from "../http/harness.ts";
import { rejectionOf } from "../refusal.ts";
import { digestOf, LOG_KEY, type Running, signedFile, World } from "./rig.ts";

const REASON = "personal data";
const SECRET = "secret\n";
const own = new OwnStatements(sha256, [LOG_KEY.vkey]);

/** The genesis, a file by two people, and another file. */
async function scene(world = new World()): Promise<{ world: World; log: Running }> {
  const log = await world.start();
  for (const text of [SECRET, "other\n", SECRET]) await log.submit(await signedFile(text));
  return { world, log };
}

/** What the log says in an entry. */
function said(log: Running, index: number): unknown {
  const [leaf] = log.storage.reader.leaves(index, index + 1);
  const [content] = log.storage.reader.contents(index, index + 1);
  if (leaf === undefined || content?.state !== "held") return undefined;
  return own.read(unwrap(parseLeaf(leaf)), content.bytes);
}

const GONE = ["held", "erased", "held", "erased", "held"];

describe("an erasure", () => {
  test("is a statement in the log, and then the content is gone from all its entries", async () => {
    const { log } = await scene();
    const before = log.storage.reader.leaves(0, 4);
    const erased = await log.eraser.erase(digestOf(SECRET), REASON);
    expect(erased).toEqual({ statement: 4, entries: [1, 3] });
    expect(said(log, 4)).toEqual({
      type: "erase",
      log: LOG_KEY.vkey,
      createdAt: "2026-09-21T14:13:20Z",
      digest: toHex(digestOf(SECRET)),
      reason: REASON,
    });
    expect(log.states()).toEqual(GONE);
    expect(log.storage.reader.leaves(0, 4)).toEqual(before);
    expect(log.sequencer.published().size).toBe(5);
    await log.end();
  });

  test("keeps of each entry just the postings that mapfn gave", async () => {
    const { log } = await scene();
    const hashes = { sha256, git: gitHashOf(nodeCrypto) };
    const named = { origin: ORIGIN, vkeys: [LOG_KEY.vkey] };
    const expected = [1, 3].map((index) => {
      const [leaf = new Uint8Array(0)] = log.storage.reader.leaves(index, index + 1);
      return mapfn(hashes, named, leaf, utf8(SECRET));
    });
    await log.eraser.erase(digestOf(SECRET), REASON);
    const kept = [1, 3].map((index) => log.storage.reader.keptPostings(index) ?? utf8("none"));
    expect(kept.map((bytes) => unwrap(parsePostings(bytes)))).toEqual(expected);
    expect(log.storage.reader.keptPostings(2)).toBeUndefined();
    await log.end();
  });

  test("is said once: asked again it names the statement that is there, after a restart too", async () => {
    const { world, log } = await scene();
    await log.eraser.erase(digestOf(SECRET), REASON);
    const again = { statement: 4, entries: [] };
    expect(await log.eraser.erase(digestOf(SECRET), "twice")).toEqual(again);
    await log.end();
    const next = await world.start();
    expect(await next.eraser.erase(digestOf(SECRET), "three times")).toEqual(again);
    expect(next.sequencer.published().size).toBe(5);
    await next.end();
  });

  test("refuses its digest from then on, whoever signs it, after a restart too", async () => {
    const { world, log } = await scene();
    await log.eraser.erase(digestOf(SECRET), REASON);
    await log.end();
    const next = await world.start();
    const refused = await rejectionOf(next.submit(await signedFile(SECRET)));
    expect(refused.code).toBe("CONTENT_REFUSED");
    await next.submit(await signedFile("another\n"));
    expect(next.states()).toEqual([...GONE, "held"]);
    await next.end();
  });

  test("an entry that was admitted before, and is planned after, is refused whole", async () => {
    const { log } = await scene();
    const late = log.submit(await signedFile(SECRET)).catch((error: unknown) => error);
    await log.eraser.erase(digestOf(SECRET), REASON);
    await late;
    const { size } = log.sequencer.published();
    const states = log.states();
    for (const [index, state] of states.entries())
      if (log.storage.reader.entriesWith(digestOf(SECRET), index, index + 1).length > 0)
        expect(state).toBe("erased");
    expect(states.filter((state) => state === "erased").length).toBe(size === 5 ? 2 : 3);
    await log.end();
  });
});

describe("nothing is changed", () => {
  async function unchanged(log: Running, digest = digestOf(SECRET), reason = REASON) {
    const before = [...log.states()];
    const refused = await rejectionOf(log.eraser.erase(digest, reason));
    expect(log.states()).toEqual(before);
    await log.submit(await signedFile("taken all the same\n"));
    await log.end();
    return refused;
  }

  test("where an entry with the content is not under a leaf of the index yet, and it is named", async () => {
    const { world, log } = await scene();
    world.indexed = 3;
    expect(await unchanged(log)).toMatchObject({
      code: "INDEX_NOT_READY",
      message: expect.stringContaining("entry 3"),
      detail: { limit: 3 },
    });
  });

  test("where the log keeps no index", async () => {
    const { world, log } = await scene();
    world.indexed = undefined;
    expect(await unchanged(log)).toMatchObject({ code: "INDEX_NOT_READY" });
  });

  test("where no entry has the content", async () => {
    const { log } = await scene();
    expect(await unchanged(log, digestOf("unknown"))).toMatchObject({ code: "NOT_FOUND" });
  });

  test("where the content is the log's own word: its genesis, or a statement that erases", async () => {
    const { log } = await scene();
    await log.eraser.erase(digestOf("other\n"), REASON);
    for (const index of [0, 4]) {
      const [content] = log.storage.reader.contents(index, index + 1);
      if (content?.state !== "held") expect.fail("a statement is gone");
      const refused = await rejectionOf(log.eraser.erase(sha256(content.bytes), REASON));
      expect(refused.code).toBe("USAGE");
    }
    await log.end();
  });

  test("where the reason is not one line of text", async () => {
    const { log } = await scene();
    expect(await unchanged(log, undefined, "two\nlines")).toMatchObject({ code: "FIELD_INVALID" });
  });

  test("and a digest that was refused an erasure is taken as before", async () => {
    const { world, log } = await scene();
    world.indexed = 0;
    await rejectionOf(log.eraser.erase(digestOf(SECRET), REASON));
    await log.submit(await signedFile(SECRET));
    expect(log.states()).toHaveLength(5);
    await log.end();
  });
});

describe("R1 cut off between its statement and the end", () => {
  test.each(["lost before", "lost after"] as const)(
    "an erasure whose outcome is %s stops the log, and the next start has it whole",
    async (fault) => {
      const { world, log } = await scene();
      world.fault = fault;
      await rejectionOf(log.eraser.erase(digestOf(SECRET), REASON));
      expect(world.stopped?.code).toBe("OUTCOME_UNKNOWN");
      expect(said(log, 4)).toBeDefined();
      world.kill();
      const next = await world.start();
      expect(next.states()).toEqual(GONE);
      for (const index of [1, 3])
        expect(next.storage.reader.keptPostings(index)?.length).toBeGreaterThan(100);
      const refused = await rejectionOf(next.submit(await signedFile(SECRET)));
      expect(refused.code).toBe("CONTENT_REFUSED");
      await next.end();
    },
  );

  test("where the store refuses, the same call goes on, without a second statement", async () => {
    const { world, log } = await scene();
    world.fault = "refused";
    expect((await rejectionOf(log.eraser.erase(digestOf(SECRET), REASON))).code).toBe(
      "STORAGE_FULL",
    );
    expect((await rejectionOf(log.submit(await signedFile(SECRET)))).code).toBe("CONTENT_REFUSED");
    expect(await log.eraser.erase(digestOf(SECRET), REASON)).toEqual({
      statement: 4,
      entries: [1, 3],
    });
    expect(log.states()).toEqual(GONE);
    await log.end();
  });

  test("a full disk stops no start but one that has something to erase", async () => {
    const { world, log } = await scene();
    await log.end();
    world.fault = "refused";
    const started = await world.start();
    world.fault = "lost before";
    await rejectionOf(started.eraser.erase(digestOf(SECRET), REASON));
    world.kill();
    world.fault = "refused";
    expect((await rejectionOf(world.start())).code).toBe("STORAGE_FULL");
    world.kill();
    const next = await world.start();
    expect(next.states()).toEqual(GONE);
    await next.end();
  });

  test("a statement that came in by another door is carried out by the next start, not for the log's own words", async () => {
    const { world, log } = await scene();
    const [genesis] = log.storage.reader.contents(0, 1);
    if (genesis?.state !== "held") expect.fail("no genesis");
    for (const digest of [digestOf(SECRET), sha256(genesis.bytes)])
      await log.submit(
        await LOG_KEY.statement({
          type: "erase",
          log: LOG_KEY.vkey,
          createdAt: "2026-11-22T10:00:00Z",
          digest: toHex(digest),
          reason: REASON,
        }),
      );
    expect(log.states()).not.toContain("erased");
    await log.end();
    const next = await world.start();
    expect(next.states()).toEqual([...GONE, "held"]);
    await next.end();
  });

  test("the same statement by another key is only bytes", async () => {
    const { world, log } = await scene();
    const payload = formatLogStatement({
      type: "erase",
      log: LOG_KEY.vkey,
      createdAt: "2026-11-22T10:00:00Z",
      digest: toHex(digestOf(SECRET)),
      reason: REASON,
    });
    await log.submit(await dsseSubmission(await makeSigner(), LOG_PAYLOAD_TYPE, payload));
    await log.end();
    const next = await world.start();
    expect(next.states()).not.toContain("erased");
    await next.end();
  });
});
