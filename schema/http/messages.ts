/**
 * What goes over the wire of the native API, as JSON. Byte strings are canonical standard
 * base64, 64-bit numbers are decimal strings, as in Sigstore's protobuf JSON.
 *
 * Spec: docs/formats.md §HTTP; `docs/openapi.json` is made from the same shapes.
 *
 * @module
 */

/** A key as a submitter hands it over: SPKI DER, and Sigstore's name of key, hash and padding. */
export interface PublicKeyVerifier {
  readonly publicKey: string;
  readonly keyDetails: string;
}

/** The same with an X.509 certificate (DER) that has the key in it. */
export interface CertificateVerifier {
  readonly x509Certificate: string;
  readonly keyDetails: string;
}

export type PlainVerifier = PublicKeyVerifier | CertificateVerifier;

/** The signature is a binary SSHSIG blob in base64, and brings its key itself. */
export interface SshsigVerifier {
  readonly sshsig: true;
}

/** A DSSE envelope. `verifiers[i]` belongs to `envelope.signatures[i]`. */
export interface DsseSubmission {
  readonly kind: "dsse";
  readonly envelope: {
    readonly payloadType: string;
    readonly payload: string;
    readonly signatures: readonly { readonly sig: string; readonly keyid?: string }[];
  };
  readonly verifiers: readonly (PlainVerifier | SshsigVerifier)[];
}

/** A git commit, tag or push certificate, raw, with its signature in it. */
export interface GitSubmission {
  readonly kind: "git";
  readonly object: string;
}

/** Any bytes and an SSH signature over them: armored text, or the binary blob in base64. */
export interface SshsigSubmission {
  readonly kind: "sshsig";
  readonly content: string;
  readonly signature: string;
}

/** Any bytes and a plain signature over them. */
export interface RawSubmission {
  readonly kind: "raw";
  readonly content: string;
  readonly signature: string;
  readonly verifier: PlainVerifier;
}

/** Any bytes and a signature of a kind that brings a form of its own (`schema/entry/signature-form.ts`). */
export interface FormSubmission {
  readonly kind: "form";
  readonly format: string;
  readonly content: string;
  readonly key: string;
  readonly signature: string;
}

/** One thing that is submitted. It may become several entries (one for each signature). */
export type Submission =
  | DsseSubmission
  | GitSubmission
  | SshsigSubmission
  | RawSubmission
  | FormSubmission;

/** Sigstore's TransparencyLogEntry, as protobuf JSON writes it with every field present. */
export interface TransparencyLogEntry {
  readonly logIndex: string;
  readonly logId: { readonly keyId: string };
  readonly kindVersion: { readonly kind: string; readonly version: string };
  readonly integratedTime: "0";
  readonly inclusionPromise: null;
  readonly inclusionProof: {
    readonly logIndex: string;
    readonly rootHash: string;
    readonly treeSize: string;
    readonly hashes: readonly string[];
    readonly checkpoint: { readonly envelope: string };
  };
  readonly canonicalizedBody: string;
}

/** A key of the index, as a look-up takes it. */
export interface HintedKey {
  readonly type: string;
  readonly fields: readonly (string | { readonly hex: string })[];
}

/** Answer to `POST /v1/entries`: 201, also where every entry was there already. */
export interface SubmitAnswer {
  readonly entries: readonly TransparencyLogEntry[];
  /**
   * Slots of the index (`{"type", "fields"}`) in which an entry says something else than an entry
   * before it. Unproven, and absent where the index found none or was not asked in time.
   */
  readonly conflictHint?: readonly HintedKey[];
}

/**
 * Answer to `POST /v1/entries` where not every entry is published: 202. Each entry of the submission
 * is in one of the two lists.
 */
export interface PromiseAnswer extends SubmitAnswer {
  /** Signed notes (docs/formats.md §Promises), in the order of the entries that they are for. */
  readonly promises: readonly string[];
}

/** Answer to `GET /v1/entries/{index or leaf hash}`. */
export interface EntryAnswer {
  readonly entry: TransparencyLogEntry;
}

/** A line of the answer to `POST /v1/entries:batch`, in the order of the lines sent. */
export type BatchLine =
  | { readonly entries: readonly { readonly index: number; readonly leafHash: string }[] }
  | { readonly problem: Problem };

/**
 * The last line of a batch: proofs of every entry above, in order, under one checkpoint. An entry
 * that is not published has a promise instead of its proof.
 */
export interface BatchEnd {
  readonly checkpoint: string;
  readonly proofs: readonly { readonly index: number; readonly hashes: readonly string[] }[];
  /** Signed notes, in the order of their entries; absent where every entry is published. */
  readonly promises?: readonly string[];
}

/** RFC 9457, with the fields of `ErrorDetail` as extension members. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly field?: string;
  readonly limit?: number;
  readonly expected?: string;
  readonly at?: string;
  /** Index of an entry that is durable and not yet provable. */
  readonly index?: number;
  readonly hint?: string;
  /** Seconds, where waiting helps. */
  readonly retryAfter?: number;
}
