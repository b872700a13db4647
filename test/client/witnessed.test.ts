/** Heads, receipts and updates under a trust that asks for witnesses. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { browserCrypto } from "../../client/crypto/browser.ts";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { verifyEvidence } from "../../client/evidence.ts";
import { httpTransport } from "../../client/fetch.ts";
import { openHead } from "../../client/head.ts";
import { fileSubmission } from "../../client/keys/signer.ts";
import { type Memory, volatileMemory } from "../../client/memory.ts";
import { submit } from "../../client/submit.ts";
import { submitBatch } from "../../client/submit-batch.ts";
import type { TrustedLog } from "../../client/trust.ts";
import { fetchHead, type LogPorts, observeOrThrow, update } from "../../client/update.ts";
import { explain } from "../../client/verify/explain.ts";
import { verifyReceipt } from "../../client/verify/receipt.ts";
import type { Verdict } from "../../client/verify/verdict.ts";
import { fromUtf8, utf8 } from "../../schema/bytes.ts";
import { LogError, unwrap } from "../../schema/error.ts";
import { formatEvidence } from "../../schema/evidence.ts";
import { formatReceipt } from "../../schema/receipt.ts";
import { formatNote, type NoteSignature, parseNote } from "../../schema/tlog/note.ts";
import { logKey, newSigner, type Served, serveLog, TestLog } from "./test-log.ts";
import { policyOf, policyText, TestWitness } from "./test-witness.ts";

const NOW = 1_800_000_000;
const ed = new TestWitness("ed.example");
const pq = new TestWitness("pq.example", 6);
const third = new TestWitness("third.example");
const stranger = new TestWitness("stranger.example");
const witnesses = [policyOf(policyText(2, [ed, pq, third]))];
const key = logKey();
const signer = newSigner();

let log: TestLog;
let trusted: TrustedLog;
let served: Served;
let memory: Memory;
let ports: LogPorts;
beforeEach(async () => {
  log = new TestLog("log.test", key);
  trusted = { ...log.trusted, witnesses };
  served = await serveLog(() => log);
  memory = volatileMemory();
  const transport = httpTransport(served.url, { deadlineMs: 5000 });
  ports = { crypto: nodeCrypto, transport, log: trusted, memory };
});
afterEach(async () => served.close());

const remembered = async (): Promise<number | undefined> =>
  (await memory.load(trusted.vkeyTexts))?.size;

async function codeOf(asked: Promise<unknown>): Promise<string> {
  return asked.then(
    () => "it did not fail",
    (error: unknown) => (error instanceof LogError ? error.code : String(error)),
  );
}

async function receipt(ask: TrustedLog = trusted): Promise<Verdict> {
  const [made] = log.log(await fileSubmission(signer, utf8("a file")));
  if (made === undefined) throw new Error("no receipt");
  const trust = { logs: [ask], people: [], rules: [] };
  const file = { name: "a.receipt.json", bytes: formatReceipt(made) };
  return verifyReceipt({ crypto: nodeCrypto, trust, memory }, file);
}

const spoiled =
  (cosign: (text: string) => NoteSignature): ((text: string) => NoteSignature) =>
  (text) => {
    const line = cosign(text);
    return { ...line, signature: line.signature.map((byte, i) => (i === 40 ? byte ^ 1 : byte)) };
  };

describe("a receipt", () => {
  test("whose head a quorum has seen says who it was and when all of them had, in data and in words", async () => {
    log.cosigners = [third.at(NOW + 7), ed.at(NOW), pq.at(NOW + 5)];
    const verdict = await receipt();
    expect(verdict).toMatchObject({
      ok: true,
      heads: [
        {
          witnessed: {
            state: "quorum",
            by: ["ed.example", "pq.example"],
            existedBefore: NOW + 5,
          },
        },
      ],
    });
    expect(explain(verdict)).toContain(
      "witnessed by ed.example, pq.example, existed before 2027-01-15T08:00:05Z",
    );
  });

  test("N2 with one witness too few is refused, and says whom it has and whom it needs", async () => {
    log.cosigners = [ed.at(NOW), ed.at(NOW + 1), stranger.at(NOW)];
    const verdict = await receipt();
    expect(verdict).toMatchObject({
      ok: false,
      refusal: {
        code: "WITNESSES_TOO_FEW",
        have: ["ed.example"],
        need: "2 of (ed.example, pq.example, third.example)",
      },
    });
    expect(explain(verdict)).toContain("is witnessed by ed.example; the trust file asks for 2 of");
  });

  test("however old is good: no receipt has an age", async () => {
    log.cosigners = [ed.at(1), pq.at(2)];
    expect(await receipt({ ...trusted, freshSeconds: 1 })).toMatchObject({ ok: true });
  });

  test("with lines of keys that nobody knows passes as before", async () => {
    log.cosigners = [stranger.at(NOW), spoiled(stranger.at(NOW))];
    const verdict = await receipt(log.trusted);
    expect(verdict).toMatchObject({ ok: true, heads: [{ witnessed: { state: "not asked" } }] });
    expect(explain(verdict)).toContain("no witness was asked for");
    log.cosigners = [...log.cosigners, ed.at(NOW), pq.at(NOW)];
    expect(await receipt()).toMatchObject({ ok: true });
  });

  test("N1 with one bad line of a known witness is refused, whatever quorum stands beside it", async () => {
    for (const bad of [ed, pq]) {
      log.cosigners = [ed.at(NOW), pq.at(NOW), third.at(NOW), spoiled(bad.at(NOW))];
      expect(await receipt()).toMatchObject({
        ok: false,
        refusal: { code: "CHECKPOINT_REFUSED" },
      });
    }
  });

  test("of a head that contradicts the memory is a fork, also where it lacks its witnesses", async () => {
    const other = new TestLog("log.test", key).fill(1, " of the fork");
    const next = { size: 1, checkpoint: other.checkpoint() };
    await memory.replace(trusted.vkeyTexts, undefined, next);
    const verdict = await receipt();
    expect(verdict).toMatchObject({ ok: false, refusal: { code: "LOG_FORKED" } });
    if (verdict.ok || verdict.refusal.code !== "LOG_FORKED") return;
    // Witnesses are no part of what convicts: the judge asks for the log's own signatures only.
    const file = formatEvidence(verdict.refusal.evidence);
    expect(await verifyEvidence(nodeCrypto, { logs: [trusted] }, file)).toMatchObject({ ok: true });
  });

  test("is judged alike by the browser's cryptography, ML-DSA-44 included", async () => {
    log.cosigners = [ed.at(NOW), pq.at(NOW)];
    log.fill(3);
    const note = log.checkpoint();
    const inNode = unwrap(await openHead(nodeCrypto, trusted, note));
    const inBrowser = unwrap(await openHead(browserCrypto(), trusted, note));
    expect(inBrowser.witnessed).toEqual(inNode.witnessed);
  });
});

describe("a head", () => {
  test("N2 without its quorum is neither believed nor remembered", async () => {
    log.fill(3);
    log.cosigners = [ed.at(NOW), pq.at(NOW)];
    expect((await update(ports)).state).toBe("first");
    log.fill(5);
    log.cosigners = [ed.at(NOW)];
    expect(await update(ports)).toMatchObject({
      state: "unwitnessed",
      tooFew: { have: ["ed.example"] },
    });
    expect(await remembered()).toBe(3);
    expect(await codeOf(fetchHead(ports))).toBe("WITNESSES_TOO_FEW");
    const signed = unwrap(await openHead(nodeCrypto, log.trusted, log.checkpoint()));
    expect(await codeOf(observeOrThrow(ports, signed))).toBe("WITNESSES_TOO_FEW");
    expect(await remembered()).toBe(3);
  });

  test("that forks is convicted by the log's own signature, with witnesses or without", async () => {
    log.fill(5);
    log.cosigners = [ed.at(NOW), pq.at(NOW)];
    await update(ports);
    for (const cosigners of [[], [ed.at(NOW), pq.at(NOW)], [spoiled(ed.at(NOW))]]) {
      log = new TestLog("log.test", key).fill(4).fill(9, " of the fork");
      log.cosigners = cosigners;
      const observed = await update(ports);
      expect(observed.state).toBe("forked");
      if (observed.state !== "forked") return;
      const file = formatEvidence(observed.evidence);
      expect(await verifyEvidence(nodeCrypto, { logs: [trusted] }, file)).toMatchObject({
        ok: true,
      });
    }
    expect(await remembered()).toBe(5);
  });

  test("that was remembered when nobody was asked for is still compared with, but not believed", async () => {
    log.fill(5);
    await update({ ...ports, log: log.trusted });
    served.lie = (path, honest) => (path === "checkpoint" ? log.checkpoint(3) : honest);
    log.cosigners = [ed.at(NOW), pq.at(NOW)];
    const observed = await update(ports);
    expect(observed).toMatchObject({ state: "stale", newest: { tree: { size: 3 } } });
    expect(await remembered()).toBe(5);
    served.lie = (_, honest) => honest;
    log = new TestLog("log.test", key).fill(5, " of the fork");
    expect((await update(ports)).state).toBe("forked");
  });

  test("N1 with a bad line of a known witness is refused", async () => {
    log.fill(3);
    log.cosigners = [ed.at(NOW), pq.at(NOW), spoiled(third.at(NOW))];
    expect(await codeOf(update(ports))).toBe("SIGNATURE_INVALID");
    expect(await remembered()).toBeUndefined();
  });
});

describe("what is handed in", () => {
  test("gets no receipt under a head that lacks its witnesses, alone or in a batch", async () => {
    const submission = await fileSubmission(signer, utf8("a file"));
    log.cosigners = [ed.at(NOW)];
    expect(await codeOf(submit(ports, submission))).toBe("WITNESSES_TOO_FEW");
    const all = async (): Promise<string[]> => {
      const kinds: string[] = [];
      for await (const event of submitBatch(ports, [submission])) kinds.push(event.kind);
      return kinds;
    };
    expect(await codeOf(all())).toBe("WITNESSES_TOO_FEW");
    expect(await remembered()).toBeUndefined();
    log.cosigners = [ed.at(NOW), pq.at(NOW)];
    expect(await submit(ports, submission)).toHaveLength(1);
    expect(await all()).toEqual(["committed", "receipts"]);
  });
});

test("a witness's line cannot be moved to another witness's name", async () => {
  log.fill(3);
  log.cosigners = [ed.at(NOW)];
  const note = unwrap(parseNote(log.checkpoint()));
  const [own, line] = note.signatures;
  if (own === undefined || line === undefined) throw new Error("two lines");
  const moved = { ...third.at(NOW)(note.text), signature: line.signature };
  const bytes = formatNote({ ...note, signatures: [own, line, moved] });
  const opened = await openHead(nodeCrypto, trusted, bytes);
  expect(opened.ok ? "" : opened.code).toBe("SIGNATURE_INVALID");
  expect(fromUtf8(bytes)).toContain("third.example");
});
