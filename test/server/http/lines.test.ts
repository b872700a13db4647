import { createServer, type IncomingMessage, request } from "node:http";
import { expect, test } from "vitest";
import { LogError } from "../../../schema/error.ts";
import { type Line, type LineLimits, readLines } from "../../../server/http/lines.ts";

const LIMITS: LineLimits = { maxBytes: 16, timeoutMs: 5_000 };

/** Send `chunks` as one body and read it as lines, as text. */
async function linesOf(
  chunks: readonly string[],
  limits: LineLimits = LIMITS,
  options: { readonly leaveOpen?: boolean; readonly stopAfter?: string } = {},
): Promise<{ lines: string[]; error: unknown }> {
  const stop = new AbortController();
  const lines: string[] = [];
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no address");
  const done = new Promise<unknown>((resolve) => {
    server.once("request", (req: IncomingMessage) => {
      collect(req).then(resolve, resolve);
    });
  });
  async function collect(req: IncomingMessage): Promise<undefined> {
    for await (const line of readLines(req, limits, stop.signal)) {
      lines.push(shown(line));
      // In a later turn: the reader waits for the next line by then.
      if (shown(line) === options.stopAfter) setImmediate(() => stop.abort());
    }
    return undefined;
  }
  const sender = request({ port: address.port, host: "127.0.0.1", method: "POST" });
  sender.on("error", () => {});
  for (const chunk of chunks) {
    sender.write(chunk);
    await new Promise((resolve) => setTimeout(resolve, 5));
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
  const limits = { maxBytes: 16, timeoutMs: 400 };
  const { lines, error } = await linesOf(["one\n", "tw"], limits, { leaveOpen: true });
  expect(lines).toEqual(["one"]);
  expect(error).toBeInstanceOf(LogError);
  expect(error).toMatchObject({ code: "BODY_TIMEOUT", detail: { limit: 400 } });
});

test("bytes that trickle in do not renew the time of their line", async () => {
  const limits = { maxBytes: 64, timeoutMs: 60 };
  const { error } = await linesOf(
    Array.from({ length: 40 }, () => "x"),
    limits,
  );
  expect(error).toMatchObject({ code: "BODY_TIMEOUT" });
});

test("a reader that is told to stop ends while it waits", async () => {
  const options = { leaveOpen: true, stopAfter: "one" };
  const { lines } = await linesOf(["one\n", "half"], LIMITS, options);
  expect(lines).toEqual(["one", "<stopped>"]);
});
