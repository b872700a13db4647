/**
 * South's monitor, as a daemon: what it tells, and when.
 */
import { cpSync, writeFileSync } from "node:fs";
import { refused } from "../quickstart/tools.ts";
import { type Caught, judge, memberOf, type Stage, URI, until } from "./stage.ts";

export interface Monitor {
  /** The next alert of a kind, with the evidence that it names. */
  readonly alert: (kind: string, after: () => number) => Promise<Caught>;
}

/** It knows what is there already, and begins a round every second. */
export async function startMonitor(stage: Stage): Promise<Monitor> {
  const { work, keys } = stage;
  const config = [
    'monitor = 1\ntrust = "trust.toml"\nstate = "monitor"\ninterval_seconds = 1',
    `[[log]]\norigin = "${work.origin}"`,
    `repositories = ["${URI}"]`,
    `keys = ${JSON.stringify(keys)}`,
    'receipts = "watched"\n',
  ];
  cpSync(work.path("receipts"), work.path("watched"), { recursive: true });
  writeFileSync(work.path("monitor.toml"), config.join("\n"));
  const alerts: unknown[] = [];
  let line = "";
  const listen = (text: string): void => {
    const [first = "", ...rest] = text.split("\n");
    line += first;
    for (const next of rest) {
      // What is told of itself, when it cannot go on, is no line of its own.
      if (line.startsWith('{"')) alerts.push(JSON.parse(line));
      line = next;
    }
  };
  const running = await work.start(["monitor", "--config", "monitor.toml"], '{"round"', listen);
  stage.ends.push(running.stop);
  let read = 0;
  const next = async (kind: string): Promise<unknown> => {
    while (read < alerts.length) {
      const alert = alerts[read++];
      if (memberOf(alert, "kind") === kind) return alert;
    }
    return undefined;
  };
  return {
    alert: async (kind, after) => {
      const alert = await until(`no ${kind} by the monitor`, async () => next(kind));
      const seconds = after();
      refused(`South's monitor: ${kind}: ${String(memberOf(alert, "message"))}`);
      const evidence = await judge(stage, String(memberOf(alert, "evidence")));
      return { by: "South's monitor", seconds, evidence };
    },
  };
}
