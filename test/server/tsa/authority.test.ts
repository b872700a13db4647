/** Tokens and chains, read back by the library. `openssl` and Sigstore judge them in test/oracles. */
import { randomBytes, verify, X509Certificate } from "node:crypto";
import { readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { SignedData } from "@peculiar/asn1-cms";
import { AsnConvert } from "@peculiar/asn1-schema";
import { PKIStatus, TimeStampResp, TSTInfo } from "@peculiar/asn1-tsp";
import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { generateKey, openKeyFile } from "../../../client/keys/key-file.ts";
import { privateKeySigner } from "../../../client/keys/private-key.ts";
import { toHex } from "../../../schema/bytes.ts";
import { DER_SET, der } from "../../../schema/der.ts";
import { LogError } from "../../../schema/error.ts";
import { TimestampAuthority } from "../../../server/tsa/authority.ts";
import { parseChain } from "../../../server/tsa/chain.ts";
import {
  makeTimestampFiles,
  openStampingKey,
  type StampingKey,
  stampingKeyInMemory,
} from "../../../server/tsa/files.ts";
import { IMPRINTS, type TimestampQuery } from "../../../server/tsa/query.ts";
import { FAILURE_BITS, rejectedReply } from "../../../server/tsa/reply.ts";
import { temporaryFolder } from "../fixture.ts";
import { rejectionOf } from "../refusal.ts";

const FROM = 1_790_000_000;
const AUTHORITY = { crypto: nodeCrypto, origin: "tsa.example.test", from: FROM };
const QUERY: TimestampQuery = {
  imprint: { oid: IMPRINTS[0].oid, withNull: false, digest: new Uint8Array(32).fill(3) },
  certReq: true,
};

function authority(key: StampingKey, now: () => number): TimestampAuthority {
  const clock = { now, prepare: async (): Promise<void> => {} };
  return new TimestampAuthority({ crypto: nodeCrypto, clock, randomBytes }, key, "2.999");
}

interface Token {
  readonly info: TSTInfo;
  readonly signed: SignedData;
}

function tokenIn(reply: Uint8Array): Token {
  const { status, timeStampToken } = AsnConvert.parse(reply, TimeStampResp);
  if (status.status !== PKIStatus.granted || timeStampToken === undefined)
    throw new Error("not granted");
  const signed = AsnConvert.parse(timeStampToken.content, SignedData);
  const content = signed.encapContentInfo.eContent?.single;
  if (content === undefined) throw new Error("no content");
  return { info: AsnConvert.parse(content.buffer, TSTInfo), signed };
}

describe("a token", () => {
  test("says the imprint, whole seconds, the policy and an accuracy, and echoes the nonce", async () => {
    const key = await stampingKeyInMemory(AUTHORITY);
    for (const { oid, bytes } of IMPRINTS)
      for (const withNull of [true, false]) {
        const imprint = { oid, withNull, digest: new Uint8Array(bytes).fill(5) };
        const nonce = Uint8Array.of(0, 255, 1);
        const reply = await authority(key, () => FROM + 9).answer({ ...QUERY, imprint, nonce });
        const { info } = tokenIn(reply);
        expect(info.genTime).toEqual(new Date((FROM + 9) * 1000));
        expect(Buffer.from(reply).toString("latin1")).toContain("20260921141329Z");
        expect(info.policy).toBe("2.999");
        expect(info.accuracy?.seconds).toBe(1);
        expect(new Uint8Array(info.nonce ?? new ArrayBuffer(0))).toEqual(nonce);
        expect(info.messageImprint.hashAlgorithm.algorithm).toBe(oid);
        expect(info.messageImprint.hashAlgorithm.parameters).toBe(withNull ? null : undefined);
        expect(new Uint8Array(info.messageImprint.hashedMessage.buffer)).toEqual(imprint.digest);
      }
  });

  test("is signed by the leaf over its sorted attributes, and altered nowhere", async () => {
    const key = await stampingKeyInMemory(AUTHORITY);
    const { signed } = tokenIn(await authority(key, () => FROM).answer(QUERY));
    const [signer] = signed.signerInfos;
    if (signer?.signedAttrs === undefined) throw new Error("no signer");
    const encoded = signer.signedAttrs.map((one) => new Uint8Array(AsnConvert.serialize(one)));
    expect(encoded).toHaveLength(3);
    expect(encoded).toEqual(encoded.toSorted((a, b) => Buffer.compare(a, b)));
    const attributes = der(DER_SET, ...encoded);
    const leaf = new X509Certificate(key.chain.certificates[0]);
    const check = (bytes: Uint8Array): boolean =>
      verify("sha256", bytes, leaf.publicKey, new Uint8Array(signer.signature.buffer));
    expect(check(attributes)).toBe(true);
    for (let at = 0; at < attributes.length; at += 7) {
      const altered = attributes.slice();
      altered[at] = (altered[at] ?? 0) ^ 1;
      expect(check(altered)).toBe(false);
    }
  });

  test("brings the chain only where it is asked for", async () => {
    const key = await stampingKeyInMemory(AUTHORITY);
    const stamps = authority(key, () => FROM);
    const { certificates = [] } = tokenIn(await stamps.answer(QUERY)).signed;
    const encoded = Array.from(certificates, (one) => Buffer.from(AsnConvert.serialize(one)));
    expect(encoded).toHaveLength(2);
    // The members of a set are in the order of their bytes, whichever of the two is the leaf's.
    expect(encoded.toSorted((a, b) => Buffer.compare(a, b))).toEqual(encoded);
    const without = tokenIn(await stamps.answer({ ...QUERY, certReq: false }));
    expect(without.signed.certificates).toBeUndefined();
  });

  test("has a serial number of its own, positive and of sixteen bytes", async () => {
    const stamps = authority(await stampingKeyInMemory(AUTHORITY), () => FROM);
    const serials = new Set<string>();
    for (let i = 0; i < 50; i++) {
      const { serialNumber } = tokenIn(await stamps.answer(QUERY)).info;
      expect(serialNumber.byteLength).toBe(16);
      expect(new Uint8Array(serialNumber)[0]).toBeLessThan(0x80);
      serials.add(toHex(new Uint8Array(serialNumber)));
    }
    expect(serials.size).toBe(50);
  });

  test("I7 is not made where the clock refuses, nor outside the years of the chain", async () => {
    const key = await stampingKeyInMemory(AUTHORITY);
    const refusing = authority(key, () => {
      throw new LogError("CLOCK_REFUSED", "No time is signed.");
    });
    expect((await rejectionOf(refusing.answer(QUERY))).code).toBe("CLOCK_REFUSED");
    for (const now of [FROM - 1, key.chain.until + 1])
      expect((await rejectionOf(authority(key, () => now).answer(QUERY))).code).toBe(
        "SIGNER_FAILED",
      );
    expect(tokenIn(await authority(key, () => key.chain.until).answer(QUERY)).info.version).toBe(1);
  });
});

describe("a refusal", () => {
  test("has the one bit of its name, and no token", () => {
    const names = ["badAlg", "badRequest", "badDataFormat", "timeNotAvailable"] as const;
    const more = ["unacceptedPolicy", "unacceptedExtension", "systemFailure"] as const;
    for (const fault of [...names, ...more]) {
      const reply = AsnConvert.parse(rejectedReply(fault, "no"), TimeStampResp);
      expect(reply.timeStampToken).toBeUndefined();
      expect(reply.status.status).toBe(PKIStatus.rejection);
      const bits = new Uint8Array(reply.status.failInfo?.value ?? new ArrayBuffer(0));
      const set = [...bits].flatMap((byte, i) =>
        [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => byte & (0x80 >> bit)).map((bit) => 8 * i + bit),
      );
      expect(set).toEqual([FAILURE_BITS[fault]]);
    }
  });
});

describe("key and chain as files", () => {
  const open = (path: string): ReturnType<typeof openKeyFile> => openKeyFile(path);
  const placesIn = (folder: string) => ({
    timestampKey: join(folder, "key/log.timestamp.pem"),
    timestampChain: join(folder, "key/log.timestamp-chain.pem"),
  });

  test("are made once, the key for its owner alone, and opened again", async () => {
    const places = placesIn(temporaryFolder());
    const made = await makeTimestampFiles(places, AUTHORITY, open, undefined);
    expect(statSync(places.timestampKey).mode & 0o777).toBe(0o600);
    const opened = await openStampingKey(places, open);
    expect(opened.chain).toEqual(made.chain);
    expect(made.chain).toMatchObject({
      organization: "tsa.example.test",
      commonName: "timestamp authority",
      from: FROM,
    });
    const before = readFileSync(places.timestampChain);
    const again = await makeTimestampFiles(
      places,
      { ...AUTHORITY, from: FROM + 9 },
      open,
      undefined,
    );
    expect(readFileSync(places.timestampChain).equals(before)).toBe(true);
    expect(again.chain).toEqual(made.chain);
  });

  test("that were cut off between the two are ended by the same command", async () => {
    const places = placesIn(temporaryFolder());
    await makeTimestampFiles(places, AUTHORITY, open, undefined);
    const key = readFileSync(places.timestampKey, "utf8");
    rmSync(places.timestampChain);
    await makeTimestampFiles(places, AUTHORITY, open, undefined);
    expect(readFileSync(places.timestampKey, "utf8")).toBe(key);
    await openStampingKey(places, open);
  });

  test("are refused where one is missing or not the other's", async () => {
    const places = placesIn(temporaryFolder());
    expect((await rejectionOf(openStampingKey(places, open))).detail.hint).toContain(
      "timestamp init",
    );
    await makeTimestampFiles(places, AUTHORITY, open, undefined);
    const other = placesIn(temporaryFolder());
    await makeTimestampFiles(other, AUTHORITY, open, undefined);
    const mixed = { ...places, timestampKey: other.timestampKey };
    expect((await rejectionOf(openStampingKey(mixed, open))).code).toBe("KEY_MISMATCH");
    rmSync(places.timestampKey);
    const refused = await rejectionOf(makeTimestampFiles(places, AUTHORITY, open, undefined));
    expect(refused).toMatchObject({ code: "CONFIG_INVALID", detail: { field: "timestamp.key" } });
  });

  test("have the passphrase of the log's key, where it has one", async () => {
    const places = placesIn(temporaryFolder());
    const withPassphrase = (path: string): ReturnType<typeof openKeyFile> =>
      openKeyFile(path, async () => "a passphrase");
    await makeTimestampFiles(places, AUTHORITY, withPassphrase, "a passphrase");
    expect((await rejectionOf(openStampingKey(places, open))).code).toBe("SIGNER_FAILED");
    await openStampingKey(places, withPassphrase);
  });

  test("another key than P-256 signs nothing", async () => {
    const places = placesIn(temporaryFolder());
    const ed25519 = privateKeySigner(await generateKey("ed25519"), "test");
    await makeTimestampFiles(places, AUTHORITY, open, undefined);
    rmSync(places.timestampChain);
    const refused = await rejectionOf(
      makeTimestampFiles(places, AUTHORITY, async () => ed25519, undefined),
    );
    expect(refused.code).toBe("KEY_REFUSED");
  });
});

describe("a chain", () => {
  test("that a client would refuse is refused at the start", async () => {
    const { chain } = await stampingKeyInMemory(AUTHORITY);
    const [leaf, root] = chain.certificates.map((der) => new X509Certificate(der).toString());
    const foreign = await stampingKeyInMemory(AUTHORITY);
    const other = new X509Certificate(
      foreign.chain.certificates[1] ?? new Uint8Array(0),
    ).toString();
    const cases: Readonly<Record<string, string>> = {
      "without its root": `${leaf}`,
      "of an issuer with the same name and another key": `${leaf}${other}`,
      "root first": `${root}${leaf}`,
      "of roots alone": `${root}${root}`,
      "with a damaged certificate": `${leaf}${root}`.replace("MII", "MIJ").replace("MIIB", "AAAA"),
      "that is empty": "",
    };
    for (const [what, pem] of Object.entries(cases))
      expect(() => parseChain("chain.pem", pem), what).toThrow(/timestamp chain chain\.pem/);
    expect(parseChain("chain.pem", `${leaf}${root}`)).toEqual(chain);
  });

  test("of a long name is made too: the name is cut to what X.509 holds", async () => {
    const origin = `${"a".repeat(60)}.${"b".repeat(60)}.example`;
    const { chain } = await stampingKeyInMemory({ ...AUTHORITY, origin });
    expect(chain.organization).toBe(origin.slice(0, 64));
  });
});
