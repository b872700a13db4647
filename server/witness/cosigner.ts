/**
 * A key that cosigns: Ed25519 (cosignature/v1) or ML-DSA-44 (subtree/v1).
 *
 * It is the witness's own and never that of a log: the message of an Ed25519 cosignature names no
 * cosigner, and one key in two roles would lend the voice of one to the other.
 *
 * Spec: C2SP tlog-cosignature.
 *
 * @module
 */
import type { Crypto, SignatureAlgorithm } from "../../client/crypto/crypto.ts";
import type { Signer } from "../../client/keys/signer.ts";
import { utf8 } from "../../schema/bytes.ts";
import { LogError, unwrap } from "../../schema/error.ts";
import type { PublicKey } from "../../schema/key/spki.ts";
import {
  type CosignatureType,
  cosignedMessage,
  formatCosignature,
} from "../../schema/tlog/cosignature.ts";
import {
  formatVkey,
  isKeyName,
  makeVkey,
  type NoteSignature,
  SIGNATURE_TYPES,
  type Vkey,
} from "../../schema/tlog/note.ts";

/** `opaque<1..2^8-1>`: names of cosigners and of logs inside an ML-DSA-44 cosignature. */
export const MAX_COSIGNED_NAME_BYTES = 255;

export interface Cosigner {
  readonly vkey: Vkey;
  readonly vkeyText: string;
  /** Sign that the checkpoint of this text was seen at `time`. */
  readonly cosign: (time: number, text: string) => Promise<NoteSignature>;
}

/** @throws LogError FIELD_INVALID for a name that is none, KEY_REFUSED for a key that cannot cosign */
export function makeCosigner(
  { sha256 }: Pick<Crypto, "sha256">,
  signer: Signer,
  name: string,
): Cosigner {
  mustBeName(name);
  const { publicKey, signRaw } = signer;
  const kind = kindOf(publicKey);
  if (kind === undefined || signRaw === undefined)
    throw new LogError("KEY_REFUSED", `${signer.describe()} cannot cosign`, {
      field: "key",
      expected: "an Ed25519 or ML-DSA-44 private key",
    });
  const { type, algorithm, raw } = kind;
  const vkey = makeVkey(sha256, name, type, raw);
  return {
    vkey,
    vkeyText: formatVkey(sha256, name, type, raw),
    async cosign(time, text) {
      const message = unwrap(cosignedMessage(type, name, time, text));
      const signature = await signRaw(algorithm, message);
      const bytes = formatCosignature({ timestamp: time, signature });
      return { name, keyId: vkey.keyId, signature: bytes };
    },
  };
}

/** @throws LogError FIELD_INVALID */
export function mustBeName(name: string): void {
  const bytes = utf8(name).length;
  if (isKeyName(name) && bytes <= MAX_COSIGNED_NAME_BYTES) return;
  throw new LogError("FIELD_INVALID", `"${name}" cannot be the name of a witness`, {
    field: "name",
    limit: MAX_COSIGNED_NAME_BYTES,
    expected: "a URL without scheme, like witness.example.org/w1; no blank and no plus sign",
  });
}

function kindOf(key: PublicKey):
  | {
      readonly type: CosignatureType;
      readonly algorithm: SignatureAlgorithm;
      readonly raw: Uint8Array;
    }
  | undefined {
  if (key.type === "ed25519")
    return { type: SIGNATURE_TYPES.cosignature, algorithm: "ed25519", raw: key.raw };
  if (key.type === "ml-dsa-44")
    return { type: SIGNATURE_TYPES.mlDsa44, algorithm: "ml-dsa-44", raw: key.raw };
  return undefined;
}
