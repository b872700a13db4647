import { describe, expect, test } from "vitest";
import { COMMIT, provenance } from "../../vectors/statements.ts";
import { field } from "./rules.ts";

describe("SLSA provenance", () => {
  test("needs only what SLSA requires", () => {
    const runDetails = { builder: { id: "https://example.test/b" } };
    const buildDefinition = { buildType: "https://example.test/t", externalParameters: {} };
    expect(field(provenance({ buildDefinition, runDetails }))).toBe("accepted");
    expect(field(provenance({ buildDefinition: { buildType: "x" } }))).toBe(
      "payload.predicate.buildDefinition.externalParameters",
    );
    expect(field(provenance({ runDetails: {} }))).toBe("payload.predicate.runDetails.builder");
  });

  test("keeps digests of dependencies as others wrote them", () => {
    const buildDefinition = {
      buildType: "x",
      externalParameters: {},
      resolvedDependencies: [{ digest: { sha1: COMMIT.toUpperCase() } }, { uri: "x" }, {}],
    };
    expect(field(provenance({ buildDefinition }))).toBe("accepted");
  });
});
