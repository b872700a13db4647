/** The log's own interface, its reads, its memory and its disk: `npm run bench`. */
import { join } from "node:path";
import {
  CLIENTS,
  folder,
  type Measured,
  measure,
  measurePeer,
  median,
  noPeer,
  report,
  rounds,
  seconds,
  values,
} from "./bench.ts";
import { type Limits, measureLimits } from "./limits.ts";
import { offlineVerify } from "./offline.ts";
import { batch, diskUse, initOurs, load, loopDelay, type Ours, startOurs } from "./ours.ts";
import { startRekor, startTessera } from "./peers.ts";
import { type Load, prepare } from "./prepare.ts";

/** Entries whose tiles are read; both logs have more by then. */
const READ_SIZE = 10_240;

interface Reads {
  readonly tiles: number;
  readonly bundles: number;
}

async function throughput(ours: Ours, limits: Limits, rekor: Map<number, Measured>): Promise<void> {
  const single = await measure(ours.server, "p256", "/v1/entries", 1);
  report.load("Countersign, P-256", 1, single);
  report.ratio("one client: Rekor's p50 ÷ ours (reach 100)", rekor.get(1)?.p50, single.p50);
  report.ratio("one client: our p50 ÷ one durable commit alone", single.p50, limits.commit);
  for (const kind of ["p256", "ed25519", "sshsig"] as const)
    for (const clients of CLIENTS) {
      const one = await measure(ours.server, kind, "/v1/entries", clients);
      report.load(`Countersign, ${kind}`, clients, one);
      const alone = kind === "p256" ? limits.p256 : limits.ed25519;
      report.ratio(`${kind}, ${clients} clients: ours ÷ verification alone`, one.rate, alone);
      if (kind !== "p256") continue;
      const peer = rekor.get(clients);
      report.ratio(
        `p256, ${clients} clients: ours ÷ Rekor (reach ${clients === 1024 ? 5 : 15})`,
        one.rate,
        peer?.rate,
      );
      report.ratio(
        `p256, ${clients} clients: our CPU per entry ÷ Rekor's (reach ≤ 0.5)`,
        one.cpuPerEntry,
        peer?.cpuPerEntry,
      );
    }
  report.figure("event-loop delay under that load, p99", await loopDelay(ours), "ms");
}

/** Several whole batches of one kind; the log grows by all of them. */
async function batchesOf(ours: Ours, kind: Load): Promise<number> {
  const file = join(folder, "batch.ndjson");
  const rates: number[] = [];
  const costs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    prepare(kind, 10_000, file, "lines");
    const before = ours.server.cpu();
    const result = await batch(ours.server.port, file);
    if (!result.ended || result.problems > 0) throw new Error("a batch was not logged whole");
    rates.push(result.lines / result.seconds);
    costs.push(((ours.server.cpu() - before) * 1000) / result.lines);
  }
  const rate = median(rates);
  report.figure(`batches of 10,000 lines, ${kind}`, rate, "entries/s");
  report.figure(`batches of 10,000 lines, ${kind}: CPU per entry`, median(costs), "ms");
  return rate;
}

async function batches(ours: Ours, limits: Limits, tessera: Map<number, Measured>): Promise<void> {
  const p256 = await batchesOf(ours, "p256");
  const ed25519 = await batchesOf(ours, "ed25519");
  const sshsig = await batchesOf(ours, "sshsig");
  report.ratio("batch, p256: ours ÷ verification alone (reach 0.6)", p256, limits.p256);
  report.ratio("batch, ed25519: ours ÷ verification alone (reach 0.6)", ed25519, limits.ed25519);
  report.ratio("batch, sshsig: ours ÷ verification alone (reach 0.6)", sshsig, limits.ed25519);
  const best = Math.max(...[...tessera.values()].map((one) => one.rate));
  const measured = Number.isFinite(best) ? best : undefined;
  report.ratio("batch, p256: ours ÷ Tessera's best here, which verifies nothing", p256, measured);
  report.ratio(
    "batch, p256: ours ÷ Tessera tuned as published, 11,952/s (reach 0.6)",
    p256,
    11_952,
  );
}

function tileName(n: number): string {
  const three = (part: number): string => String(part).padStart(3, "0");
  return n < 1000 ? three(n) : `x${three(Math.floor(n / 1000))}/${three(n % 1000)}`;
}

/** Full tiles and full bundles of the first `size` entries, a second, by 32 clients. */
async function reads(server: { readonly port: number }, size: number): Promise<Reads> {
  const rate = async (prefix: string): Promise<number> => {
    const paths = Array.from(
      { length: Math.floor(size / 256) },
      (_, n) => `${prefix}${tileName(n)}`,
    );
    const rates: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const result = await load({ port: server.port, clients: 32, seconds, method: "GET", paths });
      if (result.refused > 0) throw new Error("a tile was refused");
      rates.push(result.answered / result.seconds);
    }
    return median(rates);
  };
  return { tiles: await rate("/tile/0/"), bundles: await rate("/tile/entries/") };
}

