/**
 * The kind `sshsig`: what `ssh-keygen -Y sign`, git and an ssh-agent make. The blob brings its
 * key, which must be the one the leaf names.
 *
 * FIDO keys sign flags and a counter with the data; they are returned as evidence. That nobody
 * touched the key is no reason to call a signature bad, as stock git does not either: whether
 * touch is required is for the policy to say, and the evidence is there for it.
 *
 * Spec: OpenSSH PROTOCOL.sshsig, PROTOCOL.u2f. Vectors: test/vectors/sshsig/.
 *
 * @module
 */
import { equal } from "../../schema/bytes.ts";
import {
  FIDO_USER_PRESENT,
  FIDO_USER_VERIFIED,
  sshSignedMessage,
} from "../../schema/entry/ssh-signature.ts";
import { parseSshsig, type Sshsig, signedData } from "../../schema/entry/sshsig.ts";
import type { Failure } from "../../schema/error.ts";
import { encodeSpki } from "../../schema/key/spki.ts";
import type { Crypto } from "../crypto/crypto.ts";
import {
  type HardwareEvidence,
  refuse,
  type SignatureInput,
  type SignatureKind,
  type SignatureReason,
  type SignatureRefusal,
  type SignatureResult,
} from "./kind.ts";

export const sshsigKind: SignatureKind = { format: "sshsig", verify };

async function verify(crypto: Crypto, input: SignatureInput): Promise<SignatureResult> {
  const parsed = parseSshsig(input.signature);
  if (!parsed.ok) return refuseBlob(parsed);
  if (input.algorithm !== undefined)
    return refuse("signature is malformed", "signature.algorithm", "an SSHSIG names its own");
  const sshsig = parsed.value;
  if (!equal(sshsig.publicKey.wire, input.key))
    return refuse("key is refused", "signature.key", "the SSHSIG is by another key than is named");
  return verifySshsig(crypto, sshsig, input.content);
}

/** Whether an SSHSIG verifies over `content`, by the key that it brings. */
export async function verifySshsig(
  crypto: Crypto,
  sshsig: Sshsig,
  content: Uint8Array,
): Promise<SignatureResult> {
  const { publicKey, namespace, hashAlgorithm, signature } = sshsig;
  const { algorithm, signature: bytes } = signature.verification;
  if (!crypto.supports(algorithm))
    return refuse(
      "unsupported by this platform",
      "signature.value",
      `this platform has no ${algorithm}; verify it with Node`,
    );
  const data = signedData(namespace, hashAlgorithm, crypto[hashAlgorithm](content));
  const message = sshSignedMessage(crypto.sha256, publicKey, signature, data);
  const spki = encodeSpki(publicKey.key);
  if (!(await crypto.verify(algorithm, spki, message, bytes)))
    return refuse(
      "signature does not verify",
      "signature.value",
      `the ${publicKey.algorithm} signature is not by this key over this content`,
    );
  const hardware = hardwareEvidence(sshsig);
  return {
    ok: true,
    evidence: {
      signerId: crypto.sha256(spki),
      publicKey: publicKey.key,
      keyType: publicKey.algorithm,
      algorithm,
      namespace,
      ...(hardware === undefined ? {} : { hardware }),
    },
  };
}

function hardwareEvidence({ publicKey, signature }: Sshsig): HardwareEvidence | undefined {
  const { fido } = signature;
  if (fido === undefined) return undefined;
  return {
    application: publicKey.application ?? "",
    flags: fido.flags,
    userPresent: (fido.flags & FIDO_USER_PRESENT) !== 0,
    userVerified: (fido.flags & FIDO_USER_VERIFIED) !== 0,
    counter: fido.counter,
  };
}

const REASONS: ReadonlyMap<string, SignatureReason> = new Map([
  ["KIND_UNSUPPORTED", "unsupported kind"],
  ["KEY_REFUSED", "key is refused"],
  ["NOT_CANONICAL", "key is refused"],
  ["SIGNATURE_INVALID", "signature does not verify"],
]);

function refuseBlob(failure: Failure): SignatureRefusal {
  const reason = REASONS.get(failure.code) ?? "signature is malformed";
  return refuse(reason, "signature.value", failure.message);
}
