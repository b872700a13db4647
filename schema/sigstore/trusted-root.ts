/**
 * Sigstore's `trusted_root.json`: what its clients pin to believe a log and a timestamp authority.
 *
 * Only what every client reads alike is written: media type 0.1 exactly, the log's whole 32-byte
 * id and no `checkpointKeyId` (one client prefers that and compares it with the entry's 32 bytes),
 * lists that are empty rather than absent, chains leaf first.
 *
 * Spec: sigstore_trustroot.proto of protobuf-specs 0.5. Judged by: @sigstore/protobuf-specs,
 * @sigstore/verify, cosign.
 *
 * @module
 */
import { toBase64 } from "../bytes.ts";
import { encodeSpki } from "../key/spki.ts";
import type { Sha256 } from "../tlog/hash.ts";
import { keyHash, SIGNATURE_TYPES, type Vkey } from "../tlog/note.ts";

const TRUSTED_ROOT_TYPE = "application/vnd.dev.sigstore.trustedroot+json;version=0.1";

export interface TrustedLog {
  /** Its host name is the origin: clients take the name of the checkpoint's signature from it. */
  readonly baseUrl: string;
  /** Ed25519. */
  readonly vkey: Vkey;
  /** RFC 3339. */
  readonly start: string;
}

export interface TrustedTimestamps {
  readonly url: string;
  readonly organization: string;
  readonly commonName: string;
  /** DER, leaf first, the root among them. */
  readonly certificates: readonly Uint8Array[];
  /** RFC 3339. */
  readonly start: string;
}

export interface TrustedRoot {
  readonly logs: readonly TrustedLog[];
  readonly timestamps: readonly TrustedTimestamps[];
}

export function formatTrustedRoot(sha256: Sha256, { logs, timestamps }: TrustedRoot): string {
  const document = {
    mediaType: TRUSTED_ROOT_TYPE,
    tlogs: logs.map(({ baseUrl, vkey, start }) => ({
      baseUrl,
      hashAlgorithm: "SHA2_256",
      publicKey: {
        rawBytes: toBase64(encodeSpki({ type: "ed25519", raw: vkey.publicKey })),
        keyDetails: "PKIX_ED25519",
        validFor: { start },
      },
      logId: {
        keyId: toBase64(keyHash(sha256, vkey.name, SIGNATURE_TYPES.ed25519, vkey.publicKey)),
      },
    })),
    certificateAuthorities: [],
    ctlogs: [],
    timestampAuthorities: timestamps.map(
      ({ url, organization, commonName, certificates, start }) => ({
        subject: { organization, commonName },
        uri: url,
        certChain: { certificates: certificates.map((der) => ({ rawBytes: toBase64(der) })) },
        validFor: { start },
      }),
    ),
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}
