/**
 * `monitor test`: one alert through each channel, so that nobody learns from a fork that his mail
 * does not arrive.
 *
 * It leaves the state and the outbox alone: a monitor that runs is not disturbed.
 *
 * @module
 */
import { join } from "node:path";
import { nodeCrypto } from "../crypto/node.ts";
import { type Alert, makeFinding } from "../monitor/alert.ts";
import type { Channel } from "../monitor/channels/channel.ts";
import type { ChannelConfig } from "../monitor/channels/config.ts";
import { isServedAt } from "../monitor/channels/prometheus.ts";
import { add, type Outbox } from "../monitor/outbox.ts";
import { OUTBOX } from "../monitor/outbox-file.ts";
import { readOwned } from "../monitor/owned-file.ts";
import { printable } from "../printable.ts";
import type { Arguments, Command } from "./command.ts";
import type { ExitStatus, Io } from "./io.ts";
import { openConfiguredChannels, outboxOf, reportIo } from "./monitor-channels.ts";
import { openConfig } from "./monitor-config.ts";
import { print, printJson, table } from "./output.ts";

interface Tested {
  readonly name: string;
  readonly type: ChannelConfig["type"];
  /** A beat says that a round was complete, so none is sent for a test. */
  readonly result: "sent" | "failed" | "not tested";
  readonly reason?: string;
}

export const monitorTest: Command = {
  name: "monitor test",
  summary: "Send one alert, marked as a test, through each channel of a monitor.",
  about: [
    "A monitor that runs on the same configuration is not disturbed. A feed and a file of metrics show the test until its next round. A heartbeat is not tested: a beat says that everything could be checked, and the service behind it learns with the first that it works.",
    "Exit status 0: every channel took it. 1: one did not, and it is said which and why.",
  ],
  positionals: [],
  options: {
    config: { type: "string", value: "FILE", required: true, help: "the monitor's configuration" },
  },
  examples: [
    {
      what: "after each change of the channels",
      line: "countersign monitor test --config monitor.toml",
    },
  ],
  run: async (args: Arguments, io: Io): Promise<ExitStatus> => {
    const opened = await openConfig(io, args.need("config"));
    const { channels: configs } = opened.config.delivery;
    const alert = testAlert(io);
    const outbox = add(await readOwned(OUTBOX, outboxOf(opened)), [alert], []);
    const tested = await Promise.all(
      (await openConfiguredChannels(opened)).map(async (channel, i): Promise<Tested> => {
        const config = configs[i];
        const type = config?.type ?? "json-lines";
        return { name: channel.name, type, ...(await testChannel(channel, config, alert, outbox)) };
      }),
    );
    const own = reportIo(io, opened);
    if (args.json) printJson(own, { alert: alert.id, channels: tested });
    else if (tested.length > 0) print(own, ...table(tested.map(rowOf)));
    else print(own, `no channel is configured: alerts go to ${join(opened.state, "alerts.jsonl")}`);
    return tested.some(({ result }) => result === "failed") ? 1 : 0;
  },
};

/** No alert of a monitor has its number. */
function testAlert(io: Io): Alert {
  const now = io.now();
  const finding = makeFinding(nodeCrypto.sha256, {
    kind: "test",
    subject: "monitor test",
    message: "THIS IS A TEST. Nothing has happened; somebody asks whether alerts arrive.",
    about: [now],
  });
  return { ...finding, number: 0, firstSeen: Math.floor(now / 1000) };
}

async function testChannel(
  channel: Channel,
  config: ChannelConfig | undefined,
  alert: Alert,
  outbox: Outbox,
): Promise<Pick<Tested, "result" | "reason">> {
  if (channel.sort === "pulse") return { result: "not tested" };
  try {
    if (channel.sort === "queue") await channel.send([alert]);
    else await channel.show(outbox);
    return { result: "sent" };
  } catch (error) {
    // Its port is taken by the very monitor that is asked about.
    if (config !== undefined && "listen" in config && (await isServedAt(config.listen)))
      return { result: "sent", reason: "a monitor answers there" };
    const message = error instanceof Error ? error.message : String(error);
    return { result: "failed", reason: printable(message) };
  } finally {
    await channel.close?.();
  }
}

function rowOf({ name, type, result, reason }: Tested): readonly string[] {
  return [
    result === "failed" ? "FAILED" : result,
    name === type ? name : `${name} (${type})`,
    reason ?? "",
  ];
}
