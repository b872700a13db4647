import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concat, fromUtf8 } from "../../../schema/bytes.ts";
import { unwrap } from "../../../schema/error.ts";
import {
  encodeSshKey,
  formatSshKeyLine,
  isHardwareAlgorithm,
  parseSshKey,
  parseSshKeyLine,
  sshFingerprint,
} from "../../../schema/key/ssh-key.ts";
import { sshString } from "../../../schema/key/ssh-wire.ts";
import { describeRealData, vector, vectorJson } from "../../data.ts";
import { containing, flipped, hex, sha256 } from "../support.ts";

interface Row {
  readonly key: string;
  readonly fingerprint: string;
}

const rows = [
  ...new Map(vectorJson<Row[]>("sshsig/index.json").map((row) => [row.key, row])).values(),
];
const line = (file: string): string => fromUtf8(vector(`sshsig/${file}`)) ?? "";
const ed25519Line = line("ed25519.pub");

describe("keys that ssh-keygen made", () => {
  test("there is one of each algorithm", () => {
    const algorithms = rows.map((row) => unwrap(parseSshKeyLine(line(row.key))).algorithm);
    expect(algorithms.toSorted()).toEqual([
      "ecdsa-sha2-nistp256",
      "ecdsa-sha2-nistp384",
      "ecdsa-sha2-nistp521",
      "ssh-ed25519",
      "ssh-rsa",
    ]);
  });

  test.each(rows)("$key is read and written alike, with ssh-keygen's fingerprint", (row) => {
    const key = unwrap(parseSshKeyLine(line(row.key)));
    expect(sshFingerprint(sha256, key.wire)).toBe(row.fingerprint);
    expect(encodeSshKey(key.key)).toEqual(key.wire);
    expect(`${formatSshKeyLine(key, key.comment)}\n`).toBe(line(row.key));
    expect(isHardwareAlgorithm(key.algorithm)).toBe(false);
    expect(key.application).toBeUndefined();
  });

  test.each(rows)("$key with a byte more, a byte less or a changed name is refused", (row) => {
    const { wire } = unwrap(parseSshKeyLine(line(row.key)));
    expect(parseSshKey(concat(wire, Uint8Array.of(0))).ok).toBe(false);
    for (let length = 0; length < wire.length; length++)
      expect(parseSshKey(wire.subarray(0, length)).ok).toBe(false);
    expect(parseSshKey(flipped(wire, 4))).toMatchObject({ code: "KIND_UNSUPPORTED" });
  });

  test.each(rows)("$key changed anywhere never throws and never reads as the same key", (row) => {
    const { wire } = unwrap(parseSshKeyLine(line(row.key)));
    fc.assert(
      fc.property(fc.nat(wire.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const changed = flipped(wire, at, mask);
        const result = parseSshKey(changed);
        if (result.ok) expect(encodeSshKey(result.value.key)).toEqual(changed);
      }),
    );
  });
});

