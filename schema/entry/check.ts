/**
 * The rules of an entry, once, for whoever admits one and for whoever received one.
 *
 * @module
 */
import type { Result } from "../error.ts";
import type { PublicKey } from "../key/spki.ts";
import type { Hash, Sha256 } from "../tlog/hash.ts";
import type { Leaf } from "./leaf.ts";
import type { Reading } from "./reading.ts";

/** A leaf that keeps every rule but the signature's own. */
export interface CheckedEntry {
  readonly leaf: Leaf;
  readonly contentDigest: Hash;
  readonly signerId: Hash;
  /** The key that signs, as numbers; for `sshsig` the key inside the blob. */
  readonly publicKey: PublicKey;
  /** What the content is. Absent where the content was not given. */
  readonly reading?: Reading;
  /** The whole git object, put together again, where the leaf has a `git` field. */
  readonly gitObject?: Uint8Array;
}

/**
 * Check a leaf that came from a log: content digest and size, media type = reading, git object,
 * key and signer id, statement rules, postings. Without `content` (opaque, erased or not fetched)
 * what needs it is left out and `reading` is absent. `keyObject` is needed where the leaf names
 * a key by digest.
 */
export declare function checkLeaf(
  sha256: Sha256,
  leaf: Leaf,
  content: Uint8Array | undefined,
  keyObject?: Uint8Array,
): Result<CheckedEntry>;
