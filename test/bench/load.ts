/**
 * The load client: a process of its own that keeps N connections busy with requests made
 * beforehand, and does as little as possible for each, because it shares the cores with the log.
 *
 * Usage: node load.ts '{"port":…,"clients":…,"seconds":…,"file":…,"method":"POST","path":"/v1/entries"}'
 * Prints one line of JSON, {@link LoadResult}.
 */
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";

export interface LoadOrder {
  readonly port: number;
  readonly clients: number;
  readonly seconds: number;
  /** Bodies, each after its length as a 32-bit big-endian number. Taken in turn, never twice. */
  readonly file?: string;
  readonly method: "GET" | "POST";
  /** For GET: asked in turn, round and round. For POST the first one counts. */
  readonly paths: readonly string[];
  /** How many bodies of the file earlier runs have used up. */
  readonly skip?: number;
}

export interface LoadResult {
  readonly answered: number;
  /** Answers that were not 2xx. */
  readonly refused: number;
  readonly seconds: number;
  /** Bytes of the bodies answered. */
  readonly bytes: number;
  /** Milliseconds from the first byte sent to the last one received. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Bodies taken from the file, for the next run's `skip`. */
  readonly taken: number;
}

const HEAD_END = Buffer.from("\r\n\r\n");
const LENGTH_NAME = "content-length: ";

function readBodies(file: string): Buffer[] {
  const whole = readFileSync(file);
  const bodies: Buffer[] = [];
  for (let at = 0; at < whole.length; ) {
    const length = whole.readUInt32BE(at);
    bodies.push(whole.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return bodies;
}

function makeRequests(order: LoadOrder): () => Buffer | undefined {
  const host = `Host: 127.0.0.1:${order.port}\r\n`;
  if (order.method === "GET") {
    const all = order.paths.map((path) => Buffer.from(`GET ${path} HTTP/1.1\r\n${host}\r\n`));
    let next = 0;
    return () => all[next++ % all.length];
  }
  const bodies = order.file === undefined ? [] : readBodies(order.file);
  let next = order.skip ?? 0;
  return () => {
    const body = bodies[next++];
    if (body === undefined) return undefined;
    const head = `POST ${order.paths[0] ?? "/"} HTTP/1.1\r\n${host}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
    return Buffer.concat([Buffer.from(head, "latin1"), body]);
  };
}

/** One connection: asks, waits for the whole answer, asks again. */
class Connection {
  readonly #socket: Socket;
  readonly #next: () => void;
  #sent = 0;
  #missing = 0;
  #status = 0;
  #early: Buffer | undefined;
  readonly #answered: (milliseconds: number, status: number) => void;

  constructor(
    socket: Socket,
    next: () => Buffer | undefined,
    answered: (milliseconds: number, status: number) => void,
  ) {
    this.#socket = socket;
    this.#answered = answered;
    this.#next = () => {
      const request = next();
      if (request === undefined) return;
      this.#sent = performance.now();
      socket.write(request);
    };
    socket.on("data", (chunk) => this.#read(chunk));
    this.#next();
  }

  #read(chunk: Buffer): void {
    let data = this.#early === undefined ? chunk : Buffer.concat([this.#early, chunk]);
    this.#early = undefined;
    if (this.#missing === 0) {
      const end = data.indexOf(HEAD_END);
      if (end < 0) {
        this.#early = data;
        return;
      }
      const head = data.toString("latin1", 0, end).toLowerCase();
      const at = head.indexOf(LENGTH_NAME);
      if (at < 0) throw new Error(`an answer without content-length: ${head}`);
      this.#status = Number(head.slice(9, 12));
      this.#missing = Number.parseInt(head.slice(at + LENGTH_NAME.length), 10);
      bytes += this.#missing;
      data = data.subarray(end + 4);
    }
    this.#missing -= data.length;
    if (this.#missing > 0) return;
    this.#missing = 0;
    this.#answered(performance.now() - this.#sent, this.#status);
    if (performance.now() < until) this.#next();
    else this.#socket.destroy();
  }
}

const order: LoadOrder = JSON.parse(process.argv[2] ?? "{}");
const latencies: number[] = [];
let refused = 0;
let bytes = 0;
let taken = order.skip ?? 0;
const source = makeRequests(order);
const sockets = await Promise.all(
  Array.from(
    { length: order.clients },
    () =>
      new Promise<Socket>((resolve, reject) => {
        const socket = connect({ port: order.port, host: "127.0.0.1", noDelay: true });
        socket.once("connect", () => resolve(socket));
        socket.once("error", reject);
      }),
  ),
);
const begun = performance.now();
const until = begun + order.seconds * 1000;
let last = begun;
const closed = sockets.map(
  (socket) =>
    new Promise<void>((resolve) => {
      socket.once("close", () => resolve());
      const next = (): Buffer | undefined => {
        const request = source();
        if (request === undefined) socket.destroy();
        else taken++;
        return request;
      };
      new Connection(socket, next, (milliseconds, status) => {
        latencies.push(milliseconds);
        last = performance.now();
        // A promise (202) is no receipt.
        if (status < 200 || status > 201) refused++;
      });
    }),
);
await Promise.all(closed);
latencies.sort((a, b) => a - b);
const quantile = (q: number): number =>
  latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * q))] ?? 0;
const result: LoadResult = {
  answered: latencies.length,
  refused,
  seconds: (last - begun) / 1000,
  bytes,
  p50: quantile(0.5),
  p99: quantile(0.99),
  max: quantile(1),
  taken,
};
process.stdout.write(`${JSON.stringify(result)}\n`);
