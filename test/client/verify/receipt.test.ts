import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { dsseSubmission, fileSubmission } from "../../../client/keys/signer.ts";
import { type Memory, volatileMemory } from "../../../client/memory.ts";
import { explain } from "../../../client/verify/explain.ts";
import { toTlogProof, type VerifyPorts, verifyReceipt } from "../../../client/verify/receipt.ts";
import type { Refusal } from "../../../client/verify/verdict.ts";
import { equal, fromUtf8, toBase64, utf8 } from "../../../schema/bytes.ts";
import { encodeLeaf, parseLeaf } from "../../../schema/entry/leaf.ts";
import { unwrap } from "../../../schema/error.ts";
import { formatReceipt, type LogEntry, type Receipt } from "../../../schema/receipt.ts";
import { asHash, type Hash } from "../../../schema/tlog/hash.ts";
import { formatNote, parseNote } from "../../../schema/tlog/note.ts";
import { formatTlogProof } from "../../../schema/tlog/tlog-proof.ts";
import { buildResult, logKey, review, signedCommit, TestLog } from "../test-log.ts";
import { ada, bob, trustIn } from "./people.ts";

const key = logKey();
const log = new TestLog("log.test", key).fill(7);
const ports: VerifyPorts = { crypto: nodeCrypto, trust: trustIn([log], "") };
const artifact = utf8("the artifact");
const commit = await signedCommit(ada);

const said = {
  "a file by Ed25519": await fileSubmission(ada, artifact),
  "a file by P-256": await fileSubmission(bob, artifact),
  "an envelope by Ed25519": await dsseSubmission(ada, "text/plain", artifact),
  "a review by P-256": await review(bob, commit),
  "a commit by SSH": commit.submission,
  "a build": await buildResult(ada, commit.id, artifact),
};
type Kind = keyof typeof said;
const kinds: Kind[] = [
  "a file by Ed25519",
  "a file by P-256",
  "an envelope by Ed25519",
  "a review by P-256",
  "a commit by SSH",
  "a build",
];
const receipts = new Map<string, Receipt>();
beforeAll(() => {
  for (const kind of kinds) log.submit(said[kind]);
  for (const kind of kinds) {
    const [receipt] = log.log(said[kind]);
    if (receipt !== undefined) receipts.set(kind, receipt);
  }
});

function receiptOf(kind: Kind): Receipt {
  const receipt = receipts.get(kind);
  if (receipt === undefined) throw new Error("no such receipt");
  return receipt;
}

const verify = async (
  receipt: Receipt | Uint8Array,
  about?: Uint8Array,
  more: Partial<VerifyPorts> = {},
): ReturnType<typeof verifyReceipt> => {
  const bytes = receipt instanceof Uint8Array ? receipt : formatReceipt(receipt);
  return verifyReceipt({ ...ports, ...more }, { name: "x.receipt.json", bytes }, about);
};

async function refusal(
  receipt: Receipt | Uint8Array,
  about?: Uint8Array,
  more: Partial<VerifyPorts> = {},
): Promise<Refusal> {
  const verdict = await verify(receipt, about, more);
  if (verdict.ok) throw new Error("it said yes");
  expect(explain(verdict)).toMatch(/^no: /);
  return verdict.refusal;
}

/** The receipt with some fields of its entry changed. */
const withEntry = (receipt: Receipt, entry: Partial<LogEntry>): Receipt => ({
  ...receipt,
  entry: { ...receipt.entry, ...entry },
});

function flip(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  copy[0] = (copy[0] ?? 0) ^ 1;
  return copy;
}

function flipHash(hash: Hash): Hash {
  const other = asHash(flip(hash));
  if (other === undefined) throw new Error("no hash");
  return other;
}

