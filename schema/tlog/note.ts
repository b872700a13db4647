/**
 * Signed notes and the text form of the keys that sign them.
 *
 *     <text, ends with a newline>
 *
 *     — <key name> base64(key id[4] ‖ signature)
 *
 * A note is parsed here, and believed only through `client/note.ts`, which checks signatures. The
 * text is split from the signatures at the *last* blank line, so that no text can bring signature
 * lines of its own into play.
 *
 * Spec: C2SP signed-note. Vectors: test/vectors/note/notes.json, keys.json.
 *
 * @module
 */
import { concat, equal, fromBase64, fromUtf8, toBase64, toHex, utf8 } from "../bytes.ts";
import { type Failure, failure, LogError, type Result, success } from "../error.ts";
import { MAX_NOTE_BYTES, MAX_NOTE_SIGNATURES } from "../limits.ts";
import type { Hash, Sha256 } from "./hash.ts";

const KEY_ID_BYTES = 4;
/** Above the base64 of any key here: an ML-DSA-44 key takes 1,752 characters. */
const MAX_VKEY_CHARS = 4_096;

/** What every signature line begins with. */
const SIGNATURE_MARK = "\u2014 ";

/** One signature line. `signature` is what follows the key id; its form depends on the key's type. */
export interface NoteSignature {
  readonly name: string;
  readonly keyId: Uint8Array;
  readonly signature: Uint8Array;
}

export interface Note {
  /** What is signed, with its final newline. */
  readonly text: string;
  /** 1 to 100 of them, in their order; unknown and repeated ones among them. */
  readonly signatures: readonly NoteSignature[];
}

/** Signature types by their byte: what the key signs, and with what. */
export const SIGNATURE_TYPES = {
  /** The text, with Ed25519. */
  ed25519: 1,
  /** The text, with ECDSA on P-256 and SHA-256; the public key is SPKI DER. */
  ecdsa: 2,
  /** A checkpoint and a time, with Ed25519 (cosignature/v1). */
  cosignature: 4,
  /** A checkpoint or subtree and a time, with ML-DSA-44 (subtree/v1). */
  mlDsa44: 6,
} as const;

export type SignatureType = (typeof SIGNATURE_TYPES)[keyof typeof SIGNATURE_TYPES];

const KEY_BYTES: Readonly<Record<SignatureType, number | undefined>> = {
  1: 32,
  2: undefined,
  4: 32,
  6: 1_312,
};

/** A key that signs notes. `(name, keyId)` is how a signature line names it. */
export interface Vkey {
  readonly name: string;
  readonly keyId: Uint8Array;
  readonly type: SignatureType;
  /** 32 bytes for Ed25519, 1,312 for ML-DSA-44, SPKI DER for ECDSA. */
  readonly publicKey: Uint8Array;
}

/**
 * The text and the signature lines of a note. Refuses more than 1,000,000 bytes or 100 signatures,
 * what is not UTF-8, control characters, and base64 that is not canonical.
 */
export function parseNote(strangersBytes: Uint8Array): Result<Note> {
  if (strangersBytes.length > MAX_NOTE_BYTES)
    return failure("TOO_LARGE", `the note has ${strangersBytes.length} bytes`, {
      field: "note",
      limit: MAX_NOTE_BYTES,
    });
  const whole = fromUtf8(strangersBytes);
  if (whole === undefined) return malformed("the note is not UTF-8");
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u0009\u000b-\u001f]/.test(whole))
    return malformed("the note has a control character other than newline");
  const split = whole.lastIndexOf("\n\n");
  if (split < 0) return malformed("the note has no blank line before its signatures");
  const signatures = parseSignatures(whole.slice(split + 2));
  return signatures.ok
    ? success({ text: whole.slice(0, split + 1), signatures: signatures.value })
    : signatures;
}

/**
 * Signature lines by themselves: the end of a note, or what a witness answers. At least one, each
 * with its newline.
 */
export function parseSignatures(strangersText: string): Result<NoteSignature[]> {
  if (!strangersText.endsWith("\n")) return malformed("the last signature line has no newline");
  const lines = strangersText.slice(0, -1).split("\n", MAX_NOTE_SIGNATURES + 1);
  if (lines.length > MAX_NOTE_SIGNATURES)
    return failure("TOO_LARGE", `the note has more than ${MAX_NOTE_SIGNATURES} signatures`, {
      field: "note",
      limit: MAX_NOTE_SIGNATURES,
    });
  const signatures: NoteSignature[] = [];
  for (const [i, line] of lines.entries()) {
    // Cut by hand: an ML-DSA-44 line is 3,300 characters long, and a log reads hundreds a second.
    const space = line.indexOf(" ", SIGNATURE_MARK.length);
    const name = line.startsWith(SIGNATURE_MARK) ? line.slice(SIGNATURE_MARK.length, space) : "";
    const bytes = fromBase64(line.slice(space + 1));
    if (space < 0 || !isKeyName(name) || bytes === undefined || bytes.length <= KEY_ID_BYTES)
      return malformed("a signature line is malformed", `signature line ${i + 1}`);
    signatures.push({
      name,
      keyId: bytes.slice(0, KEY_ID_BYTES),
      signature: bytes.slice(KEY_ID_BYTES),
    });
  }
  return success(signatures);
}

