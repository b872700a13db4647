/** A server between a log and its readers that alters one thing of what the log serves. */

import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { forge } from "./forge.ts";
import type { Served } from "./fsck.ts";

export interface Alteration {
  readonly what: string;
  readonly change: (path: string, body: Buffer) => Buffer;
}

function flipped(body: Buffer, at: number): Buffer {
  const altered = Buffer.from(body);
  altered[at] = (altered[at] ?? 0) ^ 1;
  return altered;
}

function checkpointLines(change: (lines: string[]) => void): Alteration["change"] {
  return (path, body) => {
    if (path !== "/checkpoint") return body;
    const lines = body.toString().split("\n");
    change(lines);
    return Buffer.from(lines.join("\n"));
  };
}

/** What a reader of tiles must notice. `origin` is that of the log. */
export function alterations(origin: string): Alteration[] {
  const stranger = { origin, privateKey: generateKeyPairSync("ed25519").privateKey };
  const kind = { kind: "hashedrekord", version: "0.0.2" };
  const { inclusionProof } = forge(stranger, kind, Buffer.from("{}"));
  return [
    {
      what: "an entry served altered",
      change: (path, body) => (path.startsWith("/tile/entries/000") ? flipped(body, 40) : body),
    },
    {
      what: "a hash of a tile served altered",
      change: (path, body) => (path.startsWith("/tile/0/000") ? flipped(body, 5) : body),
    },
    {
      what: "another size in the served checkpoint",
      change: checkpointLines((lines) => {
        lines[1] = `${Number(lines[1]) - 1}`;
      }),
    },
    {
      what: "another root in the served checkpoint",
      change: checkpointLines((lines) => {
        lines[2] = flipped(Buffer.from(lines[2] ?? "", "base64"), 3).toString("base64");
      }),
    },
    {
      what: "another log's checkpoint, under this one's name",
      change: (path, body) =>
        path === "/checkpoint" ? Buffer.from(inclusionProof.checkpoint.envelope) : body,
    },
  ];
}

/** Runs `use` with the URL of `log` as it is altered. */
export async function altered<T>(
  log: Served,
  { change }: Alteration,
  use: (url: string) => Promise<T>,
): Promise<T> {
  const server = createServer((request, response) => {
    const path = request.url ?? "/";
    void fetch(`${log.url}${path}`).then(async (answer) => {
      const body = Buffer.from(await answer.arrayBuffer());
      response.writeHead(answer.status).end(answer.ok ? change(path, body) : body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  try {
    if (address === null || typeof address === "string") throw new Error("no port");
    return await use(`http://127.0.0.1:${address.port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}
