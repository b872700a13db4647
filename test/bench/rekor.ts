/**
 * Rekor's write interface, ours and Rekor's own, under the same bodies: `npm run bench -- rekor`.
 *
 * Digest-only requests are what both take; envelopes are ours alone, because Rekor gave them up.
 * The limit is verification alone: over the digest as the log does it, in threads, and by the
 * message as node:crypto does it.
 */
import {
  CLIENTS,
  folder,
  type Measured,
  measure,
  measurePeer,
  noPeer,
  report,
  values,
} from "./bench.ts";
import { digestVerifications, verifications } from "./limits.ts";
import { initOurs, startOurs } from "./ours.ts";
import { startRekor } from "./peers.ts";

const PATH = "/api/v2/log/entries";
const REACH: Readonly<Record<number, string>> = { 256: " (reach 8)", 1024: " (reach 3)" };
const LOADS = [
  ["rekor", "digest only"],
  ["rekor-dsse", "enveloped"],
] as const;

export async function benchRekor(): Promise<void> {
  const digest = await digestVerifications(3);
  const message = await verifications("p256", 3);
  report.figure("limit: P-256 over a digest alone, all cores", digest, "/s");
  report.figure("limit: P-256 over the message alone, all cores", message, "/s");
  const rekor = await measurePeer(values.peers ? startRekor(folder) : Promise.resolve(noPeer));
  initOurs(folder);
  const [ours] = await startOurs(folder);
  for (const [load, name] of LOADS)
    for (const clients of [1, ...CLIENTS]) {
      const one = await measure(ours.server, load, PATH, clients);
      report.load(`Countersign, ${name}`, clients, one);
      compare(name, clients, one, rekor.get(clients));
      report.ratio(
        `${name}, ${clients} clients: ours ÷ verification alone`,
        one.rate,
        load === "rekor" ? digest : message,
      );
    }
  await ours.server.stop();
}

function compare(
  name: string,
  clients: number,
  ours: Measured,
  theirs: Measured | undefined,
): void {
  const of = `${name}, ${clients} clients`;
  report.ratio(`${of}: ours ÷ Rekor by digest${REACH[clients] ?? ""}`, ours.rate, theirs?.rate);
  report.ratio(`${of}: Rekor's p50 ÷ ours`, theirs?.p50, ours.p50);
  report.ratio(`${of}: our CPU per entry ÷ Rekor's`, ours.cpuPerEntry, theirs?.cpuPerEntry);
}
