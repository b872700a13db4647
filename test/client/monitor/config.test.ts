import { describe, expect, test } from "vitest";
import { parseMonitorConfig } from "../../../client/monitor/config.ts";
import { sampleConfig } from "../../../client/monitor/sample.ts";
import { utf8 } from "../../../schema/bytes.ts";

const HEAD = 'monitor = 1\ntrust = "trust.toml"\nstate = "state"\n';

function refusalOf(text: string): string {
  const config = parseMonitorConfig(utf8(text));
  return config.ok ? "accepted" : `${config.detail.at ?? ""} ${config.message}`;
}

describe("a configuration", () => {
  test("that `monitor init` writes is read as it is, and so is every line that it comments out", () => {
    const text = sampleConfig("trust.toml", [
      { origin: "log.example" },
      { origin: 'odd "name"\\', url: "https://x.example/" },
    ]);
    const config = parseMonitorConfig(utf8(text));
    expect(config).toMatchObject({
      ok: true,
      value: {
        trust: "trust.toml",
        intervalSeconds: 300,
        logs: [
          { origin: "log.example", watched: [], own: [], indexLagSeconds: 600 },
          { origin: 'odd "name"\\', url: "https://x.example/", askWitnesses: true },
        ],
      },
    });
    const one = sampleConfig("trust.toml", [{ origin: "log.example" }]);
    const whole = one.replaceAll(/^# (\w+ = |\[\[channel)/gm, "$1");
    expect(whole).not.toBe(one);
    expect(refusalOf(whole)).toBe("accepted");
    expect(parseMonitorConfig(utf8(whole))).toMatchObject({
      value: {
        logs: [{ own: [{}], receipts: "receipts", statements: "signed.txt" }],
        delivery: {
          heartbeatSeconds: 3_600,
          channels: ["json-lines", "webhook", "smtp", "atom", "prometheus", "heartbeat"].map(
            (type) => ({ type }),
          ),
        },
      },
    });
  });

  test("becomes questions of a look-up", () => {
    const log =
      '[[log]]\norigin = "a"\nkeys = ["k"]\nrepositories = ["r"]\nclaims = [["ref-by", "k", "r", "t"]]\n';
    expect(parseMonitorConfig(utf8(`${HEAD}${log}`))).toMatchObject({
      value: {
        logs: [
          {
            watched: [
              { words: ["signer", "k"], place: "log[0].keys[0]" },
              { words: ["repo", "r"] },
              { words: ["claim", "ref-by", "k", "r", "t"], place: "log[0].claims[0]" },
            ],
          },
        ],
      },
    });
  });

  test.each([
    ["", " Configuration: monitor is not a version"],
    ["monitor = 2", "1:1 Configuration (1:1): monitor is not a version"],
    [HEAD, " Configuration: log is missing"],
    [`${HEAD}keys = []\n[[log]]\norigin = "a"`, "4:1 Configuration (4:1): keys is not known"],
    [`${HEAD}[[log]]\norigin = "a"\nkey = ["k"]`, "6:1 Configuration (6:1): log[0].key is not"],
    [`${HEAD}[[log]]\norigin = "a"\nkeys = "k"`, "6:1 Configuration (6:1): log[0].keys is missing"],
    [`${HEAD}[[log]]\norigin = "a"\nkeys = [1]`, "log[0].keys[0] is missing or not a text"],
    [`${HEAD}[[log]]\norigin = "a"\nown = ["k"]`, "log[0].own cannot be told from forgeries"],
    [
      `${HEAD}[[log]]\norigin = "a"\nclaims = ["ref-by"]`,
      "log[0].claims[0] is not a list of words",
    ],
    [
      `${HEAD}[[log]]\norigin = "a"\nwitness_seconds = 0`,
      "witness_seconds is no number of seconds",
    ],
    [`${HEAD}[[log]]\norigin = "a"\nask_witnesses = 1`, "ask_witnesses is neither true nor false"],
    [`${HEAD}[[log]]\norigin = "a"\n[[log]]\norigin = "a"`, 'repeats the origin "a"'],
    [`${HEAD}[[log]`, "The configuration is not TOML"],
  ])("%j is refused with the name of what is wrong", (text, message) => {
    expect(refusalOf(text)).toContain(message);
  });
});
