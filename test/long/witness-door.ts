/**
 * A door in front of a real witness: it lets requests through, or misbehaves as it was told to. Of what
 * went through it keeps every head that the witness has cosigned.
 */
import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { toBase64 } from "../../schema/bytes.ts";
import { unwrap } from "../../schema/error.ts";
import { parseCheckpoint } from "../../schema/tlog/checkpoint.ts";
import { cosignatureMessage } from "../../schema/tlog/cosignature.ts";
import { formatSignatures, makeVkey, parseNote, parseVkey } from "../../schema/tlog/note.ts";
import { sizeToBytes } from "../../schema/tlog/size.ts";
import {
  formatTlogSize,
  parseAddCheckpoint,
  TLOG_SIZE_TYPE,
} from "../../schema/tlog/tlog-witness.ts";

export const MODES = [
  "slow",
  "unavailable",
  "gone",
  "wrong size",
  "size of the future",
  "forged line",
  "other key",
  "nothing said",
  "lying 422",
  "bare 409",
] as const;
export type Mode = (typeof MODES)[number] | "honest";

export interface WitnessedHead {
  readonly size: number;
  readonly root: string;
}

export class WitnessDoor {
  mode: Mode = "honest";
  /** Heads that the witness behind it has cosigned, in their order. */
  readonly heads: WitnessedHead[] = [];
  /** Requests that came in each mode. */
  readonly asked = new Map<Mode, number>();
  readonly #behind: { readonly url: string; readonly vkey: string };
  readonly #server: Server;
  #port = 0;

  constructor(behind: { readonly url: string; readonly vkey: string }) {
    this.#behind = behind;
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        this.#answer(request, Buffer.concat(chunks), response).catch(() => request.destroy());
      });
    });
  }

  async open(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, "127.0.0.1", resolve));
    const address = this.#server.address();
    if (address !== null && typeof address === "object") this.#port = address.port;
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get vkey(): string {
    return this.#behind.vkey;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
    const { mode } = this;
    this.asked.set(mode, (this.asked.get(mode) ?? 0) + 1);
    if (request.method !== "POST" || mode === "honest") {
      await this.#through(request, body, response);
      return;
    }
    await this.#misbehave(mode, request, body, response);
  }

  async #through(request: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
    const post = request.method === "POST";
    const answer = await fetch(`${this.#behind.url}${request.url}`, {
      method: request.method ?? "GET",
      ...(post ? { body: new Uint8Array(body) } : {}),
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    if (post && answer.status === 200) this.heads.push(headIn(body));
    const type = answer.headers.get("content-type") ?? "text/plain";
    response.writeHead(answer.status, { "content-type": type }).end(bytes);
  }

  async #misbehave(
    mode: (typeof MODES)[number],
    request: IncomingMessage,
    body: Buffer,
    response: ServerResponse,
  ): Promise<void> {
    const size = (n: number): unknown =>
      response.writeHead(409, { "content-type": TLOG_SIZE_TYPE }).end(formatTlogSize(n));
    switch (mode) {
      case "slow":
        // Longer than the log waits for one witness, and then an answer that came too late.
        await sleep(3_000);
        await this.#through(request, body, response);
        return;
      case "unavailable":
        response.writeHead(503).end("come back later\n");
        return;
      case "gone":
        request.destroy();
        return;
      case "wrong size":
        size(1);
        return;
      case "size of the future":
        size(headIn(body).size + 1_000_000);
        return;
      case "forged line":
        response.writeHead(200).end(this.#forgedLine());
        return;
      case "other key":
        response.writeHead(200).end(strangersLine(body));
        return;
      case "nothing said":
        response.writeHead(200).end();
        return;
      case "lying 422":
        response.writeHead(422).end("bad consistency proof\n");
        return;
      case "bare 409":
        response.writeHead(409).end("conflict\n");
    }
  }

  /** Its own name and key id over bytes that no key has signed. */
  #forgedLine(): string {
    const { name, keyId } = unwrap(parseVkey(nodeCrypto.sha256, this.vkey));
    const signature = Buffer.concat([sizeToBytes(now()), randomBytes(64)]);
    return formatSignatures([{ name, keyId, signature }]);
  }
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}

function headIn(body: Buffer): WitnessedHead {
  const { checkpoint } = unwrap(parseAddCheckpoint(body));
  const { size, root } = unwrap(parseCheckpoint(unwrap(parseNote(checkpoint)).text));
  return { size, root: toBase64(root) };
}

/** A good cosignature of the head that was sent, by somebody whom no policy names. */
function strangersLine(body: Buffer): string {
  const { text } = unwrap(parseNote(unwrap(parseAddCheckpoint(body)).checkpoint));
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-32);
  const { name, keyId } = makeVkey(nodeCrypto.sha256, "stranger.example.test", 4, raw);
  const time = now();
  const signature = Buffer.concat([
    sizeToBytes(time),
    sign(null, cosignatureMessage(time, text), privateKey),
  ]);
  return formatSignatures([{ name, keyId, signature }]);
}