async function compareReads(ours: Ours, theirs: Reads | undefined): Promise<void> {
  const own = await reads(ours.server, READ_SIZE);
  report.figure("hash tiles read, 32 clients", own.tiles, "/s");
  report.figure("entry bundles read, 32 clients", own.bundles, "/s");
  if (theirs !== undefined) {
    report.figure("Tessera's own server: hash tiles, 32 clients", theirs.tiles, "/s");
    report.figure(
      "Tessera's own server: entry bundles (of 512 B entries), 32 clients",
      theirs.bundles,
      "/s",
    );
  }
  report.ratio("hash tiles: ours ÷ Tessera's server (reach 1)", own.tiles, theirs?.tiles);
  report.ratio("entry bundles: ours ÷ Tessera's server (reach 1)", own.bundles, theirs?.bundles);
}

async function logSize(ours: Ours): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${ours.server.port}/checkpoint`);
  return Number((await answer.text()).split("\n")[1]);
}

/** Fill the log by batches up to a size. */
async function grow(ours: Ours, to: number): Promise<void> {
  const file = join(folder, "grow.ndjson");
  for (let size = await logSize(ours); size < to; size = await logSize(ours)) {
    prepare("ed25519", Math.min(10_000, to - size), file, "lines");
    const result = await batch(ours.server.port, file);
    if (!result.ended) throw new Error("a batch was not logged whole");
  }
}

async function atSize(ours: Ours): Promise<Ours> {
  const size = await logSize(ours);
  const label = size.toLocaleString("en");
  const payload = await entryBytes(ours, size);
  report.figure(`memory at ${label} entries, after load`, ours.server.memory(), "MB");
  await ours.server.stop();
  const disk = diskUse(join(ours.folder, "data"));
  report.figure(`disk per entry at ${label} entries`, disk / size, "B");
  report.figure(`leaf and content of an entry, mean at ${label}`, payload, "B");
  report.ratio(
    `disk at ${label}: used ÷ (1.2 × (leaf + content) + 250 B) (reach ≤ 1)`,
    disk / size,
    1.2 * payload + 250,
  );
  const starts: number[] = [];
  let [again, ready] = await startOurs(ours.folder);
  for (let round = 1; round < rounds; round++) {
    starts.push(ready);
    await again.server.stop();
    [again, ready] = await startOurs(ours.folder);
  }
  starts.push(ready);
  report.figure(`start-up at ${label} entries, until ready`, median(starts), "ms");
  report.figure(`memory at ${label} entries, after start`, again.server.memory(), "MB");
  return again;
}

/** Bytes of leaf and content of an entry, from every 20th bundle. */
async function entryBytes(ours: Ours, size: number): Promise<number> {
  const url = `http://127.0.0.1:${ours.server.port}`;
  let [bytes, entries] = [0, 0];
  for (let n = 0; n < Math.floor(size / 256); n += 20)
    for (const [kind, prefix] of [
      ["entries", 2],
      ["content", 4],
    ] as const) {
      const answer = await fetch(`${url}/tile/${kind}/${tileName(n)}`);
      bytes += (await answer.arrayBuffer()).byteLength - prefix * 256;
      if (kind === "entries") entries += 256;
    }
  return bytes / entries;
}

export async function benchLog(): Promise<void> {
  const limits = await measureLimits();
  report.figure("limit: P-256 verification alone, all cores", limits.p256, "/s");
  report.figure("limit: Ed25519 verification alone, all cores", limits.ed25519, "/s");
  report.figure("limit: SHA-256 of a tree node, one core", limits.sha256, "/s");
  report.figure("limit: one durable commit of one row", limits.commit, "ms");
  report.figure("limit: durable rows of 1.2 kB, 1,000 a commit", limits.rows, "/s");
  const rekor = await measurePeer(values.peers ? startRekor(folder) : Promise.resolve(noPeer));
  let tesseraReads: Reads | undefined;
  const tessera = await measurePeer(
    values.peers ? startTessera(folder) : Promise.resolve(noPeer),
    async (server) => {
      tesseraReads = await reads(server, READ_SIZE);
    },
  );
  const vkey = initOurs(folder);
  let [ours] = await startOurs(folder);
  // Before the others, so that it fills an empty log as the peers' loads do.
  await batches(ours, limits, tessera);
  await grow(ours, 100_000);
  ours = await atSize(ours);
  await throughput(ours, limits, rekor);
  await compareReads(ours, tesseraReads);
  await offlineVerify(ours, vkey, folder, report, rounds);
  if (values.full) {
    await grow(ours, 1_000_000);
    ours = await atSize(ours);
  }
  await ours.server.stop();
}
