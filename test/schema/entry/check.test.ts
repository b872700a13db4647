import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concat, toHex, utf8 } from "../../../schema/bytes.ts";
import { checkLeaf, leafSignerId } from "../../../schema/entry/check.ts";
import { type CountersignLeaf, encodeLeaf, parseLeaf } from "../../../schema/entry/leaf.ts";
import { unwrap } from "../../../schema/error.ts";
import { MAX_CONTENT_BYTES } from "../../../schema/limits.ts";
import { flipped, sha256 } from "../support.ts";
import { countersignLeaf, ENTRIES, entryOf, hashedrekordLeaf, reason } from "./support.ts";

type Signature = CountersignLeaf["signature"];

/** The check of a leaf with parts of it changed, against the content of the vector. */
function checkChanged(
  name: string,
  change: (leaf: CountersignLeaf) => CountersignLeaf,
): readonly [string, string | undefined] {
  const leaf = change(countersignLeaf(name));
  expect(parseLeaf(encodeLeaf(leaf)).ok).toBe(true);
  return reason(checkLeaf(sha256, leaf, entryOf(name).content));
}

const signed = (leaf: CountersignLeaf, change: Partial<Signature>): CountersignLeaf => ({
  ...leaf,
  signature: { ...leaf.signature, ...change },
});

