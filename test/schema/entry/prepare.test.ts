import { generateKeyPairSync } from "node:crypto";
import { readdirSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toBase64, toHex, utf8 } from "../../../schema/bytes.ts";
import { pae } from "../../../schema/entry/dsse.ts";
import { parseLeaf } from "../../../schema/entry/leaf.ts";
import { prepareSubmission } from "../../../schema/entry/prepare.ts";
import { unwrap } from "../../../schema/error.ts";
import type { Submission } from "../../../schema/http/messages.ts";
import { parseSubmission } from "../../../schema/http/submission.ts";
import {
  MAX_CONTENT_BYTES,
  MAX_ENVELOPE_SIGNATURES,
  MAX_INLINE_KEY_BYTES,
  MAX_KEY_BYTES,
  MAX_LEAF_BYTES,
} from "../../../schema/limits.ts";
import { leafHash } from "../../../schema/tlog/hash.ts";
import { describeRealData } from "../../data.ts";
import * as made from "../../vectors/signers.ts";
import * as say from "../../vectors/statements.ts";
import { sha256 } from "../support.ts";
import { only, prepared, reason, refusalOf, SUBMISSIONS } from "./support.ts";

const ada = made.ed25519Signer("ada");
const bob = made.sshSigner("bob");
const p256 = made.p256Signer("p256");
const IN_TOTO = "application/vnd.in-toto+json";
const review = say.payload(say.review());
const refused = (submission: Submission) => reason(prepareSubmission(sha256, submission));

describe("the kind of leaf", () => {
  const rsa = made.rsaSigner();
  test.each([
    ["ECDSA P-256 over a PAE", made.dsseSubmission(IN_TOTO, review, p256), "hashedrekord"],
    ["ECDSA P-256 over raw bytes", made.rawSubmission(utf8("x"), p256), "hashedrekord"],
    ["RSA PKCS #1 v1.5 over a PAE", made.dsseSubmission(IN_TOTO, review, rsa), "hashedrekord"],
    ["RSA PKCS #1 v1.5 over raw bytes", made.rawSubmission(utf8("x"), rsa), "hashedrekord"],
    [
      "RSA PSS",
      {
        ...made.rawSubmission(utf8("x"), rsa),
        verifier: { ...made.verifier(rsa), keyDetails: "PKIX_RSA_PSS_2048_SHA256" },
      },
      "countersign",
    ],
    ["ECDSA P-384", made.rawSubmission(utf8("x"), made.p384Signer("x")), "countersign"],
    ["Ed25519", made.dsseSubmission(IN_TOTO, review, ada), "countersign"],
    ["ML-DSA-44", made.rawSubmission(utf8("x"), made.mlDsaSigner("x")), "countersign"],
    ["SSHSIG", made.sshsigSubmission(utf8("x"), bob), "countersign"],
  ] as const)("of %s", (_, submission, kind) => {
    expect(only(submission).leaf.kind).toBe(kind);
  });

  test("of RSA follows the size of its key", () => {
    for (const [bits, fits] of [
      [3072, true],
      [4096, true],
      [2560, false],
    ] as const) {
      const { publicKey } = generateKeyPairSync("rsa", { modulusLength: bits });
      const spki = publicKey.export({ type: "spki", format: "der" });
      const verifier = {
        publicKey: toBase64(spki),
        keyDetails: `PKIX_RSA_PKCS1V15_${bits}_SHA256`,
      };
      const result = prepareSubmission(sha256, {
        kind: "raw",
        content: "",
        signature: "AAAA",
        verifier,
      });
      if (fits) expect(unwrap(result)[0]?.leaf.kind).toBe("hashedrekord");
      else expect(reason(result)).toEqual(["KIND_UNSUPPORTED", "verifier.keyDetails"]);
    }
  });

  test("is one through either door: a PAE is a PAE", () => {
    for (const signer of [ada, p256]) {
      const message = pae(IN_TOTO, review);
      const raw = only(made.rawSubmission(message, signer));
      const dsse = only(made.dsseSubmission(IN_TOTO, review, signer));
      expect(raw.leafBytes).toEqual(dsse.leafBytes);
    }
    const armored = only(made.sshsigSubmission(pae(IN_TOTO, review), bob, "dsse@countersign"));
    expect(armored.leafBytes).toEqual(only(made.dsseSubmission(IN_TOTO, review, bob)).leafBytes);
  });
});

