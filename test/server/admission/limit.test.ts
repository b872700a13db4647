import { describe, expect, test } from "vitest";
import { Limits, networkOf } from "../../../server/admission/limit.ts";
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

  test("a key that is over its own share takes nothing from everybody's", async () => {
    const limits = new Limits({ ...none, entries: 4, entriesPerKey: 1 });
    await limits.entries(["greedy"]);
    for (let i = 0; i < 10; i++)
      await expect(limits.entries(["greedy"])).rejects.toMatchObject({ code: "RATE_LIMITED" });
    await limits.entries(["a", "b", "c"]);
  });

  test("all addresses of one IPv6 network are one sender", async () => {
    const limits = new Limits({ ...none, requestsPerAddress: 2 });
    await limits.request("2001:db8:1:2::1");
    await limits.request("2001:db8:1:2:ffff::9");
    await expect(limits.request("2001:DB8:1:2::3")).rejects.toMatchObject({ code: "RATE_LIMITED" });
    await limits.request("2001:db8:1:3::1");
  });

  test.each([
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["1:2:3:4:5:6:7:8", "1:2:3:4::/64"],
    ["1:2:3:4:5:6:7::", "1:2:3:4::/64"],
    ["::2:3:4:5:6:7:8", "0:2:3:4::/64"],
    ["64:ff9b::192.0.2.1", "64:ff9b:0:0::/64"],
    ["192.0.2.1", "192.0.2.1"],
    ["", ""],
  ])("the network of %j is %j", (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});
