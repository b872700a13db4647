/**
 * A monitor that watches a hundred keys, through its command line: what one round costs where
 * nothing came under them, and what one new entry under them costs more; and from that a day.
 *
 * Rounds run over a log that goes on, so that each sees new heads of log and index. Bytes are
 * counted on the connection, headers and all.
 */
import { spawn } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { folder, median, report, rounds } from "./bench.ts";
import { indexCaughtUp } from "./index-state.ts";
import { signerId, submissionOf } from "./indexed-entry.ts";
import { command, ORIGIN, type Ours } from "./ours.ts";
import { freePort } from "./process.ts";

const WATCHED = 100;
/** New entries under the watched keys in the rounds that have some. */
const NEW = 50;
/** Rounds of a day at the interval that a monitor has by default. */
const ROUNDS_A_DAY = 288;
/** New entries under the watched keys in a day. */
const NEW_A_DAY = 100;

/** Entries of the largest log that is really scanned; for a larger one there is an estimate. */
const SCANNED = 200_000;
/** Numbers of entries that no log here is filled up to. */
const BEYOND = 1_000_000_000;

interface Cost {
  readonly seconds: number;
  readonly bytes: number;
}

/** `scan` is what the index verifier would take for the whole log. */
export async function benchMonitor(
  ours: Ours,
  vkey: string,
  size: number,
  scan: Cost,
): Promise<void> {
  const place = join(folder, `monitor-${size}`);
  mkdirSync(place);
  const counted = await CountedPort.open(ours.server.port);
  writeConfig(place, vkey, `http://127.0.0.1:${counted.port}`);
  const round = async (): Promise<Cost> => {
    await indexCaughtUp(ours);
    return once(place, counted);
  };
  const at = `at ${size.toLocaleString("en")}`;
  const first = await round();
  report.figure(`monitor ${at}, first round`, first.seconds, "s");
  report.figure(`monitor ${at}, first round`, first.bytes, "B");
  const [quiet, busy]: [Cost[], Cost[]] = [[], []];
  // Signers are numbers modulo a thousand, and the first hundred of them are watched.
  let next = BEYOND + size - (size % 1_000);
  for (let i = 0; i < rounds; i++) {
    await submit(ours, next + WATCHED, NEW);
    quiet.push(await round());
    await submit(ours, next, NEW);
    busy.push(await round());
    next += 1_000;
  }
  day(at, middle(quiet), middle(busy), size > SCANNED ? scan : await fullScan(place, counted));
  if (size > SCANNED) report.note(`The full scan ${at} is the index verifier's figure, not a run.`);
  counted.close();
}

/** Another monitor over the same log, which begins by reading it whole. */
async function fullScan(place: string, counted: CountedPort): Promise<Cost> {
  rmSync(join(place, "state"), { recursive: true });
  return once(place, counted, ["--full"]);
}

function day(at: string, quiet: Cost, busy: Cost, scan: Cost): void {
  const name = `monitor ${at}`;
  const entry = {
    seconds: (busy.seconds - quiet.seconds) / NEW,
    bytes: (busy.bytes - quiet.bytes) / NEW,
  };
  report.figure(`${name}, a round without news, process start included`, quiet.seconds, "s");
  report.figure(`${name}, a round without news`, quiet.bytes, "B");
  report.figure(`${name}, each new entry`, entry.seconds * 1000, "ms");
  report.figure(`${name}, each new entry`, entry.bytes, "B");
  const seconds = ROUNDS_A_DAY * quiet.seconds + NEW_A_DAY * entry.seconds;
  const bytes = ROUNDS_A_DAY * quiet.bytes + NEW_A_DAY * entry.bytes;
  report.figure(`${name}, a day`, seconds, "s");
  report.figure(`${name}, a day`, bytes / 1e6, "MB");
  report.figure(`one full scan ${at}`, scan.seconds, "s");
  report.figure(`one full scan ${at}`, scan.bytes / 1e6, "MB");
  report.ratio(`${name}: one full scan ÷ a day, time`, scan.seconds, seconds);
  report.ratio(`${name}: one full scan ÷ a day, bytes`, scan.bytes, bytes);
}

function middle(costs: readonly Cost[]): Cost {
  return {
    seconds: median(costs.map(({ seconds }) => seconds)),
    bytes: median(costs.map(({ bytes }) => bytes)),
  };
}

function writeConfig(place: string, vkey: string, url: string): void {
  writeFileSync(
    join(place, "trust.toml"),
    `trust = 1\n\n[[log]]\norigin = "${ORIGIN}"\nvkeys = ["${vkey}"]\n`,
  );
  const ids = Array.from({ length: WATCHED }, (_, i) => JSON.stringify(signerId(i)));
  writeFileSync(
    join(place, "monitor.toml"),
    `monitor = 1\ntrust = "trust.toml"\nstate = "state"\n\n[[log]]\norigin = "${ORIGIN}"\nurl = "${url}"\nkeys = [${ids.join(", ")}]\n`,
  );
}

async function submit(ours: Ours, from: number, count: number): Promise<void> {
  for (let n = from; n < from + count; n++) {
    const answer = await fetch(`http://127.0.0.1:${ours.server.port}/v1/entries`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: submissionOf(n),
    });
    await answer.arrayBuffer();
    if (answer.status !== 201) throw new Error(`entry ${n} was answered ${answer.status}`);
  }
}

/** One round in a process of its own. Its alerts are its status 1. */
async function once(
  place: string,
  counted: CountedPort,
  more: readonly string[] = [],
): Promise<Cost> {
  const args = [command, "monitor", "--config", join(place, "monitor.toml"), "--once", ...more];
  const [begun, before] = [performance.now(), counted.bytes];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  // It says how far it is, and a full scan says it often.
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4000);
    });
  const status = await new Promise<number | null>((resolve) => child.once("close", resolve));
  if (status !== 0 && status !== 1) throw new Error(`the monitor ended with ${status}: ${said}`);
  return { seconds: (performance.now() - begun) / 1000, bytes: counted.bytes - before };
}

/** A port that passes everything on to another one, and counts what comes back. */
class CountedPort {
  readonly port: number;
  readonly #server: Server;
  bytes = 0;

  static async open(to: number): Promise<CountedPort> {
    const counted = new CountedPort(await freePort(), to);
    await new Promise<void>((resolve) =>
      counted.#server.listen(counted.port, "127.0.0.1", resolve),
    );
    return counted;
  }

  private constructor(port: number, to: number) {
    this.port = port;
    this.#server = createServer((near) => {
      const far = connect(to, "127.0.0.1");
      far.on("data", (chunk) => {
        this.bytes += chunk.length;
      });
      both(near, far);
      both(far, near);
    });
  }

  close(): void {
    this.#server.close();
  }
}

function both(from: Socket, to: Socket): void {
  from.pipe(to);
  from.on("error", () => to.destroy());
}