describe("other keys", () => {
  const raw = unwrap(parseSshKeyLine(ed25519Line)).key;
  const point = raw.type === "ed25519" ? raw.raw : new Uint8Array(0);

  test("a FIDO key has an application, and its inner key", () => {
    const wire = concat(
      sshString("sk-ssh-ed25519@openssh.com"),
      sshString(point),
      sshString("ssh:signing"),
    );
    const key = unwrap(parseSshKey(wire));
    expect(key).toMatchObject({ application: "ssh:signing", key: { type: "ed25519", raw: point } });
    expect(isHardwareAlgorithm(key.algorithm)).toBe(true);
    expect(unwrap(parseSshKeyLine(formatSshKeyLine(key))).wire).toEqual(wire);
    expect(parseSshKey(wire.subarray(0, -15)).ok).toBe(false);
  });

  test.each([
    "ssh-ed25519-cert-v01@openssh.com",
    "ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "sk-ssh-ed25519-cert-v01@openssh.com",
    "webauthn-sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-mldsa44-ed25519@openssh.com",
    "ssh-dss",
    "ssh-ed448",
    "rsa-sha2-256",
  ])("%s is unsupported, and the message names it", (name) => {
    const wire = concat(sshString(name), sshString(point));
    expect(parseSshKey(wire)).toMatchObject({
      code: "KIND_UNSUPPORTED",
      message: containing(name),
    });
    expect(parseSshKeyLine(`${name} AAAA`)).toMatchObject({ code: "KIND_UNSUPPORTED" });
  });

  test("a name that cannot be printed is not printed", () => {
    const result = parseSshKey(concat(sshString("\u001b[31m"), sshString(point)));
    expect(result).toMatchObject({ code: "KIND_UNSUPPORTED" });
    expect(JSON.stringify(result)).not.toContain("\\u001b");
  });

  test("K1 a weak key is refused in SSH form too", () => {
    const small = concat(sshString("ssh-ed25519"), sshString(new Uint8Array(32)));
    expect(parseSshKey(small)).toMatchObject({ code: "KEY_REFUSED" });
    const short = concat(
      sshString("ssh-rsa"),
      sshString(hex("010001")),
      sshString(concat(Uint8Array.of(0), new Uint8Array(128).fill(255))),
    );
    expect(parseSshKey(short)).toMatchObject({ code: "KEY_REFUSED" });
  });

  test("an ECDSA key whose two curve names differ is refused", () => {
    const p256 = unwrap(parseSshKeyLine(line("ecdsa-p256.pub"))).key;
    if (p256.type !== "ecdsa") throw new Error("an EC key was made");
    const wire = concat(
      sshString("ecdsa-sha2-nistp256"),
      sshString("nistp384"),
      sshString(p256.point),
    );
    expect(parseSshKey(wire)).toMatchObject({ code: "FIELD_INVALID" });
  });
});

describe("the line of a key", () => {
  test.each([
    ["no key", "ssh-ed25519"],
    ["options in front", `cert-authority ${ed25519Line}`],
    ["another algorithm in front", ed25519Line.replace("ssh-ed25519", "ssh-rsa")],
    ["two lines", `${ed25519Line}${ed25519Line}`],
    ["base64 that is not canonical", ed25519Line.replace(/ (AAAA\S*)/, " $1=")],
    ["nothing", ""],
  ])("is refused: %s", (_name, text) => {
    expect(parseSshKeyLine(text).ok).toBe(false);
  });

  test("may have a comment with spaces, a tab, and any line end", () => {
    const [name = "", base64 = ""] = ed25519Line.split(" ");
    expect(unwrap(parseSshKeyLine(`${name}\t${base64}  a b \r\n`)).comment).toBe("a b");
    expect(unwrap(parseSshKeyLine(`${name} ${base64}`)).comment).toBe("");
  });

  test("never throws", () => {
    fc.assert(
      fc.property(fc.string(), fc.uint8Array(), (text, wire) => {
        expect(parseSshKeyLine(text).ok).toBe(false);
        expect(typeof parseSshKey(wire).ok).toBe("boolean");
      }),
    );
  });
});

describeRealData("openssh-sshsig", (read) => {
  test.each(["ecdsa", "ecdsa_sk", "ecdsa_sk_webauthn", "ed25519", "ed25519_sk", "rsa"])(
    "OpenSSH's key %s is read and written alike",
    (name) => {
      const text = fromUtf8(read(`${name}.pub`)) ?? "";
      const key = unwrap(parseSshKeyLine(text));
      expect(text.startsWith(formatSshKeyLine(key))).toBe(true);
      expect(key.application !== undefined).toBe(name.includes("_sk"));
    },
  );

  test("OpenSSH's ML-DSA hybrid key is unsupported by name", () => {
    const text = fromUtf8(read("mldsa44-ed25519.pub")) ?? "";
    expect(parseSshKeyLine(text)).toMatchObject({
      code: "KIND_UNSUPPORTED",
      message: containing("mldsa44"),
    });
  });
});
