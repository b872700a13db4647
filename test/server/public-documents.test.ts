/** What a log tells its clients about itself, read by Sigstore's own types and by our parser. */
import { SigningConfig, TrustedRoot } from "@sigstore/protobuf-specs";
import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { latin1 } from "../../schema/bytes.ts";
import { unwrap } from "../../schema/error.ts";
import { formatVkey, keyHash, SIGNATURE_TYPES } from "../../schema/tlog/note.ts";
import { parsePolicy } from "../../schema/tlog/tlog-policy.ts";
import { type DocumentParts, makeDocuments } from "../../server/public-documents.ts";
import { stampingKeyInMemory } from "../../server/tsa/files.ts";
import { refusalOf } from "./refusal.ts";

const { sha256 } = nodeCrypto;
const { ed25519, cosignature } = SIGNATURE_TYPES;
const ORIGIN = "log.example.org";
const KEY = sha256(Uint8Array.of(1));

function parts(more: Partial<DocumentParts> = {}): DocumentParts {
  return {
    sha256,
    origin: ORIGIN,
    vkey: formatVkey(sha256, ORIGIN, ed25519, KEY),
    publicUrl: undefined,
    createdAt: "2026-01-01T00:00:00Z",
    chain: undefined,
    retired: [],
    policy: () => undefined,
    verifiers: () => undefined,
    ...more,
  };
}

function trustedRoot(more: Partial<DocumentParts> = {}): TrustedRoot {
  const text: unknown = JSON.parse(Buffer.from(makeDocuments(parts(more)).trustedRoot).toString());
  return TrustedRoot.fromJSON(text);
}

function signingConfig(more: Partial<DocumentParts> = {}): SigningConfig {
  const { signingConfig: bytes } = makeDocuments(parts(more));
  return SigningConfig.fromJSON(JSON.parse(Buffer.from(bytes).toString()));
}

describe("/trusted_root.json", () => {
  test("is read by Sigstore's types: the log's key, its whole id, and the day it began", () => {
    const root = trustedRoot();
    expect(root.mediaType).toBe("application/vnd.dev.sigstore.trustedroot+json;version=0.1");
    const [log] = root.tlogs;
    expect(root.tlogs).toHaveLength(1);
    expect(log?.baseUrl).toBe("https://log.example.org");
    expect(log?.logId?.keyId).toEqual(Buffer.from(keyHash(sha256, ORIGIN, ed25519, KEY)));
    expect(log?.checkpointKeyId).toBeUndefined();
    expect(log?.publicKey?.rawBytes?.subarray(-32)).toEqual(Buffer.from(KEY));
    expect(log?.publicKey?.validFor?.start).toEqual(new Date("2026-01-01T00:00:00Z"));
    expect([root.certificateAuthorities, root.ctlogs, root.timestampAuthorities]).toEqual([
      [],
      [],
      [],
    ]);
  });

  test("has every list that a strict reader asks for, also where it is empty", () => {
    const text = latin1(makeDocuments(parts()).trustedRoot);
    for (const name of ["certificateAuthorities", "ctlogs", "timestampAuthorities"])
      expect(text).toContain(`"${name}": []`);
    expect(text).not.toContain("checkpointKeyId");
  });

  test("brings the timestamp chain leaf first, where there is one", async () => {
    const from = 1_790_000_000;
    const { chain } = await stampingKeyInMemory({ crypto: nodeCrypto, origin: ORIGIN, from });
    const [authority] = trustedRoot({ chain }).timestampAuthorities;
    expect(authority?.uri).toBe("https://log.example.org/api/v1/timestamp");
    expect(authority?.subject?.organization).toBe(ORIGIN);
    expect(authority?.validFor?.start).toEqual(new Date(from * 1000));
    expect(authority?.certChain?.certificates.map(({ rawBytes }) => rawBytes)).toEqual(
      chain.certificates.map((bytes) => Buffer.from(bytes)),
    );
  });
});

