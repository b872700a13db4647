import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concat, fromUtf8, toBase64, utf8 } from "../../../schema/bytes.ts";
import { pae, parseEnvelope, parsePae } from "../../../schema/entry/dsse.ts";
import { unwrap } from "../../../schema/error.ts";
import { type JsonValue, parseJson } from "../../../schema/json.ts";

describe("the pre-authentication encoding", () => {
  // The example of the DSSE specification (protocol.md).
  test("is that of the specification", () => {
    expect(fromUtf8(pae("http://example.com/HelloWorld", utf8("hello world")))).toBe(
      "DSSEv1 29 http://example.com/HelloWorld 11 hello world",
    );
  });

  test("counts bytes, not characters", () => {
    expect(fromUtf8(pae("ä", utf8("€")))).toBe("DSSEv1 2 ä 3 €");
  });

  test("is read back, whatever the payload", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.uint8Array(), (payloadType, payload) => {
        expect(unwrap(parsePae(pae(payloadType, payload)))).toEqual({ payloadType, payload });
      }),
    );
  });

  test.each([
    "",
    "DSSEv1",
    "DSSEv1 1 a 1 ",
    "DSSEv1 1 a 1 bc",
    "DSSEv1 1 a 01 b",
    "DSSEv1 00 a 1 b",
    "DSSEv1 1 a  1 b",
    "DSSEv1 1 a 1b",
    "DSSEv1 2 a 1 b",
    "DSSEv1  a 1 b",
    "DSSEv1 -1 a 1 b",
    "DSSEv1 1 a 1x b",
    "DSSEv2 1 a 1 b",
    "dssev1 1 a 1 b",
    "DSSEv1 9999999999 a 1 b",
    "DSSEv1 1 a 0",
    " DSSEv1 1 a 1 b",
  ])("%j is not one", (text) => {
    expect(parsePae(utf8(text))).toMatchObject({ ok: false, code: "FIELD_INVALID" });
  });

  test("an empty type and an empty payload are one", () => {
    expect(unwrap(parsePae(utf8("DSSEv1 0  0 ")))).toEqual({
      payloadType: "",
      payload: new Uint8Array(0),
    });
  });

  test("a type that is not UTF-8 is not one", () => {
    expect(parsePae(concat(utf8("DSSEv1 1 "), Uint8Array.of(255), utf8(" 0 "))).ok).toBe(false);
  });

  test("whatever is accepted is what would be written, and nothing throws", () => {
    const piece = fc.constantFrom("DSSEv1", " ", "0", "1", "2", "a", "é", "DSSEv1 1 a 1 b");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 9 }), (pieces) => {
        const bytes = utf8(pieces.join(""));
        const result = parsePae(bytes);
        if (result.ok) expect(pae(result.value.payloadType, result.value.payload)).toEqual(bytes);
      }),
      { numRuns: 5000 },
    );
  });
});

describe("an envelope", () => {
  const envelope = (changes: Record<string, JsonValue> = {}): JsonValue => ({
    payloadType: "application/vnd.in-toto+json",
    payload: "e30=",
    signatures: [{ keyid: "k", sig: "AQID" }],
    ...changes,
  });

  test("is read; unknown fields are ignored", () => {
    const value = envelope({
      extra: 1,
      signatures: [
        { sig: "AQID", x: {} },
        { keyid: "k", sig: "" },
      ],
    });
    expect(unwrap(parseEnvelope(value))).toEqual({
      payloadType: "application/vnd.in-toto+json",
      payload: utf8("{}"),
      signatures: [{ sig: Uint8Array.of(1, 2, 3) }, { sig: new Uint8Array(0), keyid: "k" }],
    });
  });

  test.each(["-_8=", "-_8", "+/8=", "+/8"])("base64 in either alphabet: %s", (payload) => {
    expect(unwrap(parseEnvelope(envelope({ payload }))).payload).toEqual(Uint8Array.of(251, 255));
  });

  test.each([null, ""])("a key id of %j is none", (keyid) => {
    const value = envelope({ signatures: [{ keyid, sig: "AQID" }] });
    expect(unwrap(parseEnvelope(value)).signatures).toEqual([{ sig: Uint8Array.of(1, 2, 3) }]);
  });

  test.each<[string, Record<string, JsonValue>, string]>([
    ["no type", { payloadType: 1 }, "e.payloadType"],
    ["an empty type", { payloadType: "" }, "e.payloadType"],
    ["both alphabets", { payload: "-/8=" }, "e.payload"],
    ["white space", { payload: "e3 0=" }, "e.payload"],
    ["bits left over", { payload: "e31=" }, "e.payload"],
    ["one character too many", { payload: "e30=A" }, "e.payload"],
    ["no signatures", { signatures: [] }, "e.signatures"],
    ["a signature that is no object", { signatures: [1] }, "e.signatures[0]"],
    ["no sig", { signatures: [{ sig: "AQID" }, {}] }, "e.signatures[1].sig"],
    ["a key id that is a number", { signatures: [{ sig: "", keyid: 1 }] }, "e.signatures[0].keyid"],
  ])("is refused, naming the field: %s", (_name, changes, field) => {
    expect(parseEnvelope(envelope(changes), "e")).toMatchObject({
      code: "FIELD_INVALID",
      detail: { field },
    });
  });

  test("too many signatures and too large a content are refused by their limits", () => {
    const signatures = Array.from({ length: 65 }, () => ({ sig: "AQID" }));
    expect(parseEnvelope(envelope({ signatures }))).toMatchObject({
      code: "TOO_LARGE",
      detail: { field: "signatures", limit: 64 },
    });
    const payload = toBase64(new Uint8Array(1_048_576));
    expect(parseEnvelope(envelope({ payload }))).toMatchObject({
      code: "TOO_LARGE",
      detail: { field: "payload", limit: 1_048_576 },
    });
  });

  test("the largest content is the whole encoding, not the payload", () => {
    const head =
      pae("application/vnd.in-toto+json", new Uint8Array(0)).length + "1048576".length - 1;
    const fits = toBase64(new Uint8Array(1_048_576 - head));
    expect(parseEnvelope(envelope({ payload: fits })).ok).toBe(true);
    const over = toBase64(new Uint8Array(1_048_576 - head + 1));
    expect(parseEnvelope(envelope({ payload: over })).ok).toBe(false);
  });

  test("no JSON makes it throw", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const json = parseJson(text);
        if (json.ok) expect(parseEnvelope(json.value).ok).toBe(false);
      }),
    );
  });
});
