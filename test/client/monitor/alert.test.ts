import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import {
  ALERT_KINDS,
  type Alert,
  formatAlert,
  makeFinding,
  readAlert,
  type Told,
} from "../../../client/monitor/alert.ts";
import { utf8 } from "../../../schema/bytes.ts";
import { parseJson } from "../../../schema/json.ts";

import { collectingSink } from "./sink.ts";

const { sha256 } = nodeCrypto;
const told: Told = {
  kind: "statement",
  origin: "log.example",
  subject: "key 00ff",
  message: "signed a thing",
  about: ["signer", 7],
  seen: { index: 7, key: "signer 00ff" },
};

/** Any string at all, also what no text can be. */
const codeUnits = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0xd7f0, max: 0xe010 })))
  .map((codes) => String.fromCharCode(...codes));

function alertOf(from: Told): Alert {
  return { ...makeFinding(sha256, from), number: 1, firstSeen: 1_700_000_000 };
}

function readBack(line: string): Alert | string {
  const json = parseJson(utf8(line));
  if (!json.ok) return json.message;
  const alert = readAlert(json.value, "");
  return alert.ok ? alert.value : alert.message;
}

describe("an alert", () => {
  test("has one id for one finding, however it is told and whenever it is seen", () => {
    const { id } = makeFinding(sha256, told);
    expect(makeFinding(sha256, { ...told, message: "signed another", seen: {} }).id).toBe(id);
    for (const other of [
      { ...told, kind: "opaque" as const },
      { ...told, origin: "other.example" },
      { ...told, subject: "key 00fe" },
      { ...told, about: ["signer", 8] },
    ])
      expect(makeFinding(sha256, other).id).not.toBe(id);
  });

  test("comes back whole from its line, for every kind", () => {
    for (const kind of ALERT_KINDS) {
      const alert = alertOf({ ...told, kind, evidence: "x.evidence.json" });
      expect(readBack(formatAlert(alert))).toEqual(alert);
    }
  });

  test("comes back from its line whatever strangers wrote, also where it is cut within a character", () => {
    fc.assert(
      fc.property(codeUnits, (text) => {
        for (const strangers of [
          text,
          `${text}\ud800\ufffe\u{1fffe}\ufdd0`,
          `${"x".repeat(499)}\u{1f600}${text}`,
        ]) {
          const alert = alertOf({
            ...told,
            subject: strangers,
            message: strangers,
            about: [strangers],
            seen: { key: strangers },
          });
          expect(readBack(formatAlert(alert))).toEqual(alert);
        }
      }),
      { numRuns: 50 },
    );
  });

  test("is refused with the name of the field that is wrong", () => {
    const line = formatAlert(alertOf(told));
    expect(readBack(line.replace('"info"', '"dire"'))).toMatch(/^severity /);
    expect(readBack(line.replace('"index":7', '"index":null'))).toMatch(/^seen.index /);
    expect(readBack(line.replace('{"number"', '{"more":1,"number"'))).toMatch(/^more /);
  });

  test("is taken once by a sink, however often it is delivered", async () => {
    const sink = collectingSink();
    const first = alertOf(told);
    const second = { ...alertOf({ ...told, about: ["signer", 8] }), number: 2 };
    await sink.deliver([first]);
    await sink.deliver([first, second]);
    expect(sink.taken).toEqual([first, second]);
  });

  test("shows no control characters of strangers", () => {
    const alert = alertOf({
      ...told,
      subject: "a\nb\u202e",
      message: "\u001b[2J",
      seen: { by: "\r" },
    });
    expect(formatAlert(alert)).not.toMatch(/[\p{Cc}\p{Cf}]|\\[unr]/u);
  });
});
