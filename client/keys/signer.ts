/**
 * Whoever can sign: a key file, or a key in a running ssh-agent. And what is made with it: the
 * submissions that a log takes.
 *
 * A plain key signs a DSSE envelope or a file directly, under Sigstore's name of the
 * algorithm. An agent only signs SSH's way, so there the same bytes (for an envelope its PAE)
 * go into an SSHSIG. Which of the two is used follows from what the signer has, never from
 * what kind of signer it is.
 *
 * Spec: docs/formats.md §Submissions.
 *
 * @module
 */
import { toBase64 } from "../../schema/bytes.ts";
import { pae } from "../../schema/entry/dsse.ts";
import { NAMESPACES } from "../../schema/entry/reading.ts";
import { armor } from "../../schema/entry/sshsig.ts";
import { LogError } from "../../schema/error.ts";
import type {
  DsseSubmission,
  RawSubmission,
  SshsigSubmission,
} from "../../schema/http/messages.ts";
import {
  KEY_DETAILS,
  type KeyDetailsName,
  keyDetailsNames,
  type SignatureAlgorithm,
} from "../../schema/key/key-details.ts";
import { encodeSpki, type PublicKey } from "../../schema/key/spki.ts";
import type { SshPublicKey } from "../../schema/key/ssh-key.ts";
import { MAX_CONTENT_BYTES } from "../../schema/limits.ts";

export interface Signer {
  readonly publicKey: PublicKey;
  /** The key in SSH's form, with its `SHA256:…` fingerprint; SSH has none for ML-DSA. */
  readonly ssh?: SshPublicKey & { readonly fingerprint: string };
  /** For a person: where the key is, its type and its fingerprint. Holds no secret. */
  readonly describe: () => string;
  /**
   * A bare signature over `message` (ECDSA as DER). Absent where the key only signs SSH's way.
   * Throws a `LogError` for an algorithm that the key has not.
   */
  readonly signRaw?: (algorithm: SignatureAlgorithm, message: Uint8Array) => Promise<Uint8Array>;
  /**
   * The same by a key of an agent, where that can be had safely. It is not `signRaw`, because what
   * an agent signs stays an SSHSIG wherever one will do; {@link plainly} makes the one the other.
   */
  readonly signBare?: (algorithm: SignatureAlgorithm, message: Uint8Array) => Promise<Uint8Array>;
  /** A binary SSHSIG over `message`. Absent where SSH has no form for the key. */
  readonly signSshsig?: (namespace: string, message: Uint8Array) => Promise<Uint8Array>;
}

/** Namespace of an SSHSIG over a file: what `ssh-keygen -Y sign -n file` makes. */
export const FILE_NAMESPACE: string = NAMESPACES.file;

/** Sign `payload` as a DSSE envelope with one signature. */
export async function dsseSubmission(
  signer: Signer,
  payloadType: string,
  payload: Uint8Array,
): Promise<DsseSubmission> {
  const message = pae(payloadType, payload);
  checkSize(message);
  const { signature, verifier } = await signEither(signer, NAMESPACES.dsse, message);
  // The fingerprint is the one key id that every Sigstore client lets pass.
  const keyid = signer.ssh === undefined ? {} : { keyid: signer.ssh.fingerprint };
  return {
    kind: "dsse",
    envelope: {
      payloadType,
      payload: toBase64(payload),
      signatures: [{ sig: toBase64(signature), ...keyid }],
    },
    verifiers: [verifier],
  };
}

/** The signer as one that signs plainly if it can at all: what Sigstore's clients verify. */
export function plainly(signer: Signer): Signer {
  const signRaw = signer.signRaw ?? signer.signBare;
  return signRaw === undefined ? signer : { ...signer, signRaw };
}

/** Sign a file's bytes as they are. */
export async function fileSubmission(
  signer: Signer,
  content: Uint8Array,
): Promise<RawSubmission | SshsigSubmission> {
  checkSize(content);
  const { signature, verifier } = await signEither(signer, FILE_NAMESPACE, content);
  const bytes = { content: toBase64(content), signature: toBase64(signature) };
  return "sshsig" in verifier ? { kind: "sshsig", ...bytes } : { kind: "raw", ...bytes, verifier };
}

/**
 * Sign a git object's payload as git asks of its `gpg.ssh.program`: an armored SSHSIG of
 * namespace `git`, which `git verify-commit` and `ssh-keygen -Y verify` accept.
 */
export async function gitSign(signer: Signer, payload: Uint8Array): Promise<string> {
  return armor(await signSshsig(signer, NAMESPACES.git, payload));
}

/** A binary SSHSIG, or an error that says why this key cannot make one. */
export async function signSshsig(
  signer: Signer,
  namespace: string,
  message: Uint8Array,
): Promise<Uint8Array> {
  if (signer.signSshsig === undefined)
    throw new LogError("SIGNER_FAILED", `${signer.describe()} cannot make SSH signatures`, {
      field: "key",
      expected: "an Ed25519, ECDSA or RSA key",
    });
  return signer.signSshsig(namespace, message);
}

async function signEither(
  signer: Signer,
  namespace: string,
  message: Uint8Array,
): Promise<{
  readonly signature: Uint8Array;
  readonly verifier:
    | { readonly sshsig: true }
    | { readonly publicKey: string; readonly keyDetails: string };
}> {
  const keyDetails = plainDetails(signer.publicKey);
  if (signer.signRaw === undefined || keyDetails === undefined)
    return {
      signature: await signSshsig(signer, namespace, message),
      verifier: { sshsig: true },
    };
  const { algorithm } = KEY_DETAILS[keyDetails];
  return {
    signature: await signer.signRaw(algorithm, message),
    verifier: { publicKey: toBase64(encodeSpki(signer.publicKey)), keyDetails },
  };
}

/** The name a key signs under when nobody asks for another; none for P-521 and odd RSA sizes. */
export function plainDetails(key: PublicKey): KeyDetailsName | undefined {
  return keyDetailsNames(key)[0];
}

function checkSize(content: Uint8Array): void {
  if (content.length > MAX_CONTENT_BYTES)
    throw new LogError(
      "TOO_LARGE",
      `the content has ${content.length} bytes, over the ${MAX_CONTENT_BYTES} a log takes`,
      { field: "content", limit: MAX_CONTENT_BYTES, hint: "sign a statement about it instead" },
    );
}
