import { describe, expect, test } from "vitest";
import { Limits } from "../../../server/admission/limit.ts";
import { rejectionOf } from "../refusal.ts";

const none = { entries: 0, entriesPerKey: 0, requestsPerAddress: 0 };

describe("rates", () => {
  test("zero is no limit, and nothing is counted", async () => {
    const limits = new Limits(none);
    expect(limits.countsAddresses).toBe(false);
    expect(limits.countsEntries).toBe(false);
    for (let i = 0; i < 100; i++) {
      await limits.request("192.0.2.1");
      await limits.entries(["aa"]);
    }
  });

  test("one address is held back, another is not, and the error says how long to wait", async () => {
    const limits = new Limits({ ...none, requestsPerAddress: 3 });
    for (let i = 0; i < 3; i++) await limits.request("192.0.2.1");
    await expect(limits.request("192.0.2.1")).rejects.toMatchObject({
      code: "RATE_LIMITED",
      detail: { limit: 3, retryAfter: 1 },
    });
    await limits.request("192.0.2.2");
  });

  test("one key is held back, another is not", async () => {
    const limits = new Limits({ ...none, entriesPerKey: 2 });
    await limits.entries(["aa", "bb", "aa"]);
    const refusal = await rejectionOf(limits.entries(["aa"]));
    expect(refusal.code).toBe("RATE_LIMITED");
    expect(refusal.message).toContain("signed by aa");
    await limits.entries(["bb"]);
  });

  test("everybody together is held back by entries, not by requests", async () => {
    const limits = new Limits({ ...none, entries: 5 });
    await limits.entries(["a", "b", "c"]);
    await expect(limits.entries(["d", "e", "f"])).rejects.toMatchObject({ code: "RATE_LIMITED" });
  });
});
