/**
 * From submission to a witnessed proof: `npm run bench -- witness`.
 *
 * The log and its witnesses are the published command line, one process each, on this machine's
 * loopback; witnesses keep their state on the same disk, so that what is measured is the least
 * that a real quorum costs, with every fsync in it and no network. Each witness has both of its keys.
 *
 * Rekor at its fastest flags answers in about a second whatever the load, because it publishes at
 * intervals; it does not wait for witnesses at all.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Measured as Figures, folder, measure, report } from "./bench.ts";
import { command, initOurs, startOurs } from "./ours.ts";
import { freePort, Measured } from "./process.ts";

const PATH = "/v1/entries";
/** Milliseconds: Rekor's p50 at one client, at the fastest interval that its flags take. */
const REKOR_MS = 1_000;
const CLIENTS = [1, 16, 256, 1_024] as const;
/** The log is saturated from here on: what more clients get is longer waits. */
const SATURATED = 1_024;

export async function benchWitness(): Promise<void> {
  const without = new Map<number, Figures>();
  for (const count of [0, 1, 3]) {
    const place = join(folder, `with-${count}`);
    mkdirSync(place);
    const vkey = initOurs(place);
    const witnesses = await startWitnesses(place, vkey, count);
    const flags = count === 0 ? [] : ["--witness-policy", writePolicy(place, witnesses)];
    const [ours] = await startOurs(place, flags);
    for (const clients of CLIENTS) {
      const one = await measure(ours.server, "p256", PATH, clients);
      report.load(nameOf(count), clients, one);
      if (count === 0) without.set(clients, one);
      else compare(count, clients, one, without.get(clients));
    }
    await ours.server.stop();
    for (const { server } of witnesses) await server.stop();
  }
}

function compare(count: number, clients: number, one: Figures, bare: Figures | undefined): void {
  const of = `${nameOf(count)}, ${clients} ${clients === 1 ? "client" : "clients"}`;
  if (clients === 1)
    report.ratio(`${of}: Rekor's ${REKOR_MS} ms ÷ our p50 (reach 30)`, REKOR_MS, one.p50);
  if (clients === 256) report.ratio(`${of}: rate ÷ rate without`, one.rate, bare?.rate);
  if (clients === SATURATED)
    report.ratio(`${of}: rate ÷ rate without (reach 0.8)`, one.rate, bare?.rate);
}

function nameOf(count: number): string {
  if (count === 0) return "no witnesses";
  return count === 1 ? "1 witness" : `${count} witnesses, 2 of them a quorum`;
}

interface BenchWitness {
  readonly server: Measured;
  readonly lines: readonly string[];
}

async function startWitnesses(
  place: string,
  vkey: string,
  count: number,
): Promise<readonly BenchWitness[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const home = join(place, `w${i}`);
      const logs = join(place, `w${i}.logs`);
      const port = await freePort();
      const url = `http://127.0.0.1:${port}`;
      const init = ["witness", "init", "--name", `w${i}.example.test`, "--folder", home];
      execFileSync(process.execPath, [command, ...init], { stdio: "pipe" });
      const show = ["witness", "show", "--folder", home, "--url", url, "--json"];
      const { policy }: { readonly policy: readonly string[] } = JSON.parse(
        execFileSync(process.execPath, [command, ...show], { encoding: "utf8" }),
      );
      writeFileSync(logs, `log ${vkey}\n`);
      const serve = ["witness", "serve", "--folder", home, "--logs", logs, "--metrics", "off"];
      const server = new Measured(
        process.execPath,
        [command, ...serve, "--listen", `127.0.0.1:${port}`, "--level", "warn"],
        port,
      );
      await server.listens();
      return { server, lines: policy };
    }),
  );
}

/** More than half of the witnesses: each is the last name that its lines define. */
function writePolicy(place: string, witnesses: readonly BenchWitness[]): string {
  const names = witnesses.map(({ lines }) => lines.at(-1)?.split(" ")[1] ?? "");
  const threshold = Math.floor(names.length / 2) + 1;
  const file = join(place, "policy");
  writeFileSync(
    file,
    `${witnesses.flatMap(({ lines }) => lines).join("\n")}\ngroup quorum ${threshold} ${names.join(" ")}\nquorum quorum\n`,
  );
  return file;
}
