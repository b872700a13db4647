/** Pinning a log: what it serves is compared, confirmed, and only then written. */

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { privateKeySigner } from "../../../client/keys/private-key.ts";
import { dsseSubmission } from "../../../client/keys/signer.ts";
import { parseTrust } from "../../../client/trust.ts";
import { fromUtf8, toBase64, toHex, utf8 } from "../../../schema/bytes.ts";
import { formatLogStatement, LOG_PAYLOAD_TYPE } from "../../../schema/entry/log-statement.ts";
import { unwrap } from "../../../schema/error.ts";
import { INDEX_V1, indexOrigin } from "../../../schema/index/generation.ts";
import { encodeSpki } from "../../../schema/key/spki.ts";
import { keyHash } from "../../../schema/tlog/note.ts";
import { logKey, type Served, serveLog, TestLog } from "../test-log.ts";
import { policyText, TestWitness } from "../test-witness.ts";
import { Workplace } from "./in-process.ts";

const { sha256 } = nodeCrypto;
const a = new TestWitness("a.example");
const b = new TestWitness("b.example", 6);
const c = new TestWitness("c.example");
const LEAF = utf8("the certificate that stamps");
const ROOT = utf8("the certificate that vouches for it");

let log: TestLog;
let served: Served;
let place: Workplace;
let documents: Record<string, string>;

beforeEach(async () => {
  log = await logWithGenesis();
  documents = documentsOf(log);
  served = await serveLog(
    () => log,
    (path, honest) => {
      const document = documents[path];
      return document === undefined ? honest : utf8(document);
    },
  );
  place = new Workplace();
});
afterEach(async () => {
  await served.close();
  place.remove();
});

async function logWithGenesis(origin = "log.test", said: object = {}): Promise<TestLog> {
  const made = new TestLog(origin, logKey());
  const genesis = formatLogStatement({
    type: "genesis",
    log: made.vkey,
    origin,
    vkeys: [made.vkey],
    createdAt: "2026-01-01T00:00:00Z",
    formatVersion: 1,
    ...said,
  });
  const signer = privateKeySigner(made.key.privateKey, "the log");
  made.submit(await dsseSubmission(signer, LOG_PAYLOAD_TYPE, genesis));
  made.fill(3);
  made.cosigners = [a.at(1_700_000_000), b.at(1_700_000_000)];
  return made;
}

function documentsOf({ origin, vkey, key: { publicKey } }: TestLog): Record<string, string> {
  const root = {
    mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    tlogs: [
      {
        baseUrl: `https://${origin}`,
        hashAlgorithm: "SHA2_256",
        publicKey: {
          rawBytes: toBase64(encodeSpki({ type: "ed25519", raw: publicKey })),
          keyDetails: "PKIX_ED25519",
          validFor: { start: "2026-01-01T00:00:00Z" },
        },
        logId: { keyId: toBase64(keyHash(sha256, origin, 1, publicKey)) },
      },
    ],
    certificateAuthorities: [],
    ctlogs: [],
    timestampAuthorities: [
      {
        subject: { organization: "log.test", commonName: "tsa" },
        uri: "https://log.test/api/v1/timestamp",
        certChain: { certificates: [LEAF, ROOT].map((der) => ({ rawBytes: toBase64(der) })) },
        validFor: { start: "2026-01-01T00:00:00Z" },
      },
    ],
  };
  const config = {
    mediaType: "application/vnd.dev.sigstore.signingconfig.v0.2+json",
    rekorTlogUrls: [{ url: "https://log.test", majorApiVersion: 2 }],
    rekorTlogConfig: { selector: "ANY" },
    tsaUrls: [{ url: "https://log.test/api/v1/timestamp", majorApiVersion: 1 }],
  };
  return {
    "trusted_root.json": JSON.stringify(root),
    "signing_config.json": JSON.stringify(config),
    witness_policy: `log ${vkey} https://log.test\n${policyText(2, [a, b, c])}`,
  };
}

const digestOf = (text: string): string => toHex(sha256(utf8(text)));
const rootDigest = toHex(sha256(ROOT));
const policyDigest = (): string => digestOf(documents["witness_policy"] ?? "");
const init = (...more: readonly string[]): ReturnType<typeof place.asked> =>
  place.asked("trust", "init", served.url, ...more);
