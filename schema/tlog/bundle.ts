/**
 * Bundles: the entries of 256 consecutive indexes, and the contents that belong to them.
 *
 * An entry bundle has a 16-bit length before each leaf, which is why a leaf has at most 65,535
 * bytes. A content tile has a 32-bit length before each content; two lengths that no content can
 * have say why there is none.
 *
 * Bundles are not authenticated by themselves: each leaf is believed by its leaf hash in a tile,
 * each content by the digest in its leaf.
 *
 * Spec: C2SP tlog-tiles (entries); docs/formats.md (contents). Vectors: test/vectors/tlog/bundles.json.
 *
 * @module
 */
import { type Failure, failure, LogError, type Result, success } from "../error.ts";
import { MAX_CONTENT_BYTES, MAX_CONTENT_TILE_BYTES, MAX_LEAF_BYTES } from "../limits.ts";
import { TILE_WIDTH } from "./tile.ts";

const NEVER_HELD = 0xffffffff;
const ERASED = 0xfffffffe;

/** The content of one entry: its bytes, or why there are none. */
export type ContentSlot =
  | { readonly state: "held"; readonly bytes: Uint8Array }
  | { readonly state: "never-held" }
  | { readonly state: "erased" };

/** An entry bundle of 1 to 256 leaves. Throws `INTERNAL` for more, or for a leaf above its limit. */
export function encodeBundle(leaves: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  checkCount(leaves.length);
  let length = 0;
  for (const leaf of leaves) {
    if (leaf.length > MAX_LEAF_BYTES)
      throw new LogError("INTERNAL", `a leaf of ${leaf.length} bytes is above the limit`, {
        limit: MAX_LEAF_BYTES,
      });
    length += 2 + leaf.length;
  }
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const leaf of leaves) {
    view.setUint16(at, leaf.length);
    bytes.set(leaf, at + 2);
    at += 2 + leaf.length;
  }
  return bytes;
}

/**
 * Exactly `count` leaves (1 to 256, our own number) and not a byte more. They are views of the
 * bytes given, not copies.
 */
export function decodeBundle(strangersBytes: Uint8Array, count: number): Result<Uint8Array[]> {
  checkCount(count);
  const view = viewOf(strangersBytes);
  const leaves: Uint8Array[] = [];
  let at = 0;
  while (leaves.length < count) {
    if (at + 2 > strangersBytes.length)
      return cut("entry bundle", leaves.length, at, `${count} entries`);
    const end = at + 2 + view.getUint16(at);
    if (end > strangersBytes.length)
      return cut("entry bundle", leaves.length, at, `${count} entries`);
    leaves.push(strangersBytes.subarray(at + 2, end));
    at = end;
  }
  if (at !== strangersBytes.length)
    return failure("RESPONSE_INVALID", "bytes follow the last entry of the bundle", {
      field: "entry bundle",
      expected: `${count} entries`,
      at: String(at),
    });
  return success(leaves);
}

/**
 * As many of the slots, from the first on, as fit into one answer of at most 8 MiB; `count` says
 * how many that were. One always fits. Throws `INTERNAL` for a content above its limit.
 */
export function encodeContentTile(slots: readonly ContentSlot[]): {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly count: number;
} {
  checkCount(slots.length);
  let length = 0;
  let count = 0;
  for (const slot of slots) {
    const size = slot.state === "held" ? slot.bytes.length : 0;
    if (size > MAX_CONTENT_BYTES)
      throw new LogError("INTERNAL", `a content of ${size} bytes is above the limit`, {
        limit: MAX_CONTENT_BYTES,
      });
    if (length + 4 + size > MAX_CONTENT_TILE_BYTES) break;
    length += 4 + size;
    count++;
  }
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const slot of slots.slice(0, count)) {
    if (slot.state === "held") {
      view.setUint32(at, slot.bytes.length);
      bytes.set(slot.bytes, at + 4);
      at += 4 + slot.bytes.length;
    } else {
      view.setUint32(at, slot.state === "erased" ? ERASED : NEVER_HELD);
      at += 4;
    }
  }
  return { bytes, count };
}

/** From 1 to `most` slots (at most 256, our own number): as many as the answer holds, whole ones only. */
export function decodeContentTile(strangersBytes: Uint8Array, most: number): Result<ContentSlot[]> {
  checkCount(most);
  const field = "content tile";
  if (strangersBytes.length > MAX_CONTENT_TILE_BYTES)
    return failure("RESPONSE_INVALID", "the content tile is above its limit", {
      field,
      limit: MAX_CONTENT_TILE_BYTES,
    });
  const view = viewOf(strangersBytes);
  const slots: ContentSlot[] = [];
  let at = 0;
  while (slots.length < most && (at < strangersBytes.length || slots.length === 0)) {
    if (at + 4 > strangersBytes.length) return cut(field, slots.length, at, "a length");
    const length = view.getUint32(at);
    at += 4;
    if (length === NEVER_HELD || length === ERASED) {
      slots.push({ state: length === ERASED ? "erased" : "never-held" });
      continue;
    }
    if (length > MAX_CONTENT_BYTES)
      return failure("RESPONSE_INVALID", `content ${slots.length} is above its limit`, {
        field,
        limit: MAX_CONTENT_BYTES,
        at: String(at - 4),
      });
    if (at + length > strangersBytes.length)
      return cut(field, slots.length, at - 4, `${length} bytes`);
    slots.push({ state: "held", bytes: strangersBytes.subarray(at, at + length) });
    at += length;
  }
  if (at !== strangersBytes.length)
    return failure("RESPONSE_INVALID", "bytes follow the last content of the tile", {
      field,
      expected: `at most ${most} contents`,
      at: String(at),
    });
  return success(slots);
}

function checkCount(count: number): void {
  if (!Number.isInteger(count) || count < 1 || count > TILE_WIDTH)
    throw new LogError("INTERNAL", `a bundle has 1 to ${TILE_WIDTH} entries, not ${count}`);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function cut(field: string, entry: number, at: number, expected: string): Failure {
  return failure("RESPONSE_INVALID", `the ${field} ends inside entry ${entry}`, {
    field,
    expected,
    at: String(at),
  });
}
