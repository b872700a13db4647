import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { type EvidenceVerdict, verifyEvidence } from "../../client/evidence.ts";
import { fileSubmission } from "../../client/keys/signer.ts";
import { fromUtf8, utf8 } from "../../schema/bytes.ts";
import { encodeLeaf, parseLeaf } from "../../schema/entry/leaf.ts";
import { unwrap } from "../../schema/error.ts";
import { type Evidence, formatEvidence } from "../../schema/evidence.ts";
import type { Hash } from "../../schema/tlog/hash.ts";
import { leafHash } from "../../schema/tlog/hash.ts";
import { proveConsistency } from "../../schema/tlog/proof.ts";
import { CompactRange, NodeSet } from "../../schema/tlog/tree.ts";
import { logKey, newSigner, TestLog } from "./test-log.ts";

const key = logKey();
const honest = new TestLog("log.test", key).fill(40);
const fork = new TestLog("log.test", key).fill(40, " of the fork");
const trust = { logs: [honest.trusted] };

const note = (log: TestLog, size: number): string => fromUtf8(log.checkpoint(size)) ?? "";

function path(log: TestLog, older: number, newer: number): Hash[] {
  const nodes = new NodeSet();
  const range = CompactRange.empty(nodeCrypto.sha256);
  for (const leaf of log.leaves.slice(0, newer))
    range.append(leafHash(nodeCrypto.sha256, leaf), (level, index, hash) =>
      nodes.set(level, index, hash),
    );
  const proof = proveConsistency(nodeCrypto.sha256, older, newer, (l, i) => nodes.get(l, i));
  return Number.isInteger(Math.log2(older)) ? [log.root(older), ...proof] : proof;
}

const check = async (evidence: Evidence | Uint8Array): Promise<EvidenceVerdict> => {
  const bytes = evidence instanceof Uint8Array ? evidence : formatEvidence(evidence);
  return verifyEvidence(nodeCrypto, trust, bytes);
};
const codeOf = async (evidence: Evidence | Uint8Array): Promise<string> => {
  const verdict = await check(evidence);
  return verdict.ok ? "convicted" : verdict.refusal.code;
};

describe("a fork of one size", () => {
  const evidence = (a: string, b: string): Evidence => ({ kind: "fork-same-size", notes: [a, b] });

  test("convicts by two signed notes, in either order", async () => {
    const [a, b] = [note(honest, 9), note(fork, 9)];
    expect(await check(evidence(a, b))).toMatchObject({ ok: true, origin: "log.test" });
    expect(await codeOf(evidence(b, a))).toBe("convicted");
  });

  test("one note twice, two sizes, or equal roots convict nobody", async () => {
    expect(await codeOf(evidence(note(honest, 9), note(honest, 9)))).toBe("PROVES_NOTHING");
    expect(await codeOf(evidence(note(honest, 9), note(fork, 10)))).toBe("PROVES_NOTHING");
  });

  test("notes of another log, of two logs, or by an impostor convict nobody", async () => {
    const other = new TestLog("other.test").fill(9);
    const impostor = new TestLog("log.test").fill(9, " of an impostor");
    expect(await codeOf(evidence(note(other, 9), note(other, 9)))).toBe("LOG_UNKNOWN");
    expect(await codeOf(evidence(note(honest, 9), note(other, 9)))).toBe("LOG_UNKNOWN");
    expect(await codeOf(evidence(note(honest, 9), note(impostor, 9)))).toBe("NOT_SIGNED");
    const both = { logs: [honest.trusted, other.trusted] };
    const bytes = formatEvidence(evidence(note(honest, 9), note(other, 9)));
    expect(await verifyEvidence(nodeCrypto, both, bytes)).toMatchObject({ ok: false });
  });
});

describe("a fork of two sizes", () => {
  const evidence = (older: string, newer: string, hashes: readonly Hash[]): Evidence => ({
    kind: "fork-inconsistent",
    notes: [older, newer],
    path: hashes,
  });

  test("convicts for every pair of sizes up to 20", async () => {
    for (let n = 2; n <= 20; n++)
      for (let m = 1; m < n; m++)
        expect(await codeOf(evidence(note(honest, m), note(fork, n), path(fork, m, n)))).toBe(
          "convicted",
        );
  });

  test("an honest log is never convicted, whatever path is made for it", async () => {
    for (let n = 2; n <= 20; n++)
      for (let m = 1; m < n; m++) {
        const notes = [note(honest, m), note(honest, n)] as const;
        expect(await codeOf(evidence(...notes, path(honest, m, n)))).toBe("PROVES_NOTHING");
        expect(await codeOf(evidence(...notes, path(fork, m, n)))).toBe("PROVES_NOTHING");
        expect(await codeOf(evidence(...notes, []))).toBe("PROVES_NOTHING");
        expect(await codeOf(evidence(...notes, path(honest, m, n).slice(1)))).toBe(
          "PROVES_NOTHING",
        );
      }
  });

  test("an honest log is not convicted by paths put together from its own hashes", async () => {
    const pool = [
      ...path(honest, 5, 13),
      ...path(honest, 8, 13),
      ...path(fork, 5, 13),
      honest.root(8),
    ];
    const hashes = fc.array(fc.constantFrom(...pool), { maxLength: 7 });
    await fc.assert(
      fc.asyncProperty(hashes, fc.constantFrom(4, 5, 8), async (list, m) => {
        expect(await codeOf(evidence(note(honest, m), note(honest, 13), list))).toBe(
          "PROVES_NOTHING",
        );
      }),
      { numRuns: 150 },
    );
  });

  test("notes in the wrong order, of one size, or of an empty tree convict nobody", async () => {
    const hashes = path(fork, 5, 13);
    expect(await codeOf(evidence(note(fork, 13), note(honest, 5), hashes))).toBe("PROVES_NOTHING");
    expect(await codeOf(evidence(note(fork, 13), note(honest, 13), hashes))).toBe("PROVES_NOTHING");
    expect(await codeOf(evidence(note(honest, 0), note(fork, 13), hashes))).toBe("PROVES_NOTHING");
  });
});

