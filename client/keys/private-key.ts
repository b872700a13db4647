/**
 * A private key in this process as a {@link Signer}. The key stays inside node:crypto's key
 * object: it is never turned into bytes here, and `describe` shows the public half only.
 *
 * @module
 */
import {
  constants,
  createPublicKey,
  type KeyObject,
  type SignKeyObjectInput,
  sign,
} from "node:crypto";
import { concat } from "../../schema/bytes.ts";
import { encodeSshEcdsa } from "../../schema/entry/ssh-signature.ts";
import { LogError, unwrap } from "../../schema/error.ts";
import { parseEcdsaDer } from "../../schema/key/signature.ts";
import { type PublicKey, parseSpki } from "../../schema/key/spki.ts";
import { encodeSshKey, parseSshKey } from "../../schema/key/ssh-key.ts";
import { sshString } from "../../schema/key/ssh-wire.ts";
import { ALGORITHMS, fits, PSS_SALT_BYTES } from "../crypto/algorithm.ts";
import type { SignatureAlgorithm } from "../crypto/crypto.ts";
import { nodeCrypto } from "../crypto/node.ts";
import { keyTypeName } from "../signature/plain.ts";
import type { Signer } from "./signer.ts";
import { sshSide } from "./ssh-signing.ts";

/** `where` is shown to people, e.g. the path of the key file. Throws a `LogError` for a weak key. */
export function privateKeySigner(key: KeyObject, where: string): Signer {
  if (key.asymmetricKeyType === "rsa-pss")
    throw new LogError("KIND_UNSUPPORTED", `${where} holds a key for RSASSA-PSS only`, {
      field: "key",
      expected: "an rsaEncryption key, which can sign both ways",
    });
  const spki = createPublicKey(key).export({ type: "spki", format: "der" });
  const publicKey = unwrap(parseSpki(new Uint8Array(spki)));
  const signRaw = (algorithm: SignatureAlgorithm, message: Uint8Array): Promise<Uint8Array> =>
    signPlain(key, publicKey, algorithm, message);
  const wire = encodeSshKey(publicKey);
  const ssh =
    wire === undefined
      ? undefined
      : sshSide(nodeCrypto, unwrap(parseSshKey(wire)), (data) => signSsh(signRaw, publicKey, data));
  return {
    publicKey,
    describe: () =>
      `${where} (${[keyTypeName(publicKey), ssh?.ssh.fingerprint].filter(Boolean).join(", ")})`,
    signRaw,
    ...ssh,
  };
}

async function signPlain(
  key: KeyObject,
  publicKey: PublicKey,
  algorithm: SignatureAlgorithm,
  message: Uint8Array,
): Promise<Uint8Array> {
  const parts = ALGORITHMS[algorithm];
  if (!fits(publicKey, parts))
    throw new LogError(
      "FIELD_INVALID",
      `an ${keyTypeName(publicKey)} key cannot sign ${algorithm}`,
      {
        field: "algorithm",
      },
    );
  const pss = parts.type === "rsa" && parts.padding === "pss";
  // A bare key object where one will do, as in crypto/node.ts.
  const input: SignKeyObjectInput | KeyObject = pss
    ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: PSS_SALT_BYTES }
    : key;
  return new Promise((resolve, reject) => {
    sign("hash" in parts ? parts.hash : null, message, input, (error, signature) => {
      if (error === null) resolve(new Uint8Array(signature));
      else reject(new LogError("SIGNER_FAILED", "the key could not sign", { cause: error }));
    });
  });
}

const SSH_ECDSA = {
  p256: ["ecdsa-sha2-nistp256", "ecdsa-p256-sha256"],
  p384: ["ecdsa-sha2-nistp384", "ecdsa-p384-sha384"],
  p521: ["ecdsa-sha2-nistp521", "ecdsa-p521-sha512"],
} as const;

async function signSsh(
  signRaw: NonNullable<Signer["signRaw"]>,
  key: PublicKey,
  data: Uint8Array,
): Promise<Uint8Array> {
  switch (key.type) {
    case "ed25519":
      return concat(sshString("ssh-ed25519"), sshString(await signRaw("ed25519", data)));
    case "rsa":
      return concat(sshString("rsa-sha2-512"), sshString(await signRaw("rsa-pkcs1-sha512", data)));
    case "ecdsa": {
      const [name, algorithm] = SSH_ECDSA[key.curve];
      const numbers = unwrap(parseEcdsaDer(key.curve, await signRaw(algorithm, data)));
      return concat(sshString(name), sshString(encodeSshEcdsa(numbers)));
    }
    case "ml-dsa-44":
      throw new LogError("KIND_UNSUPPORTED", "SSH has no ML-DSA-44 signatures");
  }
}