describe.each(kinds)("%s", (kind) => {
  test("is verified offline, and names its signer", async () => {
    const verdict = await verify(receiptOf(kind));
    expect(verdict.ok).toBe(true);
    if (!verdict.ok) return;
    expect(verdict.receipt.person).toMatch(/Ada|Bob/);
    expect(verdict.heads[0]?.comparison).toEqual({ state: "not compared" });
    expect(explain(verdict)).toMatch(/^yes: /);
  });

  test("no byte of the file can be changed into another yes", async () => {
    const bytes = formatReceipt(receiptOf(kind));
    const honest = await verify(receiptOf(kind));
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: bytes.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        async (at, mask) => {
          const changed = bytes.slice();
          changed[at] = (changed[at] ?? 0) ^ mask;
          const verdict = await verify(changed);
          // White space and escapes may vary; what is said may not.
          if (!verdict.ok || !honest.ok) return;
          expect(verdict.receipt.index).toBe(honest.receipt.index);
          expect(verdict.receipt.leaf).toEqual(honest.receipt.leaf);
          expect(verdict.receipt.content).toEqual(honest.receipt.content);
          expect(verdict.receipt.head).toEqual(honest.receipt.head);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("a cut file is malformed", async () => {
    const bytes = formatReceipt(receiptOf(kind));
    for (const length of [0, 1, 20, bytes.length >> 1, bytes.length - 3])
      expect((await refusal(bytes.slice(0, length))).code).toBe("RECEIPT_MALFORMED");
  });
});

describe("each step has its refusal", () => {
  const good = (): Receipt => receiptOf("a file by Ed25519");

  test.each([
    ["nothing", ""],
    ["an empty object", "{}"],
    ["null", "null"],
    [
      "an empty entry",
      '{"mediaType":"application/vnd.countersign.receipt+json;version=1","logEntry":{}}',
    ],
    ["a duplicate key", '{"mediaType":"x","mediaType":"x"}'],
    ["deep nesting", "[".repeat(100_000)],
  ])("CVE-2022-36056 %s is no receipt", async (_, text) => {
    expect((await refusal(utf8(text))).code).toBe("RECEIPT_MALFORMED");
  });

  test("a file above its limit is not read", async () => {
    const refused = await refusal(new Uint8Array(5_000_000).fill(0x20));
    expect(refused.code).toBe("RECEIPT_MALFORMED");
  });

  test("a log that the trust file does not name", async () => {
    const [receipt] = new TestLog("other.test").log(said["a file by Ed25519"]);
    if (receipt === undefined) throw new Error("no receipt");
    expect((await refusal(receipt)).code).toBe("LOG_UNKNOWN");
  });

  test("CVE-2023-47122 a log of a trusted name with a key of its own", async () => {
    const [receipt] = new TestLog("log.test").log(said["a file by Ed25519"]);
    if (receipt === undefined) throw new Error("no receipt");
    expect((await refusal(receipt)).code).toBe("CHECKPOINT_REFUSED");
  });

  test("aicr#1754 a checkpoint whose first line is by somebody else is judged by the log's line", async () => {
    const note = unwrap(parseNote(utf8(good().entry.checkpoint)));
    const other = { ...new TestLog("w.test").signature(note.text), name: "w.test" };
    const signatures = [other, ...note.signatures];
    const both = fromUtf8(formatNote({ ...note, signatures })) ?? "";
    expect((await verify(withEntry(good(), { checkpoint: both }))).ok).toBe(true);
    const alone = fromUtf8(formatNote({ ...note, signatures: [other] })) ?? "";
    expect((await refusal(withEntry(good(), { checkpoint: alone }))).code).toBe(
      "CHECKPOINT_REFUSED",
    );
  });

  test("CVE-2026-56864 root, size and key id beside the checkpoint are not what counts", async () => {
    const { root, size, logId } = good().entry;
    expect(await refusal(withEntry(good(), { root: flipHash(root) }))).toMatchObject({
      code: "RECORD_CONTRADICTS",
      field: "logEntry.inclusionProof.rootHash",
    });
    expect(await refusal(withEntry(good(), { size: size + 1 }))).toMatchObject({
      code: "RECORD_CONTRADICTS",
      field: "logEntry.inclusionProof.treeSize",
    });
    expect(await refusal(withEntry(good(), { logId: flipHash(logId) }))).toMatchObject({
      code: "RECORD_CONTRADICTS",
      field: "logEntry.logId.keyId",
    });
  });

  test("a proof for another index, of another leaf, too short, too long, or empty", async () => {
    const { index, hashes } = good().entry;
    const extra = hashes[0];
    if (extra === undefined) throw new Error("no proof");
    const lies: Partial<LogEntry>[] = [
      { index: index - 1 },
      { leafBytes: receiptOf("a build").entry.leafBytes },
      { hashes: hashes.slice(1) },
      { hashes: [...hashes, extra] },
      { hashes: [] },
      { hashes: hashes.map((hash, i) => (i === 0 ? flipHash(hash) : hash)) },
    ];
    for (const lie of lies)
      expect((await refusal(withEntry(good(), lie))).code).toBe("NOT_INCLUDED");
  });

  test("a receipt without its content cannot say what was signed", async () => {
    const { entry } = good();
    expect((await refusal({ entry })).code).toBe("CONTENT_MISSING");
    expect((await verify({ entry }, artifact)).ok).toBe(true);
  });

  test("CVE-2022-23649 another content, or the content of another receipt", async () => {
    expect((await refusal({ ...good(), content: utf8("another") })).code).toBe("OTHER_CONTENT");
    const { content } = receiptOf("a build");
    if (content === undefined) throw new Error("no content");
    expect((await refusal({ ...good(), content })).code).toBe("OTHER_CONTENT");
  });

  test("CVE-2026-22703 GHSA-whqx-f9j3-ch6m a true receipt about something else than was asked", async () => {
    for (const kind of kinds) {
      expect((await refusal(receiptOf(kind), utf8("another"))).code).toBe("OTHER_CONTENT");
    }
    expect((await verify(receiptOf("a file by P-256"), artifact)).ok).toBe(true);
    expect((await verify(receiptOf("a build"), artifact)).ok).toBe(true);
    expect((await verify(receiptOf("a commit by SSH"), commit.object)).ok).toBe(true);
  });

  test("a logged leaf whose signature is by another key, over another content, or damaged", async () => {
    const leafOf = (kind: Kind) => unwrap(parseLeaf(receiptOf(kind).entry.leafBytes));
    const raw = leafOf("a file by Ed25519");
    const record = leafOf("a file by P-256");
    const envelope = leafOf("an envelope by Ed25519");
    if (raw.kind !== "countersign" || record.kind !== "hashedrekord") throw new Error("kinds");
    if (envelope.kind !== "countersign") throw new Error("kinds");
    const { signature } = raw;
    const lies = [
      { ...raw, signature: { ...signature, value: flip(signature.value) } },
      { ...raw, signature: { ...signature, value: envelope.signature.value } },
      {
        ...raw,
        signature: { ...signature, key: { ...signature.key, id: flipHash(signature.key.id) } },
      },
      { ...record, signature: flip(record.signature.slice(4)) },
    ];
    const liar = new TestLog("log.test", key);
    for (const lie of lies) {
      const index = liar.append(encodeLeaf(lie), artifact);
      expect((await refusal(liar.receipt(index))).code).toMatch(/SIGNATURE_REFUSED|LEAF_REFUSED/);
    }
    const first = lies[0];
    if (first === undefined) return;
    const index = liar.append(encodeLeaf(first), artifact);
    expect(await refusal(liar.receipt(index))).toMatchObject({
      code: "SIGNATURE_REFUSED",
      reason: "signature does not verify",
    });
  });

  test("a logged leaf that is no leaf at all", async () => {
    const liar = new TestLog("log.test", key);
    const text = fromUtf8(good().entry.leafBytes) ?? "";
    const spaced = liar.append(utf8(text.replace(":", ": ")), artifact);
    const proof = toTlogProof(liar.receipt(spaced));
    expect((await refusal(proof, artifact)).code).toBe("LEAF_REFUSED");
  });
});

describe("the memory", () => {
  const remember = async (size: number, of: TestLog = log): Promise<Memory> => {
    const memory = volatileMemory();
    const head = { size, checkpoint: of.checkpoint(size) };
    await memory.replace(log.trusted.vkeyTexts, undefined, head);
    return memory;
  };

  test("of the receipt's size says the same, of another size says not compared", async () => {
    const same = await verify(receiptOf("a build"), undefined, {
      memory: await remember(log.size),
    });
    expect(same.ok && same.heads[0]?.comparison).toEqual({ state: "same as remembered" });
    const other = await verify(receiptOf("a build"), undefined, { memory: await remember(3) });
    expect(other.ok && other.heads[0]?.comparison).toEqual({
      state: "not compared",
      remembered: 3,
    });
  });

  test("of another history of that size is a fork with evidence", async () => {
    const fork = new TestLog("log.test", key).fill(log.size, " of the fork");
    const memory = await remember(log.size, fork);
    const refused = await refusal(receiptOf("a build"), undefined, { memory });
    expect(refused).toMatchObject({ code: "LOG_FORKED", evidence: { kind: "fork-same-size" } });
  });

  test("that cannot be read is no answer at all", async () => {
    const broken = { load: async () => Promise.reject(new Error("disk")) };
    await expect(verify(receiptOf("a build"), undefined, { memory: broken })).rejects.toThrow(
      "disk",
    );
  });
});

describe("a tlog-proof", () => {
  test("verifies with the leaf in its extra line and the artifact at hand", async () => {
    for (const kind of ["a file by Ed25519", "a file by P-256"] as const) {
      const proof = toTlogProof(receiptOf(kind));
      expect((await verify(proof, artifact)).ok).toBe(true);
      expect((await refusal(proof)).code).toBe("CONTENT_MISSING");
      expect((await refusal(proof, utf8("another"))).code).toBe("OTHER_CONTENT");
    }
  });

  test("CVE-2026-56864 an extra line that was changed is not in the tree", async () => {
    const { index, hashes, checkpoint } = receiptOf("a file by Ed25519").entry;
    const extra = receiptOf("a file by P-256").entry.leafBytes;
    const parts = { index, hashes, checkpoint: utf8(checkpoint) };
    expect((await refusal(formatTlogProof({ ...parts, extra }), artifact)).code).toBe(
      "NOT_INCLUDED",
    );
    expect((await refusal(formatTlogProof(parts), artifact)).code).toBe("RECEIPT_MALFORMED");
  });

  test("of an unknown log, an impostor, or with another text is refused", async () => {
    const [foreign] = new TestLog("other.test").log(said["a file by Ed25519"]);
    const [impostor] = new TestLog("log.test").log(said["a file by Ed25519"]);
    if (foreign === undefined || impostor === undefined) throw new Error("no receipt");
    expect((await refusal(toTlogProof(foreign), artifact)).code).toBe("LOG_UNKNOWN");
    expect((await refusal(toTlogProof(impostor), artifact)).code).toBe("CHECKPOINT_REFUSED");
    const text = fromUtf8(toTlogProof(receiptOf("a file by Ed25519"))) ?? "";
    expect((await refusal(utf8(text.replace("index 7", "index 07")), artifact)).code).toBe(
      "RECEIPT_MALFORMED",
    );
  });
});

test("the content that a verdict hands on is the one that was signed", async () => {
  const verdict = await verify(receiptOf("a file by Ed25519"));
  if (!verdict.ok) throw new Error("no");
  expect(equal(verdict.receipt.content, artifact)).toBe(true);
  expect(toBase64(verdict.receipt.contentDigest)).toBe(toBase64(nodeCrypto.sha256(artifact)));
});