describe("entries", async () => {
  const signer = newSigner();
  const [file, other] = [
    await fileSubmission(signer, utf8("one")),
    await fileSubmission(signer, utf8("two")),
  ];
  const logOf = (...submissions: (typeof file)[]): TestLog => {
    const log = new TestLog("log.test", key);
    for (const submission of submissions) log.submit(submission);
    return log;
  };
  const [a, b] = [logOf(file, other), logOf(other, file)];

  test("two leaves at one index convict; one leaf or two indexes do not", async () => {
    const kind = "wrong-entry";
    expect(await codeOf({ kind, entries: [a.entry(0), b.entry(0)] })).toBe("convicted");
    expect(await codeOf({ kind, entries: [a.entry(0, 1), a.entry(0, 2)] })).toBe("PROVES_NOTHING");
    expect(await codeOf({ kind, entries: [a.entry(0), a.entry(1)] })).toBe("PROVES_NOTHING");
  });

  test("one leaf at two indexes convicts", async () => {
    const kind = "duplicate-leaf";
    expect(await codeOf({ kind, entries: [a.entry(0), b.entry(1)] })).toBe("convicted");
    expect(await codeOf({ kind, entries: [a.entry(0), a.entry(1)] })).toBe("PROVES_NOTHING");
    expect(await codeOf({ kind, entries: [a.entry(0), a.entry(0)] })).toBe("PROVES_NOTHING");
  });

  test("an entry that is not shown to be in the log convicts nobody", async () => {
    const moved = { ...a.entry(0), index: 1 };
    const lie = { kind: "wrong-entry", entries: [moved, a.entry(1)] } as const;
    expect(await codeOf(lie)).toBe("PROVES_NOTHING");
    const impostor = new TestLog("log.test");
    impostor.submit(other);
    const forged = { kind: "wrong-entry", entries: [a.entry(0), impostor.entry(0)] } as const;
    expect(await codeOf(forged)).toBe("NOT_SIGNED");
  });

  test("an admitted entry convicts when its signature does not verify, and only then", async () => {
    const kind = "bad-admission";
    const { entry, content } = a.receipt(0);
    if (content === undefined) throw new Error("no content");
    expect(await codeOf({ kind, entry, content })).toBe("PROVES_NOTHING");
    expect(await codeOf({ kind, entry })).toBe("PROVES_NOTHING");
    expect(await codeOf({ kind, entry, content: utf8("two") })).toBe("PROVES_NOTHING");
    const leaf = unwrap(parseLeaf(entry.leafBytes));
    if (leaf.kind !== "countersign") throw new Error("another kind");
    const value = leaf.signature.value.map((byte, i) => (i === 9 ? byte ^ 1 : byte));
    const liar = new TestLog("log.test", key);
    liar.append(encodeLeaf({ ...leaf, signature: { ...leaf.signature, value } }), content);
    expect(await codeOf({ kind, entry: liar.entry(0), content })).toBe("convicted");
  });
});

test.each(["", "{}", "null", "[]", '{"mediaType":"x","kind":"fork-same-size"}'])(
  "%j is no evidence",
  async (text) => {
    expect(await codeOf(utf8(text))).toBe("EVIDENCE_MALFORMED");
  },
);

test("two logs that are both trusted are no fork of one another", async () => {
  const other = new TestLog("other.test").fill(40, " elsewhere");
  const both = { logs: [honest.trusted, other.trusted] };
  const notes = [note(honest, 9), note(other, 9)] as const;
  const [here, there] = [new TestLog("log.test", key), new TestLog("other.test", other.key)];
  here.submit(await fileSubmission(newSigner(), utf8("one")));
  there.submit(await fileSubmission(newSigner(), utf8("two")));
  const entries = [here.entry(0), there.entry(0)] as const;
  for (const evidence of [
    { kind: "fork-same-size", notes },
    {
      kind: "fork-inconsistent",
      notes: [note(honest, 9), note(other, 20)],
      path: path(other, 9, 20),
    },
    { kind: "wrong-entry", entries },
  ] satisfies Evidence[])
    expect(await verifyEvidence(nodeCrypto, both, formatEvidence(evidence))).toMatchObject({
      ok: false,
      refusal: { code: "LOG_UNKNOWN" },
    });
});
