/**
 * `serve`: run the log until a signal ends it, or until it stops by itself.
 *
 * Exit status: 0 after a signal; 2 for a refused start, or where witnesses have shown another history
 * of this log (I6), where a person has to look; 1 where the log stopped for good while it ran (I5),
 * which a new start from the disk heals.
 *
 * @module
 */
import type { Arguments, Command } from "../../client/cli/command.ts";
import type { ExitStatus, Io } from "../../client/cli/io.ts";
import { print, printJson, reportError } from "../../client/cli/output.ts";
import { nodeCrypto } from "../../client/crypto/node.ts";
import type { LogError } from "../../schema/error.ts";
import { makeLogger } from "../observe/log.ts";
import { openParts } from "../parts.ts";
import { type RunningLog, serveLog } from "../serve.ts";
import { CONFIG_OPTIONS, configOf } from "./settings.ts";

export const serve: Command = {
  name: "serve",
  summary: "Serve the log until told to stop.",
  about: [
    "SIGTERM or SIGINT ends it: no new connection is taken, requests in flight are answered, what waits is committed. A second signal does not hurry it.",
    "SIGHUP reads the witness policy again; one that is refused leaves the old one in force.",
    "Exit status 2 means that the start was refused, or that a witness has shown another history of this log, and a person has to look (docs/operate.md); 1 that the log stopped while it ran, and that a new start heals it.",
  ],
  positionals: [],
  options: CONFIG_OPTIONS,
  examples: [
    { what: "with a configuration file", line: "countersign serve --config countersign.toml" },
    {
      what: "a log that forgets everything at its end",
      line: "countersign serve --storage-driver memory --log-origin try.example",
    },
  ],
  run: async (args: Arguments, io: Io): Promise<ExitStatus> => {
    const { config } = await configOf(args, io);
    const logger = makeLogger(config.logging.level, (line) => io.stderr.write(line), io.now);
    const signal = nextSignal();
    let log: RunningLog;
    try {
      log = await serveLog(await openParts(config, { ...io, crypto: nodeCrypto, logger }), config);
    } catch (error) {
      reportError(io, error, args.json);
      return 2;
    }
    showStart(args, io, log);
    process.on("SIGHUP", () => void log.reload());
    const stopped = await Promise.race([signal, log.stopped]);
    await log.close();
    if (typeof stopped === "string") return 0;
    const status = fatal(io, stopped);
    // I5: store and guard are not closed, so their threads would keep the process for ever.
    io.exit?.(status);
    return status;
  },
};

/** The first signal that asks for the end. Later ones find the log already ending. */
export async function nextSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => resolve(name));
  });
}

function showStart(args: Arguments, io: Io, log: RunningLog): void {
  const { origin, vkey, url, metricsUrl } = log;
  const { size } = log.published();
  if (args.json) printJson(io, { origin, vkey, url, metricsUrl: metricsUrl ?? null, size });
  else
    print(
      io,
      `${origin} is served at ${url}, ${size} ${size === 1 ? "entry" : "entries"}`,
      `vkey    ${vkey}`,
      `metrics ${metricsUrl === undefined ? "off" : `${metricsUrl}/metrics`}`,
    );
}

function fatal(io: Io, reason: LogError): ExitStatus {
  io.stderr.write(`countersign: the log stopped: ${reason.message} [${reason.code}]\n`);
  if (reason.detail.hint !== undefined) io.stderr.write(`  ${reason.detail.hint}\n`);
  return reason.code === "WITNESS_AHEAD" || reason.code === "WITNESS_DIFFERS" ? 2 : 1;
}