describe("chains that sign no more", () => {
  test("are pinned still, behind the one that signs, and named to no signer", async () => {
    const authority = { crypto: nodeCrypto, origin: ORIGIN, from: 0 };
    const [{ chain }, { chain: old }] = [
      await stampingKeyInMemory(authority),
      await stampingKeyInMemory(authority),
    ];
    const leaves = (more: Partial<DocumentParts>): (Buffer | undefined)[] =>
      trustedRoot(more).timestampAuthorities.map(
        ({ certChain }) => certChain?.certificates[0]?.rawBytes,
      );
    expect(leaves({ chain, retired: [old] })).toEqual(
      [chain, old].map(({ certificates }) => Buffer.from(certificates[0])),
    );
    expect(leaves({ retired: [old] })).toHaveLength(1);
    expect(signingConfig({ retired: [old] }).tsaUrls).toEqual([]);
  });
});

describe("/signing_config.json", () => {
  test("names the log and, where it is on, the timestamp authority", async () => {
    const { chain } = await stampingKeyInMemory({ crypto: nodeCrypto, origin: ORIGIN, from: 0 });
    const on = signingConfig({ chain });
    expect(on.mediaType).toBe("application/vnd.dev.sigstore.signingconfig.v0.2+json");
    expect(on.rekorTlogUrls.map(({ url, majorApiVersion }) => [url, majorApiVersion])).toEqual([
      ["https://log.example.org", 2],
    ]);
    expect(on.tsaUrls.map(({ url, majorApiVersion }) => [url, majorApiVersion])).toEqual([
      ["https://log.example.org/api/v1/timestamp", 1],
    ]);
    const off = signingConfig();
    expect(off.rekorTlogUrls).toHaveLength(1);
    expect(off.tsaUrls).toEqual([]);
  });
});

describe("/witness_policy", () => {
  test("of a log without witnesses is the log and no quorum", () => {
    const text = latin1(makeDocuments(parts()).witnessPolicy());
    expect(text).toBe(`log ${parts().vkey} https://log.example.org\nquorum none\n`);
  });

  test("is the policy in force, as our parser and everybody's reads it", () => {
    const witness = formatVkey(sha256, "w.example", cosignature, sha256(Uint8Array.of(2)));
    const source = `witness w ${witness} https://w.example/\nquorum w\n`;
    let policy = unwrap(parsePolicy(sha256, Buffer.from(source)));
    const documents = makeDocuments(parts({ policy: () => policy }));
    const served = unwrap(parsePolicy(sha256, documents.witnessPolicy()));
    expect(served.logs.map(({ vkeyText }) => vkeyText)).toEqual([parts().vkey]);
    expect(served.quorum?.name).toBe("w");
    policy = unwrap(parsePolicy(sha256, Buffer.from("quorum none\n")));
    expect(latin1(documents.witnessPolicy())).toContain("quorum none");
  });
});

describe("http.public_url", () => {
  test("is where clients are sent; it has the log's name as host, with any port or path", () => {
    const at = "https://log.example.org:8443/log/";
    expect(trustedRoot({ publicUrl: at }).tlogs[0]?.baseUrl).toBe(at.slice(0, -1));
    expect(signingConfig({ publicUrl: at }).rekorTlogUrls[0]?.url).toBe(at.slice(0, -1));
  });

  test("of this machine is for trying out: what is pinned keeps the log's name", () => {
    for (const host of ["127.0.0.1", "localhost", "[::1]"]) {
      const publicUrl = `http://${host}:8080`;
      expect(signingConfig({ publicUrl }).rekorTlogUrls[0]?.url).toBe(publicUrl);
      expect(trustedRoot({ publicUrl }).tlogs[0]?.baseUrl).toBe("https://log.example.org");
    }
  });

  test("of another host is refused: no Sigstore client would find the key", () => {
    for (const publicUrl of ["https://other.example", "https://log.example.org.evil.example"])
      expect(refusalOf(() => makeDocuments(parts({ publicUrl })))).toMatchObject({
        code: "CONFIG_INVALID",
        detail: { field: "http.public_url" },
      });
  });
});