/** The bytes of a note. Throws `INTERNAL` for what {@link parseNote} would not read back. */
export function formatNote(note: Note): Uint8Array<ArrayBuffer> {
  if (!note.text.endsWith("\n"))
    throw new LogError("INTERNAL", "a note's text ends with a newline");
  const bytes = utf8(`${note.text}\n${formatSignatures(note.signatures)}`);
  const back = parseNote(bytes);
  if (!back.ok) throw new LogError("INTERNAL", back.message, back.detail);
  return bytes;
}

/** Signature lines, each with its newline. */
export function formatSignatures(signatures: readonly NoteSignature[]): string {
  return signatures
    .map(
      ({ name, keyId, signature }) =>
        `${SIGNATURE_MARK}${name} ${toBase64(concat(keyId, signature))}\n`,
    )
    .join("");
}

/** Whether a key may have this name: not empty, no space of any kind, plus sign or control character. */
export function isKeyName(name: string): boolean {
  return /^[^\p{White_Space}\p{Cc}\p{Cs}+]+$/u.test(name);
}

/**
 * SHA-256(name ‖ 0x0A ‖ type ‖ public key): what the key id begins. For ECDSA it is the SHA-256 of
 * the SPKI alone. Sigstore's `logId` is all 32 bytes of it.
 */
export function keyHash(
  sha256: Sha256,
  name: string,
  type: SignatureType,
  publicKey: Uint8Array,
): Hash {
  if (type === SIGNATURE_TYPES.ecdsa) return sha256(publicKey);
  return sha256(concat(utf8(`${name}\n`), Uint8Array.of(type), publicKey));
}

/** The four bytes by which a signature line names its key. */
export function keyId(
  sha256: Sha256,
  name: string,
  type: SignatureType,
  publicKey: Uint8Array,
): Uint8Array {
  return keyHash(sha256, name, type, publicKey).slice(0, KEY_ID_BYTES);
}

/** A key with its id. Throws `INTERNAL` for a bad name or a key of the wrong length. */
export function makeVkey(
  sha256: Sha256,
  name: string,
  type: SignatureType,
  publicKey: Uint8Array,
): Vkey {
  const length = KEY_BYTES[type];
  if (!isKeyName(name)) throw new LogError("INTERNAL", `"${name}" cannot be a key name`);
  if (publicKey.length === 0 || (length !== undefined && publicKey.length !== length))
    throw new LogError("INTERNAL", `a key of type ${type} is not ${publicKey.length} bytes long`);
  return { name, type, publicKey, keyId: keyId(sha256, name, type, publicKey) };
}

/** The text form of a key: `name+hex(key id)+base64(type ‖ public key)`. */
export function formatVkey(
  sha256: Sha256,
  name: string,
  type: SignatureType,
  publicKey: Uint8Array,
): string {
  const key = makeVkey(sha256, name, type, publicKey);
  return `${name}+${toHex(key.keyId)}+${toBase64(concat(Uint8Array.of(type), publicKey))}`;
}

/**
 * A key out of its text form. The key id must be that of the name and the key. A type that we
 * cannot check is `KIND_UNSUPPORTED`, a key of the wrong length `KEY_REFUSED`. Whether it is a good
 * key (its point, its curve) is asked where it is used.
 */
export function parseVkey(sha256: Sha256, text: string): Result<Vkey> {
  const field = "vkey";
  const expected = "<name>+<8 hex digits>+<base64 of type and key>";
  const parts =
    text.length > MAX_VKEY_CHARS ? null : /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text);
  const [, name = "", id = "", base64 = ""] = parts ?? [];
  const material = fromBase64(base64);
  if (!isKeyName(name) || material === undefined || material.length < 2)
    return failure("FIELD_INVALID", "the verifier key is malformed", { field, expected });
  const type = Object.values(SIGNATURE_TYPES).find((known) => known === material[0]);
  if (type === undefined)
    return failure("KIND_UNSUPPORTED", `verifier keys of type ${material[0]} are not supported`, {
      field,
      expected: `type ${Object.values(SIGNATURE_TYPES).join(", ")}`,
    });
  const publicKey = material.slice(1);
  const length = KEY_BYTES[type];
  if (length !== undefined && publicKey.length !== length)
    return failure("KEY_REFUSED", `the key of type ${type} has ${publicKey.length} bytes`, {
      field,
      expected: `${length} bytes`,
    });
  const key = makeVkey(sha256, name, type, publicKey);
  if (toHex(key.keyId) !== id)
    return failure("FIELD_INVALID", "the verifier key has the id of another key", {
      field,
      expected: `key id ${toHex(key.keyId)}`,
    });
  return success(key);
}

/** Whether a signature line says it is by this key. It is a claim, and a short one. */
export function names(signature: NoteSignature, key: Vkey): boolean {
  return signature.name === key.name && equal(signature.keyId, key.keyId);
}

function malformed(message: string, at?: string): Failure {
  return failure("FIELD_INVALID", message, {
    field: "note",
    expected: "a signed note (C2SP signed-note)",
    ...(at === undefined ? {} : { at }),
  });
}
