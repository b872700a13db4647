import { describe, expect, test } from "vitest";
import {
  cosignatureMessage,
  cosignedMessage,
  formatCosignature,
  isCosignatureType,
  parseCosignature,
  type SubtreeStatement,
  subtreeMessage,
} from "../../../schema/tlog/cosignature.ts";
import vectors from "../../vectors/note/cosignatures.json" with { type: "json" };
import { failureOf, hex, hexHash, joined, valueOf } from "./support.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("what a cosigner signs", () => {
  test.each(vectors.messages)("type $type is as in the vectors", (one) => {
    if (one.type !== 4 && one.type !== 6) expect.fail("no such type");
    expect(valueOf(cosignedMessage(one.type, one.cosigner, one.timestamp, one.text))).toEqual(
      hex(one.message),
    );
  });

  test("with Ed25519 are two lines and the whole text, extension lines included", () => {
    expect(cosignatureMessage(1_679_315_147, "example.com/behind-the-sofa\n1\nx\next\n")).toEqual(
      utf8("cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n1\nx\next\n"),
    );
  });

  test("with ML-DSA-44 is the structure of the specification, byte for byte", () => {
    const root = hexHash("ab".repeat(32));
    const message = valueOf(
      subtreeMessage({ cosigner: "w", timestamp: 258, origin: "log", start: 0, end: 7, root }),
    );
    expect(message).toEqual(
      joined(
        utf8("subtree/v1\n\0"),
        Uint8Array.of(1),
        utf8("w"),
        Uint8Array.of(0, 0, 0, 0, 0, 0, 1, 2),
        Uint8Array.of(3),
        utf8("log"),
        new Uint8Array(8),
        Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 7),
        root,
      ),
    );
  });

  test("with ML-DSA-44 leaves out extension lines, with Ed25519 not", () => {
    const text = vectors.messages[0]?.text ?? expect.fail();
    const both = ([4, 6] as const).map((type) =>
      [text, `${text}ext\n`].map((body) => valueOf(cosignedMessage(type, "w", 5, body))),
    );
    expect(both[0]?.[0]).not.toEqual(both[0]?.[1]);
    expect(both[1]?.[0]).toEqual(both[1]?.[1]);
  });

  const good: SubtreeStatement = {
    cosigner: "w",
    timestamp: 0,
    origin: "log",
    start: 4,
    end: 8,
    root: hexHash("00".repeat(32)),
  };

  test.each<[string, Partial<SubtreeStatement>]>([
    ["subtree.cosigner", { cosigner: "" }],
    ["subtree.cosigner", { cosigner: "é".repeat(128) }],
    ["subtree.origin", { origin: "" }],
    ["subtree.origin", { origin: "o".repeat(256) }],
    ["subtree.timestamp", { timestamp: 1 }],
    ["subtree", { start: 9 }],
    ["subtree", { end: 2 ** 53 }],
    ["subtree", { timestamp: -1, start: 0 }],
  ])("is refused where the structure cannot hold it: %s %j", (field, change) => {
    expect(valueOf(subtreeMessage(good)).length).toBeGreaterThan(0);
    expect(failureOf(subtreeMessage({ ...good, ...change })).detail.field).toBe(field);
  });

  test("is not made of a text that is no checkpoint", () => {
    for (const type of [4, 6] as const)
      expect(failureOf(cosignedMessage(type, "w", 1, "hello\n")).code).toBe("FIELD_INVALID");
    const text = vectors.messages[0]?.text ?? expect.fail();
    expect(() => cosignedMessage(4, "w", 0.5, text)).toThrow("not a time");
  });
});

describe("the bytes of a cosignature", () => {
  test("are eight of time and the signature, and are read back", () => {
    for (const [type, length] of [
      [4, 64],
      [6, 2420],
    ] as const) {
      const signature = new Uint8Array(length).fill(9);
      const bytes = formatCosignature({ timestamp: 1_750_000_000, signature });
      expect(valueOf(parseCosignature(type, bytes))).toEqual({
        timestamp: 1_750_000_000,
        signature,
      });
      for (const wrong of [bytes.slice(1), joined(bytes, new Uint8Array(1)), new Uint8Array()])
        expect(failureOf(parseCosignature(type, wrong)).detail.field).toBe("cosignature");
      const late = bytes.slice();
      late[0] = 0x7f;
      expect(failureOf(parseCosignature(type, late)).detail.field).toBe("cosignature.timestamp");
    }
  });

  test("belong to types 4 and 6 only", () => {
    expect(([1, 2, 4, 6] as const).map(isCosignatureType)).toEqual([false, false, true, true]);
  });
});
