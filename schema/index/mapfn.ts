/**
 * mapfn: what an entry says, as keys of the map and claims under them.
 *
 * - X2  Every posting comes from signed bytes: the leaf, and the content whose digest is in it.
 *       Nothing that a submitter, a server or a clock says besides is looked at.
 *
 * Pure and total: for any leaf and any content it answers, and two programs that follow the same
 * document answer alike. What cannot be read posts what is common to all entries and no more. An
 * entry whose content was not held when it was sequenced is opaque: it posts that, and no claim.
 *
 * The document is docs/mapfn-v1.md; its hash is the id by which an index names its rules. A rule
 * that changes is a second document, a second id and a second index log beside this one.
 *
 * Vectors: test/vectors/index/mapfn.json.
 *
 * @module
 */
import { fromHex } from "../bytes.ts";
import { leafSignerId } from "../entry/check.ts";
import { type Leaf, leafContentDigest, parseLeaf } from "../entry/leaf.ts";
import { gitReading, type Reading, readContent } from "../entry/reading.ts";
import { type GitHash, parseGitContent } from "../git/object.ts";
import { asHash, type Hash, leafHash, type Sha256 } from "../tlog/hash.ts";
import { postContent } from "./mapfn-content.ts";
import { type Posting, sortPostings } from "./posting.ts";
import { type NamedPosting, PostingSet } from "./posting-set.ts";

/** SHA-256(docs/mapfn-v1.md ‖ u16be(0)): the document, and a CA list that is empty. */
export const MAPFN_V1: Hash = idOf(
  "00583552e5dcf70f311cee682276b2a8a15f6f00d4e7f39236de05bd5cf063e6",
);

/** Whose index this is. */
export interface IndexedLog {
  readonly origin: string;
  /** Verifier keys: a statement that names another log in its `log` field is only bytes here. */
  readonly vkeys: readonly string[];
}

/** The hashes that names are made of. */
export interface MapHashes {
  readonly sha256: Sha256;
  readonly git: GitHash;
}

/** A leaf, as whoever has read its bytes knows it. */
export interface KnownLeaf {
  readonly leafHash: Hash;
  /** `undefined` where the bytes are no leaf. */
  readonly leaf: Leaf | undefined;
}

/** Bytes of a leaf, read where that was not done before. */
export function knownLeaf(sha256: Sha256, leaf: Uint8Array | KnownLeaf): KnownLeaf {
  if (!(leaf instanceof Uint8Array)) return leaf;
  const parsed = parseLeaf(leaf);
  return { leafHash: leafHash(sha256, leaf), leaf: parsed.ok ? parsed.value : undefined };
}

/**
 * The postings of an entry, sorted by key, each key once.
 *
 * @param leaf the leaf's bytes, as they are in the log, or what they were read to be
 * @param content the bytes whose SHA-256 the leaf names; `undefined` where the log did not hold
 *   them when it sequenced the entry
 */
export function mapfn(
  hashes: MapHashes,
  log: IndexedLog,
  leaf: Uint8Array | KnownLeaf,
  content: Uint8Array | undefined,
): readonly Posting[] {
  return sortPostings(postingSet(hashes, log, leaf, content).postings());
}

/** The same postings in the order of the document, each with the name of its key. */
export function namedPostings(
  hashes: MapHashes,
  log: IndexedLog,
  leaf: Uint8Array | KnownLeaf,
  content: Uint8Array | undefined,
): readonly NamedPosting[] {
  return postingSet(hashes, log, leaf, content).named();
}

function postingSet(
  hashes: MapHashes,
  log: IndexedLog,
  entry: Uint8Array | KnownLeaf,
  content: Uint8Array | undefined,
): PostingSet {
  const { sha256 } = hashes;
  const set = new PostingSet(sha256, log.origin);
  const { leafHash: hash, leaf } = knownLeaf(sha256, entry);
  set.post("leaf", [hash]);
  const signer = leaf && signerOf(sha256, leaf);
  if (leaf === undefined || signer === undefined) return set;
  const digest = leafContentDigest(leaf);
  set.post("statement", [signer, digest]);
  set.post("signer", [signer]);
  set.post("artifact", [digest]);
  if (content === undefined) {
    set.post("opaque", []);
    set.post("opaque-by", [signer]);
  } else {
    const reading = readLogged(sha256, leaf, content);
    if (reading !== undefined)
      postContent(set, { hashes, log, leaf, signer, digest, content, reading });
  }
  return set;
}

/** The signer id: in the leaf, or of the key in a `hashedrekord`. */
export function signerOf(sha256: Sha256, leaf: Leaf): Hash | undefined {
  if (leaf.kind === "countersign") return leaf.signature.key.id;
  const signer = leafSignerId(sha256, leaf);
  return signer.ok ? signer.value : undefined;
}

/** What the content is, by the table of reading.ts; `undefined` for what admission would refuse. */
export function readLogged(sha256: Sha256, leaf: Leaf, content: Uint8Array): Reading | undefined {
  if (leaf.kind === "countersign" && leaf.git !== undefined) {
    const object = parseGitContent(content);
    return object.ok ? gitReading(object.value) : undefined;
  }
  // A PAE reads alike under every format, and only a PAE is under the namespace of statements.
  const reading = readContent(sha256, { signedBy: "key" }, content);
  return reading.ok ? reading.value : undefined;
}

function idOf(hex: string): Hash {
  const id = asHash(fromHex(hex) ?? new Uint8Array(0));
  if (id === undefined) throw new Error("the id of a mapfn is 32 bytes");
  return id;
}
