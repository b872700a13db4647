/**
 * Sigstore's own verifier, asked about a bundle: certificate chain and transparency, timestamps,
 * promises, proofs, and once more the signature.
 *
 * It throws what it refuses, and now and then what it cannot parse; both are a "no". Our checks
 * never lean on its answer for what they check themselves.
 *
 * @module
 */
import { createPublicKey, type KeyObject } from "node:crypto";
import type { Bundle } from "@sigstore/bundle";
import type { SignedEntity } from "@sigstore/verify";
import { equal } from "../../schema/bytes.ts";
import type { SignerKey } from "./bundle.ts";
import type { VerifyPackages } from "./packages.ts";
import { timestampOf } from "./timestamp.ts";
import type { Root, RootLog } from "./trusted-root.ts";
import { type BundleTimestamp, pass, refuse, type Step } from "./verdict.ts";

/** What it found. */
export interface Accepted {
  readonly identity?: string;
  readonly issuer?: string;
  readonly timestamps: readonly BundleTimestamp[];
}

export interface SigstoreQuestion {
  readonly root: Root;
  readonly bundle: Bundle;
  readonly signer: SignerKey;
  /** The message of a message signature, where more than its digest is at hand. */
  readonly artifact: Uint8Array | undefined;
  /** Those of the bundle's entries: by them a log's own authority is known. */
  readonly logs: readonly RootLog[];
}

/** Refuses with `SIGSTORE_REFUSED`. The signature must have been checked (`signature.ts`). */
export function askSigstore(
  { verify }: VerifyPackages,
  { root, bundle, signer, artifact, logs }: SigstoreQuestion,
): Step<Accepted> {
  try {
    const key = createPublicKey({ key: Buffer.from(signer.spki), format: "der", type: "spki" });
    const material = verify.toTrustMaterial(root.specs, () => ({
      publicKey: key,
      validFor: () => true,
    }));
    const verifier = new verify.Verifier(material, {
      tlogThreshold: 1,
      ctlogThreshold: 1,
      // A certificate is valid for minutes: somebody must say when it was used.
      timestampThreshold: signer.carried.container === "publicKey" ? 0 : 1,
    });
    const message = artifact === undefined ? undefined : Buffer.from(artifact);
    const entity = verify.toSignedEntity(bundle, message);
    const digestOnly = bundle.content.$case === "messageSignature" && message === undefined;
    const { identity } = verifier.verify(digestOnly ? ofDigest(entity, signer) : entity);
    const name = identity?.subjectAlternativeName;
    const issuer = identity?.extensions?.issuer;
    const authorities = material.timestampAuthorities;
    return pass({
      ...(name === undefined ? {} : { identity: name }),
      ...(issuer === undefined ? {} : { issuer }),
      timestamps: entity.timestamps.flatMap((stamp) => timestampOf(root, authorities, logs, stamp)),
    });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    const message = error instanceof Error ? error.message : "no reason given";
    return refuse({
      code: "SIGSTORE_REFUSED",
      reason: typeof code === "string" ? code : "UNREADABLE",
      message,
    });
  }
}

/**
 * The verifier has no question for a digest. The signature over it was checked before, and this
 * answers for the key that it was checked with, and for no other.
 */
function ofDigest(entity: SignedEntity, signer: SignerKey): SignedEntity {
  const { signature: content } = entity;
  return {
    ...entity,
    signature: {
      signature: content.signature,
      compareSignature: (signature) => content.compareSignature(signature),
      compareDigest: (digest) => content.compareDigest(digest),
      compareSignedDigest: (digest) => content.compareSignedDigest(digest),
      verifySignature: (key: KeyObject) =>
        equal(key.export({ type: "spki", format: "der" }), signer.spki),
    },
  };
}
