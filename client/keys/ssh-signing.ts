/**
 * From something that signs bytes SSH's way to an SSHSIG.
 *
 * @module
 */

import { parseSshSignature } from "../../schema/entry/ssh-signature.ts";
import { formatSshsig, type Sshsig, signedData } from "../../schema/entry/sshsig.ts";
import { LogError, unwrap } from "../../schema/error.ts";
import { type SshPublicKey, sshFingerprint } from "../../schema/key/ssh-key.ts";
import type { Crypto } from "../crypto/crypto.ts";
import { verifySshsig } from "../signature/sshsig.ts";
import type { Signer } from "./signer.ts";

/** Signs `data` and answers SSH's signature in wire form (`string algorithm · string bytes …`). */
export type SshSign = (data: Uint8Array) => Promise<Uint8Array>;

/**
 * Make the SSHSIG of `message` and check it before it is given away: an agent or a token that
 * answers nonsense is found out here, not by the log or by whoever reads the commit.
 */
async function makeSshsig(
  crypto: Crypto,
  publicKey: SshPublicKey,
  sign: SshSign,
  namespace: string,
  message: Uint8Array,
): Promise<Uint8Array> {
  if (namespace === "" || namespace.includes("\0"))
    throw new LogError("FIELD_INVALID", "the namespace of an SSH signature must not be empty", {
      field: "namespace",
    });
  const data = signedData(namespace, "sha512", crypto.sha512(message));
  const signature = unwrap(parseSshSignature(publicKey, await sign(data)));
  const sshsig: Sshsig = { publicKey, namespace, hashAlgorithm: "sha512", signature };
  const result = await verifySshsig(crypto, sshsig, message);
  if (!result.ok)
    throw new LogError("SIGNER_FAILED", `the signature just made is wrong: ${result.message}`);
  return formatSshsig(sshsig);
}

/** The SSH half of a signer. */
export function sshSide(
  crypto: Crypto,
  publicKey: SshPublicKey,
  sign: SshSign,
): Required<Pick<Signer, "ssh" | "signSshsig">> {
  return {
    ssh: { ...publicKey, fingerprint: sshFingerprint(crypto.sha256, publicKey.wire) },
    signSshsig: (namespace, message) => makeSshsig(crypto, publicKey, sign, namespace, message),
  };
}
