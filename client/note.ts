/**
 * Opening a note: whether keys that we know have signed it.
 *
 * The keys come from configuration and never from the note. A known key is one whose name *and*
 * key id stand in a signature line; any other line is ignored.
 *
 * - N1  A note is only ever handed out when a known key signed it, and no known key's line is bad.
 *
 * Spec: C2SP signed-note, tlog-cosignature. Vectors: test/vectors/note/.
 *
 * @module
 */
import { equal, toHex, utf8 } from "../schema/bytes.ts";
import { failure, type Result, success } from "../schema/error.ts";
import { encodeSpki, parseSpki } from "../schema/key/spki.ts";
import {
  cosignedMessage,
  isCosignatureType,
  parseCosignature,
} from "../schema/tlog/cosignature.ts";
import {
  type Note,
  type NoteSignature,
  names,
  parseNote,
  SIGNATURE_TYPES,
  type Vkey,
} from "../schema/tlog/note.ts";
import type { Crypto, SignatureAlgorithm } from "./crypto/crypto.ts";

export interface OpenedNote {
  readonly note: Note;
  /** The keys, each once, that have signed the note. At least one. */
  readonly verified: readonly Vkey[];
}

/**
 * Check a note with the keys that are known. Fails with `SIGNATURE_INVALID` where a known key's
 * line does not verify or none is there, `FIELD_INVALID` where the note or the list of keys is
 * malformed, `KEY_REFUSED` or `KIND_UNSUPPORTED` where a known key itself is not usable.
 */
export async function openNote(
  crypto: Crypto,
  strangersBytes: Uint8Array,
  keys: readonly Vkey[],
): Promise<Result<OpenedNote>> {
  const parsed = parseNote(strangersBytes);
  if (!parsed.ok) return parsed;
  const verified = await verifyLines(crypto, parsed.value, keys);
  if (!verified.ok) return verified;
  if (verified.value.length === 0)
    return failure("SIGNATURE_INVALID", "the note has no signature by a known key", {
      field: "note.signatures",
      expected: keys.map((key) => nameOf(key)).join(", "),
    });
  return success({ note: parsed.value, verified: verified.value });
}

/**
 * The keys, each once, whose lines stand in a note, all of them good; there may be none. Fails as
 * {@link openNote} does for a known key's line that is bad.
 */
export async function verifyLines(
  crypto: Crypto,
  note: Note,
  keys: readonly Vkey[],
): Promise<Result<readonly Vkey[]>> {
  const verified = new Set<Vkey>();
  for (const signature of note.signatures) {
    const [key, ...more] = keys.filter((known) => names(signature, known));
    if (key === undefined) continue;
    if (more.some((other) => !sameKey(key, other)))
      return failure("FIELD_INVALID", `two known keys are both called ${nameOf(signature)}`, {
        field: "keys",
      });
    const valid = await verifySignature(crypto, note.text, signature, key);
    if (!valid.ok) return valid;
    if (!valid.value)
      return failure("SIGNATURE_INVALID", `the signature of ${nameOf(signature)} does not verify`, {
        field: "note.signatures",
        at: nameOf(signature),
      });
    verified.add(key);
  }
  return success([...verified]);
}

/**
 * Whether one signature line is by `key` over a note's text. That the line names the key is for the
 * caller to see to. A failure says that the key itself cannot be used.
 */
async function verifySignature(
  crypto: Crypto,
  text: string,
  signature: NoteSignature,
  key: Vkey,
): Promise<Result<boolean>> {
  const usable = usableKey(crypto, key);
  if (!usable.ok) return usable;
  const { algorithm, spki } = usable.value;
  if (!isCosignatureType(key.type))
    return success(await crypto.verify(algorithm, spki, utf8(text), signature.signature));
  const cosignature = parseCosignature(key.type, signature.signature);
  if (!cosignature.ok) return success(false);
  const { timestamp } = cosignature.value;
  const message = cosignedMessage(key.type, key.name, timestamp, text);
  if (!message.ok) return success(false);
  return success(await crypto.verify(algorithm, spki, message.value, cosignature.value.signature));
}

/** The key as the cryptography port takes it, after it was asked whether it is a good key. */
export function usableKey(
  crypto: Crypto,
  key: Vkey,
): Result<{ readonly algorithm: SignatureAlgorithm; readonly spki: Uint8Array }> {
  const spki = spkiOf(key);
  const parsed = parseSpki(spki);
  if (!parsed.ok) return { ...parsed, detail: { ...parsed.detail, at: nameOf(key) } };
  const ecdsa = parsed.value.type === "ecdsa";
  if (ecdsa && parsed.value.curve !== "p256")
    return failure("KIND_UNSUPPORTED", "notes are signed with ECDSA on P-256 only", {
      field: "vkey",
      at: nameOf(key),
    });
  if (ecdsa !== (key.type === SIGNATURE_TYPES.ecdsa))
    return failure("KEY_REFUSED", "the key is not of the type that its vkey names", {
      field: "vkey",
      at: nameOf(key),
    });
  const algorithm = ALGORITHM_OF[key.type];
  if (!crypto.supports(algorithm))
    return failure("KIND_UNSUPPORTED", `this platform cannot check ${algorithm} signatures`, {
      field: "vkey",
      at: nameOf(key),
    });
  return success({ algorithm, spki });
}

const ALGORITHM_OF: Readonly<Record<Vkey["type"], SignatureAlgorithm>> = {
  [SIGNATURE_TYPES.ed25519]: "ed25519",
  [SIGNATURE_TYPES.ecdsa]: "ecdsa-p256-sha256",
  [SIGNATURE_TYPES.cosignature]: "ed25519",
  [SIGNATURE_TYPES.mlDsa44]: "ml-dsa-44",
};

function spkiOf(key: Vkey): Uint8Array {
  switch (key.type) {
    case SIGNATURE_TYPES.ecdsa:
      return key.publicKey;
    case SIGNATURE_TYPES.mlDsa44:
      return encodeSpki({ type: "ml-dsa-44", raw: key.publicKey });
    case SIGNATURE_TYPES.ed25519:
    case SIGNATURE_TYPES.cosignature:
      return encodeSpki({ type: "ed25519", raw: key.publicKey });
  }
}

function sameKey(a: Vkey, b: Vkey): boolean {
  return a.type === b.type && equal(a.publicKey, b.publicKey);
}

function nameOf(key: Pick<Vkey, "name" | "keyId">): string {
  return `${key.name}+${toHex(key.keyId)}`;
}
