/**
 * A real log on a loopback port, over each storage driver, and the means to send it anything.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { type Agent, request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { generateKey } from "../../../client/keys/key-file.ts";
import { privateKeySigner } from "../../../client/keys/private-key.ts";
import { fileSubmission, type Signer } from "../../../client/keys/signer.ts";
import type { Problem, Submission } from "../../../schema/http/messages.ts";
import { emptyRoot } from "../../../schema/tlog/hash.ts";
import { type Authority, anyone } from "../../../server/admission/authority.ts";
import { ClockInMemory } from "../../../server/clock-file.ts";
import { loadConfig } from "../../../server/config-sources.ts";
import { isMessage } from "../../../server/http/openapi.ts";
import { openClock } from "../../../server/log-clock.ts";
import { type LogKey, logKey } from "../../../server/log-key.ts";
import { silentLogger } from "../../../server/observe/log.ts";
import type { PromiseStore } from "../../../server/promises/store.ts";
import { formatGuard, MemoryGuard, MemoryGuardFile } from "../../../server/sequencer/guard.ts";
import { FileGuard } from "../../../server/sequencer/guard-file.ts";
import { type LogParts, type RunningLog, serveLog } from "../../../server/serve.ts";
import { MemoryDisk, MemoryStorage } from "../../../server/storage/memory/memory.ts";
import { createSqliteStore } from "../../../server/storage/sqlite/create.ts";
import { SqliteStorage } from "../../../server/storage/sqlite/sqlite.ts";
import { TimestampAuthority } from "../../../server/tsa/authority.ts";
import { stampingKeyInMemory } from "../../../server/tsa/files.ts";
import type { WitnessParts } from "../../../server/witnesses/open.ts";

export const DRIVERS = ["memory", "sqlite"] as const;
export type Driver = (typeof DRIVERS)[number];

const ORIGIN = "http.example.test";
const { sha256 } = nodeCrypto;

export interface TestLog extends RunningLog {
  readonly port: number;
  readonly parts: LogParts;
  readonly end: () => Promise<void>;
}

export interface TestOptions {
  readonly flags?: Readonly<Record<string, string>>;
  readonly authority?: Authority;
  /** The machine's clock, milliseconds since 1970. */
  readonly now?: () => number;
  /** The log's own key, for tests that must be able to lie with it. */
  readonly signer?: Signer;
  /** What the clock file says, in seconds; by default that moment. */
  readonly clockFrom?: number;
  readonly witnesses?: WitnessParts;
  /** Left out: the log gives no promises. */
  readonly promises?: PromiseStore;
}

/** The key of a test's log under its name. */
export function testKey(signer: Signer): LogKey {
  return logKey(nodeCrypto, signer, ORIGIN);
}

/** A log with its genesis in it. Limits can be set by the flags of `serve`. */
export async function startTestLog(driver: Driver, options: TestOptions = {}): Promise<TestLog> {
  const flags = { "http-listen": "127.0.0.1:0", "metrics-listen": "off", ...options.flags };
  const { config } = loadConfig({ flags, env: {} });
  const key = testKey(options.signer ?? (await makeSigner()));
  const { parts: store, remove } = await openStore(driver);
  const now = options.now ?? ((): number => 1_790_000_000_000);
  const clockStore = new ClockInMemory();
  clockStore.write(options.clockFrom ?? Math.floor(now() / 1000));
  const clock = openClock({ store: clockStore, wall: now, monotonic: () => performance.now() });
  const stamping = await stampingKeyInMemory({
    crypto: nodeCrypto,
    origin: ORIGIN,
    from: Math.floor(now() / 1000),
  });
  const ports = { crypto: nodeCrypto, clock, randomBytes };
  const authority = new TimestampAuthority(ports, stamping, config.timestamp.policy);
  const parts: LogParts = {
    ...store,
    key,
    crypto: nodeCrypto,
    authority: options.authority ?? anyone,
    logger: silentLogger,
    now,
    clock,
    timestamps: config.timestamp.authority === "on" ? authority : undefined,
    withGenesis: true,
    ...(options.promises === undefined ? {} : { promises: options.promises }),
    ...(options.witnesses === undefined ? {} : { witnesses: options.witnesses }),
  };
  const log = await serveLog(parts, config);
  return {
    ...log,
    parts,
    port: Number(new URL(log.url).port),
    end: async () => {
      await log.close();
      await remove();
    },
  };
}

