import { X509Certificate } from "node:crypto";
import { readdirSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concat, toHex } from "../../../schema/bytes.ts";
import { DER_INTEGER, DER_SEQUENCE, DerReader, der } from "../../../schema/der.ts";
import { unwrap } from "../../../schema/error.ts";
import {
  certificateKey,
  certificateSpki,
  containerOf,
  readCarriedKey,
} from "../../../schema/key/certificate.ts";
import { encodeSpki } from "../../../schema/key/spki.ts";
import { MAX_KEY_BYTES } from "../../../schema/limits.ts";
import { vector } from "../../data.ts";
import { certified } from "../../vectors/certificates.ts";
import * as made from "../../vectors/signers.ts";
import { flipped } from "../support.ts";

const folder = new URL("../../vectors/certificate/", import.meta.url);

/** node:crypto is the oracle: another parser, written by others. */
const oracle = (certificate: Uint8Array): Uint8Array =>
  new Uint8Array(
    new X509Certificate(certificate).publicKey.export({ type: "spki", format: "der" }),
  );

const CERTIFICATES: readonly (readonly [string, Uint8Array])[] = [
  ...readdirSync(folder)
    .filter((name) => name.endsWith(".pem"))
    .map((name) => {
      const pem = new X509Certificate(vector(`certificate/${name}`));
      return [name, new Uint8Array(pem.raw)] as const;
    }),
  ["of a fixed key", certified(made.p256Signer("a"), "ada@example.org").certificate],
];
const P256 = CERTIFICATES.find(([name]) => name === "p256.pem")?.[1] ?? new Uint8Array(0);

describe("the key in a certificate", () => {
  test.each(CERTIFICATES)("K3 %s: it is the one that node:crypto finds", (_, certificate) => {
    expect(toHex(unwrap(certificateSpki(certificate)))).toBe(toHex(oracle(certificate)));
    expect(containerOf(certificate)).toBe("x509Certificate");
    const carried = { container: "x509Certificate", bytes: certificate } as const;
    expect(encodeSpki(unwrap(readCarriedKey(carried)))).toEqual(oracle(certificate));
  });

  test.each(CERTIFICATES)("K3 %s: a byte more or less is refused", (_, certificate) => {
    expect(certificateSpki(concat(certificate, Uint8Array.of(0)))).toMatchObject({ ok: false });
    for (let length = 0; length < certificate.length; length++)
      expect(certificateSpki(certificate.subarray(0, length)).ok).toBe(false);
  });

  test("K3 with any byte changed it is refused, or it is the key that node:crypto finds", () => {
    let agreed = 0;
    for (let at = 0; at < P256.length; at++)
      for (const mask of [1, 0x20, 0x80, 0xff]) {
        const changed = flipped(P256, at, mask);
        const found = certificateKey(changed);
        if (!found.ok) continue;
        // Whatever node:crypto still reads as a certificate has its key where we found it.
        const theirs = readByNode(changed);
        if (theirs === undefined) continue;
        expect(toHex(encodeSpki(found.value))).toBe(toHex(theirs));
        agreed++;
      }
    expect(agreed).toBeGreaterThan(100);
  });

  test("K3 a key before, behind or beside its place is never found", () => {
    const inside = members(P256);
    const [version, serial, ...rest] = inside;
    const [signed, algorithm, signature] = outerMembers(P256);
    const spki = unwrap(certificateSpki(P256));
    if (version === undefined || serial === undefined) throw new Error("no version");
    const again = (...parts: readonly Uint8Array[]): Uint8Array =>
      der(
        DER_SEQUENCE,
        der(DER_SEQUENCE, ...parts),
        ...(algorithm ? [algorithm] : []),
        ...(signature ? [signature] : []),
      );
    expect(again(...inside)).toEqual(P256);
    expect(signed).toBeDefined();
    expect(unwrap(certificateSpki(again(serial, ...rest)))).toEqual(spki);
    for (const parts of [
      [version, ...rest],
      [version, version, serial, ...rest],
      [serial, version, ...rest],
      [version, serial, spki, ...rest],
      [...inside, spki],
      [...inside, der(DER_INTEGER, Uint8Array.of(1))],
      inside.slice(0, 6),
    ])
      expect(certificateSpki(again(...parts))).toMatchObject({ code: "NOT_CANONICAL" });
  });

  test("more bytes than a key may have are not looked at", () => {
    expect(certificateSpki(new Uint8Array(MAX_KEY_BYTES + 1))).toMatchObject({ code: "TOO_LARGE" });
  });

  test("a weak key is refused although it is in a certificate", () => {
    const weak = { ...made.ed25519Signer("a"), spki: made.ed25519Signer("a").spki.slice() };
    weak.spki.fill(0, -32);
    expect(certificateKey(certified(weak, "a@b.c").certificate)).toMatchObject({
      code: "KEY_REFUSED",
    });
  });

  test("any bytes are a certificate with a key or a refusal, never a throw", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect([true, false]).toContain(certificateKey(bytes).ok);
        expect(["publicKey", "x509Certificate"]).toContain(containerOf(bytes));
      }),
    );
  });
});

describe("a key that is carried", () => {
  test.each([made.p256Signer("a"), made.ed25519Signer("a"), made.rsaSigner()])(
    "$keyDetails: plain or in a certificate it is the same key",
    (signer) => {
      const { certificate } = certified(signer, "ada@example.org");
      const plain = { container: containerOf(signer.spki), bytes: signer.spki };
      const inside = { container: containerOf(certificate), bytes: certificate };
      expect(plain.container).toBe("publicKey");
      expect(encodeSpki(unwrap(readCarriedKey(plain)))).toEqual(signer.spki);
      expect(encodeSpki(unwrap(readCarriedKey(inside)))).toEqual(signer.spki);
    },
  );

  test("an SPKI that is not canonical is refused", () => {
    const { spki } = made.p256Signer("a");
    const bytes = concat(spki, Uint8Array.of(0));
    expect(readCarriedKey({ container: "publicKey", bytes })).toMatchObject({
      code: "NOT_CANONICAL",
    });
  });
});

function readByNode(certificate: Uint8Array): Uint8Array | undefined {
  try {
    return oracle(certificate);
  } catch {
    return undefined;
  }
}

/** The values inside a SEQUENCE, each with its header. */
function split(body: DerReader | undefined): Uint8Array[] {
  const found: Uint8Array[] = [];
  while (body !== undefined && !body.done) {
    const next = body.element(body.tag ?? 0);
    if (next === undefined) throw new Error("not DER");
    found.push(next);
  }
  return found;
}

function outerMembers(certificate: Uint8Array): Uint8Array[] {
  return split(new DerReader(certificate).sequence());
}

function members(certificate: Uint8Array): Uint8Array[] {
  return split(new DerReader(certificate).sequence()?.sequence());
}
