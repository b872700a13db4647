/**
 * The log of the process: JSON lines by pino. Nothing is written per request above `debug`;
 * counts of requests are metrics.
 *
 * @module
 */
import { type DestinationStream, type Logger, pino } from "pino";
import type { LogLevel } from "../config.ts";

export type { Logger } from "pino";

export function makeLogger(
  level: LogLevel,
  write: (line: string) => void,
  now: () => number,
): Logger {
  const destination: DestinationStream = { write };
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date(now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: ["authorization", "*.authorization", "token", "*.token"],
    },
    destination,
  );
}

export const silentLogger: Logger = pino({ level: "silent" });
