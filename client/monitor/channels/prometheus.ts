/**
 * Where the monitor stands, for Prometheus: on a port of its own while it runs, or in a file for
 * node_exporter's textfile collector where it runs now and then.
 *
 * The text is written here: seven gauges and counters that are all read from the outbox are no
 * reason to give every client a metrics library.
 *
 * Spec: Prometheus text format 0.0.4.
 *
 * @module
 */
import { createServer, type Server } from "node:http";
import { utf8 } from "../../../schema/bytes.ts";
import { METRICS_PATH } from "../../../schema/http/paths.ts";
import { writeWholeFile } from "../../whole-file.ts";
import type { Count, Outbox } from "../outbox.ts";
import { ChannelError, type View } from "./channel.ts";

const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** The file is readable for all: node_exporter is another user. */
export function prometheusFile(name: string, path: string): View {
  return {
    sort: "view",
    name,
    show: async (outbox) => {
      await writeWholeFile("metrics", path, utf8(formatMetrics(outbox)), 0o644);
    },
  };
}

export interface ListenAt {
  readonly host: string;
  readonly port: number;
}

/** Takes the port with the first state that it is to show, and keeps it. */
export function prometheusPort(
  name: string,
  at: ListenAt,
): View & { readonly close: () => Promise<void>; readonly port: () => number | undefined } {
  let text = "";
  let server: Server | undefined;
  return {
    sort: "view",
    name,
    port: () => portOf(server),
    show: async (outbox) => {
      text = formatMetrics(outbox);
      server ??= await listen(at, () => text);
    },
    close: async () => {
      server?.closeAllConnections();
      await new Promise<void>((resolve) =>
        server === undefined ? resolve() : server.close(() => resolve()),
      );
    },
  };
}

async function listen({ host, port }: ListenAt, text: () => string): Promise<Server> {
  const server = createServer((req, res) => {
    if (req.url === METRICS_PATH) res.writeHead(200, { "Content-Type": CONTENT_TYPE }).end(text());
    else res.writeHead(404).end();
  });
  server.requestTimeout = 10_000;
  await new Promise<void>((resolve, reject) => {
    const refused = (cause: Error): void =>
      reject(
        new ChannelError(`${host}:${port} cannot be listened on: ${cause.message}`, { cause }),
      );
    server.once("error", refused);
    server.listen(port, host, () => {
      server.off("error", refused);
      resolve();
    });
  });
  return server;
}

/** Whether a monitor's metrics are to be had there. */
export async function isServedAt({ host, port }: ListenAt): Promise<boolean> {
  const name = host.includes(":") ? `[${host}]` : host;
  try {
    const signal = AbortSignal.timeout(5_000);
    const answer = await fetch(`http://${name}:${port}${METRICS_PATH}`, {
      redirect: "error",
      signal,
    });
    const isText = answer.headers.get("content-type") === CONTENT_TYPE;
    await answer.body?.cancel();
    return answer.ok && isText;
  } catch {
    return false;
  }
}

function portOf(server: Server | undefined): number | undefined {
  const address = server?.address();
  return typeof address === "object" && address !== null ? address.port : undefined;
}

interface Metric {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly samples: readonly { readonly labels?: Labels; readonly value: number }[];
}

type Labels = Readonly<Record<string, string>>;

export function formatMetrics(outbox: Outbox): string {
  return metricsOf(outbox).map(formatMetric).join("");
}

function metricsOf({ counts, channels, lastRound, lastComplete, lastBeat }: Outbox): Metric[] {
  const standings = [...channels];
  const ofChannels = (
    value: (standing: (typeof standings)[number][1]) => number,
  ): Metric["samples"] =>
    standings.map(([channel, standing]) => ({ labels: { channel }, value: value(standing) }));
  const gauge = { type: "gauge" } as const;
  return [
    {
      name: "countersign_monitor_alerts_total",
      type: "counter",
      help: "Alerts, ever.",
      samples: counts.map(({ count, ...one }) => ({ labels: labelsOf(one), value: count })),
    },
    {
      // The first of a sort is no increase of a counter that was not there before.
      ...gauge,
      name: "countersign_monitor_last_alert_timestamp_seconds",
      help: "When the newest alert of the sort was first seen.",
      samples: counts.map(({ last, ...one }) => ({ labels: labelsOf(one), value: last })),
    },
    {
      ...gauge,
      name: "countersign_monitor_last_round_timestamp_seconds",
      help: "When the last round ended.",
      samples: [{ value: lastRound }],
    },
    {
      ...gauge,
      name: "countersign_monitor_last_complete_round_timestamp_seconds",
      help: "When the last round ended in which everything could be checked.",
      samples: [{ value: lastComplete }],
    },
    {
      ...gauge,
      name: "countersign_monitor_last_beat_timestamp_seconds",
      help: "The last beat: everything could be checked, and every channel worked.",
      samples: [{ value: lastBeat }],
    },
    {
      ...gauge,
      name: "countersign_monitor_channel_failing",
      help: "1 where the channel does not work.",
      samples: ofChannels(({ failing }) => (failing === undefined ? 0 : 1)),
    },
    {
      ...gauge,
      name: "countersign_monitor_channel_waiting_alerts",
      help: "Alerts that the channel has not confirmed.",
      samples: ofChannels(({ pending }) => pending.length),
    },
  ];
}

function labelsOf({ kind, severity, origin }: Omit<Count, "count" | "last">): Labels {
  return { kind, severity, origin };
}

function formatMetric({ name, type, help, samples }: Metric): string {
  const lines = samples.map(({ labels = {}, value }) => `${name}${formatLabels(labels)} ${value}`);
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ""].join("\n");
}

function formatLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escapeLabel(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
