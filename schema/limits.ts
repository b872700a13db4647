/**
 * Every limit of the log, once, under its name. Errors and documents quote these.
 *
 * @module
 */

/** Bytes of a leaf: a tlog-tiles entry bundle has a 16-bit length before each entry. */
export const MAX_LEAF_BYTES = 65_535;
/** Bytes of a content: what one signature covers. */
export const MAX_CONTENT_BYTES = 1_048_576;
/** Bytes of a request body, and of one line of a batch. */
export const MAX_BODY_BYTES = 4_194_304;
/** Lines of one batch. */
export const MAX_BATCH_LINES = 10_000;
/** Nesting of JSON, objects and arrays together. */
export const MAX_JSON_DEPTH = 64;
/** Index postings of one entry. Counted at admission, so that no index ever truncates. */
export const MAX_POSTINGS = 1_000;
/** Signatures of one envelope; each becomes an entry. */
export const MAX_ENVELOPE_SIGNATURES = 64;
/** A key above this many bytes (before base64) is stored beside the leaf and named by digest. */
export const MAX_INLINE_KEY_BYTES = 4_096;
/** Bytes of any key at all. */
export const MAX_KEY_BYTES = 32_768;
/** Bytes of one `/tile/content` answer; a longer one is continued by `?from=`. */
export const MAX_CONTENT_TILE_BYTES = 8_388_608;
/** Bytes of a signed note (a checkpoint with its cosignatures). */
export const MAX_NOTE_BYTES = 1_000_000;
/** Signature lines of a signed note; the specification asks for at least 16. */
export const MAX_NOTE_SIGNATURES = 100;
/** Hashes of an inclusion or consistency proof: the height of the tallest tree. */
export const MAX_PROOF_HASHES = 63;
/** Bytes of a binary SSHSIG: a key, a signature, and names. */
export const MAX_SSHSIG_BYTES = 65_536;
/** Headers of one git object. Git writes a handful; the bound keeps memory small. */
export const MAX_GIT_HEADERS = 10_000;
/** RSA modulus, in bits. */
export const MIN_RSA_BITS = 2_048;
/** RSA modulus, in bits. */
export const MAX_RSA_BITS = 8_192;
