import { describe, expect, test } from "vitest";
import type { LogError } from "../../schema/error.ts";
import { checkConfig, SECTIONS, SETTINGS } from "../../server/config.ts";
import { type ConfigSources, describeConfig, loadConfig } from "../../server/config-sources.ts";
import { refusalOf } from "./refusal.ts";

const nothing: ConfigSources = { flags: {}, env: {} };
const file = (text: string) => ({ name: "log.toml", text });

function refusal(sources: ConfigSources): LogError {
  return refusalOf(() => loadConfig(sources));
}

describe("the four sources of a configuration", () => {
  test("defaults alone make a whole configuration", () => {
    const { config, origins } = loadConfig(nothing);
    expect(config.http.listen).toBe("127.0.0.1:8080");
    expect(config.admission.who).toBe("anyone");
    expect(new Set(origins.values())).toEqual(new Set(["default"]));
  });

  test("flags stand over environment, over file, over defaults, and each value knows its source", () => {
    const { config, origins } = loadConfig({
      flags: { "http-listen": "[::1]:1" },
      env: { COUNTERSIGN_HTTP_LISTEN: "127.0.0.1:2", COUNTERSIGN_LIMITS_BODY_TIMEOUT_MS: "500" },
      file: file(
        '[http]\nlisten = "127.0.0.1:3"\nkeep_alive_ms = 7\n[limits]\nbody_timeout_ms = 9\n',
      ),
    });
    expect(config.http.listen).toBe("[::1]:1");
    expect(config.limits.body_timeout_ms).toBe(500);
    expect(config.http.keep_alive_ms).toBe(7);
    expect(origins.get("http.listen")).toBe("flag --http-listen");
    expect(origins.get("limits.body_timeout_ms")).toBe(
      "environment COUNTERSIGN_LIMITS_BODY_TIMEOUT_MS",
    );
    expect(origins.get("http.keep_alive_ms")).toBe("log.toml");
    expect(origins.get("storage.driver")).toBe("default");
  });

  test("a list is written with commas outside the file", () => {
    const { config } = loadConfig({
      flags: {},
      env: { COUNTERSIGN_HTTP_TRUSTED_PROXIES: "10.0.0.0/8, ::1" },
    });
    expect(config.http.trusted_proxies).toEqual(["10.0.0.0/8", "::1"]);
  });

  test("every setting has one variable, one flag and a description", () => {
    expect(new Set(SETTINGS.map(({ variable }) => variable)).size).toBe(SETTINGS.length);
    expect(new Set(SETTINGS.map(({ flag }) => flag)).size).toBe(SETTINGS.length);
    for (const setting of SETTINGS) expect(setting.description, setting.path).not.toBe("");
    expect(describeConfig(loadConfig(nothing)).map(({ path }) => path)).toEqual(
      SETTINGS.map(({ path }) => path),
    );
  });

  test("the schema and its sections are one list", () => {
    const tree = Object.fromEntries(SECTIONS.map((name) => [name, {}]));
    expect(checkConfig(tree).ok).toBe(true);
  });
});

describe("a configuration that is refused", () => {
  test.each([
    ['[log]\norigin = "Not A Host"', "log.origin"],
    ["[http]\nlisten = 3", "http.listen"],
    ['[http]\nlisten = "127.0.0.1:65536"', "http.listen"],
    ['[http]\nlistn = "127.0.0.1:1"', "http.listn"],
    ["[limits]\nentries_per_second = -1", "limits.entries_per_second"],
    ["[limits]\nbody_timeout_ms = 0", "limits.body_timeout_ms"],
    // Beyond 2^31 a timer fires at once.
    ["[limits]\nbody_timeout_ms = 2147483648", "limits.body_timeout_ms"],
    ["[http]\nkeep_alive_ms = 2147483648", "http.keep_alive_ms"],
    ["[shutdown]\ngrace_ms = 86400001", "shutdown.grace_ms"],
    ["[limits]\ninflight_bytes = 4194303", "limits.inflight_bytes"],
    ["[constructor]\nx = 1", "constructor"],
    ["[__proto__]\nx = 1", "__proto__"],
    ["[http]\n__proto__ = { listen = 3 }", "http.__proto__"],
    ['[admission]\nwho = "keys"', "admission.keys_file"],
    ['[admission]\nwho = "token"', "admission.token_file"],
    ['[htp]\nlisten = "x"', "htp"],
    ["http = 3", "http"],
  ])("%j names its field", (text, field) => {
    const error = refusal({ ...nothing, file: file(text) });
    expect(error.code).toBe("CONFIG_INVALID");
    expect(error.detail.field).toBe(field);
    expect(error.message).toContain(field);
  });

  test("leaves no trace in the objects of the engine", () => {
    refusal({ ...nothing, file: file("[__proto__]\nslipped_in = 1") });
    expect("slipped_in" in {}).toBe(false);
  });

  test("names the source of the value", () => {
    const { message } = refusal({ flags: { "http-listen": "here" }, env: {} });
    expect(message).toContain("flag --http-listen");
    const env = { COUNTERSIGN_LIMITS_PENDING_ENTRIES: "many" };
    expect(refusal({ flags: {}, env }).message).toContain(
      "environment COUNTERSIGN_LIMITS_PENDING_ENTRIES",
    );
    expect(refusal({ ...nothing, file: file("[http]\nlisten = 3") }).message).toContain("log.toml");
  });

  test("names line and column of a file that is no TOML", () => {
    const error = refusal({ ...nothing, file: file('[http]\nlisten = "127.0.0.1:1\n') });
    expect(error.detail.at).toMatch(/^2:\d+$/);
  });

  test("a misspelt variable of ours is refused, other variables are not looked at", () => {
    expect(refusal({ flags: {}, env: { COUNTERSIGN_HTTP_LISTN: "x" } }).detail.field).toBe(
      "COUNTERSIGN_HTTP_LISTN",
    );
    expect(() =>
      loadConfig({ flags: {}, env: { COUNTERSIGN_DATA: "x", PATH: "y" } }),
    ).not.toThrow();
  });

  test("a public URL is one of HTTP with nothing behind its path; a policy is an identifier", () => {
    const take = (flag: string, value: string): ConfigSources => ({
      flags: { [flag]: value },
      env: {},
    });
    for (const url of ["https://log.example.org", "http://[::1]:8080", "https://a.example/log/"])
      expect(loadConfig(take("http-public-url", url)).config.http.public_url).toBe(url);
    for (const url of [
      "ftp://a.example",
      "a.example",
      "https://u@a.example",
      "https://a.example?q",
    ])
      expect(refusal(take("http-public-url", url)).message).toContain("http.public_url");
    expect(loadConfig(nothing).config.timestamp).toMatchObject({
      authority: "on",
      policy: "2.999",
    });
    for (const policy of ["1.3.6.1.4.1.99999.1", "0.4.0.2023.1.1"])
      expect(loadConfig(take("timestamp-policy", policy)).config.timestamp.policy).toBe(policy);
    for (const policy of [
      "",
      "1",
      "3.1",
      "1.02",
      "1.2.",
      "2.25.329800735698586629295641978511506172918",
    ])
      expect(refusal(take("timestamp-policy", policy)).message).toContain("timestamp.policy");
  });
});
