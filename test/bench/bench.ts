/**
 * What every bench of `npm run bench` uses: the options, the report, one way to put a load on a
 * server, and the place for the tables.
 */
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { LoadOrder } from "./load.ts";
import { load } from "./ours.ts";
import type { PeerResult } from "./peers.ts";
import { type Load, prepare } from "./prepare.ts";
import { Report } from "./report.ts";

const parsed = parseArgs({
  allowPositionals: true,
  options: {
    entries: { type: "string" },
    full: { type: "boolean", default: false },
    peers: { type: "boolean", default: true },
    seconds: { type: "string", default: "4" },
    rounds: { type: "string", default: "3" },
    write: { type: "boolean", default: false },
  },
  allowNegative: true,
});
export const { values } = parsed;
/** Which bench, and the marks around its tables. */
export const named: string = parsed.positionals[0] ?? "log";
export const seconds: number = Number(values.seconds);
export const rounds: number = Number(values.rounds);
export const CLIENTS = [16, 256, 1024] as const;
/** Bodies made for one load: more than any log here takes in the time. */
const PER_SECOND = 9_000;

export const report: Report = new Report();
export const folder: string = mkdtempSync(join(tmpdir(), "countersign-bench-"));

export interface Measured {
  readonly rate: number;
  readonly cpuPerEntry: number;
  readonly p50: number;
  readonly p99: number;
}

export function median(all: readonly number[]): number {
  return all.toSorted((a, b) => a - b)[all.length >> 1] ?? Number.NaN;
}

/** Several rounds of one load against one server, each with fresh bodies. */
export async function measure(
  server: { readonly port: number; cpu(): number },
  what: Load,
  path: string,
  clients: number,
): Promise<Measured> {
  const all: Measured[] = [];
  for (let round = 0; round < rounds; round++)
    all.push(await measureOnce(server, what, path, clients));
  return middle(all);
}

/** One round, with fresh bodies. */
export async function measureOnce(
  server: { readonly port: number; cpu(): number },
  what: Load,
  path: string,
  clients: number,
): Promise<Measured> {
  const file = join(folder, `${what}.bodies`);
  prepare(what, clients === 1 ? 4_000 * seconds : PER_SECOND * seconds, file);
  const order = {
    port: server.port,
    clients,
    seconds,
    file,
    method: "POST",
    paths: [path],
  } as const;
  return measureLoad(server, order);
}

/** One load against one server. */
export async function measureLoad(server: { cpu(): number }, order: LoadOrder): Promise<Measured> {
  const before = server.cpu();
  const { answered, refused, seconds: long, p50, p99 } = await load(order);
  if (refused > 0) throw new Error(`${refused} of ${answered} were refused`);
  const cpu = server.cpu() - before;
  return { rate: answered / long, cpuPerEntry: (cpu * 1000) / answered, p50, p99 };
}

/** The median of each figure. */
export function middle(all: readonly Measured[]): Measured {
  const of = (name: keyof Measured): number => median(all.map((one) => one[name]));
  return { rate: of("rate"), cpuPerEntry: of("cpuPerEntry"), p50: of("p50"), p99: of("p99") };
}

/** Every number of clients on a peer; `more` is asked of it before it is stopped. */
export async function measurePeer(
  start: Promise<PeerResult>,
  more?: (server: { readonly port: number }) => Promise<void>,
): Promise<Map<number, Measured>> {
  const found = await start;
  const measured = new Map<number, Measured>();
  if ("missing" in found) {
    report.note(`A peer was not measured in this run: ${found.missing}`);
    return measured;
  }
  const { peer } = found;
  for (const clients of [1, ...CLIENTS]) {
    const one = await measure(peer.server, peer.load, peer.path, clients);
    measured.set(clients, one);
    report.load(peer.name, clients, one);
  }
  await more?.(peer.server);
  await peer.server.stop();
  return measured;
}

export const noPeer: PeerResult = { missing: "left out by --no-peers" };

/** Puts the tables between the marks in docs/performance.md. */
export function writeDocument(text: string): void {
  const file = join(import.meta.dirname, "../../docs/performance.md");
  const mark = named === "log" ? "" : ` ${named}`;
  const [before, after] = [`<!-- bench${mark} -->\n`, `<!-- /bench${mark} -->`];
  const parts = readFileSync(file, "utf8").split(before);
  const rest = parts[1]?.split(after)[1];
  if (rest === undefined) throw new Error("docs/performance.md has no place for the tables");
  writeFileSync(file, `${parts[0]}${before}\n${text}\n${after}${rest}`);
}
