/**
 * Plain signatures by a key that signs SSH's way: what SSH wraps around an ECDSA or RSA signature
 * can be taken off, and what is left is one over the very bytes that the agent was given.
 *
 * - A1  No agent is asked to sign bytes that could mean something to SSH: not what a login, an
 *       SSHSIG or a certificate signs, all of which begin with "SSHSIG" or with a length.
 *
 * Whoever got a login signed as if it were a file could log in. So bytes that begin with two zero
 * bytes, as every length below 64 KiB does, are refused, be they an innocent file.
 *
 * Spec: RFC 4252 §7, PROTOCOL.sshsig, PROTOCOL.certkeys, draft-ietf-sshm-ssh-agent.
 *
 * @module
 */
import { utf8 } from "../../schema/bytes.ts";
import { parseSshSignature } from "../../schema/entry/ssh-signature.ts";
import { LogError, unwrap } from "../../schema/error.ts";
import { encodeSpki } from "../../schema/key/spki.ts";
import { isHardwareAlgorithm, type SshPublicKey } from "../../schema/key/ssh-key.ts";
import type { Crypto } from "../crypto/crypto.ts";
import type { Signer } from "./signer.ts";
import type { SshSign } from "./ssh-signing.ts";

const SSHSIG = utf8("SSHSIG");

/** The plain half of a signer. Empty for keys of hardware, which sign around the bytes. */
export function bareSide(
  crypto: Crypto,
  publicKey: SshPublicKey,
  sign: SshSign,
): Pick<Signer, "signBare"> {
  if (isHardwareAlgorithm(publicKey.algorithm)) return {};
  return {
    signBare: async (algorithm, message) => {
      if (isSshSpeech(message))
        throw new LogError("SIGNER_FAILED", "these bytes could mean something to SSH", {
          field: "content",
          expected: 'bytes that begin neither with "SSHSIG" nor with two zero bytes',
          hint: "sign a statement about the file, or with --as ssh",
        });
      const wire = await sign(message);
      const { verification } = unwrap(parseSshSignature(publicKey, wire));
      const { signature } = verification;
      const good =
        verification.algorithm === algorithm &&
        (await crypto.verify(algorithm, encodeSpki(publicKey.key), message, signature));
      if (good) return signature;
      throw new LogError("SIGNER_FAILED", `the agent did not sign ${algorithm} over these bytes`, {
        field: "agent",
      });
    },
  };
}

/** A1. */
function isSshSpeech(message: Uint8Array): boolean {
  return (message[0] === 0 && message[1] === 0) || SSHSIG.every((byte, i) => message[i] === byte);
}
