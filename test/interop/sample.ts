/**
 * What goes between signers and verifiers: a bundle with all that a verifier is given beside it.
 */

export interface LogEntryJson {
  logIndex?: string;
  logId: { keyId: string };
  kindVersion: { kind: string; version: string };
  integratedTime?: string;
  inclusionProof: {
    logIndex?: string;
    rootHash: string;
    treeSize: string;
    hashes?: string[];
    checkpoint: { envelope: string };
  };
  canonicalizedBody: string;
}

/** As much of a Sigstore bundle as these runs read and tamper with. */
export interface BundleJson {
  mediaType: string;
  verificationMaterial: {
    publicKey?: { hint: string };
    certificate?: { rawBytes: string };
    x509CertificateChain?: { certificates: { rawBytes: string }[] };
    tlogEntries: LogEntryJson[];
    timestampVerificationData?: { rfc3161Timestamps?: { signedTimestamp: string }[] };
  };
  messageSignature?: { messageDigest: { algorithm: string; digest: string }; signature: string };
  dsseEnvelope?: {
    payload: string;
    payloadType: string;
    signatures: { sig: string; keyid?: string }[];
  };
}

/** Whom a verifier is told to expect. */
export type Expected =
  | { readonly kind: "key"; readonly pem: string }
  | { readonly kind: "certificate"; readonly subject: string; readonly issuer: string };

export interface Sample {
  /** Who made it and how, for the table. */
  readonly name: string;
  readonly form: "blob" | "attestation";
  readonly bundle: BundleJson;
  readonly artifact: Uint8Array;
  readonly expected: Expected;
  /** Text of the trusted_root.json given to the verifier. */
  readonly trustedRoot: string;
}

/** What a client of Sigstore is asked to sign, and how it names its signer. */
export interface Order {
  readonly form: Sample["form"];
  readonly kind: Expected["kind"];
}

export const ORDERS: readonly Order[] = [
  { form: "blob", kind: "key" },
  { form: "attestation", kind: "key" },
  { form: "blob", kind: "certificate" },
  { form: "attestation", kind: "certificate" },
];

export interface Verdict {
  readonly accepted: boolean;
  readonly words: string;
}

export interface Verifier {
  readonly client: string;
  readonly version: string;
  readonly operation: string;
  /** The part of this verifier in {@link Tampered.gaps}. */
  readonly family: Family;
  takes(sample: Sample): boolean;
  /** Why a bundle of its kind, good as it is, is beyond it: another client's doing, not the log's. */
  limit?(sample: Sample): string | undefined;
  verify(sample: Sample): Promise<Verdict>;
}

/** `cosign-stamps` is cosign with `--use-signed-timestamps`. */
export type Family = "cosign" | "cosign-stamps" | "sigstore-js" | "sigstore-python" | "countersign";

/** A sample with one thing changed. */
export interface Tampered {
  readonly what: string;
  readonly sample: Sample;
  /** Families that do not look at that thing, and are known to accept it. */
  readonly gaps: readonly Family[];
}

export function signatureOf(bundle: BundleJson): string {
  return bundle.messageSignature?.signature ?? bundle.dsseEnvelope?.signatures[0]?.sig ?? "";
}

export function hasTimestamp({ verificationMaterial }: BundleJson): boolean {
  const stamps = verificationMaterial.timestampVerificationData?.rfc3161Timestamps ?? [];
  return stamps.length > 0;
}

export function entryOf(bundle: BundleJson): LogEntryJson {
  const [entry] = bundle.verificationMaterial.tlogEntries;
  if (entry === undefined) throw new Error("the bundle has no log entry");
  return entry;
}