describe("an envelope", () => {
  test("with n signatures becomes n entries over one content", () => {
    const entries = prepared(made.dsseSubmission(IN_TOTO, review, ada, bob, p256));
    expect(entries.map(({ leaf }) => leaf.kind)).toEqual([
      "countersign",
      "countersign",
      "hashedrekord",
    ]);
    expect(new Set(entries.map((entry) => toHex(entry.contentDigest))).size).toBe(1);
    expect(new Set(entries.map((entry) => entry.content)).size).toBe(1);
    expect(new Set(entries.map((entry) => toHex(entry.signerId))).size).toBe(3);
  });

  test("with one bad signature is refused whole", () => {
    const good = made.dsseSubmission(IN_TOTO, review, ada, bob, p256);
    const [first, , third] = good.verifiers;
    if (first === undefined || third === undefined) throw new Error("three signers");
    expect(refused({ ...good, verifiers: [first, { sshsig: true }, { sshsig: true }] })).toEqual([
      "FIELD_INVALID",
      "envelope.signatures[2].sig",
    ]);
    const wrong = { ...made.verifier(p256), keyDetails: "ML_DSA_44" };
    expect(refused({ ...good, verifiers: [first, { sshsig: true }, wrong] })).toEqual([
      "KEY_REFUSED",
      "verifiers[2].keyDetails",
    ]);
    expect(refused({ ...good, verifiers: [first] })).toEqual(["FIELD_INVALID", "verifiers"]);
  });

  test("takes the same base64 as other tools write: URL-safe, with keyid", () => {
    const good = made.dsseSubmission(IN_TOTO, review, ada);
    const { envelope } = good;
    const url = (text: string): string =>
      text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    const other: Submission = {
      ...good,
      envelope: {
        ...envelope,
        payload: url(envelope.payload),
        signatures: envelope.signatures.map(({ sig }) => ({ sig: url(sig), keyid: "hint" })),
      },
    };
    expect(only(other).leafBytes).toEqual(only(good).leafBytes);
  });

  test("with too many signatures is refused", () => {
    const many = made.dsseSubmission(
      IN_TOTO,
      review,
      ...Array.from({ length: MAX_ENVELOPE_SIGNATURES + 1 }, () => ada),
    );
    expect(refused(many)).toEqual(["TOO_LARGE", "envelope.signatures"]);
  });
});

describe("a content", () => {
  const framed = pae("text/plain", new Uint8Array(MAX_CONTENT_BYTES - 30)).length;
  const room = MAX_CONTENT_BYTES - 30 + (MAX_CONTENT_BYTES - framed);

  test.each([
    [
      "raw",
      (over: number) => made.rawSubmission(new Uint8Array(MAX_CONTENT_BYTES + over), ada),
      "content",
    ],
    [
      "sshsig",
      (over: number) => made.sshsigSubmission(new Uint8Array(MAX_CONTENT_BYTES + over), bob),
      "content",
    ],
    [
      "dsse",
      (over: number) => made.dsseSubmission("text/plain", new Uint8Array(room + over), ada),
      "envelope.payload",
    ],
  ] as const)("of 1 MiB goes through the %s door, one byte more does not", (_, make, field) => {
    expect(only(make(0)).content.length).toBe(MAX_CONTENT_BYTES);
    const failure = refusalOf(prepareSubmission(sha256, make(1)));
    expect(failure).toMatchObject({
      code: "TOO_LARGE",
      detail: { field, limit: MAX_CONTENT_BYTES },
    });
    expect(failure.message).toContain("1048576");
  });
});

describe("a key", () => {
  const application = (bytes: number): string => {
    const base = made.fidoSigner("large").key.wire.length - "ssh:".length;
    return "a".repeat(bytes - base);
  };
  const submitted = (bytes: number) =>
    made.sshsigSubmission(utf8("x"), made.fidoSigner("large", application(bytes)));

  test("of 4,096 bytes is in the leaf, a larger one beside it", () => {
    const small = only(submitted(MAX_INLINE_KEY_BYTES));
    expect(small.keyObject).toBeUndefined();
    const large = only(submitted(MAX_INLINE_KEY_BYTES + 1));
    expect(large.keyObject?.bytes.length).toBe(MAX_INLINE_KEY_BYTES + 1);
    expect(large.keyObject?.digest).toEqual(sha256(large.keyObject?.bytes ?? new Uint8Array()));
    expect(toHex(large.signerId)).toBe(toHex(small.signerId));
  });

  test("of 32,768 bytes still fits", () => {
    expect(only(submitted(MAX_KEY_BYTES)).leafBytes.length).toBeLessThan(MAX_LEAF_BYTES);
  });

  test("is named by its numbers: a plain key and an SSH key have one signer id", () => {
    const plain = only(made.rawSubmission(utf8("x"), made.ed25519Signer("bob")));
    const ssh = only(made.sshsigSubmission(utf8("x"), bob));
    const fido = only(made.sshsigSubmission(utf8("x"), made.fidoSigner("bob")));
    expect(new Set([plain, ssh, fido].map((entry) => toHex(entry.signerId))).size).toBe(1);
  });
});

