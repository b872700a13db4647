/**
 * `@sigstore/sign` with our signer and our log: what its builders make, its verifier and ours
 * accept; and what the log answers is believed only where it holds.
 */
import { createPublicKey } from "node:crypto";
import { bundleFromJSON, bundleToJSON } from "@sigstore/bundle";
import { TrustedRoot } from "@sigstore/protobuf-specs";
import { DSSEBundleBuilder, MessageSignatureBundleBuilder } from "@sigstore/sign";
import { toSignedEntity, toTrustMaterial, Verifier } from "@sigstore/verify";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import type { Transport } from "../../../client/fetch.ts";
import { httpTransport } from "../../../client/fetch.ts";
import { plainly, type Signer } from "../../../client/keys/signer.ts";
import { openAgentKey } from "../../../client/keys/ssh-agent.ts";
import { bundleOfReceipt } from "../../../client/sigstore/from-receipt.ts";
import { KeySigner } from "../../../client/sigstore/key-signer.ts";
import {
  CountersignWitness,
  type CountersignWitnessOptions,
} from "../../../client/sigstore/witness.ts";
import { utf8 } from "../../../schema/bytes.ts";
import { LogError, unwrap } from "../../../schema/error.ts";
import type { Receipt } from "../../../schema/receipt.ts";
import { formatVkey } from "../../../schema/tlog/note.ts";
import { startTestLog, type TestLog } from "../../server/http/harness.ts";
import { folder, has, run, startAgent } from "../keys/tools.ts";
import { newSigner } from "../test-log.ts";
import { answerTo, rootOf, rsaSigner, spkiOf, statementAbout, tlogOf } from "./bundles.ts";

const ARTIFACT = Buffer.from("what is released\n");
const TYPE = "application/vnd.in-toto+json";
let log: TestLog;
let root: Uint8Array;

beforeAll(async () => {
  log = await startTestLog("memory");
  root = rootOf([tlogOf(log)]);
});
afterAll(async () => log.end());

type Options = Partial<CountersignWitnessOptions>;

function builders(signer: Signer, options: Options = {}) {
  const where = { url: log.url, log: log.parts.key.vkey, artifact: ARTIFACT };
  const parts = {
    signer: new KeySigner(signer),
    witnesses: [new CountersignWitness({ ...where, ...options })],
  };
  return {
    message: new MessageSignatureBundleBuilder(parts),
    envelope: new DSSEBundleBuilder(parts),
  };
}

async function made(signer: Signer, form: "message" | "envelope", options: Options = {}) {
  const data = form === "message" ? ARTIFACT : Buffer.from(statementAbout(ARTIFACT));
  return bundleToJSON(await builders(signer, options)[form].create({ data, type: TYPE }));
}

function sigstoreVerifies(json: unknown, signer: Signer): void {
  const publicKey = createPublicKey({
    key: Buffer.from(spkiOf(signer)),
    format: "der",
    type: "spki",
  });
  const material = toTrustMaterial(
    TrustedRoot.fromJSON(JSON.parse(new TextDecoder().decode(root))),
    () => ({ publicKey, validFor: () => true }),
  );
  const verifier = new Verifier(material, { timestampThreshold: 0 });
  verifier.verify(toSignedEntity(bundleFromJSON(json), ARTIFACT));
}

async function ourAnswer(json: unknown, signer: Signer): Promise<string> {
  const trust = { root, signer: { material: "key", key: spkiOf(signer) } } as const;
  return answerTo(trust, utf8(JSON.stringify(json)), { artifact: ARTIFACT });
}

