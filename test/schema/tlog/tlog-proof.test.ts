import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_BODY_BYTES, MAX_NOTE_BYTES } from "../../../schema/limits.ts";
import { parseCheckpoint } from "../../../schema/tlog/checkpoint.ts";
import { parseNote } from "../../../schema/tlog/note.ts";
import { verifyInclusion } from "../../../schema/tlog/proof.ts";
import { formatTlogProof, parseTlogProof } from "../../../schema/tlog/tlog-proof.ts";
import vectors from "../../vectors/tlog/tlog-proofs.json" with { type: "json" };
import { failureOf, hex, leafHashes, sha256, valueOf } from "./support.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("a proof file", () => {
  test.each(vectors.accepted)(
    "with $hashes.length hashes is read back as it was written",
    (one) => {
      const proof = valueOf(parseTlogProof(utf8(one.file)));
      expect(proof.index).toBe(one.index);
      expect(proof.hashes).toEqual(one.hashes.map(hex));
      expect(proof.extra).toEqual(one.extra === null ? undefined : hex(one.extra));
      expect(formatTlogProof(proof)).toEqual(utf8(one.file));
    },
  );

  test("proves its entry under the root of its checkpoint, and no other entry", () => {
    const proof = valueOf(parseTlogProof(utf8(vectors.accepted[0]?.file ?? expect.fail())));
    const note = valueOf(parseNote(proof.checkpoint));
    const head = valueOf(parseCheckpoint(note.text));
    const verdicts = leafHashes(7).map((leaf) =>
      verifyInclusion(sha256, head, proof.index, leaf, proof.hashes),
    );
    expect(verdicts).toEqual([false, false, true, false, false, false, false]);
  });

  test.each(vectors.refused)("is refused, naming $field", ({ field, file }) => {
    expect(failureOf(parseTlogProof(utf8(file))).detail.field).toBe(field);
  });

  test("has one form: what is accepted is what would be written", () => {
    const file = vectors.accepted[1]?.file ?? expect.fail();
    fc.assert(
      fc.property(
        fc.nat(file.length - 1),
        fc.constantFrom("", "\n", "0", "=", " ", "é"),
        (at, piece) => {
          const bytes = utf8(file.slice(0, at) + piece + file.slice(at + 1));
          const proof = parseTlogProof(bytes);
          if (proof.ok) expect(formatTlogProof(proof.value)).toEqual(bytes);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test("above its limits is refused before it is read", () => {
    expect(failureOf(parseTlogProof(new Uint8Array(MAX_BODY_BYTES + 1))).code).toBe("TOO_LARGE");
    const longNote = `c2sp.org/tlog-proof@v1\nindex 0\n\n${"a".repeat(MAX_NOTE_BYTES + 1)}`;
    expect(failureOf(parseTlogProof(utf8(longNote))).detail.limit).toBe(MAX_NOTE_BYTES);
    const lines = `c2sp.org/tlog-proof@v1\nindex 0\n${"a\n".repeat(1_000_000)}\n`;
    expect(failureOf(parseTlogProof(utf8(lines))).detail.limit).toBe(63);
    expect(failureOf(parseTlogProof(Uint8Array.of(0xff))).message).toContain("UTF-8");
  });
});
