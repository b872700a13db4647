/**
 * The contract of the cryptography port, run over every driver. Keys and good signatures are
 * made by node:crypto; the bad ones are built here, after the classes of Project Wycheproof:
 * encodings, ranges, lengths, other hashes and paddings, points of small order.
 */
import {
  constants,
  createHash,
  generateKeyPairSync,
  type KeyObject,
  privateEncrypt,
  sign,
} from "node:crypto";
import { ed25519 } from "@noble/curves/ed25519.js";
import { p256, p384, p521 } from "@noble/curves/nist.js";
import { beforeAll, describe, expect, test } from "vitest";
import type { Crypto, DigestAlgorithm, SignatureAlgorithm } from "../../client/crypto/crypto.ts";
import { concat, fromHex, toHex, utf8 } from "../../schema/bytes.ts";
import edgeCases from "../vectors/ecdsa/digest.json" with { type: "json" };

interface Case {
  readonly name: string;
  readonly algorithm: SignatureAlgorithm;
  readonly spki: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  readonly valid: boolean;
}

export const MESSAGE: Uint8Array = utf8("a statement, signed");

interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** One key for each algorithm, and how node:crypto signs with it. */
export interface Made {
  readonly pair: Pair;
  readonly hash: string | null;
  readonly options?: { padding: number; saltLength: number };
}

export function makeKeys(): Record<SignatureAlgorithm, Made> {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
  const ec = (namedCurve: string): Pair => generateKeyPairSync("ec", { namedCurve });
  return {
    ed25519: { pair: generateKeyPairSync("ed25519"), hash: null },
    "ecdsa-p256-sha256": { pair: ec("P-256"), hash: "sha256" },
    "ecdsa-p384-sha384": { pair: ec("P-384"), hash: "sha384" },
    "ecdsa-p521-sha512": { pair: ec("P-521"), hash: "sha512" },
    "rsa-pkcs1-sha256": { pair: rsa, hash: "sha256" },
    "rsa-pkcs1-sha512": { pair: rsa, hash: "sha512" },
    "rsa-pss-sha256": { pair: rsa, hash: "sha256", options: pss },
    "ml-dsa-44": { pair: generateKeyPairSync("ml-dsa-44"), hash: null },
  };
}

export const ALGORITHM_NAMES: readonly SignatureAlgorithm[] = [
  "ed25519",
  "ecdsa-p256-sha256",
  "ecdsa-p384-sha384",
  "ecdsa-p521-sha512",
  "rsa-pkcs1-sha256",
  "rsa-pkcs1-sha512",
  "rsa-pss-sha256",
  "ml-dsa-44",
];

const DIGEST_ALGORITHMS: readonly DigestAlgorithm[] = ["ecdsa-p256-sha256", "rsa-pkcs1-sha256"];

export function spkiOf(key: KeyObject): Uint8Array {
  return new Uint8Array(key.export({ type: "spki", format: "der" }));
}

export function signWith(made: Made, message: Uint8Array): Uint8Array {
  const key =
    made.options === undefined
      ? made.pair.privateKey
      : { key: made.pair.privateKey, ...made.options };
  return new Uint8Array(sign(made.hash, message, key));
}

/** Every case of the suite, made once, so that drivers can also be compared with each other. */
function makeCases(): Case[] {
  const keys = makeKeys();
  return [
    ...ALGORITHM_NAMES.flatMap((algorithm) => commonCases(algorithm, keys)),
    ...ecdsaCases("ecdsa-p256-sha256", keys, p256.Point.Fn.ORDER),
    ...ecdsaCases("ecdsa-p384-sha384", keys, p384.Point.Fn.ORDER),
    ...ecdsaCases("ecdsa-p521-sha512", keys, p521.Point.Fn.ORDER),
    ...ed25519Cases(keys),
    ...rsaCases(keys),
    ...mlDsaCases(keys),
  ];
}

