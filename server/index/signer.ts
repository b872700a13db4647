/**
 * How an index log signs, and what it begins with.
 *
 * @module
 */
import type { Crypto } from "../../client/crypto/crypto.ts";
import { equal } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import { type Generation, indexOrigin } from "../../schema/index/generation.ts";
import { encodeIndexLeaf, firstIndexLeaf, parseIndexLeaf } from "../../schema/index/index-leaf.ts";
import { leafHash, type Sha256 } from "../../schema/tlog/hash.ts";
import type { CheckpointSigner } from "../sequencer/ports.ts";
import type { NewEntry } from "../storage/storage.ts";

/** Signs heads of the index log with the log's own key, under the index's name. */
export function indexSigner(
  { sha256 }: Pick<Crypto, "sha256">,
  origin: string,
  generation: Generation,
  signerFor: (origin: string) => Pick<CheckpointSigner, "sign" | "vkeys">,
): CheckpointSigner {
  const name = indexOrigin(origin, generation);
  const first = encodeIndexLeaf(firstIndexLeaf(sha256, generation.id, origin));
  return {
    origin: name,
    ...signerFor(name),
    checkGenesis: (leaf) => {
      if (equal(leaf, first)) return;
      const parsed = parseIndexLeaf(leaf);
      const other = parsed.ok && parsed.value.origin === origin ? "another mapfn" : "another log";
      throw new LogError("KEY_MISMATCH", `the index log begins as the index of ${other}`, {
        field: "index",
        expected: origin,
      });
    },
  };
}

/** Entry 0 of an index log: nothing is indexed. */
export function firstIndexEntry(sha256: Sha256, generation: Generation, origin: string): NewEntry {
  const leaf = encodeIndexLeaf(firstIndexLeaf(sha256, generation.id, origin));
  const contentDigest = sha256(new Uint8Array(0));
  const rest = { content: undefined, key: undefined };
  return { leaf, leafHash: leafHash(sha256, leaf), contentDigest, ...rest };
}

/** A later one: the leaf, and beside it the signed head that it names. Both are primary data. */
export function indexEntry(sha256: Sha256, leaf: Uint8Array, main: Uint8Array): NewEntry {
  const rest = { content: main, key: undefined };
  return { leaf, leafHash: leafHash(sha256, leaf), contentDigest: sha256(main), ...rest };
}
