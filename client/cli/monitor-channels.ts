/**
 * The channels of a monitor on the command line.
 *
 * @module
 */
import { join } from "node:path";
import { LogError } from "../../schema/error.ts";
import type { Channel } from "../monitor/channels/channel.ts";
import { RECORD } from "../monitor/channels/config.ts";
import { jsonLinesFile } from "../monitor/channels/json-lines.ts";
import { openChannels } from "../monitor/channels/open.ts";
import { Delivery, type DeliveryPorts } from "../monitor/delivery.ts";
import { pathOf } from "./files.ts";
import type { Io } from "./io.ts";
import type { OpenConfig } from "./monitor-config.ts";

/** In the order of the configuration. */
export async function openConfiguredChannels({
  config,
  io,
}: OpenConfig): Promise<readonly Channel[]> {
  const ports = {
    fetch: globalThis.fetch,
    now: io.now,
    write: (text: string): void => {
      io.stdout.write(text);
    },
    pathOf: (path: string) => pathOf(io, path),
  };
  return openChannels(ports, config.delivery.channels);
}

/** The file of the outbox. */
export function outboxOf({ state }: OpenConfig): string {
  return join(state, "outbox.json");
}

/** Where standard output is a channel, what is said besides goes to standard error. */
export function reportIo(io: Io, { config }: OpenConfig): Io {
  const isChannel = config.delivery.channels.some(
    (channel) => channel.type === "json-lines" && channel.path === "-",
  );
  return isChannel ? { ...io, stdout: io.stderr } : io;
}

/** Throws `CONFIG_INVALID`, `FILE_UNREADABLE`, and `USAGE` where something is not installed. */
export async function openDelivery(
  opened: OpenConfig,
  isOnce: boolean,
  ports: Pick<DeliveryPorts, "sleep" | "stop">,
): Promise<Delivery> {
  const { config, io, state } = opened;
  const { channels, heartbeatSeconds } = config.delivery;
  const listening = channels.find((channel) => "listen" in channel);
  if (isOnce && listening !== undefined)
    throw new LogError(
      "CONFIG_INVALID",
      `The channel "${listening.name}" listens, and nobody can ask it with --once.`,
      { field: "listen", expected: "textfile in place of listen, or no --once" },
    );
  // The file that every monitor has.
  const record = jsonLinesFile(join(state, RECORD), { name: RECORD, takes: () => true });
  const delivery = await Delivery.open(
    { now: io.now, ...ports },
    {
      path: outboxOf(opened),
      channels: [...(await openConfiguredChannels(opened)), record],
      heartbeatSeconds,
      intervalSeconds: config.intervalSeconds,
    },
  );
  for (const [name, count] of delivery.dropped)
    io.stderr.write(`countersign: ${name} is no channel any more; it never had ${count} alerts\n`);
  return delivery;
}