test("a signature that makes the leaf too large is refused, naming the leaf", () => {
  const submission = (bytes: number): Submission => ({
    ...made.rawSubmission(utf8("x"), ada),
    signature: toBase64(new Uint8Array(bytes)),
  });
  expect(only(submission(48_000)).leafBytes.length).toBeLessThan(MAX_LEAF_BYTES);
  expect(refusalOf(prepareSubmission(sha256, submission(49_200)))).toMatchObject({
    code: "TOO_LARGE",
    detail: { field: "leaf", limit: MAX_LEAF_BYTES },
  });
  expect(refused(submission(0))).toEqual(["FIELD_INVALID", "signature"]);
});

describe("a git object", () => {
  test("is put together again from its leaf and content", () => {
    const object = made.gitCommit(bob, say.UNSIGNED_COMMIT);
    const entry = only(made.gitSubmission(object));
    expect(entry.gitObject).toEqual(object);
    expect(entry.content).toEqual(utf8(say.UNSIGNED_COMMIT));
  });

  test("signed for another purpose than git is refused", () => {
    const file = made.sshsigSubmission(utf8(say.UNSIGNED_TAG), bob, "file").signature;
    expect(refused(made.gitSubmission(utf8(say.UNSIGNED_TAG + file)))).toEqual([
      "FIELD_INVALID",
      "object",
    ]);
  });

  test("with a second signature header keeps it in the content", () => {
    const extra = say.UNSIGNED_COMMIT.replace("\n\n", "\ngpgsig-sha256 other\n signature\n\n");
    const object = made.gitCommit(bob, extra);
    const entry = only(made.gitSubmission(object));
    expect(new TextDecoder().decode(entry.content)).toBe(extra);
    expect(entry.gitObject).toEqual(object);
  });

  test("that is not base64 is refused", () => {
    expect(refused({ kind: "git", object: "*" })).toEqual(["FIELD_INVALID", "object"]);
  });
});

describe("whatever is submitted", () => {
  test("is refused or becomes leaves that are read back, and never throws", () => {
    const texts = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map(toBase64),
      fc.string({ maxLength: 40 }),
      fc.constantFrom(toBase64(ada.spki), toBase64(utf8(say.UNSIGNED_COMMIT)), toBase64(review)),
    );
    const verifier = fc.oneof(
      fc.record({ publicKey: texts, keyDetails: fc.constantFrom("PKIX_ED25519", "ML_DSA_44", "") }),
      fc.constant({ sshsig: true as const }),
    );
    const submission: fc.Arbitrary<Submission> = fc.oneof(
      fc.record({ kind: fc.constant("git" as const), object: texts }),
      fc.record({ kind: fc.constant("sshsig" as const), content: texts, signature: texts }),
      fc.record({
        kind: fc.constant("raw" as const),
        content: texts,
        signature: texts,
        verifier: fc.record({ publicKey: texts, keyDetails: fc.constant("PKIX_ED25519") }),
      }),
      fc.record({
        kind: fc.constant("dsse" as const),
        envelope: fc.record({
          payloadType: fc.oneof(fc.constant(IN_TOTO), fc.string()),
          payload: texts,
          signatures: fc.array(fc.record({ sig: texts }), { maxLength: 3 }),
        }),
        verifiers: fc.array(verifier, { maxLength: 3 }),
      }),
    );
    fc.assert(
      fc.property(submission, (one) => {
        const entries = prepareSubmission(sha256, one);
        if (!entries.ok) return;
        for (const entry of entries.value) {
          expect(unwrap(parseLeaf(entry.leafBytes))).toEqual(entry.leaf);
          expect(leafHash(sha256, entry.leafBytes)).toEqual(entry.leafHash);
        }
      }),
      { numRuns: 1500 },
    );
  });

  test("with one character of it changed never throws either", () => {
    const all = SUBMISSIONS.map(([, , submission]) => JSON.stringify(submission));
    fc.assert(
      fc.property(
        fc.constantFrom(...all),
        fc.nat(),
        fc.constantFrom("A", "z", "/", "=", "0", "\\", '"', "{"),
        (text, at, letter) => {
          const start = at % text.length;
          const changed = utf8(text.slice(0, start) + letter + text.slice(start + 1));
          const submission = parseSubmission(changed);
          if (submission.ok) prepareSubmission(sha256, submission.value);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describeRealData("git-commits", (read, folder) => {
  test("47 plain SSH commits are prepared, every other kind is refused as unsupported", () => {
    const counts = { prepared: 0, unsupported: 0 };
    for (const file of readdirSync(folder)) {
      if (!file.endsWith(".commit")) continue;
      const raw = read(file);
      const result = prepareSubmission(sha256, made.gitSubmission(raw));
      if (result.ok) {
        counts.prepared++;
        expect(result.value[0]?.gitObject).toEqual(raw);
      } else {
        counts.unsupported++;
        expect(result.code).toBe("KIND_UNSUPPORTED");
      }
    }
    expect(counts).toEqual({ prepared: 47, unsupported: 28 });
  });
});
