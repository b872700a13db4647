import { createHash, createPublicKey, generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { concat, toHex } from "../../../schema/bytes.ts";
import { unwrap } from "../../../schema/error.ts";
import { signerId } from "../../../schema/key/signer-id.ts";
import { type PublicKey, parseSpki } from "../../../schema/key/spki.ts";
import { encodeSshKey, parseSshKey, parseSshKeyLine } from "../../../schema/key/ssh-key.ts";
import { sshString } from "../../../schema/key/ssh-wire.ts";
import { vector, vectorJson } from "../../data.ts";
import { sha256 } from "../support.ts";

describe("the signer id", () => {
  test("is SHA-256 of the key's SubjectPublicKeyInfo", () => {
    const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-384" });
    const spki = publicKey.export({ type: "spki", format: "der" });
    const id = signerId(sha256, unwrap(parseSpki(new Uint8Array(spki))));
    expect(toHex(id)).toBe(createHash("sha256").update(spki).digest("hex"));
  });

  test("is one for a key, its SSH form and its FIDO form", () => {
    const { publicKey } = generateKeyPairSync("ed25519");
    const plain = unwrap(
      parseSpki(new Uint8Array(publicKey.export({ type: "spki", format: "der" }))),
    );
    const wire = encodeSshKey(plain);
    if (wire === undefined || plain.type !== "ed25519") throw new Error("an Ed25519 key was made");
    const hardware = concat(
      sshString("sk-ssh-ed25519@openssh.com"),
      sshString(plain.raw),
      sshString("ssh:"),
    );
    const ids = [plain, unwrap(parseSshKey(wire)).key, unwrap(parseSshKey(hardware)).key].map(
      (key) => toHex(signerId(sha256, key)),
    );
    expect(new Set(ids).size).toBe(1);
  });

  test("is one for an RSASSA-PSS key and the same key as rsaEncryption", () => {
    const { publicKey } = generateKeyPairSync("rsa-pss", { modulusLength: 2048 });
    const pss = new Uint8Array(publicKey.export({ type: "spki", format: "der" }));
    const jwk = createPublicKey({
      key: {
        kty: "RSA",
        ...rsaNumbers(unwrap(parseSpki(pss))),
      },
      format: "jwk",
    });
    const plain = new Uint8Array(jwk.export({ type: "spki", format: "der" }));
    expect(signerId(sha256, unwrap(parseSpki(pss)))).toEqual(sha256(plain));
  });

  test("agrees with the SubjectPublicKeyInfo that ssh-keygen exports", () => {
    const rows = vectorJson<{ key: string; spki: string }[]>("sshsig/index.json");
    const exported = rows.filter((row) => row.spki !== "");
    expect(exported.length).toBeGreaterThan(0);
    for (const row of exported) {
      const line = new TextDecoder().decode(vector(`sshsig/${row.key}`));
      const { key } = unwrap(parseSshKeyLine(line));
      expect(signerId(sha256, key)).toEqual(sha256(Buffer.from(row.spki, "base64")));
    }
  });
});

function rsaNumbers(key: PublicKey): {
  n: string;
  e: string;
} {
  if (key.type !== "rsa") throw new Error("an RSA key was made");
  return {
    n: Buffer.from(key.modulus).toString("base64url"),
    e: Buffer.from(key.exponent).toString("base64url"),
  };
}
