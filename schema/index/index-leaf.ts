/**
 * A leaf of the index log: which map belongs to which head of the main log.
 *
 *     tlog-index/v1
 *     <mapfn id: 64 lower-case hex digits>
 *     <main origin>
 *     <main size, decimal>
 *     <main root, base64>
 *     <map root, base64>
 *     <number of map keys>
 *     <number of postings>
 *     <postings root, base64>
 *
 * Deterministic: no time and no signature, so that whoever executes the same mapfn over the same
 * entries arrives at the same bytes, and can cosign them.
 *
 * Spec: docs/formats.md §Index. Vectors: test/vectors/index/encodings.json.
 *
 * @module
 */
import { fromBase64, fromHex, fromUtf8, toBase64, toHex, utf8 } from "../bytes.ts";
import { failure, type Result, success } from "../error.ts";
import { asHash, emptyRoot, type Hash, type Sha256 } from "../tlog/hash.ts";
import type { TreeHead } from "../tlog/proof.ts";
import { formatSize, parseSize } from "../tlog/size.ts";

const VERSION_LINE = "tlog-index/v1";
const MAX_LEAF_BYTES = 1_024;

export interface IndexLeaf {
  /** SHA-256 of the mapfn document and its CA list. */
  readonly mapfn: Hash;
  /** Origin of the main log. */
  readonly origin: string;
  /** The head of the main log that is indexed. */
  readonly main: TreeHead;
  readonly mapRoot: Hash;
  readonly keys: number;
  /** Postings of all entries together. */
  readonly postings: number;
  /** Over one leaf for each entry: the SHA-256 of its postings. */
  readonly postingsRoot: Hash;
}

/** Leaf 0: nothing is indexed. */
export function firstIndexLeaf(sha256: Sha256, mapfn: Hash, origin: string): IndexLeaf {
  const root = emptyRoot(sha256);
  return {
    mapfn,
    origin,
    main: { size: 0, root },
    mapRoot: root,
    keys: 0,
    postings: 0,
    postingsRoot: root,
  };
}

export function encodeIndexLeaf(leaf: IndexLeaf): Uint8Array<ArrayBuffer> {
  const lines = [
    VERSION_LINE,
    toHex(leaf.mapfn),
    leaf.origin,
    formatSize(leaf.main.size),
    toBase64(leaf.main.root),
    toBase64(leaf.mapRoot),
    formatSize(leaf.keys),
    formatSize(leaf.postings),
    toBase64(leaf.postingsRoot),
  ];
  return utf8(`${lines.join("\n")}\n`);
}

/** The leaf out of its bytes; there is one form only. */
export function parseIndexLeaf(strangersBytes: Uint8Array): Result<IndexLeaf> {
  const text = strangersBytes.length > MAX_LEAF_BYTES ? undefined : fromUtf8(strangersBytes);
  const lines = text?.split("\n") ?? [];
  const [version, mapfnText = "", origin = "", size = "", root = "", ...rest] = lines;
  const [mapRoot = "", keys = "", postings = "", postingsRoot = "", end] = rest;
  const mapfn = asHash(fromHex(mapfnText) ?? new Uint8Array(0));
  const hashes = [root, mapRoot, postingsRoot].map((one) =>
    asHash(fromBase64(one) ?? new Uint8Array(0)),
  );
  const numbers = [size, keys, postings].map((one) => parseSize(one));
  const [mainRoot, map, list] = hashes;
  const [mainSize, keyCount, postingCount] = numbers;
  if (
    version !== VERSION_LINE ||
    end !== "" ||
    lines.length !== 10 ||
    origin === "" ||
    mapfn === undefined ||
    mainRoot === undefined ||
    map === undefined ||
    list === undefined ||
    mainSize?.ok !== true ||
    keyCount?.ok !== true ||
    postingCount?.ok !== true
  )
    return failure("FIELD_INVALID", "the leaf of the index log is malformed", {
      field: "index leaf",
      expected: `nine lines, the first of them ${VERSION_LINE}`,
    });
  return success({
    mapfn,
    origin,
    main: { size: mainSize.value, root: mainRoot },
    mapRoot: map,
    keys: keyCount.value,
    postings: postingCount.value,
    postingsRoot: list,
  });
}