describe("a leaf that came from a log", () => {
  test.each(ENTRIES)("%s passes with its content, and without", (_, entry) => {
    const leaf = unwrap(parseLeaf(entry.leafBytes));
    const key = entry.keyObject?.bytes;
    const checked = unwrap(checkLeaf(sha256, leaf, entry.content, key));
    expect(checked.reading).toEqual(entry.reading);
    expect(checked.gitObject).toEqual(entry.gitObject);
    expect(toHex(checked.signerId)).toBe(toHex(entry.signerId));
    expect(checked.publicKey).toEqual(entry.publicKey);
    const alone = unwrap(checkLeaf(sha256, leaf, undefined, key));
    expect(alone.reading).toBeUndefined();
    expect(alone.signerId).toEqual(entry.signerId);
    expect(unwrap(leafSignerId(sha256, leaf, key))).toEqual(entry.signerId);
  });

  test.each(ENTRIES)("%s is not checked against another content", (_, entry) => {
    for (const content of [concat(entry.content, utf8("x")), utf8("another"), new Uint8Array(9)])
      expect(reason(checkLeaf(sha256, entry.leaf, content, entry.keyObject?.bytes))).toEqual([
        "NOT_FOUND",
        "content",
      ]);
  });

  test("any one byte of any content changed is refused", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ENTRIES.filter(([, { content }]) => content.length > 0)),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        ([, entry], at, mask) => {
          const content = flipped(entry.content, at % entry.content.length, mask);
          expect(checkLeaf(sha256, entry.leaf, content, entry.keyObject?.bytes).ok).toBe(false);
        },
      ),
      { numRuns: 500 },
    );
  });

  // What surrounds the key in a certificate is signed by its issuer, and not by the entry's key.
  const PLAIN = ENTRIES.filter(([name]) => !name.includes("certificate"));

  test("any one byte of its leaf changed: refused, or another signature, or another statement", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...PLAIN),
        fc.nat(),
        fc.integer({ min: 1, max: 127 }),
        ([, entry], at, mask) => {
          const leaf = parseLeaf(flipped(entry.leafBytes, at % entry.leafBytes.length, mask));
          if (!leaf.ok) return;
          const checked = checkLeaf(sha256, leaf.value, entry.content, entry.keyObject?.bytes);
          if (!checked.ok) return;
          const { signature } = leaf.value;
          const value = "value" in signature ? signature.value : signature;
          const before =
            "value" in entry.leaf.signature ? entry.leaf.signature.value : entry.leaf.signature;
          const sameSigner = toHex(checked.value.signerId) === toHex(entry.signerId);
          // Armor may be wrapped in more than one way; then it is another git object.
          const { gitObject = new Uint8Array(0) } = checked.value;
          const sameObject = toHex(gitObject) === toHex(entry.gitObject ?? new Uint8Array(0));
          expect(toHex(value) === toHex(before) && sameSigner && sameObject).toBe(false);
        },
      ),
      { numRuns: 3000 },
    );
  });

  test("E1 media type, size, format and algorithm are not its own choice", () => {
    const content = (change: Partial<CountersignLeaf["content"]>) => (leaf: CountersignLeaf) => ({
      ...leaf,
      content: { ...leaf.content, ...change },
    });
    const review = "dsse-ed25519-commit-review";
    expect(checkChanged(review, content({ mediaType: "text/plain" }))).toEqual([
      "FIELD_INVALID",
      "spec.content.mediaType",
    ]);
    expect(checkChanged(review, content({ size: 1 }))).toEqual([
      "FIELD_INVALID",
      "spec.content.size",
    ]);
    expect(checkChanged(review, (leaf) => signed(leaf, { format: "raw" }))).toEqual([
      "FIELD_INVALID",
      "spec.signature.format",
    ]);
    expect(
      checkChanged("raw-ed25519-checksums", (leaf) => signed(leaf, { format: "dsse" })),
    ).toEqual(["FIELD_INVALID", "spec.signature.format"]);
    expect(checkChanged(review, (leaf) => signed(leaf, { algorithm: "ML_DSA_44" }))).toEqual([
      "KEY_REFUSED",
      "spec.signature.algorithm",
    ]);
    expect(checkChanged(review, (leaf) => signed(leaf, { format: "sshsig" }))).toEqual([
      "FIELD_INVALID",
      "spec.signature.algorithm",
    ]);
    expect(
      checkChanged("sshsig-file-fido", (leaf) => signed(leaf, { algorithm: "PKIX_ED25519" })),
    ).toEqual(["FIELD_INVALID", "spec.signature.algorithm"]);
  });

  test.each(["dsse-ed25519-commit-review", "sshsig-git-commit"])(
    "E1 the key id of %s is the signer id",
    (name) => {
      const { id } = countersignLeaf("raw-ed25519-empty").signature.key;
      const other = flipped(id, 3);
      const changed = (leaf: CountersignLeaf): CountersignLeaf =>
        signed(leaf, { key: { ...leaf.signature.key, id: sha256(other) } });
      expect(checkChanged(name, changed)).toEqual(["FIELD_INVALID", "spec.signature.key.id"]);
    },
  );

  test("E1 the key of an sshsig is the one inside its blob", () => {
    const other = countersignLeaf("sshsig-file-fido").signature.key.value ?? new Uint8Array();
    expect(
      checkChanged("sshsig-git-commit", (leaf) =>
        signed(leaf, { key: { ...leaf.signature.key, value: other } }),
      ),
    ).toEqual(["FIELD_INVALID", "spec.signature.key.value"]);
  });

  test("E1 a small key is in the leaf, a large one is named by its digest", () => {
    const review = countersignLeaf("dsse-ed25519-commit-review");
    const { id, value = new Uint8Array() } = review.signature.key;
    const byDigest = signed(review, { key: { id, digest: sha256(value) } });
    const { content } = entryOf("dsse-ed25519-commit-review");
    expect(reason(checkLeaf(sha256, byDigest, content, value))).toEqual([
      "FIELD_INVALID",
      "spec.signature.key.value",
    ]);
    expect(reason(checkLeaf(sha256, byDigest, content))).toEqual(["NOT_FOUND", "key"]);
    expect(reason(checkLeaf(sha256, byDigest, content, utf8("other")))).toEqual([
      "NOT_FOUND",
      "key",
    ]);
  });

  test("a key that is not in canonical DER is refused", () => {
    const p256 = hashedrekordLeaf("hashedrekord-p256-raw");
    const bytes = concat(p256.verifier.bytes, new Uint8Array(1));
    const long = { ...p256, verifier: { ...p256.verifier, bytes } };
    expect(reason(checkLeaf(sha256, long, undefined))).toEqual([
      "NOT_CANONICAL",
      "spec.hashedRekordV002.signature.verifier.publicKey.rawBytes",
    ]);
  });

  test("an RSASSA-PSS key is refused where only rsaEncryption is canonical", () => {
    const leaf = hashedrekordLeaf("hashedrekord-rsa-2048");
    // The OID 1.2.840.113549.1.1.1 becomes …1.1.10, without other parameters than NULL.
    const { container, bytes } = leaf.verifier;
    const at = toHex(bytes).indexOf("2a864886f70d010101") / 2 + 8;
    const pss = { container, bytes: flipped(bytes, at, 0x01 ^ 0x0a) };
    expect(checkLeaf(sha256, { ...leaf, verifier: pss }, undefined).ok).toBe(false);
  });

  test("E2 the git field makes the object whose signature the leaf is", () => {
    const git =
      (change: Partial<NonNullable<CountersignLeaf["git"]>>) => (leaf: CountersignLeaf) => {
        if (leaf.git === undefined) throw new Error("no git field");
        return { ...leaf, git: { ...leaf.git, ...change } };
      };
    const commit = countersignLeaf("sshsig-git-commit");
    const at = commit.git?.at ?? 0;
    const value = commit.git?.value ?? new Uint8Array();
    for (const change of [
      { at: at - 1 },
      { at: 0 },
      { at: 1e6 },
      { header: "gpgsig-sha256" },
      { header: "" },
      { value: concat(value, value) },
      { value: utf8("gpgsig x\n") },
      { value: flipped(value, 60) },
    ])
      expect(checkChanged("sshsig-git-commit", git(change))[0]).toMatch(
        /^(FIELD_INVALID|KIND_UNSUPPORTED|NOT_CANONICAL)$/,
      );
  });

  test("E2 a git field is there exactly for the namespace git", () => {
    const { git, ...without } = countersignLeaf("sshsig-git-tag");
    if (git === undefined) throw new Error("no git field");
    const { content } = entryOf("sshsig-git-tag");
    expect(reason(checkLeaf(sha256, without, content))).toEqual(["FIELD_INVALID", "spec.git"]);
    for (const name of ["sshsig-file-fido", "dsse-ed25519-commit-review"])
      expect(checkChanged(name, (leaf) => ({ ...leaf, git }))).toEqual([
        "FIELD_INVALID",
        "spec.git",
      ]);
  });

  test("the countersign twin of an opaque hashedrekord passes", () => {
    for (const [name, format] of [
      ["hashedrekord-p256-provenance", "dsse"],
      ["hashedrekord-p256-raw", "raw"],
      ["hashedrekord-p256-certificate", "dsse"],
    ] as const) {
      const { leaf, content, reading, signerId } = entryOf(name);
      if (leaf.kind !== "hashedrekord") throw new Error(name);
      const twin: CountersignLeaf = {
        kind: "countersign",
        content: { digest: leaf.digest, mediaType: reading.mediaType, size: content.length },
        signature: {
          algorithm: leaf.keyDetails,
          format,
          key: { id: signerId, value: leaf.verifier.bytes },
          value: leaf.signature,
        },
      };
      expect(unwrap(checkLeaf(sha256, twin, content)).reading).toEqual(reading);
      const wrong = signed(twin, { format: format === "raw" ? "dsse" : "raw" });
      expect(checkLeaf(sha256, wrong, content).ok).toBe(false);
    }
  });

  test("a content over the limit is refused although its digest is the right one", () => {
    const content = new Uint8Array(MAX_CONTENT_BYTES + 1);
    const leaf = { ...hashedrekordLeaf("hashedrekord-p256-raw"), digest: sha256(content) };
    expect(reason(checkLeaf(sha256, leaf, content))).toEqual(["TOO_LARGE", "content"]);
  });
});
