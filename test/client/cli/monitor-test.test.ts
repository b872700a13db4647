/** `monitor test` on the command line: which channel works, and nothing is disturbed. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { toBase64 } from "../../../schema/bytes.ts";
import { isGenuine, type Receiver, receiver } from "../monitor/alerts.ts";
import { mailServer } from "../monitor/channels/mail-server.ts";
import { TestLog } from "../test-log.ts";
import { Workplace } from "./in-process.ts";

const secret = new Uint8Array(32).fill(3);
let place: Workplace;
let hook: Receiver;

beforeEach(async () => {
  place = new Workplace();
  hook = await receiver();
  const { origin, vkey } = new TestLog();
  writeFileSync(
    place.path("trust.toml"),
    `trust = 1\n[[log]]\norigin = "${origin}"\nvkeys = ["${vkey}"]\nurl = "https://log.test/"\n`,
  );
  writeFileSync(place.path("webhook.secret"), toBase64(secret));
  await place.countersign("monitor", "init", "monitor.toml", "--trust", "trust.toml");
});
afterEach(async () => {
  place.remove();
  await hook[Symbol.asyncDispose]();
});

function configure(...tables: readonly string[]): void {
  const path = place.path("monitor.toml");
  const channels = tables.map((table) => `[[channel]]\n${table}\n`).join("");
  writeFileSync(path, readFileSync(path, "utf8") + channels);
}

const asked = (...more: readonly string[]): ReturnType<typeof place.countersign> =>
  place.countersign("monitor", "test", "--config", "monitor.toml", ...more);

const HOOK = (url: string): string =>
  `type = "webhook"\nurl = "${url}"\nsecret_file = "webhook.secret"\nleast = "critical"`;

describe("monitor test", () => {
  test("sends one alert that is marked, through every channel whatever it leaves out, and no beat", async () => {
    await using pulse = await receiver();
    configure(
      HOOK(hook.url),
      'type = "json-lines"\npath = "lines.jsonl"',
      'type = "atom"\npath = "alerts.atom"',
      'type = "prometheus"\ntextfile = "countersign.prom"',
      `type = "heartbeat"\nurl = "${pulse.url}"`,
    );
    const { status, stdout } = await asked();
    expect(
      stdout
        .trimEnd()
        .split("\n")
        .map((line) => line.split(/ {2,}/)),
    ).toEqual([
      ["sent", "webhook"],
      ["sent", "json-lines"],
      ["sent", "atom"],
      ["sent", "prometheus"],
      ["not tested", "heartbeat"],
    ]);
    expect(status).toBe(0);
    const [received] = hook.received;
    if (received === undefined) throw new Error("nothing was sent");
    expect(isGenuine(secret, received, 1_700_000_000)).toBe(true);
    for (const text of [
      received.body,
      readFileSync(place.path("lines.jsonl"), "utf8"),
      readFileSync(place.path("alerts.atom"), "utf8"),
    ])
      expect(text).toContain("THIS IS A TEST");
    expect(readFileSync(place.path("countersign.prom"), "utf8")).toContain('{kind="test",');
    expect(pulse.received).toEqual([]);
    expect(existsSync(place.path("monitor"))).toBe(false);
  });

  test("sends mail through a server that it can check, and none through one that it cannot", async () => {
    const remote = await mailServer();
    writeFileSync(place.path("ca.pem"), remote.cert);
    writeFileSync(place.path("mail.password"), "pass word\n");
    const mail = `type = "smtp"\nhost = "127.0.0.1"\nport = ${remote.port}\nuser = "monitor"\npassword_file = "mail.password"\nfrom = "monitor@example.org"\nto = ["ada@example.org"]`;
    configure(`${mail}\nca_file = "ca.pem"`, `${mail}\nname = "unknown"`);
    const { status, stdout } = await asked();
    remote.close();
    expect(status).toBe(1);
    expect(stdout).toMatch(/^sent +smtp$/m);
    expect(stdout).toMatch(/^FAILED +unknown \(smtp\) +127\.0\.0\.1:\d+: .*certificate/m);
    expect(remote.mails.map(({ header }) => /^Subject: .*/m.exec(header)?.[0])).toEqual([
      "Subject: [countersign] TEST, info: 1 alert (test)",
    ]);
  });

  test("names what does not work, with the reason, and says no", async () => {
    hook.answer = () => ({ status: 403 });
    configure(HOOK(hook.url), 'name = "nowhere"\ntype = "atom"\npath = "gone/alerts.atom"');
    const { status, stdout } = await asked("--json");
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      channels: [
        { name: "webhook", result: "failed", reason: expect.stringMatching(/status 403$/) },
        { name: "nowhere", type: "atom", result: "failed" },
      ],
    });
  });

  test("takes a port for its own where a monitor answers there, and not where somebody else does", async () => {
    await using other = await receiver();
    const { prometheusPort } = await import("../../../client/monitor/channels/prometheus.ts");
    const { EMPTY_OUTBOX } = await import("../../../client/monitor/outbox.ts");
    const running = prometheusPort("running", { host: "127.0.0.1", port: 0 });
    await running.show(EMPTY_OUTBOX);
    configure(
      `type = "prometheus"\nlisten = "127.0.0.1:${running.port()}"`,
      `name = "other"\ntype = "prometheus"\nlisten = "${new URL(other.url).host}"`,
    );
    const { status, stdout } = await asked("--json");
    await running.close();
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      channels: [{ result: "sent", reason: "a monitor answers there" }, { result: "failed" }],
    });
    const once = await place.countersign("monitor", "--config", "monitor.toml", "--once");
    expect(once).toMatchObject({ status: 2, stderr: expect.stringContaining("textfile") });
  });

  test("keeps standard output for the lines where it is a channel", async () => {
    configure('type = "json-lines"\npath = "-"');
    const { status, stdout, stderr } = await asked();
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ number: 0, kind: "test" });
    expect(stderr).toMatch(/^sent +json-lines/);
  });

  test("without a channel says where alerts go", async () => {
    expect(await asked()).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("alerts.jsonl"),
    });
  });
});
