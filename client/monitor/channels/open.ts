/**
 * From a configured channel to one that works: reads the files that it names, and loads what it
 * alone needs.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { fromUtf8 } from "../../../schema/bytes.ts";
import { LogError } from "../../../schema/error.ts";
import { atomChannel } from "./atom.ts";
import type { Channel } from "./channel.ts";
import { type ChannelConfig, type SmtpConfig, takesFrom } from "./config.ts";
import { heartbeatChannel } from "./heartbeat.ts";
import { jsonLinesFile, printedLines } from "./json-lines.ts";
import { prometheusFile, prometheusPort } from "./prometheus.ts";
import { readSecrets, webhookChannel } from "./webhook.ts";

export interface ChannelPorts {
  readonly fetch: typeof globalThis.fetch;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Standard output. */
  readonly write: (text: string) => void;
  /** A path of the configuration, against the folder in which it lies. */
  readonly pathOf: (path: string) => string;
}

/** Throws `FILE_UNREADABLE`, `CONFIG_INVALID`, and `USAGE` where something is not installed. */
export async function openChannels(
  ports: ChannelPorts,
  channels: readonly ChannelConfig[],
): Promise<readonly Channel[]> {
  return Promise.all(channels.map((config) => openChannel(ports, config)));
}

async function openChannel(ports: ChannelPorts, config: ChannelConfig): Promise<Channel> {
  const { pathOf } = ports;
  switch (config.type) {
    case "json-lines": {
      const options = { name: config.name, takes: takesFrom(config.least) };
      return config.path === "-"
        ? printedLines(ports.write, options)
        : jsonLinesFile(pathOf(config.path), options);
    }
    case "webhook": {
      const { name, url, least, timeoutSeconds, secretFile } = config;
      const secrets = readSecrets(await read(pathOf(secretFile)), secretFile);
      return webhookChannel(ports, { name, url, secrets, timeoutSeconds, takes: takesFrom(least) });
    }
    case "smtp":
      return openSmtp(ports, config);
    case "atom":
      return atomChannel({ ...config, path: pathOf(config.path), takes: takesFrom(config.least) });
    case "prometheus":
      return "textfile" in config
        ? prometheusFile(config.name, pathOf(config.textfile))
        : prometheusPort(config.name, config.listen);
    case "heartbeat":
      return heartbeatChannel(ports.fetch, config);
  }
}

async function openSmtp({ pathOf }: ChannelPorts, config: SmtpConfig): Promise<Channel> {
  const { caFile, login } = config;
  const ca = caFile === undefined ? undefined : await readText(pathOf(caFile));
  const password = login === undefined ? undefined : await readText(pathOf(login.passwordFile));
  const { smtpChannel } = await import("./smtp.ts");
  return smtpChannel(config, {
    ...(ca === undefined ? {} : { ca }),
    ...(password === undefined ? {} : { password: password.replace(/\r?\n$/, "") }),
  });
}

async function readText(path: string): Promise<string> {
  const text = fromUtf8(await read(path));
  if (text !== undefined) return text;
  throw new LogError("FILE_UNREADABLE", `${path} is not UTF-8`, { field: path });
}

async function read(path: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (cause) {
    throw new LogError("FILE_UNREADABLE", `${path} cannot be read`, { field: path, cause });
  }
}