const given = (): string[] => [
  "--vkey",
  log.vkey,
  "--fingerprint",
  rootDigest,
  "--fingerprint",
  policyDigest(),
];
/** Nothing is written; why. */
async function refusedWith(more: readonly string[]): Promise<string> {
  const { status, answer } = await init(...more);
  expect(status).toBe(1);
  expect(written()).toEqual([]);
  return JSON.stringify(answer);
}
const written = (): string[] => readdirSync(place.folder).filter((name) => name !== "state");
const change = (name: string, from: string | RegExp, to: string): void => {
  const before = documents[name] ?? "";
  documents[name] = before.replace(from, to);
  if (documents[name] === before) throw new Error(`${name} is as it was`);
};

test("what was given and matches is written, byte for byte, and the trust file is one that verifies", async () => {
  const { status, answer } = await init(...given());
  expect({ status, answer }).toMatchObject({ status: 0, answer: { state: "written" } });
  for (const [name, text] of Object.entries(documents))
    expect(readFileSync(place.path(name), "utf8")).toBe(text);
  const trust = unwrap(parseTrust(sha256, readFileSync(place.path("trust.toml"))));
  expect(trust.logs).toMatchObject([{ origin: "log.test", url: served.url }]);
  expect(trust.logs[0]?.witnesses?.[0]?.policy.witnesses).toHaveLength(3);
  expect(await place.asked("update", "--trust", "trust.toml")).toMatchObject({
    answer: { state: "first", witnessed: { by: ["a.example", "b.example"] } },
  });
});

test("index verifiers are taken like witnesses: shown, confirmed, apart from them, and with their quorum", async () => {
  const [i, j] = [new TestWitness("i.example"), new TestWitness("j.example")];
  const policy = policyText(2, [i, j]);
  const index = new TestLog(indexOrigin(log.origin, INDEX_V1), log.key).fill(2);
  index.cosigners = [i.at(1_700_000_000)];
  const offer = (text: string): void => {
    documents["index/v1/verifier_policy"] = `log ${index.vkey}\n${text}`;
    documents["index/v1/checkpoint"] = fromUtf8(index.checkpoint()) ?? "";
  };
  const confirmed = (): string[] => [
    ...given(),
    "--fingerprint",
    digestOf(documents["index/v1/verifier_policy"] ?? ""),
  ];
  offer(policy);
  expect(await refusedWith(confirmed())).toContain("witnessed by i.example");
  index.cosigners = [i.at(1_700_000_000), j.at(1_700_000_000)];
  offer(policy);
  expect(await refusedWith(given())).toContain("nobody confirmed the policy of index verifiers");
  offer(policyText(2, [i, a]));
  expect(await refusedWith(confirmed())).toContain("is a witness of the log too");
  offer(policyText(1, [i, j]));
  expect(await refusedWith(confirmed())).toContain("nobody in common");
  offer(policy);
  expect(await init(...confirmed())).toMatchObject({
    status: 0,
    answer: { state: "written", indexQuorum: "2 of (i.example, j.example)" },
  });
  const trust = unwrap(parseTrust(sha256, readFileSync(place.path("trust.toml"))));
  expect(trust.logs[0]?.index?.[0]?.policy.witnesses).toHaveLength(2);
  expect((await init("--check")).answer).toMatchObject({ state: "unchanged" });
  documents["index/v1/verifier_policy"] = `log ${index.vkey}\nquorum none\n`;
  expect((await init("--check")).answer).toMatchObject({
    state: "differs",
    reasons: [expect.stringContaining("other verifiers of the index")],
  });
});

test("the fingerprints of the two files cover everything", async () => {
  const root = digestOf(documents["trusted_root.json"] ?? "");
  const { status } = await init("--fingerprint", root, "--fingerprint", `SHA256:${policyDigest()}`);
  expect(status).toBe(0);
});

