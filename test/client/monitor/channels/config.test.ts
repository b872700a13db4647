import { parse } from "smol-toml";
import { describe, expect, test } from "vitest";
import {
  type ChannelsConfig,
  readChannels,
  takesFrom,
} from "../../../../client/monitor/channels/config.ts";
import { tomlPlaces } from "../../../../client/toml-places.ts";
import { TrustFields } from "../../../../client/trust-fields.ts";
import { alertNumber } from "../alerts.ts";

function read(text: string): ChannelsConfig {
  return readChannels(new TrustFields(tomlPlaces(text)), parse(text));
}

const SMTP = `
[[channel]]
type = "smtp"
host = "mail.example.org"
from = "monitor@example.org"
to = ["ada@example.org"]
`;

describe("the channels of a configuration", () => {
  test("may be none", () => {
    expect(read("")).toEqual({ heartbeatSeconds: 3_600, channels: [] });
  });

  test("are read with what is left out as it is meant to be", () => {
    expect(read(SMTP).channels).toEqual([
      {
        type: "smtp",
        name: "smtp",
        least: "info",
        host: "mail.example.org",
        port: 587,
        tls: "starttls",
        from: "monitor@example.org",
        to: ["ada@example.org"],
        timeoutSeconds: 30,
      },
    ]);
    expect(read(`${SMTP}tls = "implicit"`).channels).toMatchObject([{ port: 465 }]);
    const hook = '[[channel]]\ntype = "webhook"\nurl = "https://a.example/"\nsecret_file = "s"\n';
    expect(read(hook).channels).toMatchObject([{ type: "webhook", timeoutSeconds: 10 }]);
    const port = '[[channel]]\ntype = "prometheus"\nlisten = "[::1]:9469"\n';
    expect(read(port).channels).toMatchObject([{ listen: { host: "::1", port: 9469 } }]);
  });

  test("take alerts from a severity on", () => {
    const takes = takesFrom("warning");
    expect(takes(alertNumber(1, { kind: "statement" }))).toBe(false);
    expect(takes(alertNumber(1, { kind: "stale" }))).toBe(true);
    expect(takes(alertNumber(1, { kind: "not-signed-by-us" }))).toBe(true);
  });

  test.each([
    ["a type that there is not", '[[channel]]\ntype = "pigeon"', /channel\[0\]\.type/],
    ["a field that is not known", `${SMTP}subject = "x"`, /channel\[0\]\.subject is not known/],
    ["two of one name", SMTP + SMTP, /repeats the channel "smtp"/],
    ["a name of two lines", `${SMTP}name = "a\\nb"`, /\.name is no name/],
    ["the name of the file that is there anyway", `${SMTP}name = "alerts.jsonl"`, /\.name/],
    ["mail in the clear", `${SMTP}tls = "none"`, /channel\[0\]\.tls/],
    ["a password without a user", `${SMTP}password_file = "p"`, /channel\[0\]\.user/],
    [
      "an address with a header",
      SMTP.replace("ada@", "ada\\r\\nBcc: eve@"),
      /channel\[0\]\.to\[0\]/,
    ],
    [
      "two addresses in one",
      SMTP.replace("ada@", "eve@example.org, ada@"),
      /channel\[0\]\.to\[0\]/,
    ],
    [
      "http to another machine",
      '[[channel]]\ntype = "heartbeat"\nurl = "http://a.example/"',
      /url/,
    ],
    ["a user in a URL", '[[channel]]\ntype = "heartbeat"\nurl = "https://u:p@a.example/"', /url/],
    ["metrics nowhere", '[[channel]]\ntype = "prometheus"', /channel\[0\] has neither or both/],
    [
      "a file that node_exporter does not read",
      '[[channel]]\ntype = "prometheus"\ntextfile = "a.txt"',
      /\.prom/,
    ],
    ["no time between beats", "heartbeat_seconds = 0", /heartbeat_seconds/],
  ])("are refused with %s, and it is named", (_, text, reason) => {
    expect(() => read(text)).toThrow(reason);
  });
});
