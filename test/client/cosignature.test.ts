import { createPrivateKey, sign } from "node:crypto";
import { describe, expect, test } from "vitest";
import { openCheckpoint } from "../../client/cosignature.ts";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { formatCheckpoint } from "../../schema/tlog/checkpoint.ts";
import type { Hash } from "../../schema/tlog/hash.ts";
import { formatNote, type Note, parseNote, parseVkey, type Vkey } from "../../schema/tlog/note.ts";
import { verifyInclusion } from "../../schema/tlog/proof.ts";
import { parseTlogProof } from "../../schema/tlog/tlog-proof.ts";
import { failureOf, flipped, leafHashes, sha256, valueOf } from "../schema/tlog/support.ts";
import vectors from "../vectors/note/cosignatures.json" with { type: "json" };
import proofs from "../vectors/tlog/tlog-proofs.json" with { type: "json" };

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const vkey = (text: string): Vkey => valueOf(parseVkey(sha256, text));
const log = vkey(vectors.log);
const witnesses = vectors.witnesses.map((one) => vkey(one.vkey));
const bytes = bytesOf(vectors.note);
const note = valueOf(parseNote(bytes));

/** The note with one of its signatures changed, by the name and kind of its key. */
function changed(key: Vkey, change: (signature: Uint8Array) => Uint8Array): Uint8Array {
  const signatures = note.signatures.map((line) =>
    Buffer.compare(line.keyId, key.keyId) === 0
      ? { ...line, signature: change(line.signature) }
      : line,
  );
  return formatNote({ text: note.text, signatures });
}

const only = (keep: (line: Note["signatures"][number]) => boolean): Uint8Array =>
  formatNote({ text: note.text, signatures: note.signatures.filter(keep) });
const isLine = (key: Vkey) => (line: Note["signatures"][number]) =>
  Buffer.compare(line.keyId, key.keyId) === 0;

describe("opening a cosigned checkpoint", () => {
  test("finds the log's line wherever it stands, and both kinds of cosigner with their times", async () => {
    const opened = valueOf(await openCheckpoint(nodeCrypto, bytes, log, witnesses));
    expect(opened.checkpoint).toMatchObject({ origin: log.name, size: 7 });
    const times = new Map(opened.cosignatures.map(({ key, timestamp }) => [key.name, timestamp]));
    const expected = vectors.witnesses.map((one) => [vkey(one.vkey).name, one.timestamp] as const);
    expect(times).toEqual(new Map(expected));
  });

  test("counts nobody who is not asked for, and ignores strangers", async () => {
    const opened = valueOf(await openCheckpoint(nodeCrypto, bytes, log));
    expect(opened.cosignatures).toEqual([]);
    const absent = { ...(witnesses[0] ?? expect.fail()), name: "witness.example.test/absent" };
    const more = valueOf(await openCheckpoint(nodeCrypto, bytes, log, [...witnesses, absent]));
    expect(more.cosignatures).toHaveLength(2);
  });

  test("works with the log's ML-DSA-44 key alone", async () => {
    const key = vkey(vectors.logMlDsa44);
    const opened = valueOf(await openCheckpoint(nodeCrypto, bytes, key, witnesses));
    expect(opened.cosignatures).toHaveLength(2);
  });

  test("is refused without the log's own signature, however many cosigned", async () => {
    const bare = only((line) => !isLine(log)(line));
    expect(failureOf(await openCheckpoint(nodeCrypto, bare, log, witnesses))).toMatchObject({
      code: "SIGNATURE_INVALID",
      detail: { field: "checkpoint.signatures" },
    });
  });

  test("is refused where any known key's line is bad: its time, its signature, its length", async () => {
    for (const key of [log, ...witnesses]) {
      for (const bit of [0, 63, 64, 300])
        expect(
          failureOf(
            await openCheckpoint(
              nodeCrypto,
              changed(key, (s) => flipped(s, bit)),
              log,
              witnesses,
            ),
          ).code,
        ).toBe("SIGNATURE_INVALID");
      const short = changed(key, (signature) => signature.slice(1));
      expect((await openCheckpoint(nodeCrypto, short, log, witnesses)).ok).toBe(false);
    }
  });

  test("is refused under another origin than was asked for", async () => {
    const answer = await openCheckpoint(nodeCrypto, bytes, log, witnesses, "other.example.test");
    expect(failureOf(answer)).toMatchObject({ detail: { field: "checkpoint.origin" } });
  });

  test("is refused where an empty tree is given a root that is not the empty one", async () => {
    const seed = Buffer.from(`302e020100300506032b657004220420${"01".repeat(32)}`, "hex");
    const key = createPrivateKey({ key: seed, format: "der", type: "pkcs8" });
    const signed = (root: Hash): Uint8Array => {
      const text = formatCheckpoint({ origin: log.name, size: 0, root });
      const signature = Uint8Array.from(sign(null, Buffer.from(text), key));
      return formatNote({ text, signatures: [{ name: log.name, keyId: log.keyId, signature }] });
    };
    const empty = sha256(new Uint8Array());
    expect((await openCheckpoint(nodeCrypto, signed(empty), log)).ok).toBe(true);
    const other = signed(sha256(Uint8Array.of(1)));
    expect(failureOf(await openCheckpoint(nodeCrypto, other, log))).toMatchObject({
      detail: { field: "checkpoint.root" },
    });
  });

  test("an ML-DSA-44 cosignature covers the cosigner's name", async () => {
    const [, mlDsa] = witnesses;
    if (mlDsa === undefined) expect.fail();
    const alias = { ...mlDsa, name: "witness.example.test/alias" };
    const renamed = formatNote({
      text: note.text,
      signatures: note.signatures.map((line) =>
        isLine(mlDsa)(line) ? { ...line, name: alias.name } : line,
      ),
    });
    expect(failureOf(await openCheckpoint(nodeCrypto, renamed, log, [alias])).code).toBe(
      "SIGNATURE_INVALID",
    );
  });

  test("a cosigner who signed twice counts once, with the newest time", async () => {
    const file = proofs.accepted[0]?.file ?? expect.fail();
    const earlier = valueOf(parseNote(valueOf(parseTlogProof(bytesOf(file))).checkpoint));
    const twice = formatNote({
      text: note.text,
      signatures: [...note.signatures, ...earlier.signatures],
    });
    const [first] = vectors.witnesses;
    const opened = valueOf(await openCheckpoint(nodeCrypto, twice, log, witnesses));
    expect(opened.cosignatures).toHaveLength(2);
    expect(opened.cosignatures).toContainEqual({
      key: witnesses[0],
      timestamp: first?.timestamp,
    });
  });
});

describe("a proof file, checked from end to end", () => {
  test("proves one entry of the log, under its key and its witness", async () => {
    const proof = valueOf(parseTlogProof(bytesOf(proofs.accepted[0]?.file ?? expect.fail())));
    const opened = valueOf(
      await openCheckpoint(nodeCrypto, proof.checkpoint, vkey(proofs.log), [vkey(proofs.witness)]),
    );
    expect(opened.cosignatures).toHaveLength(1);
    const included = leafHashes(7).map((leaf) =>
      verifyInclusion(sha256, opened.checkpoint, proof.index, leaf, proof.hashes),
    );
    expect(included).toEqual([false, false, true, false, false, false, false]);
  });
});