function commonCases(
  algorithm: SignatureAlgorithm,
  keys: Record<SignatureAlgorithm, Made>,
): Case[] {
  const made = keys[algorithm];
  const spki = spkiOf(made.pair.publicKey);
  const signature = signWith(made, MESSAGE);
  const empty = new Uint8Array(0);
  const good = { algorithm, spki, message: MESSAGE, signature };
  const bad = (name: string, change: Partial<Case>): Case => ({
    ...good,
    ...change,
    name,
    valid: false,
  });
  const foreign = ALGORITHM_NAMES.filter((other) => other !== algorithm);
  return [
    { ...good, name: "a good signature", valid: true },
    {
      ...good,
      name: "a good signature over no bytes",
      message: empty,
      signature: signWith(made, empty),
      valid: true,
    },
    bad("another message", { message: concat(MESSAGE, utf8(".")) }),
    bad("no message", { message: empty }),
    bad("no signature", { signature: empty }),
    bad("zeros for a signature", { signature: new Uint8Array(signature.length) }),
    bad("ones for a signature", { signature: new Uint8Array(signature.length).fill(255) }),
    bad("a signature one byte short", { signature: signature.subarray(0, -1) }),
    bad("a signature one byte long", { signature: concat(signature, new Uint8Array(1)) }),
    bad("no key", { spki: empty }),
    bad("a key one byte short", { spki: spki.subarray(0, -1) }),
    bad("a key one byte long", { spki: concat(spki, new Uint8Array(1)) }),
    bad("half a key", { spki: spki.subarray(0, spki.length >> 1) }),
    bad("a bare point or number for a key", { spki: spki.subarray(spki.length >> 1) }),
    ...foreign
      .filter((other) => !(algorithm.startsWith("rsa") && other.startsWith("rsa")))
      .map((other) => bad(`a key for ${other}`, { spki: spkiOf(keys[other].pair.publicKey) })),
    ...foreign.map((other) =>
      bad(`a signature of ${other}`, { signature: signWith(keys[other], MESSAGE) }),
    ),
  ];
}

function ecdsaCases(
  algorithm: SignatureAlgorithm,
  keys: Record<SignatureAlgorithm, Made>,
  order: bigint,
): Case[] {
  const made = keys[algorithm];
  const spki = spkiOf(made.pair.publicKey);
  const signature = signWith(made, MESSAGE);
  const { r, s } = readDer(signature);
  const otherS = order - s;
  const make = (name: string, bytes: Uint8Array, valid = false): Case => ({
    name,
    algorithm,
    spki,
    message: MESSAGE,
    signature: bytes,
    valid,
  });
  const numbers = (name: string, a: bigint, b: bigint): Case => make(name, der(int(a), int(b)));
  const content = concat(int(r), int(s));
  const compact = sign(made.hash, MESSAGE, {
    key: made.pair.privateKey,
    dsaEncoding: "ieee-p1363",
  });
  const otherHash = made.hash === "sha256" ? "sha384" : "sha256";
  return [
    make("the same numbers, encoded here", der(int(r), int(s)), true),
    make("the other S: low and high are both accepted", der(int(r), int(otherS)), true),
    numbers("r = 0", 0n, s),
    numbers("s = 0", r, 0n),
    numbers("r = s = 0", 0n, 0n),
    numbers("r = s = 1", 1n, 1n),
    numbers("r = n", order, s),
    numbers("s = n", r, order),
    numbers("r = n, s = n", order, order),
    numbers("r + n", r + order, s),
    numbers("s + n", r, s + order),
    numbers("r = n - 1, s = n - 1", order - 1n, order - 1n),
    numbers("r and s changed over", s, r),
    numbers("-r", -r, s),
    numbers("-s", r, -s),
    numbers("r - n", r - order, s),
    numbers("a number of two kilobytes", 1n << 16_384n, s),
    make("r with a needless zero in front", der(padded(r), int(s))),
    make("s with a needless zero in front", der(int(r), padded(s))),
    make("r without its zero in front, and so negative", der(raw(r | (1n << 2047n)), int(s))),
    make("r empty", der(Uint8Array.of(2, 0), int(s))),
    make("only r", wrap(0x30, int(r))),
    make("a third number", der(int(r), concat(int(s), int(1n)))),
    make("an empty sequence", Uint8Array.of(0x30, 0)),
    make("a set in place of the sequence", wrap(0x31, content)),
    make(
      "an octet string in place of r",
      der(concat(Uint8Array.of(4), int(r).subarray(1)), int(s)),
    ),
    make("a length in the long form that fits the short one", longLength(content)),
    make(
      "a length in five bytes",
      concat(Uint8Array.of(0x30, 0x84, 0, 0, 0, content.length), content),
    ),
    make("an indefinite length", concat(Uint8Array.of(0x30, 0x80), content, new Uint8Array(2))),
    make("a length one too long", lengthOff(content, 1)),
    make("a length one too short", lengthOff(content, -1)),
    make("a byte after the sequence", concat(signature, Uint8Array.of(5))),
    make("a null after the sequence", concat(signature, Uint8Array.of(5, 0))),
    make("a null inside the sequence", wrap(0x30, concat(content, Uint8Array.of(5, 0)))),
    make("r ‖ s without DER", new Uint8Array(compact)),
    make(
      `another hash (${otherHash})`,
      new Uint8Array(sign(otherHash, MESSAGE, made.pair.privateKey)),
    ),
  ];
}

