/**
 * Fixed keys for vectors and tests. Their secrets are public: they are good for nothing else.
 *
 * Every signature is made in a deterministic form, so that vectors come out the same each time.
 */
import { createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";
import { p256, p384 } from "@noble/curves/nist.js";
import { ml_dsa44 } from "@noble/post-quantum/ml-dsa.js";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { concat, fromBase64, fromHex, toBase64, utf8 } from "../../schema/bytes.ts";
import { pae } from "../../schema/entry/dsse.ts";
import { armor, formatSshsig, signedData } from "../../schema/entry/sshsig.ts";
import { unwrap } from "../../schema/error.ts";
import type { PlainVerifier, Submission } from "../../schema/http/messages.ts";
import type { KeyDetailsName } from "../../schema/key/key-details.ts";
import { encodeSpki } from "../../schema/key/spki.ts";
import { encodeSshKey, parseSshKey, type SshPublicKey } from "../../schema/key/ssh-key.ts";
import { sshString, sshU32 } from "../../schema/key/ssh-wire.ts";

const { sha256, sha512 } = nodeCrypto;

/** A key that signs bytes plainly. */
export interface PlainSigner {
  readonly keyDetails: KeyDetailsName;
  /** SPKI, DER. */
  readonly spki: Uint8Array;
  readonly sign: (message: Uint8Array) => Uint8Array;
  /** The certificate that is handed over instead of the key. */
  readonly certificate?: Uint8Array;
}

/** A key that signs as ssh-keygen does. */
export interface SshSigner {
  readonly key: SshPublicKey;
  /** The binary SSHSIG. */
  readonly sign: (namespace: string, message: Uint8Array) => Uint8Array;
}

const seed = (name: string): Uint8Array => sha256(utf8(`countersign test key ${name}`));

/** RFC 8410: the seed of an Ed25519 key as PKCS #8. */
function ed25519Private(name: string): KeyObject {
  const prefix = fromHex("302e020100300506032b657004220420") ?? new Uint8Array();
  const key = Buffer.from(concat(prefix, seed(name)));
  return createPrivateKey({ key, format: "der", type: "pkcs8" });
}

function spkiOf(key: KeyObject): Uint8Array {
  return new Uint8Array(createPublicKey(key).export({ type: "spki", format: "der" }));
}

export function ed25519Signer(name: string): PlainSigner {
  const key = ed25519Private(name);
  return {
    keyDetails: "PKIX_ED25519",
    spki: spkiOf(key),
    sign: (message) => new Uint8Array(sign(null, message, key)),
  };
}

export function p256Signer(name: string): PlainSigner {
  const point = p256.getPublicKey(seed(name), false);
  return {
    keyDetails: "PKIX_ECDSA_P256_SHA_256",
    spki: encodeSpki({ type: "ecdsa", curve: "p256", point }),
    sign: (message) => p256.sign(message, seed(name), { format: "der" }),
  };
}

export function p384Signer(name: string): PlainSigner {
  const secret = concat(seed(name), seed(`${name} more`)).slice(0, 48);
  const point = p384.getPublicKey(secret, false);
  return {
    keyDetails: "PKIX_ECDSA_P384_SHA_384",
    spki: encodeSpki({ type: "ecdsa", curve: "p384", point }),
    sign: (message) => p384.sign(message, secret, { format: "der" }),
  };
}

export function mlDsaSigner(name: string): PlainSigner {
  const keys = ml_dsa44.keygen(seed(name));
  return {
    keyDetails: "ML_DSA_44",
    spki: encodeSpki({ type: "ml-dsa-44", raw: keys.publicKey }),
    sign: (message) => ml_dsa44.sign(message, keys.secretKey, { extraEntropy: false }),
  };
}

const RSA_2048 =
  "MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQDIsVJrOUIqxCmFx4mpO3lDo/PMOpZXfOpGAFAd+58R" +
  "geH+fb1NsaEEWQLXheVPyQVOS5MToKxaZzIljNEgMC5V0PAi9ItccYWGt6yqG5LwXQXVqZS4umKYVMLmreMwQKUTVsvm" +
  "kBpbVDnBHCqHFT0NJ1BpS0UMH8zzc7AFbgoj2eSpwvcPKpfHb0dBozKpP5qsUGrroAvA4z5wU0DFdcuO00sl5UNZVXlK" +
  "UixJZIaYdfI5b5Pt+03Tj+plPmAqxh29gut687CCYed+IUMVZwKBfRkHboQf0gFf8/U0Y+QWFrTHuBw1O5uUwer8gpqH" +
  "C0WkA9WehkTaQOFwLIiBGwm9AgMBAAECggEAAKnreJzQHfWXoJBkIWnnsQRUDFceQ6xPVwttuGeqY0OvdGjEjUL64hmM" +
  "Q5u3AjBLQvLHif9USplARnUEhQt7v79o5+iwpE3gz+0AFnDwZ7ibChWdPw4owNG48kvdbj2sfhehpYHRAH/TEBMwhdFZ" +
  "ahd48dw0noFla2G00ZPHV06B7avHcdOwzw+Lq/1bwMh2T1FOn78AniUNadl9+KwVIBkLwLuj7hN0oBueyX/nkEeVn4eX" +
  "qm+1y1F7akSmjCw61ojjN2aQ2XyRgAcI6YI7p4LtNfbtzmhf7WZayge5knM1PC9ncEH62UdPucyV9Mf4JyjWTPuDirHj" +
  "2UZR5itfmQKBgQDsi+4jneTw6HDIjVA2G2EYYMT9PcTnldSzs4tycDbrPj8tLyIpPTwJeuUg4r7heQR8w15Hx3f7rMER" +
  "10onUj9f8goV7iMBitAUo5YTFMQa88hsjzN2PtpOhXznmuBHF239fX9VTwINOh7kGqSbFREmUhj8F4r3IackDMSOCEiO" +
  "dQKBgQDZMozwQPusesYeZ4SZxD15/gulIJEwZVHLhH7KTOoTxjB95JTY5QTTPdzH8ARaM6RcOnajz9mQH/xWVvS8J6Bq" +
  "znQbx4k6RenUgxorhaHTe02oK0uQlN6ACauu9CVNEKKXhuId0C0HZ7weqytaQCoIuijnUqR3G5jNbwSP5EY1KQKBgCPN" +
  "HfLYD/GCTKed87jstepZoxbtBWNDoxi7oOxmHXnHRwqQqqvxL6gDqLAsgVVg2pQDgb59ayR1RhdsLTX8VckwueQN0dCG" +
  "8O1ewPUMXI3zva7okZJg+uuNepUXNMCtxCDsoJwJxDa6SDif66/pJVpWbJ+i9I5o0oI7SHhyuoCNAoGBAJm2UdJSWwrV" +
  "FNM9tbVREaT9auZhJv+WJQ4gZc7sIhj+gSEHnWPmqMSLGm4RajMgKyjuYzpJhhKe4GmGPsvOS5RrKfbi/zZTdknkwqec" +
  "ekt+DxZ+FYtsIA+DSJKXzLI+nKMaXXp18vgzrQoTX6oOkPD+NqaHcUeuKzTwZc0j46AJAoGBAKoWcEIrDgBp9TaFEydX" +
  "OJyIGOo0g7uA606OGnysTFDTWbb4nJ7NW/eAFn+I89oIi/7YkEIry4Ti/SPFzHa22OSSFPkZmizYdk/YfytOly/mUh2P" +
  "9dANylwnE8hzJXGgPoLI67osXi+Nm0yBFi849unRBw9eiQ0bwRcdVmfE95AQ";

export function rsaSigner(): PlainSigner {
  const pkcs8 = Buffer.from(fromBase64(RSA_2048) ?? []);
  const key = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
  return {
    keyDetails: "PKIX_RSA_PKCS1V15_2048_SHA256",
    spki: spkiOf(key),
    sign: (message) => new Uint8Array(sign("sha256", message, key)),
  };
}

export function sshSigner(name: string): SshSigner {
  const plain = ed25519Signer(name);
  const raw = plain.spki.slice(-32);
  const key = unwrap(parseSshKey(encodeSshKey({ type: "ed25519", raw }) ?? new Uint8Array()));
  return { key, sign: (namespace, message) => sshsig(key, namespace, message, plain.sign) };
}

/** A FIDO key whose owner touched it (flags 0x01), at its 7th signature. */
export function fidoSigner(name: string, application = "ssh:"): SshSigner {
  const plain = ed25519Signer(name);
  const algorithm = "sk-ssh-ed25519@openssh.com";
  const wire = concat(
    sshString(algorithm),
    sshString(plain.spki.slice(-32)),
    sshString(application),
  );
  const key = unwrap(parseSshKey(wire));
  const evidence = concat(Uint8Array.of(0x01), sshU32(7));
  const signFido = (data: Uint8Array): Uint8Array =>
    plain.sign(concat(sha256(utf8(application)), evidence, sha256(data)));
  return {
    key,
    sign: (namespace, message) => sshsig(key, namespace, message, signFido, { flags: 1, counter: 7 }),
  };
}

function sshsig(
  publicKey: SshPublicKey,
  namespace: string,
  message: Uint8Array,
  signBytes: (data: Uint8Array) => Uint8Array,
  fido?: { flags: number; counter: number },
): Uint8Array {
  const blob = signBytes(signedData(namespace, "sha512", sha512(message)));
  return formatSshsig({
    publicKey,
    namespace,
    hashAlgorithm: "sha512",
    signature: {
      algorithm: publicKey.algorithm,
      blob,
      verification: { algorithm: "ed25519", signature: blob },
      ...(fido && { fido }),
    },
  });
}

export function verifier({ certificate, keyDetails, spki }: PlainSigner): PlainVerifier {
  if (certificate !== undefined) return { x509Certificate: toBase64(certificate), keyDetails };
  return { publicKey: toBase64(spki), keyDetails };
}

/** An envelope signed by each of the signers. */
export function dsseSubmission(
  payloadType: string,
  payload: Uint8Array,
  ...signers: readonly (PlainSigner | SshSigner)[]
): Extract<Submission, { kind: "dsse" }> {
  const message = pae(payloadType, payload);
  return {
    kind: "dsse",
    envelope: {
      payloadType,
      payload: toBase64(payload),
      signatures: signers.map((signer) => ({
        sig: toBase64(
          "key" in signer ? signer.sign("dsse@countersign", message) : signer.sign(message),
        ),
      })),
    },
    verifiers: signers.map((signer) => ("key" in signer ? { sshsig: true } : verifier(signer))),
  };
}

export function rawSubmission(
  content: Uint8Array,
  signer: PlainSigner,
): Extract<Submission, { kind: "raw" }> {
  return {
    kind: "raw",
    content: toBase64(content),
    signature: toBase64(signer.sign(content)),
    verifier: verifier(signer),
  };
}

export function sshsigSubmission(
  content: Uint8Array,
  signer: SshSigner,
  namespace = "file",
): Extract<Submission, { kind: "sshsig" }> {
  const signature = armor(signer.sign(namespace, content));
  return { kind: "sshsig", content: toBase64(content), signature };
}

/** A commit signed as git does it: a header behind the committer, its lines folded. */
export function gitCommit(signer: SshSigner, unsigned: string): Uint8Array {
  const folded = armor(signer.sign("git", utf8(unsigned))).trimEnd().replaceAll("\n", "\n ");
  const at = unsigned.indexOf("\n\n") + 1;
  return utf8(`${unsigned.slice(0, at)}gpgsig ${folded}\n${unsigned.slice(at)}`);
}

/** A tag or push certificate signed as git does it: the armor behind the last line. */
export function gitTrailing(signer: SshSigner, unsigned: string): Uint8Array {
  return utf8(unsigned + armor(signer.sign("git", utf8(unsigned))));
}

export function gitSubmission(object: Uint8Array): Extract<Submission, { kind: "git" }> {
  return { kind: "git", object: toBase64(object) };
}
