/**
 * What the machine itself allows, measured in the same run as everything it stands beside:
 * signature verification alone, SHA-256 alone, durable commits alone.
 */
import { generateKeyPairSync, hash, randomBytes, sign, verify } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import Database from "better-sqlite3";
import type { DigestOrder } from "./digest-worker.ts";

const verifyInPool = promisify(verify);

export interface Limits {
  /** Verifications a second on all cores, keys parsed beforehand. */
  readonly p256: number;
  readonly ed25519: number;
  /** SHA-256 of 65 bytes (a tree node) a second, one core. */
  readonly sha256: number;
  /** Milliseconds of one durable commit of one row. */
  readonly commit: number;
  /** Rows of 1.2 kB a second at 1,000 a durable commit. */
  readonly rows: number;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

export async function verifications(type: "p256" | "ed25519", seconds: number): Promise<number> {
  const pair =
    type === "p256"
      ? generateKeyPairSync("ec", { namedCurve: "P-256" })
      : generateKeyPairSync("ed25519");
  const algorithm = type === "p256" ? "sha256" : null;
  const message = randomBytes(400);
  const signature = sign(algorithm, message, pair.privateKey);
  const until = performance.now() + seconds * 1000;
  const begun = performance.now();
  let done = 0;
  const worker = async (): Promise<void> => {
    while (performance.now() < until) {
      if (!(await verifyInPool(algorithm, message, pair.publicKey, signature)))
        throw new Error("a good signature was refused");
      done++;
    }
  };
  await Promise.all(Array.from({ length: 64 }, worker));
  return (done * 1000) / (performance.now() - begun);
}

/** Verifications over a digest a second, a thread on each core. */
export async function digestVerifications(seconds: number): Promise<number> {
  const counts = await Promise.all(
    Array.from({ length: availableParallelism() }, async () => {
      const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const message = randomBytes(400);
      const workerData: DigestOrder = {
        spki: new Uint8Array(pair.publicKey.export({ type: "spki", format: "der" })),
        digest: new Uint8Array(hash("sha256", message, "buffer")),
        signature: new Uint8Array(sign("sha256", message, pair.privateKey)),
        milliseconds: seconds * 1000,
      };
      const script = new URL("./digest-worker.ts", import.meta.url);
      const worker = new Worker(script, { workerData });
      return new Promise<number>((resolve, reject) => {
        worker.once("message", (done: number) => resolve(done));
        worker.once("error", reject);
      });
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0) / seconds;
}

/** SHA-256 of a tree node a second, one core. */
export function hashes(): number {
  const node = randomBytes(65);
  const count = 400_000;
  const begun = performance.now();
  for (let i = 0; i < count; i++) hash("sha256", node, "binary");
  return (count * 1000) / (performance.now() - begun);
}

function commits(): { commit: number; rows: number } {
  const folder = mkdtempSync(join(tmpdir(), "countersign-limit-"));
  try {
    const db = new Database(join(folder, "limit.db"));
    db.pragma("journal_mode = WAL");
    db.pragma("synchronous = FULL");
    db.exec("CREATE TABLE row (id INTEGER PRIMARY KEY, bytes BLOB)");
    const insert = db.prepare("INSERT INTO row (bytes) VALUES (?)");
    const bytes = randomBytes(1200);
    const commit = (rows: number): number => {
      const begun = performance.now();
      db.transaction(() => {
        for (let i = 0; i < rows; i++) insert.run(bytes);
      })();
      return performance.now() - begun;
    };
    const single = median(Array.from({ length: 200 }, () => commit(1)));
    const many = median(Array.from({ length: 40 }, () => commit(1000)));
    db.close();
    return { commit: single, rows: 1_000_000 / many };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export async function measureLimits(): Promise<Limits> {
  return {
    p256: await verifications("p256", 3),
    ed25519: await verifications("ed25519", 3),
    sha256: hashes(),
    ...commits(),
  };
}