describe("O1 CVE-2023-47122 nothing is trusted on fetch alone", () => {
  test("without a fingerprint and without a person nothing is written", async () => {
    expect(await init()).toMatchObject({
      status: 1,
      answer: {
        state: "refused",
        parts: [
          { what: "log key" },
          { what: "timestamp authority", fingerprints: [rootDigest, expect.any(String)] },
          { what: "witness policy" },
        ],
      },
    });
    expect(written()).toEqual([]);
  });

  test("each part needs its own: the log's key does not vouch for the others", async () => {
    const all = given();
    for (let left = 0; left < all.length; left += 2) {
      const some = all.filter((_, i) => i !== left && i !== left + 1);
      const { status, answer } = await init(...some);
      expect({ status, answer }).toMatchObject({ status: 1, answer: { state: "refused" } });
      expect(JSON.stringify(answer)).toContain("nobody confirmed the");
    }
    expect(written()).toEqual([]);
  });

  test("a log that serves other keys, all of which agree, is refused by the key that was given", async () => {
    const pinned = given();
    log = await logWithGenesis();
    documents = documentsOf(log);
    expect(await init(...pinned)).toMatchObject({ status: 1, answer: { state: "refused" } });
    expect(written()).toEqual([]);
  });

  test("one wrong fingerprint among right ones refuses all", async () => {
    const { status, answer } = await init(...given(), "--fingerprint", "0".repeat(64));
    expect({ status, answer }).toMatchObject({ status: 1, answer: { state: "refused" } });
    expect(written()).toEqual([]);
  });

  test("a person who says yes is believed, and nobody else: not no, not nothing, not with --json", async () => {
    const said = async (answer: string, ...more: string[]): Promise<number> => {
      place.person = async () => answer;
      return (await place.countersign("trust", "init", served.url, ...more)).status;
    };
    for (const answer of ["no", "", "y", "YES please"]) expect(await said(answer)).toBe(1);
    expect(await said("yes", "--json")).toBe(1);
    expect(written()).toEqual([]);
    expect(await said("yes")).toBe(0);
    expect(written()).toContain("trust.toml");
  });

  test("what a person is asked to compare is shown before they are asked", async () => {
    place.person = async () => "no";
    const { stdout } = await place.countersign("trust", "init", served.url);
    const key = toHex(keyHash(sha256, "log.test", 1, log.key.publicKey));
    const ofB = toHex(keyHash(sha256, b.name, 6, b.publicKey));
    for (const shown of [key, rootDigest, toHex(sha256(LEAF)), policyDigest(), ofB, log.vkey])
      expect(stdout).toContain(shown);
    expect(stdout).toContain("witnesses 2 of (a.example, b.example, c.example)");
    expect(stdout).toContain("sends to  https://log.test/api/v1/timestamp");
  });
});

describe("parts that do not agree are refused, whatever was given", () => {
  const other = new TestLog("log.test");
  const spki = ({ key }: TestLog): string =>
    toBase64(encodeSpki({ type: "ed25519", raw: key.publicKey }));
  test.each<[string, () => void | Promise<void>]>([
    [
      "a trusted root with another key, and its true id",
      () => {
        change("trusted_root.json", spki(log), spki(other));
        const id = (of: TestLog): string =>
          toBase64(keyHash(sha256, "log.test", 1, of.key.publicKey));
        change("trusted_root.json", id(log), id(other));
      },
    ],
    [
      "a trusted root whose id is not that of its key",
      () => change("trusted_root.json", spki(log), spki(other)),
    ],
    [
      "a trusted root with a second log",
      () => change("trusted_root.json", '"tlogs":[', '"tlogs":[{},'),
    ],
    [
      "a trusted root that brings a certificate authority along",
      () =>
        change("trusted_root.json", '"certificateAuthorities":[]', '"certificateAuthorities":[{}]'),
    ],
    [
      "a trusted root with something that is not shown",
      () => change("trusted_root.json", '"ctlogs"', '"more":[],"ctlogs"'),
    ],
    ["a policy for another log", () => change("witness_policy", log.vkey, other.vkey)],
    ["a policy that is none", () => change("witness_policy", "quorum ", "quorom ")],
    ["a signing configuration that is none", () => change("signing_config.json", "v0.2", "v9")],
    [
      "a head without the quorum of the policy",
      () => {
        log.cosigners = [a.at(1)];
      },
    ],
    [
      "a genesis that names another key",
      async () => {
        const key = log.key;
        const lie = await logWithGenesis("log.test", { log: other.vkey, vkeys: [other.vkey] });
        log = Object.assign(new TestLog("log.test", key), { cosigners: lie.cosigners });
        const [leaf = new Uint8Array(0)] = lie.leaves;
        log.append(leaf, [...lie.contents.values()][0]);
      },
    ],
    [
      "a first entry that is no genesis",
      async () => {
        const signer = privateKeySigner(log.key.privateKey, "the log");
        const { key, cosigners } = log;
        log = Object.assign(new TestLog("log.test", key), { cosigners });
        log.submit(await dsseSubmission(signer, "text/plain", utf8("hello")));
      },
    ],
  ])("%s", async (_, lie) => {
    await lie();
    const { status, answer } = await init(...given());
    expect({ status, answer }).toMatchObject({ status: 1, answer: { state: "refused" } });
    expect(JSON.stringify(answer)).toContain("does not agree");
    expect(written()).toEqual([]);
  });
});

