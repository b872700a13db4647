/** Requests to Rekor's write interface by the fixed keys, as its clients send them. */
import { nodeCrypto } from "../../client/crypto/node.ts";
import { toBase64 } from "../../schema/bytes.ts";
import { pae } from "../../schema/entry/dsse.ts";
import type { PlainSigner } from "./signers.ts";

export interface RekorVerifierJson {
  readonly publicKey?: { readonly rawBytes: string };
  readonly x509Certificate?: { readonly rawBytes: string };
  readonly keyDetails: string;
}

export interface HashedrekordJson {
  readonly hashedRekordRequestV002: {
    readonly digest: string;
    readonly signature: { readonly content: string; readonly verifier: RekorVerifierJson };
  };
}

export interface DsseJson {
  readonly dsseRequestV002: {
    readonly envelope: {
      readonly payload: string;
      readonly payloadType: string;
      readonly signatures: readonly { readonly sig: string; readonly keyid: string }[];
    };
    readonly verifiers: readonly RekorVerifierJson[];
  };
}

function rekorVerifier({ certificate, keyDetails, spki }: PlainSigner): RekorVerifierJson {
  return certificate === undefined
    ? { publicKey: { rawBytes: toBase64(spki) }, keyDetails }
    : { x509Certificate: { rawBytes: toBase64(certificate) }, keyDetails };
}

/** A digest and a signature over what has it. */
export function digestRequest(content: Uint8Array, signer: PlainSigner): HashedrekordJson {
  return {
    hashedRekordRequestV002: {
      digest: toBase64(nodeCrypto.sha256(content)),
      signature: { content: toBase64(signer.sign(content)), verifier: rekorVerifier(signer) },
    },
  };
}

/** A whole envelope, as @sigstore/sign still sends it. */
export function dsseRequest(
  payloadType: string,
  payload: Uint8Array,
  signer: PlainSigner,
): DsseJson {
  const sig = toBase64(signer.sign(pae(payloadType, payload)));
  return {
    dsseRequestV002: {
      envelope: { payload: toBase64(payload), payloadType, signatures: [{ sig, keyid: "" }] },
      verifiers: [rekorVerifier(signer)],
    },
  };
}
