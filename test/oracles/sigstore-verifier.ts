/** `@sigstore/verify`, told of one log by its vkey and of one signer by the PEM of its key. */
import { createPublicKey } from "node:crypto";
import { TrustedRoot } from "@sigstore/protobuf-specs";
import { toTrustMaterial, Verifier } from "@sigstore/verify";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { toBase64 } from "../../schema/bytes.ts";
import { unwrap } from "../../schema/error.ts";
import { encodeSpki } from "../../schema/key/spki.ts";
import { keyHash, parseVkey } from "../../schema/tlog/note.ts";

const { sha256 } = nodeCrypto;

export function verifierOf(logVkey: string, signerPem: string): Verifier {
  const vkey = unwrap(parseVkey(sha256, logVkey));
  const root = TrustedRoot.fromJSON({
    mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    tlogs: [
      {
        baseUrl: `https://${vkey.name}`,
        hashAlgorithm: "SHA2_256",
        publicKey: {
          rawBytes: toBase64(encodeSpki({ type: "ed25519", raw: vkey.publicKey })),
          keyDetails: "PKIX_ED25519",
          validFor: { start: "2026-01-01T00:00:00Z" },
        },
        logId: { keyId: toBase64(keyHash(sha256, vkey.name, 1, vkey.publicKey)) },
      },
    ],
    certificateAuthorities: [],
    ctlogs: [],
    timestampAuthorities: [],
  });
  const publicKey = createPublicKey(signerPem);
  const keys = toTrustMaterial(root, () => ({ publicKey, validFor: () => true }));
  return new Verifier(keys, { tlogThreshold: 1, timestampThreshold: 0, ctlogThreshold: 0 });
}
