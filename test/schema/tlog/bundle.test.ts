import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_CONTENT_BYTES, MAX_CONTENT_TILE_BYTES } from "../../../schema/limits.ts";
import {
  type ContentSlot,
  decodeBundle,
  decodeContentTile,
  encodeBundle,
  encodeContentTile,
} from "../../../schema/tlog/bundle.ts";
import { entry, failureOf, valueOf } from "./support.ts";

const leaf = fc.uint8Array({ maxLength: 300 });
const slot: fc.Arbitrary<ContentSlot> = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((bytes): ContentSlot => ({ state: "held", bytes })),
  fc.constant<ContentSlot>({ state: "never-held" }),
  fc.constant<ContentSlot>({ state: "erased" }),
);

describe("an entry bundle", () => {
  test("has a 16-bit length before each entry", () => {
    expect(encodeBundle([Uint8Array.of(7), new Uint8Array(), Uint8Array.of(8, 9)])).toEqual(
      Uint8Array.of(0, 1, 7, 0, 0, 0, 2, 8, 9),
    );
  });

  test("is read back, and read in one way only", () => {
    fc.assert(
      fc.property(fc.array(leaf, { minLength: 1, maxLength: 256 }), (leaves) => {
        const bytes = encodeBundle(leaves);
        expect(valueOf(decodeBundle(bytes, leaves.length))).toEqual(leaves);
        expect(decodeBundle(bytes.subarray(0, -1), leaves.length).ok).toBe(false);
        expect(decodeBundle(Uint8Array.of(...bytes, 0), leaves.length).ok).toBe(false);
        if (leaves.length > 1) expect(decodeBundle(bytes, leaves.length - 1).ok).toBe(false);
        if (leaves.length < 256) expect(decodeBundle(bytes, leaves.length + 1).ok).toBe(false);
      }),
    );
  });

  test("of arbitrary bytes is refused or is exactly what would be written", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 1, max: 9 }), (bytes, n) => {
        const leaves = decodeBundle(bytes, n);
        if (leaves.ok) expect(encodeBundle(leaves.value)).toEqual(bytes);
      }),
    );
  });

  test("names the place where it ends too early", () => {
    const bytes = encodeBundle([entry(0), entry(1)]).subarray(0, -1);
    expect(failureOf(decodeBundle(bytes, 2))).toMatchObject({
      code: "RESPONSE_INVALID",
      detail: { field: "entry bundle", at: "9" },
    });
  });

  test("takes a leaf of 65,535 bytes and none of 65,536, and 1 to 256 of them", () => {
    const largest = new Uint8Array(65_535).fill(1);
    expect(valueOf(decodeBundle(encodeBundle([largest]), 1))).toEqual([largest]);
    expect(() => encodeBundle([new Uint8Array(65_536)])).toThrow("limit");
    expect(() => encodeBundle([])).toThrow("1 to 256");
    expect(() => encodeBundle(Array.from({ length: 257 }, () => entry(0)))).toThrow("1 to 256");
    expect(() => decodeBundle(new Uint8Array(4), 2 ** 40)).toThrow("1 to 256");
  });
});

describe("a content tile", () => {
  test("has a 32-bit length before each content, and two lengths that say why there is none", () => {
    const { bytes, count } = encodeContentTile([
      { state: "held", bytes: Uint8Array.of(5) },
      { state: "never-held" },
      { state: "erased" },
      { state: "held", bytes: new Uint8Array() },
    ]);
    expect(count).toBe(4);
    expect(bytes).toEqual(
      Uint8Array.of(0, 0, 0, 1, 5, 255, 255, 255, 255, 255, 255, 255, 254, 0, 0, 0, 0),
    );
  });

  test("is read back, and read in one way only", () => {
    fc.assert(
      fc.property(fc.array(slot, { minLength: 1, maxLength: 256 }), (slots) => {
        const { bytes, count } = encodeContentTile(slots);
        expect(count).toBe(slots.length);
        expect(valueOf(decodeContentTile(bytes, 256))).toEqual(slots);
        expect(decodeContentTile(bytes.subarray(0, -1), 256).ok).toBe(false);
        if (slots.length > 1) expect(decodeContentTile(bytes, slots.length - 1).ok).toBe(false);
      }),
    );
  });

  test("holds what fits into 8 MiB, and says how much that was", () => {
    const large: ContentSlot = { state: "held", bytes: new Uint8Array(MAX_CONTENT_BYTES) };
    const all = Array.from({ length: 20 }, () => large);
    const { bytes, count } = encodeContentTile(all);
    expect(count).toBe(7);
    expect(bytes.length).toBeLessThanOrEqual(MAX_CONTENT_TILE_BYTES);
    expect(valueOf(decodeContentTile(bytes, 256))).toHaveLength(7);
  });

  test("that is empty, longer than its limit, or announces a longer content is refused", () => {
    expect(failureOf(decodeContentTile(new Uint8Array(), 5)).message).toContain("ends inside");
    const tooLong = new Uint8Array(MAX_CONTENT_TILE_BYTES + 1);
    expect(failureOf(decodeContentTile(tooLong, 256)).detail.limit).toBe(MAX_CONTENT_TILE_BYTES);
    const announced = Uint8Array.of(0x00, 0x10, 0x00, 0x01, 1);
    expect(failureOf(decodeContentTile(announced, 1)).detail.limit).toBe(MAX_CONTENT_BYTES);
    const reserved = Uint8Array.of(0xff, 0xff, 0xff, 0xfd);
    expect(failureOf(decodeContentTile(reserved, 1)).detail.limit).toBe(MAX_CONTENT_BYTES);
    const oversize: ContentSlot = { state: "held", bytes: new Uint8Array(MAX_CONTENT_BYTES + 1) };
    expect(() => encodeContentTile([oversize])).toThrow("limit");
  });
});