describe("Sigstore's bundle builders", () => {
  const signers: [string, Signer][] = [
    ["ECDSA P-256", newSigner("p256")],
    ["RSA 2048", rsaSigner()],
  ];
  test.each(signers)("make bundles with %s that both verifiers accept", async (_, signer) => {
    for (const form of ["message", "envelope"] as const) {
      const bundle = await made(signer, form);
      expect(() => sigstoreVerifies(bundle, signer)).not.toThrow();
      expect(await ourAnswer(bundle, signer)).toBe("yes");
    }
  });

  test("carry the fingerprint that ssh-keygen prints, in both places", async () => {
    const signer = newSigner("p256");
    const bundle = await made(signer, "envelope");
    const { fingerprint } = signer.ssh ?? expect.fail();
    expect(fingerprint).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/);
    expect(bundle.verificationMaterial.publicKey?.hint).toBe(fingerprint);
    expect(bundle.dsseEnvelope?.signatures[0]?.keyid).toBe(fingerprint);
  });

  test("give the receipt as well, which makes the same bundle without Sigstore's packages", async () => {
    const signer = newSigner("p256");
    for (const form of ["message", "envelope"] as const) {
      const receipts: Receipt[] = [];
      const bundle = await made(signer, form, { onReceipt: (receipt) => receipts.push(receipt) });
      const ours: unknown = JSON.parse(
        unwrap(bundleOfReceipt(nodeCrypto.sha256, receipts[0] ?? expect.fail())),
      );
      expect(() => sigstoreVerifies(ours, signer)).not.toThrow();
      expect(await ourAnswer(ours, signer)).toBe("yes");
      expect(ours).toMatchObject(
        form === "message"
          ? { messageSignature: bundle.messageSignature }
          : { dsseEnvelope: bundle.dsseEnvelope },
      );
    }
  });

  test("log nothing for a key that no Sigstore client verifies, and say so", async () => {
    await expect(made(newSigner("ed25519"), "envelope")).rejects.toMatchObject({
      code: "KIND_UNSUPPORTED",
      message: expect.stringMatching(/^Nothing was logged/),
    });
  });

  test("with a place for receipts give that key its native receipt, and the same clear word", async () => {
    const receipts: Receipt[] = [];
    const options = { onReceipt: (receipt: Receipt): unknown => receipts.push(receipt) };
    await expect(made(newSigner("ed25519"), "envelope", options)).rejects.toMatchObject({
      code: "KIND_UNSUPPORTED",
      message: expect.stringMatching(/^Logged as entry \d+/),
    });
    expect(receipts).toHaveLength(1);
    const refused = bundleOfReceipt(nodeCrypto.sha256, receipts[0] ?? expect.fail());
    expect(refused).toMatchObject({ ok: false, code: "KIND_UNSUPPORTED" });
  });

  test.each(signers)(
    "keep the message of %s at home, where the witness has it not",
    async (_, signer) => {
      const receipts: Receipt[] = [];
      const options = {
        artifact: undefined,
        onReceipt: (receipt: Receipt): unknown => receipts.push(receipt),
      };
      const bundle = await made(signer, "message", options);
      expect(receipts[0]?.content).toBeUndefined();
      expect(() => sigstoreVerifies(bundle, signer)).not.toThrow();
      expect(await ourAnswer(bundle, signer)).toBe("yes");
      const ours = unwrap(bundleOfReceipt(nodeCrypto.sha256, receipts[0] ?? expect.fail()));
      expect(await ourAnswer(JSON.parse(ours), signer)).toBe("yes");
    },
  );

  test("log no digest by a key that no Sigstore client verifies", async () => {
    const receipts: Receipt[] = [];
    const onReceipt = (receipt: Receipt): unknown => receipts.push(receipt);
    const answer = made(newSigner("ed25519"), "message", { artifact: undefined, onReceipt });
    await expect(answer).rejects.toMatchObject({ code: "KIND_UNSUPPORTED" });
    expect(receipts).toEqual([]);
  });

  test("refuse a message with other bytes than it signs", async () => {
    const { message } = builders(newSigner("p256"), { artifact: Buffer.from("other") });
    await expect(message.create({ data: ARTIFACT })).rejects.toMatchObject({
      code: "FIELD_INVALID",
      detail: { field: "artifact" },
    });
  });
});

