/**
 * A receipt as a Sigstore bundle: the same entry, proof and content in the form that Sigstore's
 * clients read. It takes none of their packages.
 *
 * Media type 0.3: the key is named by its SSH fingerprint, a certificate is in the bundle.
 *
 * Spec: Sigstore protobuf-specs, bundle; docs/formats.md §Bundles.
 *
 * @module
 */
import { toBase64 } from "../../schema/bytes.ts";
import { parsePae } from "../../schema/entry/dsse.ts";
import type { HashedrekordLeaf } from "../../schema/entry/hashedrekord.ts";
import { failure, type Result, success } from "../../schema/error.ts";
import { readCarriedKey } from "../../schema/key/certificate.ts";
import { encodeSshKey, sshFingerprint } from "../../schema/key/ssh-key.ts";
import { formatLogEntry, type Receipt } from "../../schema/receipt.ts";
import type { Sha256 } from "../../schema/tlog/hash.ts";
import { bundleKind } from "./kinds.ts";

const MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";

/** JSON text with a final LF. Fails with `KIND_UNSUPPORTED` where no client would verify it. */
export function bundleOfReceipt(sha256: Sha256, receipt: Receipt): Result<string> {
  const kind = bundleKind(receipt.entry.leafBytes);
  if (!kind.ok) return kind;
  const leaf = kind.value;
  const hint = hintOf(sha256, leaf);
  if (!hint.ok) return hint;
  const { inclusionPromise: _, ...entry } = formatLogEntry(receipt.entry);
  const material =
    leaf.verifier.container === "publicKey"
      ? { publicKey: { hint: hint.value } }
      : { certificate: { rawBytes: toBase64(leaf.verifier.bytes) } };
  const bundle = {
    mediaType: MEDIA_TYPE,
    verificationMaterial: { ...material, tlogEntries: [entry] },
    ...contentOf(leaf, receipt.content, hint.value),
  };
  return success(`${JSON.stringify(bundle, null, 2)}\n`);
}

function contentOf(leaf: HashedrekordLeaf, content: Uint8Array | undefined, hint: string): object {
  const signature = toBase64(leaf.signature);
  const envelope = content === undefined ? undefined : parsePae(content);
  if (envelope?.ok !== true) {
    const messageDigest = { algorithm: "SHA2_256", digest: toBase64(leaf.digest) };
    return { messageSignature: { messageDigest, signature } };
  }
  const { payloadType, payload } = envelope.value;
  const keyid = leaf.verifier.container === "publicKey" ? { keyid: hint } : {};
  const signatures = [{ sig: signature, ...keyid }];
  return { dsseEnvelope: { payload: toBase64(payload), payloadType, signatures } };
}

/** The fingerprint that `ssh-keygen -lf` prints. */
function hintOf(sha256: Sha256, leaf: HashedrekordLeaf): Result<string> {
  const key = readCarriedKey(leaf.verifier);
  if (!key.ok) return key;
  const wire = encodeSshKey(key.value);
  return wire === undefined
    ? failure("KIND_UNSUPPORTED", "SSH has no form for this key", { field: "key" })
    : success(sshFingerprint(sha256, wire));
}
