import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { utf8 } from "../../../schema/bytes.ts";
import type { LogError } from "../../../schema/error.ts";
import { makeCheck } from "../../../server/admission/check.ts";
import { CheckPool } from "../../../server/admission/check-pool.ts";
import { nextTurn, stoppedClock } from "../../until.ts";
import { SUBMISSIONS } from "../../vectors/make-leaf.ts";
import { rejectionOf } from "../refusal.ts";

const inPlace = makeCheck(nodeCrypto);
const valid = SUBMISSIONS.map(
  ([name, , submission]) => [name, utf8(JSON.stringify(submission))] as const,
);

describe("checking in threads", () => {
  const pool = new CheckPool({ threads: 2 });
  afterAll(() => pool.close());

  test("comes to the same entries as checking in place, each with its own submission", async () => {
    const all = [...valid, ...valid, ...valid];
    const answers = await Promise.all(all.map(([, bytes]) => pool.check(bytes)));
    for (const [i, [name, bytes]] of all.entries())
      expect(answers[i], name).toEqual(await inPlace(bytes));
  });

  test("refuses with the same error", async () => {
    const [, good] = valid[0] ?? [];
    if (good === undefined) throw new Error("no vectors");
    const text = Buffer.from(good).toString();
    const wrong = [
      "",
      "{",
      '{"kind":"none"}',
      text.replace('"publicKey":"', '"publicKey":"A'),
      ...valid.flatMap(([, bytes]) => altered(Buffer.from(bytes).toString())),
    ];
    for (const body of wrong) {
      const here = await rejectionOf(inPlace(utf8(body)));
      const there = await rejectionOf(pool.check(utf8(body)));
      expect(parts(there), body).toEqual(parts(here));
    }
  });

  test("a refused submission leaves its neighbours alone", async () => {
    const [, good] = valid[0] ?? [];
    if (good === undefined) throw new Error("no vectors");
    const settled = await Promise.allSettled(
      [good, utf8("{"), good].map((bytes) => pool.check(bytes)),
    );
    expect(settled.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  });

  test("does not take the sender's buffer away", async () => {
    const [, good] = valid[0] ?? [];
    if (good === undefined) throw new Error("no vectors");
    const copy = Uint8Array.from(good);
    await pool.check(good);
    expect(good).toEqual(copy);
  });
});

describe("a checking thread that fails", () => {
  const script = new URL("./odd-worker.ts", import.meta.url);

  const DEADLINE = 30_000;

  function odd(): CheckPool {
    const pool = new CheckPool({ threads: 1, script, deadline: DEADLINE });
    onTestFinished(() => pool.close());
    return pool;
  }

  test.each(["exit", "throw", "exhaust", "forget"])(
    "by %s refuses what it had as INTERNAL, and the next submission meets a new thread",
    async (word) => {
      const pool = odd();
      const lost = await Promise.all(
        ["a", word, "b"].map((text) => rejectionOf(pool.check(utf8(text)))),
      );
      expect(lost.map(({ code }) => code)).toEqual(["INTERNAL", "INTERNAL", "INTERNAL"]);
      expect(lost[0]?.detail.hint).toContain("nothing was logged");
      expect((await rejectionOf(pool.check(utf8("next")))).message).toBe("next");
    },
  );

  test("by silence is given up after the deadline", async () => {
    const clock = stoppedClock();
    const pool = odd();
    const silent = rejectionOf(pool.check(utf8("hang")));
    await nextTurn();
    clock.advance(DEADLINE);
    expect((await silent).code).toBe("INTERNAL");
    expect((await rejectionOf(pool.check(utf8("next")))).message).toBe("next");
  });

  test("while nobody asks is replaced without anybody noticing", async () => {
    const started = once(process, "worker");
    const pool = odd();
    const [thread]: unknown[] = await started;
    if (!(thread instanceof Worker)) throw new Error("no thread was started");
    const gone = once(thread, "exit");
    expect((await rejectionOf(pool.check(utf8("leave")))).message).toBe("leave");
    await gone;
    expect((await rejectionOf(pool.check(utf8("next")))).message).toBe("next");
  });

  test("at its start refuses every submission, and none waits for ever", async () => {
    const pool = new CheckPool({
      threads: 2,
      script: new URL("./no-such-file.ts", import.meta.url),
    });
    onTestFinished(() => pool.close());
    const all = await Promise.all(
      Array.from({ length: 100 }, () => rejectionOf(pool.check(utf8("x")))),
    );
    expect(new Set(all.map(({ code }) => code))).toEqual(new Set(["INTERNAL"]));
  });

  test("closing refuses what is in flight and what waits as STOPPING, and all that comes later", async () => {
    const pool = odd();
    // The thread is up, and what it has next goes out at the end of this turn.
    await rejectionOf(pool.check(utf8("x")));
    const first = rejectionOf(pool.check(utf8("hang")));
    await nextTurn();
    const more = Array.from({ length: 200 }, () => rejectionOf(pool.check(utf8("x"))));
    await pool.close();
    const refused = await Promise.all([first, ...more, rejectionOf(pool.check(utf8("x")))]);
    expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(["STOPPING"]));
  });
});

function parts({ code, message, detail }: LogError): unknown {
  return { code, message, detail };
}

/** The same submission with a character of its last base64 field changed. */
function altered(text: string): string[] {
  return ["sig", "signature"].flatMap((name) => {
    const pattern = new RegExp(`("${name}":"[A-Za-z0-9+/]{40})(.)`);
    const other = text.replace(
      pattern,
      (_, lead: string, at: string) => `${lead}${at === "A" ? "B" : "A"}`,
    );
    return other === text ? [] : [other];
  });
}
