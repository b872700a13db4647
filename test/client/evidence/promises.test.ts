import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { openPromise } from "../../../client/promise.ts";
import type { TrustedLog } from "../../../client/trust.ts";
import { fromUtf8, utf8 } from "../../../schema/bytes.ts";
import { unwrap } from "../../../schema/error.ts";
import type { Evidence } from "../../../schema/evidence.ts";
import { parseReceipt } from "../../../schema/receipt.ts";
import { parseVkey } from "../../../schema/tlog/note.ts";
import vectors from "../../vectors/note/promises.json" with { type: "json" };
import * as made from "../../vectors/signers.ts";
import { logKey, TestLog } from "../test-log.ts";
import { policyOf, policyText, TestWitness } from "../test-witness.ts";
import { ada, changeBytes, check, outcome } from "./scene.ts";

const { sha256 } = nodeCrypto;
const DEADLINE = 1_800_000_000;
const LATE = DEADLINE + 60;
const key = logKey();
const log = fill(new TestLog("log.test", key), 12);
const lost = fill(fill(new TestLog("log.test", key), 7), 12, " of another history");
const people = [new TestWitness("w1.test"), new TestWitness("w2.test"), new TestWitness("w3.test")];
const policy = policyOf(policyText(2, people));
const watched = (...witnesses: NonNullable<TrustedLog["witnesses"]>): TrustedLog => ({
  ...log.trusted,
  witnesses,
});

/** Real entries, so that they stand in evidence. */
function fill(to: TestLog, size: number, salt = ""): TestLog {
  while (to.size < size)
    to.submit(made.dsseSubmission("text/plain", utf8(`entry ${to.size}${salt}`), ada));
  return to;
}

const TIMES = { time: DEADLINE - 600, deadline: DEADLINE };

const promise = (index: number, from: TestLog = log, times: Partial<typeof TIMES> = {}): string =>
  from.promise(index, { ...TIMES, ...times });

/** A head as witnesses saw it, each at its time; a time of `undefined` is a witness that did not. */
function head(size: number, times: readonly (number | undefined)[], from = log): string {
  from.cosigners = people.flatMap((one, i) => {
    const time = times[i];
    return time === undefined ? [] : [one.at(time)];
  });
  const note = fromUtf8(from.checkpoint(size)) ?? "";
  from.cosigners = [];
  return note;
}

describe("a promise", () => {
  test("of the vectors is opened with the key beside it, and a changed one is not", async () => {
    const vkey = unwrap(parseVkey(sha256, vectors.vkey));
    const logs = [{ origin: vkey.name, vkeys: [vkey], vkeyTexts: [vectors.vkey] }];
    const opened = unwrap(await openPromise(nodeCrypto, { logs }, utf8(vectors.note)));
    expect(opened).toMatchObject({ origin: vkey.name, index: 7 });
    const changed = utf8(vectors.note.replace("\n7\n", "\n8\n"));
    expect(await openPromise(nodeCrypto, { logs }, changed)).toMatchObject({
      code: "SIGNATURE_INVALID",
    });
    const long = utf8(`${vectors.note}${"x".repeat(4_096)}`);
    expect(await openPromise(nodeCrypto, { logs }, long)).toMatchObject({ code: "TOO_LARGE" });
  });

  test("is neither a receipt nor a checkpoint to those who read these", async () => {
    expect(parseReceipt(utf8(promise(7)))).toMatchObject({ ok: false });
    const evidence: Evidence = { kind: "fork-same-size", notes: [promise(7), head(7, [])] };
    expect(await outcome(log.trusted, evidence)).toBe("EVIDENCE_MALFORMED");
  });
});

describe("two promises for one index", () => {
  const two = (a: string, b: string): Evidence => ({ kind: "two-promises", promises: [a, b] });

  test("convict the log, in either order, and every changed byte is refused", async () => {
    const evidence = two(promise(8), promise(8, lost));
    expect(await check(log.trusted, evidence)).toMatchObject({
      ok: true,
      accused: { who: "log" },
      charge: "log.test promised index 8 to two entries",
    });
    expect(await outcome(log.trusted, two(promise(8, lost), promise(8)))).toBe("log");
    await changeBytes(log.trusted, evidence, 2);
  });

  test("of one entry, of two indexes, of a stranger or of two logs convict nobody", async () => {
    const again = promise(8, log, { time: DEADLINE - 5, deadline: DEADLINE + 5 });
    expect(await outcome(log.trusted, two(promise(8), again))).toBe("PROVES_NOTHING");
    expect(await outcome(log.trusted, two(promise(8), promise(9)))).toBe("PROVES_NOTHING");
    const impostor = fill(new TestLog("log.test"), 12, " of an impostor");
    expect(await outcome(log.trusted, two(promise(8), promise(8, impostor)))).toBe("NOT_SIGNED");
    const other = fill(new TestLog("other.test", key), 12, " of another log");
    expect(await outcome(log.trusted, two(promise(8), promise(8, other)))).toBe("LOG_UNKNOWN");
    expect(await outcome(log.trusted, two(promise(8), head(9, [])))).toBe("EVIDENCE_MALFORMED");
  });
});

