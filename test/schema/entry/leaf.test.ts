import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { equal, fromBase64, fromUtf8, latin1, toHex, utf8 } from "../../../schema/bytes.ts";
import {
  encodeCheckedLeaf,
  encodeLeaf,
  kindVersionOf,
  leafContentDigest,
  parseLeaf,
} from "../../../schema/entry/leaf.ts";
import { unwrap } from "../../../schema/error.ts";
import { canonicalJson, parseJson } from "../../../schema/json.ts";
import { MAX_LEAF_BYTES } from "../../../schema/limits.ts";
import { leafHash } from "../../../schema/tlog/hash.ts";
import { describeRealData } from "../../data.ts";
import { flipped, sha256 } from "../support.ts";
import { countersignLeaf, ENTRIES, entryOf, hashedrekordLeaf, reason } from "./support.ts";

const bytesOf = (name: string): Uint8Array => entryOf(name).leafBytes;
const textOf = (name: string): string => latin1(bytesOf(name));
const NAMES = ["hashedrekord-p256-raw", "dsse-ed25519-commit-review", "sshsig-git-commit"];

describe("a leaf", () => {
  test.each(ENTRIES)("of %s is its own canonical JSON, and is read back whole", (_, entry) => {
    expect(canonicalJson(unwrap(parseJson(entry.leafBytes)))).toEqual(entry.leafBytes);
    const leaf = unwrap(parseLeaf(entry.leafBytes));
    expect(leaf).toEqual(entry.leaf);
    expect(encodeLeaf(leaf)).toEqual(entry.leafBytes);
    expect(toHex(leafContentDigest(leaf))).toBe(toHex(sha256(entry.content)));
    expect(kindVersionOf(entry.leafBytes)?.kind).toBe(leaf.kind);
  });

  test.each(NAMES)("%s with white space, another order or a byte more is refused", (name) => {
    const text = textOf(name);
    const changed = [
      `${text}\n`,
      ` ${text}`,
      text.replace('","kind"', '", "kind"'),
      text.replace(/^\{("apiVersion":"[^"]+"),("kind":"[^"]+"),/, "{$2,$1,"),
      text.replace('"kind"', '"\\u006bind"'),
      text.replace("{", '{"another":1,'),
      text.replace('"spec":{', '"spec":{"a":1,'),
    ];
    for (const one of changed) {
      expect(one).not.toBe(text);
      expect(reason(parseLeaf(utf8(one)))[0]).toBe("NOT_CANONICAL");
    }
  });

  test("with a member twice is refused", () => {
    const doubled = textOf("hashedrekord-p256-raw").replace("{", '{"kind":"hashedrekord",');
    expect(reason(parseLeaf(utf8(doubled)))[0]).toBe("JSON_MALFORMED");
  });

  test("with base64 of another form is refused", () => {
    const text = textOf("dsse-ed25519-commit-review");
    const [, digest = ""] = /"digest":"([^"]+)"/.exec(text) ?? [];
    for (const other of [digest.slice(0, -1), `${digest}=`, digest.replace(/.=$/, "B="), ""])
      expect(reason(parseLeaf(utf8(text.replace(digest, other))))).toEqual([
        "FIELD_INVALID",
        "spec.content.digest",
      ]);
  });

  test("with a number in another form is refused", () => {
    const text = textOf("raw-ed25519-empty");
    for (const size of ["0.0", "0e1", "-0"])
      expect(reason(parseLeaf(utf8(text.replace('"size":0', `"size":${size}`))))[0]).toBe(
        "NOT_CANONICAL",
      );
    for (const size of ["-1", "0.5", '"0"', "null"])
      expect(reason(parseLeaf(utf8(text.replace('"size":0', `"size":${size}`))))).toEqual([
        "FIELD_INVALID",
        "spec.content.size",
      ]);
    expect(reason(parseLeaf(utf8(text.replace('"size":0', '"size":1048577'))))).toEqual([
      "TOO_LARGE",
      "spec.content.size",
    ]);
  });

  test.each([
    ["another kind", /"kind":"[a-z]+"/, '"kind":"dsse"', "kind"],
    ["another format", '"format":"dsse"', '"format":"openpgp"', "spec.signature.format"],
    ["another algorithm", "PKIX_ED25519", "PKIX_ED25519_PH", "spec.signature.algorithm"],
  ])("of %s is refused as unsupported", (_, from, to, field) => {
    const text = textOf("dsse-ed25519-commit-review").replace(from, to);
    expect(reason(parseLeaf(utf8(text)))).toEqual(["KIND_UNSUPPORTED", field]);
  });

  test("a hashedrekord has one key, plain or in a certificate, under a name that it can hold", () => {
    const text = textOf("hashedrekord-p256-raw");
    const verifier = "spec.hashedRekordV002.signature.verifier";
    expect(unwrap(parseLeaf(utf8(text.replace("publicKey", "x509Certificate"))))).toMatchObject({
      verifier: { container: "x509Certificate" },
    });
    const both = text.replace('"publicKey"', '"publicKey":{"rawBytes":"AA=="},"x509Certificate"');
    expect(reason(parseLeaf(utf8(both)))[0]).toBe("NOT_CANONICAL");
    expect(reason(parseLeaf(utf8(text.replace('"publicKey"', '"another"'))))).toEqual([
      "FIELD_INVALID",
      `${verifier}.publicKey`,
    ]);
    expect(reason(parseLeaf(utf8(text.replace("P256_SHA_256", "P384_SHA_384"))))).toEqual([
      "KIND_UNSUPPORTED",
      `${verifier}.keyDetails`,
    ]);
    expect(reason(parseLeaf(utf8(text.replace("0.0.2", "0.0.1"))))[0]).toBe("FIELD_INVALID");
  });

  test("has its key or its key's digest, not both and not neither", () => {
    const { signature } = countersignLeaf("dsse-ed25519-commit-review");
    const digest = sha256(signature.value);
    const withKey = (key: object): Uint8Array => {
      const leaf = countersignLeaf("dsse-ed25519-commit-review");
      return encodeLeaf({ ...leaf, signature: { ...signature, key: { id: digest, ...key } } });
    };
    for (const key of [{}, { value: Uint8Array.of(1), digest }])
      expect(reason(parseLeaf(withKey(key)))).toEqual([
        "FIELD_INVALID",
        "spec.signature.key.value",
      ]);
    expect(parseLeaf(withKey({ digest })).ok).toBe(true);
  });

  test("has at most 65,535 bytes", () => {
    const leaf = hashedrekordLeaf("hashedrekord-p256-raw");
    const sized = (n: number) => ({ ...leaf, signature: new Uint8Array(n) });
    const spare = MAX_LEAF_BYTES - encodeLeaf(sized(0)).length;
    const most = sized(Math.floor(spare / 4) * 3);
    expect(parseLeaf(unwrap(encodeCheckedLeaf(most)))).toEqual({ ok: true, value: most });
    const over = sized(Math.floor(spare / 4) * 3 + 1);
    expect(reason(encodeCheckedLeaf(over))).toEqual(["TOO_LARGE", "leaf"]);
    expect(reason(parseLeaf(encodeLeaf(over)))).toEqual(["TOO_LARGE", "leaf"]);
  });

  test("with any one byte changed is refused, or is another leaf with another hash", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ENTRIES),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        ([, entry], at, mask) => {
          const changed = flipped(entry.leafBytes, at % entry.leafBytes.length, mask);
          const leaf = parseLeaf(changed);
          if (!leaf.ok) return;
          expect(encodeLeaf(leaf.value)).toEqual(changed);
          expect(equal(leafHash(sha256, changed), entry.leafHash)).toBe(false);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("parsing never throws, whatever the bytes", () => {
    const hostile = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.json().map(utf8),
      fc
        .tuple(fc.constantFrom(...NAMES), fc.nat(), fc.nat(9), fc.uint8Array({ maxLength: 9 }))
        .map(([name, at, drop, insert]) => {
          const bytes = bytesOf(name);
          const start = at % bytes.length;
          return new Uint8Array([
            ...bytes.slice(0, start),
            ...insert,
            ...bytes.slice(start + drop),
          ]);
        }),
    );
    fc.assert(
      fc.property(hostile, (bytes) => {
        const leaf = parseLeaf(bytes);
        if (leaf.ok) expect(encodeLeaf(leaf.value)).toEqual(bytes);
      }),
      { numRuns: 3000 },
    );
  });

  test("deep nesting is refused", () => {
    const deep = utf8(`${"[".repeat(30_000)}${"]".repeat(30_000)}`);
    expect(reason(parseLeaf(deep))[0]).toBe("JSON_MALFORMED");
  });
});

describeRealData("rekor-samples", (read) => {
  const bodyIn = (file: string): Uint8Array => {
    const [, base64 = ""] =
      /"canonicalizedBody":\s*"([^"]+)"/.exec(fromUtf8(read(file)) ?? "") ?? [];
    return fromBase64(base64) ?? new Uint8Array();
  };

  test.each([
    "cosign-attest-bundle.json",
    "cosign-blob-bundle.json",
    "rekor-hashedrekord-response.json",
  ])("the leaf that Rekor wrote in %s is read, and written byte for byte", (file) => {
    const body = bodyIn(file);
    const leaf = unwrap(parseLeaf(body));
    expect(leaf.kind).toBe("hashedrekord");
    expect(encodeLeaf(leaf)).toEqual(body);
  });

  test("Rekor's older leaf of kind dsse is refused as unsupported", () => {
    expect(reason(parseLeaf(bodyIn("rekor-dsse-response.json")))).toEqual([
      "KIND_UNSUPPORTED",
      "kind",
    ]);
  });
});