function ed25519Cases(keys: Record<SignatureAlgorithm, Made>): Case[] {
  const { Point } = ed25519;
  const order = Point.Fn.ORDER;
  const made = keys.ed25519;
  const spki = spkiOf(made.pair.publicKey);
  const signature = signWith(made, MESSAGE);
  const r = signature.subarray(0, 32);
  const s = little(signature.subarray(32));
  const make = (
    name: string,
    bytes: Uint8Array,
    valid = false,
    key = spki,
    message = MESSAGE,
  ): Case => ({
    name,
    algorithm: "ed25519",
    spki: key,
    message,
    signature: bytes,
    valid,
  });
  const withS = (value: bigint): Uint8Array => concat(r, toLittle(value));
  const torsion = Point.fromHex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05");
  const smallOrder = Array.from({ length: 8 }, (_, i) =>
    torsion.multiplyUnsafe(BigInt(i)).toBytes(),
  );
  const secret = 0x1234567890abcdefn;
  const mixedKey = Point.BASE.multiply(secret).add(torsion);
  const mixed = mixedOrderSignatures(mixedKey.toBytes(), secret);
  return [
    make("the same numbers, encoded here", withS(s), true),
    make("S + L", withS(s + order)),
    make("S + 8 L", withS(s + 8n * order)),
    make("S = L", withS(order)),
    make("S = 0", withS(0n)),
    make("S with its top bit set", withS(s | (1n << 255n))),
    make("R with its sign changed", flipped(signature, 31, 0x80)),
    make("R of no point", concat(toLittle(2n), toLittle(s))),
    make(
      "R = p + 1, a second encoding of the neutral point",
      concat(toLittle((1n << 255n) - 18n), toLittle(s)),
    ),
    make("the context of Ed25519ph", concat(utf8("SigEd25519 no"), signature).subarray(0, 64)),
    ...smallOrder.flatMap((point, i) => [
      make(`a key of small order (${i})`, concat(point, new Uint8Array(32)), false, rawSpki(point)),
      make(`R of small order (${i}) and S = 0`, concat(point, new Uint8Array(32))),
    ]),
    make(
      "a key that is no canonical encoding (y = p)",
      signature,
      false,
      rawSpki(toLittle((1n << 255n) - 19n)),
    ),
    make("a key with all bits set", signature, false, rawSpki(new Uint8Array(32).fill(255))),
    make("a key of no point", signature, false, rawSpki(toLittle(2n))),
    make(
      "a signature that only holds with the cofactor",
      mixed.cofactored.signature,
      false,
      rawSpki(mixedKey.toBytes()),
      mixed.cofactored.message,
    ),
    make(
      "a signature by a key of mixed order that holds without it",
      mixed.plain.signature,
      true,
      rawSpki(mixedKey.toBytes()),
      mixed.plain.message,
    ),
    make("R = neutral point, S = k·a: the equation holds", neutralR(made)),
  ];
}

