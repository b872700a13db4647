import { describe, expect, test } from "vitest";
import { ERRORS } from "../../../schema/error.ts";
import {
  BATCH_PATH,
  ENTRIES_PATH,
  OPENAPI_PATH,
  REKOR_ENTRIES_PATH,
} from "../../../schema/http/paths.ts";
import { isMessage, openapiDocument } from "../../../server/http/openapi.ts";

describe("the OpenAPI document", () => {
  const document = openapiDocument();
  const text = JSON.stringify(document);

  test("says it is 3.1 and names the native API", () => {
    expect(document["openapi"]).toBe("3.1.0");
    for (const path of [ENTRIES_PATH, BATCH_PATH, `${ENTRIES_PATH}/{entry}`, REKOR_ENTRIES_PATH])
      expect(document).toHaveProperty(["paths", path]);
    expect(OPENAPI_PATH).toBe("/openapi.json");
  });

  test("every reference in it leads somewhere", () => {
    const references = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1] ?? "");
    expect(references.length).toBeGreaterThan(5);
    for (const reference of references)
      expect(document).toHaveProperty(reference.slice(2).split("/"));
  });

  test("its problems have exactly the codes of the one table", () => {
    for (const code of Object.keys(ERRORS)) expect(text).toContain(`"${code}"`);
    const problem = { type: "t", title: "t", status: 400, detail: "d", code: "FIELD_INVALID" };
    expect(isMessage("Problem", problem)).toBe(true);
    expect(isMessage("Problem", { ...problem, code: "OTHER" })).toBe(false);
  });

  test("its submissions refuse what the parser refuses by shape", () => {
    expect(isMessage("Submission", { kind: "git", object: "AAAA" })).toBe(true);
    expect(isMessage("Submission", { kind: "git", object: "AAAA", repo: "x" })).toBe(false);
    expect(isMessage("Submission", { kind: "pgp", object: "AAAA" })).toBe(false);
  });
});
