/**
 * For which entries there is a bundle that every Sigstore client verifies.
 *
 * @module
 */

import type { HashedrekordLeaf } from "../../schema/entry/hashedrekord.ts";
import { parseLeaf } from "../../schema/entry/leaf.ts";
import { type Failure, failure, type Result, success } from "../../schema/error.ts";

/** The leaf, where it is of the one kind that they all read. Fails with `KIND_UNSUPPORTED`. */
export function bundleKind(leafBytes: Uint8Array): Result<HashedrekordLeaf> {
  const leaf = parseLeaf(leafBytes);
  if (!leaf.ok) return leaf;
  if (leaf.value.kind === "hashedrekord") return success(leaf.value);
  return noBundle();
}

export function noBundle(): Failure {
  return failure(
    "KIND_UNSUPPORTED",
    "no Sigstore client verifies a bundle of this signature, so that none is made",
    {
      field: "key",
      expected: "a plain signature by an ECDSA P-256 key, or RSA of 2048, 3072 or 4096 bits",
    },
  );
}