interface Signed {
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/**
 * Signatures by A = a·B + T, T of order 8. R = r·B, S = r + k·a, so S·B − k·A − R = −k·T, which
 * the cofactor removes; without it the equation holds exactly when 8 divides k.
 */
function mixedOrderSignatures(
  key: Uint8Array,
  secret: bigint,
): { cofactored: Signed; plain: Signed } {
  const { Point } = ed25519;
  const nonce = 0xfedcba0987654321n;
  const r = Point.BASE.multiply(nonce).toBytes();
  const found: { cofactored?: Signed; plain?: Signed } = {};
  for (let i = 0; found.cofactored === undefined || found.plain === undefined; i++) {
    const message = utf8(`attempt ${i}`);
    const k = challenge(r, key, message);
    const signature = concat(r, toLittle((nonce + k * secret) % Point.Fn.ORDER));
    if (k % 8n === 0n) found.plain ??= { message, signature };
    else found.cofactored ??= { message, signature };
  }
  return { cofactored: found.cofactored, plain: found.plain };
}

/** A signature with nonce 0: R is the neutral point. Its maker gives his key away with it. */
function neutralR(made: Made): Uint8Array {
  const jwk = made.pair.privateKey.export({ format: "jwk" });
  const seed = new Uint8Array(Buffer.from(jwk.d ?? "", "base64url"));
  const { scalar, pointBytes } = ed25519.utils.getExtendedPublicKey(seed);
  const r = ed25519.Point.ZERO.toBytes();
  const k = challenge(r, pointBytes, MESSAGE);
  return concat(r, toLittle((k * scalar) % ed25519.Point.Fn.ORDER));
}

function challenge(r: Uint8Array, key: Uint8Array, message: Uint8Array): bigint {
  const digest = createHash("sha512").update(r).update(key).update(message).digest();
  return little(digest) % ed25519.Point.Fn.ORDER;
}

function rsaCases(keys: Record<SignatureAlgorithm, Made>): Case[] {
  const made = keys["rsa-pkcs1-sha256"];
  const { privateKey, publicKey } = made.pair;
  const spki = spkiOf(publicKey);
  const make = (
    name: string,
    algorithm: SignatureAlgorithm,
    signature: Uint8Array,
    valid = false,
    key = spki,
  ): Case => ({ name, algorithm, spki: key, message: MESSAGE, signature, valid });
  const pss = (name: string, hash: string, saltLength: number, valid = false): Case => {
    const options = { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
    return make(name, "rsa-pss-sha256", new Uint8Array(sign(hash, MESSAGE, options)), valid);
  };
  const signature = signWith(made, MESSAGE);
  const digest = createHash("sha256").update(MESSAGE).digest();
  const prefix = Buffer.from("3031300d060960864801650304020105000420", "hex");
  const withoutNull = Buffer.from("302f300b0609608648016503040201" + "0420", "hex");
  const padding = (length: number): Uint8Array => new Uint8Array(length).fill(255);
  const block = (...parts: Uint8Array[]): Uint8Array =>
    new Uint8Array(
      privateEncrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, concat(...parts)),
    );
  const modulus = BigInt(
    `0x${Buffer.from(publicKey.export({ format: "jwk" }).n ?? "", "base64url").toString("hex")}`,
  );
  const plus = fromHex((big(signature) + modulus).toString(16).padStart(514, "0")) ?? padding(257);
  return [
    pss("a salt of 32 bytes", "sha256", 32, true),
    pss("a salt of 0 bytes", "sha256", 0),
    pss("a salt of 20 bytes", "sha256", 20),
    pss("a salt of 31 bytes", "sha256", 31),
    pss("a salt of 33 bytes", "sha256", 33),
    pss("the longest salt", "sha256", constants.RSA_PSS_SALTLEN_MAX_SIGN),
    pss("PSS with SHA-512", "sha512", 32),
    pss("PSS with SHA-1", "sha1", 32),
    make(
      "another hash (sha384)",
      "rsa-pkcs1-sha256",
      new Uint8Array(sign("sha384", MESSAGE, privateKey)),
    ),
    make(
      "another hash (sha1)",
      "rsa-pkcs1-sha256",
      new Uint8Array(sign("sha1", MESSAGE, privateKey)),
    ),
    make(
      "the block, built here",
      "rsa-pkcs1-sha256",
      block(Uint8Array.of(0, 1), padding(202), Uint8Array.of(0), prefix, digest),
      true,
    ),
    make(
      "a digest info without the null",
      "rsa-pkcs1-sha256",
      block(Uint8Array.of(0, 1), padding(204), Uint8Array.of(0), withoutNull, digest),
    ),
    make(
      "a short padding with garbage behind the digest",
      "rsa-pkcs1-sha256",
      block(Uint8Array.of(0, 1), padding(8), Uint8Array.of(0), prefix, digest, new Uint8Array(194)),
    ),
    make(
      "a padding of zeros",
      "rsa-pkcs1-sha256",
      block(Uint8Array.of(0, 1), new Uint8Array(202), Uint8Array.of(0), prefix, digest),
    ),
    make(
      "a padding for encryption",
      "rsa-pkcs1-sha256",
      block(Uint8Array.of(0, 2), padding(202), Uint8Array.of(0), prefix, digest),
    ),
    make(
      "a bare digest",
      "rsa-pkcs1-sha256",
      block(Uint8Array.of(0, 1), padding(221), Uint8Array.of(0), digest),
    ),
    make("the number 0", "rsa-pkcs1-sha256", new Uint8Array(256)),
    make("the number 1", "rsa-pkcs1-sha256", concat(new Uint8Array(255), Uint8Array.of(1))),
    make("the signature plus the modulus", "rsa-pkcs1-sha256", plus),
    make("a zero in front", "rsa-pkcs1-sha256", concat(new Uint8Array(1), signature)),
    make(
      "a modulus of 1024 bits",
      "rsa-pkcs1-sha256",
      signature,
      false,
      spkiOf(generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey),
    ),
  ];
}

function mlDsaCases(keys: Record<SignatureAlgorithm, Made>): Case[] {
  const { pair } = keys["ml-dsa-44"];
  const other = generateKeyPairSync("ml-dsa-65");
  const make = (name: string, spki: Uint8Array, signature: Uint8Array): Case => ({
    name,
    algorithm: "ml-dsa-44",
    spki,
    message: MESSAGE,
    signature,
    valid: false,
  });
  const context = { key: pair.privateKey, context: utf8("another context") };
  const spki = spkiOf(pair.publicKey);
  const good = signWith(keys["ml-dsa-44"], MESSAGE);
  return [
    make("a signature with a context", spki, new Uint8Array(sign(null, MESSAGE, context))),
    make(
      "ML-DSA-65",
      spkiOf(other.publicKey),
      new Uint8Array(sign(null, MESSAGE, other.privateKey)),
    ),
    make(
      "a hint that does not end",
      spki,
      concat(good.subarray(0, -84), new Uint8Array(84).fill(255)),
    ),
    make("a hint with bytes after its end", spki, flipped(good, good.length - 5, 0x01)),
  ];
}

/** Run the contract over one driver. `can` says which algorithms the driver promises. */
export function cryptoContract(
  name: string,
  crypto: Crypto,
  can: (algorithm: SignatureAlgorithm) => boolean = () => true,
): void {
  describe(`${name} keeps the contract of the cryptography port`, () => {
    let cases: Case[] = [];
    beforeAll(() => {
      cases = makeCases();
    });

    test.each(DIGEST_ALGORITHMS)(
      "%s: over the digest every case is answered alike",
      async (algorithm) => {
        const wrong: string[] = [];
        const own = cases.filter((entry) => entry.algorithm === algorithm);
        expect(own.length).toBeGreaterThan(20);
        for (const { name: title, spki, message, signature, valid } of own) {
          const digest = createHash("sha256").update(message).digest();
          const answer = await crypto.verifyDigest(algorithm, spki, digest, signature);
          if (answer !== valid) wrong.push(`${title}: ${answer}`);
          for (const length of [0, 31, 33])
            if (await crypto.verifyDigest(algorithm, spki, Buffer.alloc(length, digest), signature))
              wrong.push(`${title}, over ${length} bytes`);
        }
        expect(wrong).toEqual([]);
      },
    );

    test("C1 the edge cases of ECDSA over a digest are answered as they should be", async () => {
      const wrong: string[] = [];
      for (const { what, spki, digest, signature, valid } of edgeCases) {
        const parts = [hex(spki), hex(digest), hex(signature)] as const;
        const answer = await crypto.verifyDigest("ecdsa-p256-sha256", ...parts);
        if (answer !== valid) wrong.push(`${what}: ${answer}`);
      }
      expect(wrong).toEqual([]);
      expect(edgeCases.length).toBeGreaterThan(20);
    });

    test.each(ALGORITHM_NAMES)("%s: every case is answered as it should be", async (algorithm) => {
      const wrong: string[] = [];
      const own = cases.filter((entry) => entry.algorithm === algorithm);
      expect(own.length).toBeGreaterThan(20);
      for (const { name: title, spki, message, signature, valid } of own) {
        const answer = await crypto.verify(algorithm, spki, message, signature);
        if (answer !== (valid && can(algorithm))) wrong.push(`${title}: ${answer}`);
      }
      expect(wrong).toEqual([]);
    });

    test("says which algorithms it can check", () => {
      for (const algorithm of ALGORITHM_NAMES)
        expect(crypto.supports(algorithm)).toBe(can(algorithm));
    });

    test("one changed bit anywhere in key, message or signature refuses", async () => {
      const accepted: string[] = [];
      for (const { algorithm, spki, message, signature, name: title, valid } of cases) {
        if (!valid || title !== "a good signature") continue;
        const step = (bytes: Uint8Array): number => Math.max(1, bytes.length >> 3);
        for (let i = 0; i < signature.length; i += step(signature))
          if (await crypto.verify(algorithm, spki, message, flipped(signature, i, 1 << (i % 8))))
            accepted.push(`${algorithm} signature byte ${i}`);
        for (let i = 0; i < message.length; i += step(message))
          if (await crypto.verify(algorithm, spki, flipped(message, i, 1 << (i % 8)), signature))
            accepted.push(`${algorithm} message byte ${i}`);
        for (let i = 0; i < spki.length; i += step(spki))
          if (await crypto.verify(algorithm, flipped(spki, i, 1 << (i % 8)), message, signature))
            accepted.push(`${algorithm} key byte ${i}`);
      }
      expect(accepted).toEqual([]);
    });

    test("the same good question has the same answer when asked again", async () => {
      for (const { algorithm, spki, message, signature, name: title } of cases)
        if (title === "a good signature")
          for (let i = 0; i < 3; i++)
            expect(await crypto.verify(algorithm, spki, message, signature)).toBe(can(algorithm));
    });

    test("hashes as FIPS 180-4 says", () => {
      const abc = utf8("abc");
      expect(toHex(crypto.sha1(abc))).toBe("a9993e364706816aba3e25717850c26c9cd0d89d");
      expect(toHex(crypto.sha256(abc))).toBe(
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      );
      expect(toHex(crypto.sha512(abc))).toBe(
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" +
          "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
      );
    });

    test("hashes as node:crypto for each length across the block boundaries", () => {
      for (let length = 0; length < 260; length++) {
        const data = new Uint8Array(length).map((_, i) => (i * 7 + length) % 256);
        for (const hash of ["sha1", "sha256", "sha512"] as const)
          expect(toHex(crypto[hash](data))).toBe(createHash(hash).update(data).digest("hex"));
      }
    });

    test("RFC 8032 §7.1, tests 1 to 3", async () => {
      for (const [key, message, signature] of RFC_8032)
        expect(
          await crypto.verify("ed25519", rawSpki(hex(key)), hex(message), hex(signature)),
        ).toBe(true);
    });

    test("RFC 6979 A.2.5: P-256 with SHA-256", async () => {
      const spki = concat(
        hex("3059301306072a8648ce3d020106082a8648ce3d030107034200"),
        hex(RFC_6979.point),
      );
      const signature = der(int(RFC_6979.r), int(RFC_6979.s));
      expect(await crypto.verify("ecdsa-p256-sha256", spki, utf8("sample"), signature)).toBe(true);
      expect(await crypto.verify("ecdsa-p256-sha256", spki, utf8("test"), signature)).toBe(false);
    });
  });
}

const RFC_8032: readonly (readonly [key: string, message: string, signature: string])[] = [
  [
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "",
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  ],
  [
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "72",
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  ],
  [
    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    "af82",
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  ],
];

const RFC_6979 = {
  point:
    "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
  r: 0xefd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716n,
  s: 0xf7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8n,
} as const;

function hex(text: string): Uint8Array {
  const bytes = fromHex(text);
  if (bytes === undefined) throw new Error(`not hex: ${text}`);
  return bytes;
}

export function flipped(bytes: Uint8Array, index: number, mask: number): Uint8Array {
  const copy = new Uint8Array(bytes);
  copy[index] = (copy[index] ?? 0) ^ mask;
  return copy;
}

/** SPKI of a raw Ed25519 key (RFC 8410), whatever the 32 bytes are. */
function rawSpki(raw: Uint8Array): Uint8Array {
  return concat(hex("302a300506032b6570032100"), raw);
}

function readDer(signature: Uint8Array): { r: bigint; s: bigint } {
  const start = (signature[1] ?? 0) < 0x80 ? 2 : 3;
  const length = signature[start + 1] ?? 0;
  const r = big(signature.subarray(start + 2, start + 2 + length));
  return { r, s: big(signature.subarray(start + 4 + length)) };
}

function der(r: Uint8Array, s: Uint8Array): Uint8Array {
  return wrap(0x30, concat(r, s));
}

/** Tag, shortest length, content. */
function wrap(tag: number, content: Uint8Array): Uint8Array {
  const n = content.length;
  const length = n < 128 ? [n] : n < 256 ? [0x81, n] : [0x82, n >> 8, n & 255];
  return concat(Uint8Array.of(tag, ...length), content);
}

/** A DER INTEGER in two's complement. */
function int(value: bigint): Uint8Array {
  let bytes = 1n;
  while (value >= 1n << (8n * bytes - 1n) || value < -(1n << (8n * bytes - 1n))) bytes++;
  return raw(BigInt.asUintN(Number(8n * bytes), value), Number(bytes));
}

/** An INTEGER of exactly these bytes. */
function raw(value: bigint, bytes?: number): Uint8Array {
  const digits = value.toString(16);
  const length = bytes ?? Math.ceil(digits.length / 2);
  return wrap(2, hex(digits.padStart(2 * length, "0")));
}

function padded(value: bigint): Uint8Array {
  const encoded = int(value);
  return wrap(2, concat(new Uint8Array(1), encoded.subarray(2)));
}

function longLength(content: Uint8Array): Uint8Array {
  return content.length < 128
    ? concat(Uint8Array.of(0x30, 0x81, content.length), content)
    : concat(Uint8Array.of(0x30, 0x82, 0, content.length), content);
}

function lengthOff(content: Uint8Array, by: number): Uint8Array {
  const whole = wrap(0x30, content);
  const at = content.length < 128 ? 1 : 2;
  const copy = new Uint8Array(whole);
  copy[at] = content.length + by;
  return copy;
}

function big(bytes: Uint8Array): bigint {
  return BigInt(`0x0${toHex(bytes)}`);
}

function little(bytes: Uint8Array): bigint {
  return big(new Uint8Array(bytes).reverse());
}

function toLittle(value: bigint): Uint8Array {
  return hex((value % (1n << 256n)).toString(16).padStart(64, "0")).reverse();
}
