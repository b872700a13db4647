import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_NOTE_BYTES, MAX_NOTE_SIGNATURES } from "../../../schema/limits.ts";
import {
  formatNote,
  formatSignatures,
  formatVkey,
  isKeyName,
  keyHash,
  keyId,
  type NoteSignature,
  names,
  parseNote,
  parseSignatures,
  parseVkey,
  SIGNATURE_TYPES,
} from "../../../schema/tlog/note.ts";
import keys from "../../vectors/note/keys.json" with { type: "json" };
import notes from "../../vectors/note/notes.json" with { type: "json" };
import { failureOf, hex, joined, sha256, valueOf } from "./support.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

const line: fc.Arbitrary<NoteSignature> = fc.record({
  name: fc.stringMatching(/^[a-z0-9./]{1,20}$/),
  keyId: fc.uint8Array({ minLength: 4, maxLength: 4 }),
  signature: fc.uint8Array({ minLength: 1, maxLength: 100 }),
});
const text = fc
  .array(fc.stringMatching(/^[ -~äß€𝔘]{0,20}$/u), { minLength: 1, maxLength: 5 })
  .map((lines) => `${lines.join("\n")}\n`);

describe("a signed note", () => {
  test("is read back as it was written, also with blank lines in its text", () => {
    fc.assert(
      fc.property(text, fc.array(line, { minLength: 1, maxLength: 5 }), (body, signatures) => {
        const note = { text: body, signatures };
        expect(valueOf(parseNote(formatNote(note)))).toEqual(note);
      }),
    );
  });

  test("has one form: what is accepted is what would be written", () => {
    const seeds = notes.accepted.map(({ note }) => note);
    const cases = fc.tuple(fc.constantFrom(...seeds), fc.nat(), fc.nat(255));
    fc.assert(
      fc.property(cases, ([seed, at, value]) => {
        const bytes = bytesOf(seed);
        bytes[at % bytes.length] = value;
        const note = parseNote(bytes);
        if (note.ok) expect(formatNote(note.value)).toEqual(bytes);
      }),
      { numRuns: 2000 },
    );
  });

  test.each(notes.refused.filter(({ code }) => code === "FIELD_INVALID"))(
    "is refused: $why",
    ({ note }) => {
      expect(failureOf(parseNote(bytesOf(note)))).toMatchObject({
        code: "FIELD_INVALID",
        detail: { field: "note" },
      });
    },
  );

  test("that is not UTF-8 is refused", () => {
    const bytes = bytesOf(notes.accepted[0]?.note ?? expect.fail());
    bytes[3] = 0xff;
    expect(failureOf(parseNote(bytes)).message).toContain("UTF-8");
  });

  test("takes its signatures from behind the last blank line only", () => {
    const forged = "— log.example.test AAAAAAAA\n";
    const note = valueOf(parseNote(bytesOf(`text\n\n${forged}\n— other AQIDBAU=\n`)));
    expect(note.text).toBe(`text\n\n${forged}`);
    expect(note.signatures.map(({ name }) => name)).toEqual(["other"]);
  });

  test("may have 100 signatures of 5 kB and not 101, and no more than a million bytes", () => {
    const large: NoteSignature = {
      name: "a",
      keyId: new Uint8Array(4),
      signature: new Uint8Array(5_000),
    };
    const many = (count: number): NoteSignature[] => Array.from({ length: count }, () => large);
    const full = formatNote({ text: "t\n", signatures: many(MAX_NOTE_SIGNATURES) });
    expect(valueOf(parseNote(full)).signatures).toHaveLength(100);
    const tooMany = bytesOf(`t\n\n${formatSignatures(many(101))}`);
    expect(failureOf(parseNote(tooMany))).toMatchObject({
      code: "TOO_LARGE",
      detail: { limit: MAX_NOTE_SIGNATURES },
    });
    expect(failureOf(parseNote(new Uint8Array(MAX_NOTE_BYTES + 1)))).toMatchObject({
      code: "TOO_LARGE",
      detail: { limit: MAX_NOTE_BYTES },
    });
    expect(failureOf(parseSignatures("\n".repeat(MAX_NOTE_BYTES))).code).toBe("TOO_LARGE");
  });

  test("is not written in a form that would not be read", () => {
    const signatures = valueOf(parseSignatures("— a AQIDBAU=\n"));
    expect(() => formatNote({ text: "no newline", signatures })).toThrow("newline");
    expect(() => formatNote({ text: "t\n", signatures: [] })).toThrow();
    expect(() => formatNote({ text: "t\r\n", signatures })).toThrow("control character");
    const spaced = signatures.map((one) => ({ ...one, name: "a b" }));
    expect(() => formatNote({ text: "t\n", signatures: spaced })).toThrow("malformed");
  });
});

