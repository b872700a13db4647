/**
 * The kinds of signatures that are understood, and the one question asked of them: does this
 * entry's signature verify, and by whom is it?
 *
 * To add a kind: write its file beside this one, add it to the table. What is not in the
 * table is refused as unsupported; nothing else in the program branches on a kind.
 *
 * @module
 */
import { equal } from "../../schema/bytes.ts";
import type { CountersignLeaf, HashedrekordLeaf, Leaf } from "../../schema/entry/leaf.ts";
import { containerOf } from "../../schema/key/certificate.ts";
import { OpenTable } from "../../schema/table.ts";
import type { Crypto } from "../crypto/crypto.ts";
import { dsseKind } from "./dsse.ts";
import {
  refuse,
  type SignatureInput,
  type SignatureKind,
  type SignatureRefusal,
  type SignatureResult,
} from "./kind.ts";
import { verifyOverDigest } from "./plain.ts";
import { rawKind } from "./raw.ts";
import { sshsigKind } from "./sshsig.ts";

export const SIGNATURE_KINDS: readonly SignatureKind[] = [dsseKind, rawKind, sshsigKind];

/** By format: those, and what is added (`schema/entry/signature-form.ts` has the row beside it). */
export const signatureKinds: OpenTable<SignatureKind> = new OpenTable(
  "kind of signature",
  SIGNATURE_KINDS.map((kind) => [kind.format, kind]),
);

/**
 * Whether the signature of `leaf` verifies over `content`, by the key that the leaf names.
 *
 * `content` is the exact signed bytes; without them nothing can be checked and the answer is
 * "content is not held". `keyObject` is the key's bytes where the leaf has only their digest.
 * Digests of both and the signer id are recomputed here. What the content *means* is not
 * looked at: that is `checkLeaf`. Never throws for a stranger's bytes.
 */
export async function verifyEntrySignature(
  crypto: Crypto,
  leaf: Leaf,
  content: Uint8Array | undefined,
  keyObject?: Uint8Array,
): Promise<SignatureResult> {
  return leaf.kind === "hashedrekord"
    ? verifyHashedrekord(crypto, leaf, content)
    : verifyCountersign(crypto, leaf, content, keyObject);
}

/**
 * Whether the signature of a `hashedrekord` verifies over the digest that the leaf names, where
 * the content is not at hand. Who signed is then known, and what was said is not.
 */
export async function verifyDigestSignature(
  crypto: Crypto,
  leaf: HashedrekordLeaf,
): Promise<SignatureResult> {
  const { digest, keyDetails: algorithm, signature, verifier } = leaf;
  const mislabelled = checkContainer(leaf);
  if (mislabelled !== undefined) return mislabelled;
  return verifyOverDigest(crypto, { algorithm, key: verifier.bytes, signature, digest });
}

/** Run the kind named `format`, or answer that there is none. */
export async function verifySignature(
  crypto: Crypto,
  strangersFormat: string,
  input: SignatureInput,
): Promise<SignatureResult> {
  const kind = signatureKinds.get(strangersFormat);
  if (kind === undefined)
    return refuse(
      "unsupported kind",
      "signature.format",
      `this program verifies ${signatureKinds.names.join(", ")} signatures`,
    );
  return kind.verify(crypto, input);
}

/** A hashedrekord is a raw signature whose content Rekor calls data. */
async function verifyHashedrekord(
  crypto: Crypto,
  leaf: HashedrekordLeaf,
  content: Uint8Array | undefined,
): Promise<SignatureResult> {
  if (content === undefined) return contentMissing();
  if (!equal(crypto.sha256(content), leaf.digest)) return contentDiffers();
  const mislabelled = checkContainer(leaf);
  if (mislabelled !== undefined) return mislabelled;
  return verifySignature(crypto, rawKind.format, {
    algorithm: leaf.keyDetails,
    key: leaf.verifier.bytes,
    signature: leaf.signature,
    content,
  });
}

function checkContainer({ verifier }: HashedrekordLeaf): SignatureRefusal | undefined {
  const { container, bytes } = verifier;
  return containerOf(bytes) === container
    ? undefined
    : refuse("key is refused", "signature.key", `the leaf's ${container} is not one`);
}

async function verifyCountersign(
  crypto: Crypto,
  leaf: CountersignLeaf,
  content: Uint8Array | undefined,
  keyObject: Uint8Array | undefined,
): Promise<SignatureResult> {
  if (content === undefined) return contentMissing();
  if (content.length !== leaf.content.size || !equal(crypto.sha256(content), leaf.content.digest))
    return contentDiffers();
  const { algorithm, format, key, value } = leaf.signature;
  const keyBytes = key.value ?? keyObject;
  if (keyBytes === undefined)
    return refuse("key is not given", "signature.key.digest", "the key object is needed");
  if (
    key.value === undefined &&
    (key.digest === undefined || !equal(crypto.sha256(keyBytes), key.digest))
  )
    // Whoever handed over another key says nothing about the leaf, so this is no charge against it.
    return refuse(
      "key is not given",
      "signature.key.digest",
      "the key object is not the one the leaf names",
    );
  const result = await verifySignature(crypto, format, {
    algorithm,
    key: keyBytes,
    signature: value,
    content,
  });
  if (result.ok && !equal(result.evidence.signerId, key.id))
    return refuse(
      "key has another id",
      "signature.key.id",
      "the signer id in the leaf is not that of its key",
    );
  return result;
}

function contentMissing(): SignatureRefusal {
  return refuse(
    "content is not held",
    "content",
    "the signed bytes are needed to check a signature",
  );
}

function contentDiffers(): SignatureRefusal {
  return refuse("content has another digest", "content", "these are not the bytes the leaf names");
}
