/**
 * `/metrics` on a port of its own: what it says about load is not for everybody.
 *
 * @module
 */
import { createServer } from "node:http";
import { METRICS_PATH } from "../../schema/http/paths.ts";
import { bind, type ListenAddress } from "../listen.ts";
import type { Metrics } from "./metrics.ts";

export interface MetricsServer {
  readonly port: number;
  readonly close: () => Promise<void>;
}

/** @throws LogError CONFIG_INVALID where the address cannot be had */
export async function serveMetrics(
  metrics: Pick<Metrics, "text" | "contentType">,
  at: ListenAddress,
): Promise<MetricsServer> {
  const server = createServer((req, res) => {
    if (req.url !== METRICS_PATH) {
      res.writeHead(404).end();
      return;
    }
    metrics.text().then(
      (text) => res.writeHead(200, { "Content-Type": metrics.contentType }).end(text),
      () => res.writeHead(500).end(),
    );
  });
  server.requestTimeout = 10_000;
  const port = await bind(server, at, "metrics.listen");
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
