/**
 * Other people's witnesses on loopback: litewitness (whose key lives in an ssh-agent) and omniwitness
 * (whose key is a file), each told of the logs it is to cosign for.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { toBase64, toHex } from "../../schema/bytes.ts";
import { emptyRoot } from "../../schema/tlog/hash.ts";
import { formatVkey, keyId, SIGNATURE_TYPES } from "../../schema/tlog/note.ts";
import { freePort, Measured } from "../bench/process.ts";
import { findProgram } from "./go.ts";

const { sha256 } = nodeCrypto;

export interface PeerWitness {
  readonly name: string;
  readonly version: string;
  /** Submission prefix. */
  readonly url: string;
  readonly vkey: string;
  readonly stop: () => Promise<void>;
}

/** A log that a witness is told of. */
export interface KnownLog {
  readonly origin: string;
  readonly vkey: string;
}

export type WitnessResult = PeerWitness | { readonly name: string; readonly missing: string };

function waitFor(path: string): Promise<void> {
  return (async () => {
    for (let i = 0; i < 1000 && !existsSync(path); i++) await sleep(10);
    if (!existsSync(path)) throw new Error(`${path} did not come up`);
  })();
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await exit;
}

/** An ssh-agent of this witness's own, with one new Ed25519 key. */
async function agentWithKey(folder: string): Promise<{
  readonly socket: string;
  readonly fingerprint: string;
  readonly publicKey: Uint8Array;
  readonly agent: ChildProcess;
}> {
  const [key, socket] = [join(folder, "key"), join(folder, "agent")];
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key]);
  const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
  await waitFor(socket);
  const env = { ...process.env, SSH_AUTH_SOCK: socket };
  execFileSync("ssh-add", ["-q", key], { env, stdio: "pipe" });
  const said = execFileSync("ssh-keygen", ["-l", "-f", `${key}.pub`], { encoding: "utf8" });
  const fingerprint = /SHA256:\S+/.exec(said)?.[0] ?? "";
  const [, wire = ""] = readFileSync(`${key}.pub`, "utf8").split(" ");
  return { socket, fingerprint, publicKey: Buffer.from(wire, "base64").subarray(-32), agent };
}

export async function startLitewitness(
  folder: string,
  logs: readonly KnownLog[],
): Promise<WitnessResult> {
  const name = "litewitness";
  const program = findProgram("litewitness");
  if (!program.found) return { name, missing: program.why };
  mkdirSync(folder, { recursive: true });
  const { socket, fingerprint, publicKey, agent } = await agentWithKey(folder);
  const [port, keyName] = [await freePort(), "litewitness.example.test"];
  const file = join(folder, "witness.db");
  const where = [`-db=${file}`, `-ssh-agent=${socket}`, `-listen=127.0.0.1:${port}`];
  const args = [`-name=${keyName}`, `-key=${fingerprint}`, ...where];
  const server = new Measured(program.path, args, port);
  await server.answers("/");
  tell(file, logs);
  return {
    name,
    version: "0.9.0",
    url: `http://127.0.0.1:${port}`,
    vkey: formatVkey(sha256, keyName, SIGNATURE_TYPES.cosignature, publicKey),
    stop: async () => {
      await server.stop();
      await ended(agent);
    },
  };
}

/** What its own `witnessctl add-log` and `add-key` write; that program needs a module that cannot be had. */
function tell(file: string, logs: readonly KnownLog[]): void {
  const database = new Database(file);
  for (const { origin, vkey } of logs) {
    database
      .prepare("INSERT INTO log (origin, tree_size, tree_hash) VALUES (?, 0, ?)")
      .run(origin, toBase64(emptyRoot(sha256)));
    database.prepare("INSERT INTO key (origin, key) VALUES (?, ?)").run(origin, vkey);
  }
  database.close();
}

export async function startOmniwitness(
  folder: string,
  logs: readonly KnownLog[],
): Promise<WitnessResult> {
  const name = "omniwitness";
  const program = findProgram("omniwitness");
  if (!program.found) return { name, missing: program.why };
  mkdirSync(folder, { recursive: true });
  const [port, keyName, type] = [
    await freePort(),
    "omniwitness.example.test",
    SIGNATURE_TYPES.cosignature,
  ];
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const seed = privateKey.export({ type: "pkcs8", format: "der" }).subarray(-32);
  const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-32);
  const id = toHex(keyId(sha256, keyName, type, raw));
  const secret = Buffer.concat([Uint8Array.of(type), seed]).toString("base64");
  const keyFile = join(folder, "witness.key");
  writeFileSync(keyFile, `PRIVATE+KEY+${keyName}+${id}+${secret}`, { mode: 0o600 });
  const list = join(folder, "logs.yaml");
  const lines = logs.map(
    ({ origin, vkey }) =>
      `  - Origin: ${origin}\n    URL: http://127.0.0.1:1\n    PublicKey: ${vkey}\n`,
  );
  writeFileSync(list, `Logs:\n${lines.join("")}`);
  const server = new Measured(
    program.path,
    [
      `--private_key_path=${keyFile}`,
      `--additional_logs=${list}`,
      `--db_file=${join(folder, "witness.db")}`,
      `--listen=127.0.0.1:${port}`,
      "--metrics_listen=",
    ],
    port,
  );
  await server.listens();
  return {
    name,
    version: "0.0.0-20260720",
    url: `http://127.0.0.1:${port}`,
    vkey: formatVkey(sha256, keyName, type, raw),
    stop: async () => server.stop(),
  };
}
