/**
 * Who signed: the key, read strictly, and the one form in which a leaf carries it.
 *
 * A plain signature has key and algorithm beside it, an SSHSIG brings its key; any further kind is a
 * row of signature-form.ts and one of the client's registry, with vectors first.
 *
 * Spec: docs/formats.md §Signer id.
 *
 * @module
 */
import { type Failure, failure, type Result, success } from "../error.ts";
import { type CarriedKey, certificateKey } from "../key/certificate.ts";
import { checkKeyDetails, isKeyDetailsName, type KeyDetailsName } from "../key/key-details.ts";
import { signerId } from "../key/signer-id.ts";
import { encodeSpki, type PublicKey, parseSpki } from "../key/spki.ts";
import { MAX_KEY_BYTES } from "../limits.ts";
import type { Hash, Sha256 } from "../tlog/hash.ts";
import type { ReadingContext } from "./reading.ts";
import { type CarriedSignature, signatureForms } from "./signature-form.ts";
import { parseSshsig, type Sshsig } from "./sshsig.ts";

/** A signature as somebody handed it over. */
export type AttackerSignature =
  | {
      readonly by: "key";
      readonly keyDetails: string;
      readonly key: CarriedKey;
      readonly value: Uint8Array;
    }
  | {
      readonly by: "sshsig";
      /** Binary SSHSIG. */
      readonly value: Uint8Array;
    }
  | ({ readonly by: "form"; readonly format: string } & CarriedSignature);

/** Where the parts of a signature stand, for refusals. */
export interface SignatureFields {
  readonly key: string;
  readonly algorithm: string;
  readonly signature: string;
}

export interface Signer {
  readonly id: Hash;
  readonly publicKey: PublicKey;
  /** The key as a leaf carries it: canonical SPKI, a certificate, or the SSH wire form. */
  readonly key: Uint8Array;
  /** In what a plain signature carries it. */
  readonly container?: CarriedKey["container"];
  /** The signature as a leaf carries it. */
  readonly value: Uint8Array;
  /** Of a plain signature. */
  readonly algorithm?: KeyDetailsName;
  /** Of an SSHSIG. */
  readonly sshsig?: Sshsig;
  /** Of any other kind. */
  readonly format?: string;
  readonly context: ReadingContext;
}

/** Who signed. Fails with KEY_REFUSED, KIND_UNSUPPORTED, NOT_CANONICAL, FIELD_INVALID, TOO_LARGE. */
export function readSigner(
  sha256: Sha256,
  signature: AttackerSignature,
  fields: SignatureFields,
): Result<Signer> {
  switch (signature.by) {
    case "key":
      return readPlain(sha256, signature, fields);
    case "sshsig":
      return readSshsig(sha256, signature.value, fields);
    case "form":
      return readForm(sha256, signature, fields);
  }
}

function readPlain(
  sha256: Sha256,
  signature: Extract<AttackerSignature, { by: "key" }>,
  fields: SignatureFields,
): Result<Signer> {
  const { keyDetails, key: attackerKey, value } = signature;
  const { container, bytes } = attackerKey;
  if (bytes.length > MAX_KEY_BYTES)
    return failure("TOO_LARGE", `A key has at most ${MAX_KEY_BYTES} bytes.`, {
      field: fields.key,
      limit: MAX_KEY_BYTES,
    });
  if (value.length === 0)
    return failure("FIELD_INVALID", "The signature is empty.", {
      field: fields.signature,
      expected: "a signature in base64",
    });
  const key = container === "publicKey" ? parseSpki(bytes) : certificateKey(bytes);
  if (!key.ok) return inField(key, fields.key);
  const details = checkKeyDetails(keyDetails, key.value);
  if (!details.ok || !isKeyDetailsName(keyDetails))
    return inField(details.ok ? unknownDetails() : details, fields.algorithm);
  return success({
    id: signerId(sha256, key.value),
    publicKey: key.value,
    key: container === "publicKey" ? encodeSpki(key.value) : bytes,
    container,
    value,
    algorithm: keyDetails,
    context: { signedBy: "key" },
  });
}

function readSshsig(sha256: Sha256, blob: Uint8Array, fields: SignatureFields): Result<Signer> {
  const sshsig = parseSshsig(blob);
  if (!sshsig.ok) return inField(sshsig, fields.signature);
  const { publicKey, namespace } = sshsig.value;
  return success({
    id: signerId(sha256, publicKey.key),
    publicKey: publicKey.key,
    key: publicKey.wire,
    value: blob,
    sshsig: sshsig.value,
    context: { signedBy: "sshsig", namespace },
  });
}

function readForm(
  sha256: Sha256,
  { format, key: attackerKey, value }: Extract<AttackerSignature, { by: "form" }>,
  fields: SignatureFields,
): Result<Signer> {
  const form = signatureForms.get(format);
  if (form?.by !== "form")
    return failure("KIND_UNSUPPORTED", "unsupported kind of signature", {
      field: fields.algorithm,
    });
  if (attackerKey.length > MAX_KEY_BYTES)
    return failure("TOO_LARGE", `A key has at most ${MAX_KEY_BYTES} bytes.`, {
      field: fields.key,
      limit: MAX_KEY_BYTES,
    });
  const key = form.readKey({ key: attackerKey, value });
  if (!key.ok) return inField(key, fields.key);
  return success({
    id: signerId(sha256, key.value),
    publicKey: key.value,
    key: attackerKey,
    value,
    format,
    context: { signedBy: "key" },
  });
}

/** The failure with the field it belongs to, where its parser did not know. */
export function inField(reason: Failure, field: string): Failure {
  return { ...reason, detail: { field, ...reason.detail } };
}

function unknownDetails(): Failure {
  return failure("KIND_UNSUPPORTED", "This key details name is not supported.");
}