describe("a key name", () => {
  test.each([
    "",
    " ",
    "a b",
    "a+b",
    "a\u00a0b",
    "a\u2003b",
    "a\u0085b",
    "a\tb",
    "a\nb",
    "a\u007fb",
    "\ud800",
  ])("%j is none", (name) => {
    expect(isKeyName(name)).toBe(false);
  });

  test("may be a URL without its scheme, or any other word", () => {
    for (const name of ["log.example.test/2026", "a", "é", "oid/1.3.6.1"])
      expect(isKeyName(name)).toBe(true);
  });
});

describe("a verifier key", () => {
  test.each(keys.accepted)("$name of type $type is read back as it was written", (key) => {
    const parsed = valueOf(parseVkey(sha256, key.vkey));
    expect(parsed).toEqual({
      name: key.name,
      type: key.type,
      publicKey: hex(key.publicKey),
      keyId: hex(key.keyId),
    });
    expect(formatVkey(sha256, parsed.name, parsed.type, parsed.publicKey)).toBe(key.vkey);
    expect(keyId(sha256, parsed.name, parsed.type, parsed.publicKey)).toEqual(parsed.keyId);
  });

  test.each(keys.refused)("is refused: $why", ({ vkey }) => {
    expect(failureOf(parseVkey(sha256, vkey)).detail.field).toBe("vkey");
  });

  test("has one form: no changed character passes", () => {
    // The id of an ECDSA key does not cover its name (C2SP signed-note).
    for (const { vkey, type, name } of keys.accepted.slice(0, 3))
      for (
        let at = type === SIGNATURE_TYPES.ecdsa ? name.length : 0;
        at < Math.min(vkey.length, 120);
        at++
      )
        for (const other of ["A", "0", "+", "=", " ", "f"]) {
          const changed = vkey.slice(0, at) + other + vkey.slice(at + 1);
          if (changed !== vkey) expect(parseVkey(sha256, changed).ok).toBe(false);
        }
  });

  test("has the id that the specification computes", () => {
    const publicKey = new Uint8Array(32).fill(7);
    const input = joined(bytesOf("log.example.test\n"), Uint8Array.of(1), publicKey);
    expect(keyHash(sha256, "log.example.test", SIGNATURE_TYPES.ed25519, publicKey)).toEqual(
      sha256(input),
    );
    expect(keyHash(sha256, "log.example.test", SIGNATURE_TYPES.ecdsa, publicKey)).toEqual(
      sha256(publicKey),
    );
  });

  test("of an unsupported type, or of a wrong length, is told apart from nonsense", () => {
    const [unknown, short] = [/unknown type/, /one byte short/].map(
      (why) => keys.refused.find((one) => why.test(one.why))?.vkey ?? expect.fail(),
    );
    expect(failureOf(parseVkey(sha256, unknown ?? "")).code).toBe("KIND_UNSUPPORTED");
    expect(failureOf(parseVkey(sha256, short ?? "")).code).toBe("KEY_REFUSED");
    expect(failureOf(parseVkey(sha256, "+".repeat(1_000_000))).code).toBe("FIELD_INVALID");
    expect(() => formatVkey(sha256, "a b", 1, new Uint8Array(32))).toThrow("key name");
    expect(() => formatVkey(sha256, "a", 1, new Uint8Array(31))).toThrow("31 bytes");
  });

  test("is named by a line only where name and id are both its own", () => {
    const key = valueOf(parseVkey(sha256, keys.accepted[1]?.vkey ?? ""));
    const signature = new Uint8Array(1);
    const { name } = key;
    expect(names({ name, keyId: key.keyId, signature }, key)).toBe(true);
    expect(names({ name, keyId: new Uint8Array(4), signature }, key)).toBe(false);
    expect(names({ name: "other", keyId: key.keyId, signature }, key)).toBe(false);
  });
});
