import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { utf8 } from "../../../schema/bytes.ts";
import { imageBytes, type MapImage } from "../../../schema/index/map-image.ts";
import { proveKey } from "../../../schema/index/map-proof.ts";
import { INNER_PART_BYTES, LEAF_PART_BYTES } from "../../../schema/index/map-rows.ts";
import { MapTree } from "../../../schema/index/map-tree.ts";

const { sha256 } = nodeCrypto;
const hashOf = (n: number) => sha256(utf8(String(n)));

/** A map that has seen so many batches of changes to some keys, and keeps its last three versions. */
function grown(batches: readonly (readonly number[])[]): MapTree {
  const tree = new MapTree(sha256);
  const versions = [tree.newest];
  for (const [i, keys] of batches.entries()) {
    for (const key of keys) tree.set(hashOf(key), hashOf(1_000 * i + key));
    versions.push(tree.seal());
    tree.forgetBefore(versions.at(-3) ?? tree.newest);
  }
  return tree;
}

interface Saved {
  readonly image: MapImage;
  readonly parts: readonly Uint8Array[];
}

function saved(tree: MapTree): Saved {
  const image = tree.image(tree.newest) ?? expect.fail("no image");
  return { image, parts: tree.parts(image).map((part) => part.slice()) };
}

function load({ image, parts }: Saved): MapTree | undefined {
  return MapTree.load(sha256, image, (into) => {
    for (const [i, part] of into.entries()) part.set(parts[i] ?? expect.fail("no part"));
    return true;
  });
}

const batches = fc
  .array(fc.array(fc.nat(40), { minLength: 1, maxLength: 20 }), { minLength: 1, maxLength: 8 })
  .filter((lists) => new Set(lists.flat()).size > 1);

describe("the arrays of a map", () => {
  test("make the same map again, which grows on as the first one does", () => {
    fc.assert(
      fc.property(batches, fc.array(fc.nat(80), { minLength: 1 }), (before, later) => {
        const first = grown(before);
        const image = saved(first);
        expect(image.parts.reduce((sum, part) => sum + part.length, 0)).toBe(
          imageBytes(image.image),
        );
        const second = load(image) ?? expect.fail("the arrays are sound");
        expect(second.newest.root).toEqual(first.newest.root);
        for (let key = 0; key <= 80; key++)
          expect(proveKey(second, second.newest.top, hashOf(key))).toEqual(
            proveKey(first, first.newest.top, hashOf(key)),
          );
        for (const key of later)
          for (const tree of [first, second]) tree.set(hashOf(key), hashOf(-key));
        expect(second.seal()).toMatchObject({
          root: first.seal().root,
          keys: first.newest.keys,
        });
      }),
      { numRuns: 30 },
    );
  });

  test("are written in place where the version that was loaded is given up, to the same map", () => {
    fc.assert(
      fc.property(batches, fc.array(fc.nat(80)), fc.array(fc.nat(80)), (before, later, last) => {
        const first = grown(before);
        const second = load(saved(first)) ?? expect.fail("the arrays are sound");
        second.giveUpSealed();
        for (const tree of [first, second]) {
          for (const key of later) tree.set(hashOf(key), hashOf(-key));
          tree.seal();
        }
        const kept = second.newest;
        for (let key = 0; key <= 80; key++)
          expect(proveKey(second, kept.top, hashOf(key))).toEqual(
            proveKey(first, first.newest.top, hashOf(key)),
          );
        // From then on versions are kept apart again.
        for (const key of last) second.set(hashOf(key), hashOf(-key - 1));
        second.seal();
        second.abandonTo(kept);
        expect(proveKey(second, kept.top, hashOf(7))).toEqual(
          proveKey(first, first.newest.top, hashOf(7)),
        );
        expect(second.newest.root).toEqual(first.newest.root);
      }),
      { numRuns: 30 },
    );
  });

  test("give rows that no version uses to the next keys", () => {
    const tree = load(saved(grown(Array.from({ length: 50 }, () => [1, 2, 3])))) ?? expect.fail();
    const { bytes } = tree;
    const { inner, leaves } = tree.image(tree.newest) ?? expect.fail("no image");
    for (let key = 4; key < 8; key++) tree.set(hashOf(key), hashOf(key));
    tree.seal();
    expect(tree.image(tree.newest)).toMatchObject({ inner, leaves, keys: 7 });
    expect(tree.bytes).toBe(bytes);
  });

  test("are refused where they are no tree", () => {
    const sound = saved(grown([[1, 2, 3, 4, 5, 6, 7, 8]]));
    const { image } = sound;
    const [hashes, lefts, rights, bits] = sound.parts;
    if (hashes === undefined || lefts === undefined || rights === undefined || bits === undefined)
      expect.fail("four arrays of inner rows");
    const changed = (part: Uint8Array, change: (bytes: DataView) => void): Saved => ({
      image,
      parts: sound.parts.map((one) => {
        const copy = one.slice();
        if (one === part) change(new DataView(copy.buffer));
        return copy;
      }),
    });
    const { top } = image;
    const one = Uint8Array.of(1, 0, 0, 0);
    const toItself = new Uint32Array([top]);
    expect(load(sound)).toBeDefined();
    for (const broken of [
      changed(lefts, (view) => view.setInt32(4 * top, new DataView(toItself.buffer).getInt32(0))),
      changed(rights, (view) => {
        for (let at = 0; at < 4; at++) view.setUint8(4 * top + at, 255);
      }),
      changed(rights, (view) => one.forEach((byte, at) => view.setUint8(4 * top + 3 - at, byte))),
      changed(lefts, (view) => {
        for (let at = 0; at < view.byteLength; at++) view.setUint8(at, 255);
      }),
      changed(bits, (view) => {
        for (let at = 0; at < view.byteLength; at++) view.setUint8(at, 7);
      }),
      { ...sound, image: { ...image, keys: image.keys + 1 } },
      { ...sound, image: { ...image, top: image.inner } },
    ])
      expect(load(broken)).toBeUndefined();
  });

  test("are refused where whoever reads them says that they are not whole", () => {
    const { image } = saved(grown([[1, 2, 3]]));
    expect(MapTree.load(sha256, image, () => false)).toBeUndefined();
    expect(imageBytes({ inner: 1, leaves: 2, top: 0, keys: 2 })).toBe(
      INNER_PART_BYTES + 2 * LEAF_PART_BYTES,
    );
  });
});