describe("a lost promise", () => {
  const evidence = (note: string, index: number, from: TestLog = log): Evidence => ({
    kind: "lost-promise",
    promise: note,
    entry: from.entry(index),
  });

  test("convicts the log by the entry that is there instead, without a clock", async () => {
    const file = evidence(promise(8), 8, lost);
    expect(await check(log.trusted, file)).toMatchObject({
      ok: true,
      kind: "lost-promise",
      accused: { who: "log" },
    });
    const early = evidence(promise(8, log, { deadline: Number.MAX_SAFE_INTEGER }), 8, lost);
    expect(await outcome(log.trusted, early)).toBe("log");
    await changeBytes(log.trusted, file, 7);
  });

  test("is none where the promise was kept, and for no other index of an honest log", async () => {
    const indexes = fc.tuple(fc.nat(11), fc.nat(11));
    await fc.assert(
      fc.asyncProperty(indexes, async ([promised, shown]) => {
        const verdict = await outcome(log.trusted, evidence(promise(promised), shown));
        expect(verdict).toBe("PROVES_NOTHING");
      }),
      { numRuns: 60 },
    );
  });

  test("is none by an entry of another log, or one that is not shown to be there", async () => {
    const other = fill(new TestLog("other.test", key), 12, " of another log");
    expect(await outcome(log.trusted, evidence(promise(8), 8, other))).toBe("LOG_UNKNOWN");
    const loose = { ...lost.entry(8), hashes: lost.proof(9) };
    const file: Evidence = { kind: "lost-promise", promise: promise(8), entry: loose };
    expect(await outcome(log.trusted, file)).toBe("PROVES_NOTHING");
  });
});

describe("a late promise", () => {
  const late = (note: string, checkpoint: string): Evidence => ({
    kind: "late-promise",
    promise: note,
    checkpoint,
  });
  const trusted = watched(policy);

  test("convicts the log by a whole quorum that saw it without the entry", async () => {
    const file = late(promise(8), head(8, [LATE, LATE, undefined]));
    expect(await check(trusted, file)).toMatchObject({
      ok: true,
      kind: "late-promise",
      accused: { who: "log" },
    });
    await changeBytes(trusted, file, 3);
  });

  test("is told by the quorum and the size alone, one second and one entry apart", async () => {
    const times = fc.constantFrom(undefined, 0, DEADLINE, LATE - 1, LATE, LATE + 9_999);
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(times, times, times),
        fc.integer({ min: 1, max: 12 }),
        async (stamps, size) => {
          const enough = stamps.filter((time) => time !== undefined && time >= LATE).length >= 2;
          const verdict = await outcome(trusted, late(promise(8), head(size, stamps)));
          expect(verdict).toBe(enough && size <= 8 ? "log" : "PROVES_NOTHING");
        },
      ),
      { numRuns: 50 },
    );
  });

  test("is never called lost: the two kinds do not take one another's proof", async () => {
    const shown = head(8, [LATE, LATE, LATE]);
    const file: Evidence = {
      kind: "lost-promise",
      promise: promise(8),
      entry: { ...log.entry(7, 8), checkpoint: shown },
    };
    expect(await outcome(trusted, file)).toBe("PROVES_NOTHING");
    expect(await outcome(trusted, late(promise(8), head(9, [LATE, LATE, LATE], lost)))).toBe(
      "PROVES_NOTHING",
    );
  });

  test("is none where the trust file asks for nobody, or lets quorums share nobody", async () => {
    const file = late(promise(8), head(8, [LATE, LATE, LATE]));
    expect(await outcome(log.trusted, file)).toBe("PROVES_NOTHING");
    expect(await outcome(watched(policyOf(policyText(1, people))), file)).toBe("PROVES_NOTHING");
  });

  test("is none by new witnesses alone where older ones may have seen the entry", async () => {
    const old = [new TestWitness("o1.test"), new TestWitness("o2.test")];
    const file = late(promise(8), head(8, [LATE, LATE, LATE]));
    const retired = (until: number) => watched(policyOf(policyText(2, old), until), policy);
    expect(await outcome(retired(9), file)).toBe("PROVES_NOTHING");
    expect(await outcome(retired(8), file)).toBe("log");
  });

  test("is none under a bad line of a witness, or a head of another log", async () => {
    const other = fill(new TestLog("other.test", key), 12, " of another log");
    const elsewhere = late(promise(8), head(8, [LATE, LATE, LATE], other));
    expect(await outcome(trusted, elsewhere)).toBe("LOG_UNKNOWN");
    const moved = head(8, [LATE, LATE, undefined]).replace(/(w1\.test .{20})./, "$1A");
    expect(await outcome(trusted, late(promise(8), moved))).toBe("NOT_SIGNED");
  });
});
