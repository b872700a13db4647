/**
 * `monitor`: watches logs, and tells of what it finds; `monitor init` writes its configuration.
 *
 * @module
 */
import { dirname, join, relative } from "node:path";
import { unwrap } from "../../schema/error.ts";
import { nodeCrypto } from "../crypto/node.ts";
import { type Alert, formatAlert } from "../monitor/alert.ts";
import { type DeliveredPorts, runDelivered } from "../monitor/delivered-round.ts";
import type { FullStep } from "../monitor/full.ts";
import { pause, type Round, runForever } from "../monitor/monitor.ts";
import { sampleConfig } from "../monitor/sample.ts";
import { StateFile } from "../monitor/state.ts";
import { withoutControls } from "../printable.ts";
import { timeText } from "../time-text.ts";
import { MAX_TRUST_BYTES, parseTrust } from "../trust.ts";
import type { Arguments, Command } from "./command.ts";
import { saveEvidence } from "./evidence-file.ts";
import { pathOf, readBytes, writeNew } from "./files.ts";
import type { ExitStatus, Io } from "./io.ts";
import { openDelivery, reportIo } from "./monitor-channels.ts";
import { openConfig } from "./monitor-config.ts";
import { print, printJson } from "./output.ts";

export const monitor: Command = {
  name: "monitor",
  summary: "Watch logs: their consistency, their index, and what comes under names that matter.",
  about: [
    "In each round it checks, of each log of its configuration: that its head and that of its index continue what was seen before, with the witnesses and index verifiers of the trust file, each of whom is missed by itself; that the index keeps up; that everything it knew under the watched names is still there, and what is new, with the signature of each entry; contradictions; entries under your own keys that you did not sign; and that your own entries stand under all their names. It asks for proofs, not for the log: its cost grows with what it watches.",
    "Alerts are written to the state together with what was seen, so that a crash loses none and repeats none, and then sent through the channels of the configuration: each gets every alert at least once, and none again that it has confirmed. `alerts.jsonl` in the state folder has them all. What cannot be checked is an alert too, and so is a channel that does not work.",
    "With --full it also reads whole logs, in steps: every entry with its content and its signature, and every leaf of the index executed again. It goes on where it was ended last.",
    "Without --once it goes on until SIGTERM. Exit status with --once: 0 nothing new, and nothing wrong. 1: there are alerts, or a condition of an earlier one still holds. 2: something could not be checked, or a channel does not work. 3: a log misbehaved.",
  ],
  positionals: [],
  options: {
    config: { type: "string", value: "FILE", required: true, help: "what is watched" },
    once: { type: "boolean", help: "one round, and its result as the exit status" },
    full: {
      type: "boolean",
      help: "also read each log from where that was ended last: every entry, every signature, every leaf of the index",
    },
  },
  examples: [
    {
      what: "once a week, everything",
      line: "countersign monitor --config monitor.toml --once --full",
    },
    { what: "from a timer", line: "countersign monitor --config monitor.toml --once" },
    {
      what: "for ever, alerts as JSON lines",
      line: "countersign monitor --config monitor.toml --json",
    },
  ],
  run: async (args: Arguments, io: Io): Promise<ExitStatus> => {
    const opened = await openConfig(io, args.need("config"));
    const stop = new AbortController();
    const delivery = await openDelivery(opened, args.flag("once"), {
      sleep: async (milliseconds) => pause(milliseconds, stop.signal),
      stop: stop.signal,
    });
    const ports: DeliveredPorts = {
      sha256: nodeCrypto.sha256,
      state: await StateFile.open(join(opened.state, "state.json"), nodeCrypto.sha256),
      delivery,
      watches: opened.watches,
      saveEvidence: async (evidence) =>
        saveEvidence(opened.io, join(opened.state, "evidence"), evidence),
      now: () => Math.floor(io.now() / 1000),
      stop: stop.signal,
      ...(args.flag("full") ? { full: (origin, step) => tellProgress(io, origin, step) } : {}),
    };
    const own = reportIo(io, opened);
    if (args.flag("once")) {
      const round = await runDelivered(ports);
      await delivery.close();
      report(args, own, round);
      return round.status;
    }
    const { intervalSeconds } = opened.config;
    const end = (): void => stop.abort();
    process.once("SIGTERM", end).once("SIGINT", end);
    try {
      await runForever(async () => runDelivered(ports), {
        intervalSeconds,
        now: io.now,
        stop: stop.signal,
        onRound: (round) => report(args, own, round),
      });
    } finally {
      await delivery.close();
      process.off("SIGTERM", end).off("SIGINT", end);
    }
    return 0;
  },
};

function tellProgress(io: Io, origin: string, { what, done, total }: FullStep): void {
  io.stderr.write(withoutControls(`${origin}: ${what} ${done} of ${total}\n`));
}

/** With --json one line for each alert and one for the round. */
function report(args: Arguments, io: Io, round: Round): void {
  const { status, alerts, open, undelivered } = round;
  if (args.json) {
    for (const alert of alerts) io.stdout.write(`${formatAlert(alert)}\n`);
    const end = { round: { status, alerts: alerts.length, open, undelivered } };
    io.stdout.write(`${JSON.stringify(end)}\n`);
    return;
  }
  print(
    io,
    ...alerts.flatMap(alertLines),
    ...(undelivered === undefined ? [] : [`NOT DELIVERED: ${undelivered}`]),
    `${WORDS[status]}: ${alerts.length} alerts, ${open.length} conditions hold`,
    ...open.map(({ kind, origin, subject, since }) => {
      const where = subject === origin ? origin : `${subject} of ${origin}`;
      return `  ${kind} since ${timeText(since)}: ${where}`;
    }),
  );
}

const WORDS = {
  0: "nothing new",
  1: "alerts",
  2: "NOT CHECKED",
  3: "MISBEHAVED",
} as const;

function alertLines({ severity, kind, subject, message, evidence }: Alert): string[] {
  return [
    `${severity === "critical" ? "CRITICAL" : severity} ${kind}: ${subject}: ${message}`,
    ...(evidence === undefined ? [] : [`  evidence: ${evidence}`]),
  ];
}

export const monitorInit: Command = {
  name: "monitor init",
  summary: "Write a configuration of a monitor, with comments, for the logs of a trust file.",
  positionals: [{ name: "FILE", help: "the configuration to write", required: true }],
  options: {
    trust: {
      type: "string",
      value: "FILE",
      required: true,
      help: "trust file; its logs are watched",
    },
  },
  examples: [
    {
      what: "beside the trust file",
      line: "countersign monitor init monitor.toml --trust trust.toml",
    },
  ],
  run: async (args: Arguments, io: Io): Promise<ExitStatus> => {
    const [file = ""] = args.positionals;
    const named = args.need("trust");
    const bytes = await readBytes(io, named, MAX_TRUST_BYTES);
    const { logs } = unwrap(parseTrust(nodeCrypto.sha256, bytes));
    const trust = relative(dirname(pathOf(io, file)), pathOf(io, named));
    await writeNew(
      io,
      file,
      sampleConfig(
        trust,
        logs.map(({ origin }) => ({ origin })),
      ),
    );
    if (args.json) printJson(io, { written: file });
    else
      print(
        io,
        `written: ${file}`,
        "Fill in what is to be watched, then: countersign monitor --once",
      );
    return 0;
  },
};
