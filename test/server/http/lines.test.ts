import { createServer, type IncomingMessage, request } from "node:http";
import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { LogError } from "../../../schema/error.ts";
import { type Line, type LineLimits, readLines } from "../../../server/http/lines.ts";
import { nextTurn, stoppedClock } from "../../until.ts";

const LIMITS: LineLimits = { maxBytes: 16, timeoutMs: 5_000 };

interface Options {
  readonly leaveOpen?: boolean;
  /** Called in the turn after a line was read: the reader waits for the next one by then. */
  readonly after?: (line: string, stop: AbortController) => void;
  /** Called when a chunk was read off the connection. */
  readonly arrived?: () => void;
}

/** Send `chunks` as one body, each by itself, and read it as lines, as text. */
async function linesOf(
  chunks: readonly string[],
  limits: LineLimits = LIMITS,
  options: Options = {},
): Promise<{ lines: string[]; error: unknown }> {
  const stop = new AbortController();
  const lines: string[] = [];
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no address");
  let bytesRead = (): number => 0;
  let isDone = false;
  const done = new Promise<unknown>((resolve) => {
    server.once("connection", (socket: Socket) => {
      bytesRead = () => socket.bytesRead;
    });
    server.once("request", (req: IncomingMessage) => {
      collect(req).then(resolve, resolve);
    });
  }).finally(() => {
    isDone = true;
  });
  async function collect(req: IncomingMessage): Promise<undefined> {
    for await (const line of readLines(req, limits, stop.signal)) {
      const text = shown(line);
      lines.push(text);
      setImmediate(() => options.after?.(text, stop));
    }
    return undefined;
  }
  const sender = request({ port: address.port, host: "127.0.0.1", method: "POST" });
  sender.on("error", () => {});
  for (const chunk of chunks) {
    const before = bytesRead();
    sender.write(chunk);
    while (bytesRead() === before && !isDone) await nextTurn();
    await nextTurn();
    options.arrived?.();
  }
  if (options.leaveOpen !== true) sender.end();
  const error = await done;
  sender.destroy();
  server.closeAllConnections();
  server.close();
  return { lines, error };
}

function shown(line: Line): string {
  return line.kind === "line" ? line.bytes.toString() : `<${line.kind}>`;
}

test("lines are cut at LF, however the bytes arrive", async () => {
  expect((await linesOf(["a\nbc\n", "d", "e\n\nf"])).lines).toEqual(["a", "bc", "de", "", "f"]);
  expect((await linesOf([])).lines).toEqual([]);
  expect((await linesOf(["x\n"])).lines).toEqual(["x"]);
});

test("a line of exactly the limit passes, one byte more is reported and skipped", async () => {
  const at = "x".repeat(16);
  const { lines } = await linesOf([`${at}\n${at}y\nnext\n`]);
  expect(lines).toEqual([at, "<too-long>", "next"]);
});

test("a last line without an end is held to the limit too", async () => {
  expect((await linesOf(["x".repeat(17)])).lines).toEqual(["<too-long>"]);
});

test("a line without an end inside twice the limit ends the reading", async () => {
  const { lines } = await linesOf(["ok\n", "x".repeat(33), "x".repeat(33), "\nmore\n"]);
  expect(lines).toEqual(["ok", "<lost>"]);
});

test("a line that does not come to its end in time is refused", async () => {
  const clock = stoppedClock();
  let chunks = 0;
  const { lines, error } = await linesOf(["one\n", "tw"], LIMITS, {
    leaveOpen: true,
    arrived: () => {
      if (++chunks === 2) clock.advance(LIMITS.timeoutMs);
    },
  });
  expect(lines).toEqual(["one"]);
  expect(error).toBeInstanceOf(LogError);
  expect(error).toMatchObject({ code: "BODY_TIMEOUT", detail: { limit: LIMITS.timeoutMs } });
});

test("bytes that trickle in do not renew the time of their line", async () => {
  const clock = stoppedClock();
  const chunks = Array.from({ length: 12 }, () => "x");
  const { error } = await linesOf(chunks, LIMITS, {
    arrived: () => clock.advance(LIMITS.timeoutMs / 10),
  });
  expect(error).toMatchObject({ code: "BODY_TIMEOUT" });
});

test("a reader that is told to stop ends while it waits", async () => {
  const { lines } = await linesOf(["one\n", "half"], LIMITS, {
    leaveOpen: true,
    after: (_, stop) => stop.abort(),
  });
  expect(lines).toEqual(["one", "<stopped>"]);
});