describe("the witness believes its log nothing", () => {
  const signer = newSigner("p256");

  /** The log, with something of its answers changed. */
  const lying = (change: (text: string) => string): Transport => {
    const honest = httpTransport(log.url);
    return {
      ...honest,
      post: async (path, body, options) => {
        const answer = new TextDecoder().decode(await honest.post(path, body, options));
        return utf8(change(answer));
      },
    };
  };

  test.each<[string, () => Options, string]>([
    ["another key than the pinned one", () => ({ log: otherVkey() }), "RESPONSE_INVALID"],
    [
      "a proof that does not hold",
      () => ({ transport: lying((text) => text.replace(/"hashes":\["./g, '"hashes":["_')) }),
      "RESPONSE_INVALID",
    ],
    [
      "the entry of something else",
      () => ({
        transport: lying((text) => text.replace(/"canonicalizedBody":"[^"]+"/g, genesisBody)),
      }),
      "RESPONSE_INVALID",
    ],
    ["no entry", () => ({ transport: lying(() => '{"entries":[]}') }), "RESPONSE_INVALID"],
    ["no log", () => ({ url: "http://127.0.0.1:1", wait: async () => {} }), "UNREACHABLE"],
  ])("%s is refused", async (_, options, code) => {
    for (const form of ["message", "envelope"] as const) {
      await expect(made(signer, form, options())).rejects.toMatchObject({ code });
      const digestOnly = { ...options(), artifact: undefined };
      await expect(made(signer, form, digestOnly)).rejects.toMatchObject({ code });
    }
  });

  test("a log that asks to wait is asked again, so many times and no more", async () => {
    const honest = httpTransport(log.url);
    let refusals = 2;
    const waited: number[] = [];
    const transport: Transport = {
      ...honest,
      post: async (path, body, options) => {
        if (refusals-- > 0)
          throw new LogError("NOT_WITNESSED", "durable at index 7, not yet witnessed; retry", {
            retryAfter: 60,
          });
        return honest.post(path, body, options);
      },
    };
    const wait = async (seconds: number): Promise<void> => void waited.push(seconds);
    const bundle = await made(signer, "envelope", { transport, wait });
    expect(await ourAnswer(bundle, signer)).toBe("yes");
    expect(waited).toEqual([5, 5]);
    refusals = Number.POSITIVE_INFINITY;
    await expect(made(signer, "envelope", { transport, wait })).rejects.toMatchObject({
      code: "NOT_WITNESSED",
    });
    expect(waited).toHaveLength(6);
  });
});

/** A verifier key of the log's name, of somebody else's making. */
function otherVkey(): string {
  return formatVkey(nodeCrypto.sha256, log.parts.key.origin, 1, new Uint8Array(32).fill(9));
}

const genesisBody = `"canonicalizedBody":"${Buffer.from('{"apiVersion":"0.0.1","kind":"countersign","spec":{}}').toString("base64")}"`;

describe.skipIf(!has("ssh-agent"))("a key in an ssh-agent", () => {
  test.each([
    ["ecdsa", "256"],
    ["rsa", "2048"],
  ])("of type %s signs bundles that both verifiers accept", async (type, bits) => {
    const directory = folder();
    const socket = startAgent(directory);
    const path = `${directory}/key`;
    run("ssh-keygen", ["-q", "-t", type, "-b", bits, "-f", path, "-N", ""]);
    run("ssh-add", ["-q", path], { env: { SSH_AUTH_SOCK: socket } });
    const signer = await openAgentKey(socket);
    for (const form of ["message", "envelope"] as const) {
      const bundle = await made(signer, form);
      expect(() => sigstoreVerifies(bundle, signer)).not.toThrow();
      expect(await ourAnswer(bundle, signer)).toBe("yes");
    }
  });

  test("A1 is asked for nothing that could mean something to SSH", async () => {
    const directory = folder();
    const socket = startAgent(directory);
    const path = `${directory}/key`;
    run("ssh-keygen", ["-q", "-t", "ecdsa", "-b", "256", "-f", path, "-N", ""]);
    run("ssh-add", ["-q", path], { env: { SSH_AUTH_SOCK: socket } });
    const { signRaw } = plainly(await openAgentKey(socket));
    if (signRaw === undefined) throw new Error("the key does not sign plainly");
    const login = Buffer.concat([
      Buffer.from([0, 0, 0, 32]),
      Buffer.alloc(32, 7),
      Buffer.from([50]),
    ]);
    for (const bytes of [login, utf8("SSHSIG and more"), new Uint8Array(4)])
      await expect(signRaw("ecdsa-p256-sha256", bytes)).rejects.toMatchObject({
        code: "SIGNER_FAILED",
        detail: { field: "content" },
      });
    await expect(signRaw("rsa-pkcs1-sha256", utf8("x"))).rejects.toMatchObject({
      code: "SIGNER_FAILED",
    });
    expect(await signRaw("ecdsa-p256-sha256", utf8("SSHSI"))).toBeInstanceOf(Uint8Array);
  });
});