test("a policy of which two quorums can have nobody in common is refused, unless it is taken by name", async () => {
  documents["witness_policy"] = policyText(1, [a, b]);
  expect(await init(...given())).toMatchObject({ status: 1, answer: { state: "refused" } });
  expect(written()).toEqual([]);
  expect((await init(...given(), "--allow-split")).status).toBe(0);
});

test("a log without witnesses and stamps is pinned by its key alone", async () => {
  documents["witness_policy"] = `log ${log.vkey}\nquorum none\n`;
  change("trusted_root.json", /"timestampAuthorities":\[.*\]/, '"timestampAuthorities":[]');
  log.cosigners = [];
  expect(await init("--vkey", log.vkey)).toMatchObject({ status: 0, answer: { quorum: null } });
  const trust = unwrap(parseTrust(sha256, readFileSync(place.path("trust.toml"))));
  expect(trust.logs[0]?.witnesses).toBeUndefined();
});

describe("files that are there", () => {
  beforeEach(async () => {
    expect((await init(...given())).status).toBe(0);
  });

  test("are compared, and nothing is written while they agree", async () => {
    expect(await init("--check")).toMatchObject({ status: 0, answer: { state: "unchanged" } });
    expect(await init(...given())).toMatchObject({ status: 0, answer: { state: "unchanged" } });
  });

  test("and differ are named one by one, and stay", async () => {
    const before = readFileSync(place.path("witness_policy"), "utf8");
    documents["witness_policy"] = `log ${log.vkey}\n${policyText(3, [a, b, c])}`;
    log.cosigners = [a.at(1), b.at(1), c.at(1)];
    for (const how of [["--check"], given()])
      expect(await init(...how)).toEqual({
        status: 1,
        answer: {
          state: "differs",
          origin: "log.test",
          reasons: [
            "trust.toml has other witnesses of log.test than the log serves now",
            "witness_policy is not what the log serves now",
          ],
        },
      });
    expect(readFileSync(place.path("witness_policy"), "utf8")).toBe(before);
  });

  test("are written over with --force, when confirmed; the old trust file is kept", async () => {
    const mine = `${readFileSync(place.path("trust.toml"), "utf8")}# mine\n`;
    writeFileSync(place.path("trust.toml"), mine);
    documents["witness_policy"] = `log ${log.vkey}\n${policyText(3, [a, b, c])}`;
    log.cosigners = [a.at(1), b.at(1), c.at(1)];
    expect((await init("--force")).status).toBe(1);
    expect(readFileSync(place.path("trust.toml"), "utf8")).toBe(mine);
    expect((await init("--force", ...given())).status).toBe(0);
    expect(readFileSync(place.path("trust.toml.old"), "utf8")).toBe(mine);
    expect(readFileSync(place.path("witness_policy"), "utf8")).toBe(documents["witness_policy"]);
  });
});

test("--check of an empty folder says what is not there", async () => {
  expect(await init("--check")).toMatchObject({
    status: 1,
    answer: { state: "differs", reasons: expect.arrayContaining(["trust.toml is not there"]) },
  });
  expect(written()).toEqual([]);
});

test("an endless document ends, and is believed by nobody", async () => {
  served.lie = (path, honest, res: ServerResponse) => {
    if (path !== "trusted_root.json") return honest;
    const more = (): void => {
      while (!res.destroyed && res.write("x".repeat(65_536)));
      if (!res.destroyed) res.once("drain", more);
    };
    more();
    return "answered";
  };
  expect(await init(...given())).toMatchObject({
    status: 3,
    answer: { error: { code: "RESPONSE_INVALID" } },
  });
  expect(existsSync(place.path("trust.toml"))).toBe(false);
});

test("a fingerprint that is none is a mistake of the command line", async () => {
  expect(await init("--fingerprint", "SHA256:abc")).toMatchObject({
    status: 2,
    answer: { error: { code: "USAGE" } },
  });
});