async function openStore(driver: Driver): Promise<{
  readonly parts: Pick<LogParts, "storage" | "guard">;
  readonly remove: () => Promise<void>;
}> {
  const databaseId = new Uint8Array(randomBytes(16));
  const head = {
    origin: ORIGIN,
    databaseId,
    size: 0,
    root: emptyRoot(sha256),
    checkpoint: new Uint8Array(0),
  };
  if (driver === "memory") {
    const file = new MemoryGuardFile();
    file.bytes = formatGuard(head);
    const storage = await MemoryStorage.open(new MemoryDisk(sha256, ORIGIN, databaseId), sha256);
    return { parts: { storage, guard: await MemoryGuard.open(file) }, remove: async () => {} };
  }
  const folder = await mkdtemp(join(tmpdir(), "countersign-http-"));
  createSqliteStore(join(folder, "data"), { databaseId, origin: ORIGIN });
  const guard = await FileGuard.open(join(folder, "head.guard"));
  await guard.create(head);
  return {
    parts: { storage: await SqliteStorage.open(join(folder, "data")), guard },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  readonly agent?: Agent;
}

/** One request, answered whole. */
export async function ask(
  log: Pick<TestLog, "port">,
  path: string,
  options: Ask = {},
): Promise<Answer> {
  const { method = "GET", headers = {}, body, agent } = options;
  return new Promise((resolve, reject) => {
    const req = request(
      { host: "127.0.0.1", port: log.port, path, method, headers: { ...headers }, agent },
      (res) => {
        const chunks: Buffer[] = [];
        res.on("data", (chunk: Buffer) => chunks.push(chunk));
        res.on("error", reject);
        res.on("end", () =>
          resolve({
            status: res.statusCode ?? 0,
            headers: res.headers,
            body: Buffer.concat(chunks),
          }),
        );
      },
    );
    req.on("error", reject);
    req.end(body);
  });
}

/** `POST /v1/entries` with a JSON body. */
export async function post(
  log: Pick<TestLog, "port">,
  body: Uint8Array | string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return ask(log, "/v1/entries", {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body,
  });
}

export async function submit(log: Pick<TestLog, "port">, submission: Submission): Promise<Answer> {
  return post(log, JSON.stringify(submission));
}

/** Lines to `/v1/entries:batch`; the answer's lines, parsed. */
export async function batch(log: TestLog, lines: readonly string[]): Promise<unknown[]> {
  const answer = await ask(log, "/v1/entries:batch", {
    method: "POST",
    headers: { "content-type": "application/x-ndjson" },
    body: lines.map((line) => `${line}\n`).join(""),
  });
  if (answer.status !== 200) throw new Error(`batch: ${answer.body.toString()}`);
  return parseLines(answer.body);
}

export function parseLines(body: Buffer): unknown[] {
  return body
    .toString()
    .split("\n")
    .filter((line) => line !== "")
    .map((line): unknown => JSON.parse(line));
}

/**
 * Bytes as they are, on a connection of their own; what came back until it was closed. `afterwards` is
 * sent when an answer has begun.
 */
export async function raw(
  log: Pick<TestLog, "port">,
  bytes: string,
  options: { readonly end?: boolean; readonly afterwards?: string } = {},
): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(log.port, "127.0.0.1");
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      if (text === "" && options.afterwards !== undefined) socket.write(options.afterwards);
      text += chunk.toString("latin1");
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(text));
    socket.write(bytes);
    if (options.end === true) socket.end();
  });
}

/** The problem document of an answer, checked against the document that describes it. */
export function problemIn(answer: Answer): Problem {
  const value: unknown = JSON.parse(answer.body.toString());
  if (answer.headers["content-type"] !== "application/problem+json" || !isProblem(value))
    throw new Error(`no problem document: ${answer.status} ${answer.body.toString()}`);
  return value;
}

function isProblem(value: unknown): value is Problem {
  return isMessage("Problem", value);
}

export async function makeSigner(): Promise<Signer> {
  return privateKeySigner(await generateKey("ed25519"), "test");
}

/** `count` different signed files by one new key. */
export async function submissions(count: number): Promise<Submission[]> {
  const signer = await makeSigner();
  return Promise.all(
    Array.from({ length: count }, (_, i) => fileSubmission(signer, Buffer.from(`file ${i}\n`))),
  );
}
