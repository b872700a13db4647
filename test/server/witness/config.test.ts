import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { loadWitnessConfig, WITNESS_SETTINGS } from "../../../server/witness/config.ts";
import { refusalOf } from "../refusal.ts";

const file = (text: string): { name: string; text: string } => ({ name: "witness.toml", text });

describe("the configuration of a witness", () => {
  test("is a folder, and defaults for the rest; flags stand over the file", () => {
    expect(loadWitnessConfig({ flags: { folder: "w" } })).toMatchObject({
      folder: "w",
      listen: "127.0.0.1:8081",
      prefix: "",
    });
    const text = 'folder = "w"\nlisten = "[::1]:1"\ntrusted_proxies = ["10.0.0.0/8"]\n';
    const config = loadWitnessConfig({
      flags: { listen: "127.0.0.1:2", "trusted-proxies": "::1, 10.0.0.1", "grace-ms": "5" },
      file: file(text),
    });
    expect(config).toMatchObject({
      folder: "w",
      listen: "127.0.0.1:2",
      trusted_proxies: ["::1", "10.0.0.1"],
      grace_ms: 5,
    });
    expect(loadWitnessConfig({ flags: {}, file: file(text) }).trusted_proxies).toHaveLength(1);
  });

  test("names what it refuses, and where that came from", () => {
    for (const [flags, text, field, source] of [
      [{}, "", "folder", "not given"],
      [{ folder: "w", prefix: "w/" }, "", "prefix", "flag --prefix"],
      [{ folder: "w", "grace-ms": "soon" }, "", "grace_ms", "flag --grace-ms"],
      [{ folder: "w", index: "true" }, "", "trust", "not given"],
      [{ folder: "w", trust: "t" }, "", "trust", "flag --trust"],
      [{ folder: "w", logs: "l" }, 'index = true\ntrust = "t"', "logs", "flag --logs"],
      [{ folder: "w" }, "inflight_bytes = 1", "inflight_bytes", "witness.toml"],
      [{ folder: "w" }, "lisen = 1", "lisen", "witness.toml"],
      [{ folder: "w" }, "[http]\nlisten = 1", "http", "witness.toml"],
    ] as const) {
      const refused = refusalOf(() => loadWitnessConfig({ flags, file: file(text) }));
      expect(refused, field).toMatchObject({ code: "CONFIG_INVALID", detail: { field } });
      expect(refused.message).toContain(source);
    }
    const broken = refusalOf(() => loadWitnessConfig({ flags: {}, file: file("folder = ") }));
    expect(broken.detail.at).toMatch(/^1:/);
  });

  test("the example that is shipped is one", () => {
    const text = readFileSync(new URL("../../../deploy/witness.toml", import.meta.url), "utf8");
    expect(loadWitnessConfig({ flags: {}, file: file(text) }).metrics).toBe("127.0.0.1:9091");
  });

  test("every setting says what it is", () => {
    expect(WITNESS_SETTINGS.length).toBeGreaterThan(10);
    for (const { name, description } of WITNESS_SETTINGS) expect(description, name).not.toBe("");
  });
});
