/**
 * Makes the requests of a run beforehand: DSSE envelopes under P-256 and Ed25519, SSH
 * signatures over files, and Rekor's digest form of the same for the peer. Many signers, a
 * different statement each time, so that nothing is answered from a cache by accident.
 */
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { closeSync, openSync, writeSync } from "node:fs";
import { concat, toBase64, utf8 } from "../../schema/bytes.ts";
import { pae } from "../../schema/entry/dsse.ts";
import type { SshSignature } from "../../schema/entry/ssh-signature.ts";
import { formatSshsig, signedData } from "../../schema/entry/sshsig.ts";
import { unwrap } from "../../schema/error.ts";
import { parseSshKey } from "../../schema/key/ssh-key.ts";
import { sshString } from "../../schema/key/ssh-wire.ts";

export type Load = "p256" | "ed25519" | "sshsig" | "rekor" | "rekor-dsse" | "tessera";

const SIGNERS = 64;
const PAYLOAD_TYPE = "application/vnd.in-toto+json";

interface Key {
  readonly secret: KeyObject;
  readonly spki: Buffer;
}

function makeKeys(type: "ec" | "ed25519"): Key[] {
  return Array.from({ length: SIGNERS }, () => {
    const pair =
      type === "ec"
        ? generateKeyPairSync("ec", { namedCurve: "P-256" })
        : generateKeyPairSync("ed25519");
    return {
      secret: pair.privateKey,
      spki: pair.publicKey.export({ type: "spki", format: "der" }),
    };
  });
}

/** A statement of some 300 bytes, like those that builders sign; `n` makes it unique. */
function statement(salt: string, n: number): Uint8Array {
  const digest = createHash("sha256").update(`${salt}/${n}`).digest("hex");
  return utf8(
    JSON.stringify({
      _type: "https://in-toto.io/Statement/v1",
      subject: [{ name: `package-${n}.tar.gz`, digest: { sha256: digest } }],
      predicateType: "https://example.com/bench/v1",
      predicate: { run: salt, number: n, result: "built" },
    }),
  );
}

function dsse(
  salt: string,
  n: number,
  key: Key,
  algorithm: "sha256" | null,
  keyDetails: string,
): string {
  const payload = statement(salt, n);
  const signature = sign(algorithm, pae(PAYLOAD_TYPE, payload), key.secret);
  return JSON.stringify({
    kind: "dsse",
    envelope: {
      payloadType: PAYLOAD_TYPE,
      payload: toBase64(payload),
      signatures: [{ sig: toBase64(signature) }],
    },
    verifiers: [{ publicKey: toBase64(key.spki), keyDetails }],
  });
}

function sshsig(salt: string, n: number, key: Key): string {
  const content = statement(salt, n);
  const wire = concat(sshString("ssh-ed25519"), sshString(key.spki.subarray(-32)));
  const message = signedData("file", "sha512", createHash("sha512").update(content).digest());
  const blob = formatSshsig({
    publicKey: unwrap(parseSshKey(wire)),
    namespace: "file",
    hashAlgorithm: "sha512",
    signature: sshSignature(sign(null, message, key.secret)),
  });
  return JSON.stringify({ kind: "sshsig", content: toBase64(content), signature: toBase64(blob) });
}

function sshSignature(blob: Uint8Array): SshSignature {
  return {
    algorithm: "ssh-ed25519",
    blob,
    verification: { algorithm: "ed25519", signature: blob },
  };
}

function rekor(salt: string, n: number, key: Key): string {
  const message = statement(salt, n);
  return JSON.stringify({
    hashedRekordRequestV002: {
      digest: createHash("sha256").update(message).digest("base64"),
      signature: {
        content: sign("sha256", message, key.secret).toString("base64"),
        verifier: {
          publicKey: { rawBytes: key.spki.toString("base64") },
          keyDetails: "PKIX_ECDSA_P256_SHA_256",
        },
      },
    },
  });
}

/** The same envelope as `dsse`, as @sigstore/sign hands it to Rekor. */
function rekorDsse(salt: string, n: number, key: Key): string {
  const payload = statement(salt, n);
  const signature = sign("sha256", pae(PAYLOAD_TYPE, payload), key.secret);
  return JSON.stringify({
    dsseRequestV002: {
      envelope: {
        payload: toBase64(payload),
        payloadType: PAYLOAD_TYPE,
        signatures: [{ sig: toBase64(signature), keyid: "" }],
      },
      verifiers: [
        {
          publicKey: { rawBytes: toBase64(key.spki) },
          keyDetails: "PKIX_ECDSA_P256_SHA_256",
        },
      ],
    },
  });
}

function maker(load: Load): (salt: string, n: number) => string {
  const keys = makeKeys(load === "p256" || load.startsWith("rekor") ? "ec" : "ed25519");
  const keyOf = (n: number): Key => {
    const key = keys[n % SIGNERS];
    if (key === undefined) throw new Error("no keys were made");
    return key;
  };
  switch (load) {
    case "p256":
      return (salt, n) => dsse(salt, n, keyOf(n), "sha256", "PKIX_ECDSA_P256_SHA_256");
    case "ed25519":
      return (salt, n) => dsse(salt, n, keyOf(n), null, "PKIX_ED25519");
    case "sshsig":
      return (salt, n) => sshsig(salt, n, keyOf(n));
    case "rekor":
      return (salt, n) => rekor(salt, n, keyOf(n));
    case "rekor-dsse":
      return (salt, n) => rekorDsse(salt, n, keyOf(n));
    case "tessera":
      return (salt, n) => `${salt}/${n}/`.padEnd(512, "x");
  }
}

/** `count` bodies, each after its length as a 32-bit number; or lines, for a batch. */
export function prepare(
  load: Load,
  count: number,
  file: string,
  form: "framed" | "lines" = "framed",
): void {
  const make = maker(load);
  const salt = `${process.pid}-${performance.now()}`;
  const out = openSync(file, "w");
  const length = Buffer.alloc(4);
  for (let n = 0; n < count; n++) {
    const body = Buffer.from(make(salt, n) + (form === "lines" ? "\n" : ""));
    length.writeUInt32BE(body.length);
    writeSync(out, form === "lines" ? body : Buffer.concat([length, body]));
  }
  closeSync(out);
}
