import { expect, test } from "vitest";
import { explainLookupRefusal, keyText } from "../../../client/lookup/explain.ts";
import type { LookupRefusal } from "../../../client/lookup/verdict.ts";

const key = { type: "ref", fields: ["https://example.org/a", "refs/\u001b[31mheads"] } as const;
const bytes = { type: "signer", fields: [new Uint8Array([1, 255])] } as const;

/** The compiler sees to it that no code is left out. */
const TEXTS: { readonly [code in LookupRefusal["code"]]: readonly [LookupRefusal, RegExp] } = {
  LOOKUP_MALFORMED: [{ code: "LOOKUP_MALFORMED", message: "no JSON" }, /malformed: no JSON/],
  INDEX_HEAD_REFUSED: [
    { code: "INDEX_HEAD_REFUSED", message: "m" },
    /head of the index has no signature/,
  ],
  MAIN_HEAD_REFUSED: [
    { code: "MAIN_HEAD_REFUSED", message: "m" },
    /head that was indexed has no signature/,
  ],
  VERIFIERS_TOO_FEW: [{ code: "VERIFIERS_TOO_FEW", message: "m" }, /too few index verifiers/],
  WITNESSES_TOO_FEW: [{ code: "WITNESSES_TOO_FEW", message: "m" }, /too few witnesses/],
  INDEX_LEAF_REFUSED: [{ code: "INDEX_LEAF_REFUSED", message: "old" }, /leaf of the index.*old/],
  OTHER_HEAD: [{ code: "OTHER_HEAD", size: 7 }, /head of 7 entries is not the one/],
  INDEX_ENDED: [{ code: "INDEX_ENDED", message: "leaf 9" }, /goes on after its end: leaf 9/],
  OTHER_MAP: [{ code: "OTHER_MAP" }, /another map than the signed one/],
  OTHER_KEYS: [{ code: "OTHER_KEYS", key }, /not about what was asked: ref https/],
  RECORD_REFUSED: [{ code: "RECORD_REFUSED", key: bytes, message: "m" }, /signer 01ff is not in/],
  ENTRY_REFUSED: [{ code: "ENTRY_REFUSED", index: 3, message: "m" }, /entry 3 is not what/],
  FALSE_POSTING: [
    { code: "FALSE_POSTING", index: 3, key: bytes, how: "adds" },
    /index is false: entry 3 does not say/,
  ],
};

test.each(Object.entries(TEXTS))("%s has its own text, on one line", (_, [refusal, text]) => {
  expect(explainLookupRefusal(refusal)).toMatch(text);
  expect(explainLookupRefusal(refusal)).not.toContain("\n");
});

test.each([
  ["omits", key, /leaves entry 3 out under ref/],
  ["alters", key, /entry 3 says something else of ref/],
  ["adds", { type: "opaque", fields: [] }, /calls entry 3 opaque/],
] as const)("an index that %s has its own text", (how, of, text) => {
  const refusal = { code: "FALSE_POSTING", index: 3, key: of, how } as const;
  expect(explainLookupRefusal(refusal)).toMatch(text);
});

test("what lacks its quorum, and is false besides, is told with both", () => {
  const besides = { code: "FALSE_POSTING", index: 3, key, how: "omits" } as const;
  expect(explainLookupRefusal({ code: "VERIFIERS_TOO_FEW", message: "m", besides })).toMatch(
    /too few index verifiers .*: m; and the index is false: it leaves entry 3 out/,
  );
});

test("texts of strangers are shown without control characters", () => {
  expect(keyText(key)).not.toContain("\u001b");
});
