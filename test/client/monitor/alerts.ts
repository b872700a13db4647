/** Alerts, a receiver of webhooks on this machine, and time that a test moves. */
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { type Alert, makeFinding, type Told } from "../../../client/monitor/alert.ts";
import { toBase64 } from "../../../schema/bytes.ts";

export function alertNumber(number: number, told: Partial<Told> = {}): Alert {
  const finding = makeFinding(nodeCrypto.sha256, {
    kind: "statement",
    origin: "log.example",
    subject: "key 00ff",
    message: "has signed a thing",
    about: [number],
    ...told,
  });
  return { ...finding, number, firstSeen: 1_700_000_000 + number };
}

export function alertsTo(count: number): Alert[] {
  return Array.from({ length: count }, (_, i) => alertNumber(i + 1));
}

/** Strangers' bytes as they would come out of a log, made printable nowhere on their way. */
export const HOSTILE =
  'a\r\nBcc: everybody@example.org\r\n\r\n<script>&"\u0000\u0007\u202e</entry>]]>\ud800 \u2028end';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly received: Received[];
  /** What is answered next, and from then on. */
  answer: (count: number) => { readonly status: number; readonly headers?: Record<string, string> };
}

/** A real server. What it was sent is in `received` before it answers. */
export async function receiver(): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((req, res) => {
    let body = "";
    req.setEncoding("utf8");
    req.on("data", (part: string) => {
      body += part;
    });
    req.on("end", () => {
      const { method = "", url = "", headers } = req;
      received.push({ method, path: url, headers, body });
      const { status, headers: more } = own.answer(received.length);
      res.writeHead(status, more).end("ignored");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const own: Receiver = {
    url: `http://127.0.0.1:${port}/hook/secret-path`,
    received,
    answer: () => ({ status: 204 }),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return own;
}

/** The receiver's side: the very lines of docs/monitor.md. */
const recipe: { readonly isGenuine: (...of: readonly unknown[]) => boolean } = await import(
  `data:text/javascript,${encodeURIComponent(recipeOf("docs/monitor.md"))}`
);

function recipeOf(document: string): string {
  const text = readFileSync(join(import.meta.dirname, "../../..", document), "utf8");
  const [, code] = /^```js\n(.*?)^```$/ms.exec(text) ?? [];
  if (code === undefined) throw new Error(`${document} has no recipe`);
  return code;
}

export function isGenuine(secret: Uint8Array, { headers, body }: Received, now: number): boolean {
  return recipe.isGenuine(toBase64(secret), headers, body, now);
}

/** Seconds that pass only by sleeping. */
export class Time {
  seconds = 1_700_100_000;
  readonly now = (): number => this.seconds * 1000;
  readonly sleep = async (milliseconds: number): Promise<void> => {
    this.seconds += Math.ceil(milliseconds / 1000);
  };
}

/** The value of a field of each line of JSON. */
export function fieldOf(lines: string | readonly string[], name: string): unknown[] {
  const all = typeof lines === "string" ? lines.trimEnd().split("\n") : lines;
  return all.map((line) => {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
  });
}
