import { createServer, type RequestListener } from "node:http";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { httpTransport } from "../../client/fetch.ts";
import { fromUtf8, utf8 } from "../../schema/bytes.ts";
import { ERRORS, LogError } from "../../schema/error.ts";
import { stoppedClock, until, untilStill } from "../until.ts";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return `http://127.0.0.1:${address.port}`;
}

async function failure(asked: Promise<unknown>): Promise<LogError> {
  try {
    await asked;
  } catch (error) {
    if (error instanceof LogError) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

async function* lines(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield utf8(text);
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<(string | undefined)[]> {
  const all: (string | undefined)[] = [];
  for await (const line of source) all.push(fromUtf8(line));
  return all;
}

const DEADLINE = 10_000;

const NDJSON = { contentType: "application/x-ndjson", maxLineBytes: 1000 };

describe("get", () => {
  test("brings the bytes, below the path of the base URL", async () => {
    const base = await serve((req, res) => res.end(`${req.method} ${req.url}`));
    const transport = httpTransport(`${base}/a/log`);
    expect(fromUtf8(await transport.get("/checkpoint", 100))).toBe("GET /a/log/checkpoint");
    expect(transport.url).toBe(`${base}/a/log/`);
  });

  test("takes exactly the cap and refuses one byte more", async () => {
    const base = await serve((_, res) => res.end("x".repeat(100)));
    expect((await httpTransport(base).get("x", 100)).length).toBe(100);
    const error = await failure(httpTransport(base).get("x", 99));
    expect(error.code).toBe("RESPONSE_INVALID");
    expect(error.detail.limit).toBe(99);
  });

  test("CVE-2024-45395 CVE-2023-46737 CVE-2024-35238 an endless body is refused at the cap", async () => {
    let sent = 0;
    const base = await serve((_, res) => {
      const more = (): void => {
        while (!res.destroyed && res.write(new Uint8Array(65_536))) sent += 65_536;
        if (!res.destroyed) res.once("drain", more);
      };
      more();
    });
    expect((await failure(httpTransport(base).get("x", 1000))).code).toBe("RESPONSE_INVALID");
    expect(sent).toBeLessThan(67_108_864);
  });

  test("a small body that unpacks to a large one is refused: the cap counts after decoding", async () => {
    const bomb = gzipSync(new Uint8Array(50_000_000));
    const base = await serve((_, res) => {
      res.writeHead(200, { "content-encoding": "gzip", "content-length": bomb.length });
      res.end(bomb);
    });
    expect(bomb.length).toBeLessThan(100_000);
    const error = await failure(httpTransport(base).get("x", 1_000_000));
    expect(error.code).toBe("RESPONSE_INVALID");
  });

  test("a body that drips ends at the deadline", async () => {
    const clock = stoppedClock();
    const base = await serve((_, res) => {
      const drip = setInterval(() => {
        res.write("x");
        clock.advance(DEADLINE / 10);
      }, 1);
      res.on("close", () => clearInterval(drip));
    });
    const options = { deadlineMs: DEADLINE };
    const error = await failure(httpTransport(base, options).get("x", 1_000_000));
    expect(error.code).toBe("UNREACHABLE");
    expect(error.detail.limit).toBe(DEADLINE);
  });

  test("no answer at all ends at the deadline, and no server is unreachable", async () => {
    const base = await serve(() => undefined);
    const options = { deadlineMs: 100 };
    expect((await failure(httpTransport(base, options).get("x", 1))).code).toBe("UNREACHABLE");
    const nobody = httpTransport("http://127.0.0.1:1");
    expect((await failure(nobody.get("x", 1))).code).toBe("UNREACHABLE");
  });

  test("a cut body is an error, not a shorter answer", async () => {
    const base = await serve((_, res) => {
      res.writeHead(200, { "content-length": 100 });
      res.write("x".repeat(50), () => res.destroy());
    });
    expect((await failure(httpTransport(base).get("x", 1000))).code).toBe("UNREACHABLE");
  });

  test("a redirect to another origin is refused, and the other origin hears nothing", async () => {
    let heard = 0;
    const other = await serve((_, res) => {
      heard++;
      res.end("stolen");
    });
    const base = await serve((_, res) => {
      res.writeHead(302, { location: `${other}/x` });
      res.end();
    });
    const headers = { authorization: "Bearer secret" };
    const error = await failure(httpTransport(base, { headers }).get("x", 1000));
    expect(error.code).toBe("RESPONSE_INVALID");
    expect(heard).toBe(0);
  });

  test("a redirect within the origin is followed, a loop of them is not", async () => {
    const base = await serve((req, res) => {
      if (req.url === "/there") return res.end("here");
      res.writeHead(307, { location: req.url === "/x" ? "/there" : "/loop" });
      return res.end();
    });
    expect(fromUtf8(await httpTransport(base).get("x", 100))).toBe("here");
    expect((await failure(httpTransport(base).get("loop", 100))).code).toBe("RESPONSE_INVALID");
  });

  test("a problem document keeps its code, limit and hint, and loses its control characters", async () => {
    const base = await serve((_, res) => {
      res.writeHead(413);
      res.end(
        JSON.stringify({
          code: "TOO_LARGE",
          detail: "too large\u001b[2J\u202e",
          field: "content",
          limit: 7,
          hint: "less",
        }),
      );
    });
    const error = await failure(httpTransport(base).get("x", 100));
    expect(error.code).toBe("TOO_LARGE");
    expect(error.detail).toMatchObject({ field: "content", limit: 7, hint: "less" });
    expect(error.message).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  test.each(["STORE_CORRUPT", "LOG_MISBEHAVED", "toString"])(
    "a log's word %s is neither a no nor a conviction",
    async (code) => {
      const base = await serve((_, res) => {
        res.writeHead(500);
        res.end(JSON.stringify({ code, detail: "believe me" }));
      });
      const error = await failure(httpTransport(base).get("x", 100));
      expect(error.code).toBe("UNREACHABLE");
      expect(ERRORS[error.code].exit).toBe(2);
    },
  );

  test.each([
    [404, "NOT_FOUND"],
    [429, "RATE_LIMITED"],
    [500, "UNREACHABLE"],
    [418, "RESPONSE_INVALID"],
    [204, "RESPONSE_INVALID"],
  ])("status %i without a problem document is %s", async (status, code) => {
    const base = await serve((_, res) => {
      res.writeHead(status);
      res.end(status === 204 ? undefined : '{"code":"NO_SUCH_CODE"}');
    });
    expect((await failure(httpTransport(base).get("x", 100))).code).toBe(code);
  });

  test.each([
    "ftp://log.test",
    "log.test",
    "https://user:secret@log.test",
    "https://log.test/?q=1",
    "https://log.test/#x",
    "",
  ])("%j is no URL of a log", (url) => {
    expect(() => httpTransport(url)).toThrow(LogError);
  });
});

describe("post", () => {
  test("sends the body with its type and brings the answer", async () => {
    const base = await serve((req, res) => {
      res.writeHead(201);
      res.write(`${req.headers["content-type"]} `);
      req.pipe(res);
    });
    const options = { contentType: "application/json", maxBytes: 100 };
    const answer = await httpTransport(base).post("x", utf8("{}"), options);
    expect(fromUtf8(answer)).toBe("application/json {}");
  });

  test("is never redirected", async () => {
    const base = await serve((_, res) => {
      res.writeHead(307, { location: "/there" });
      res.end();
    });
    const options = { contentType: "application/json", maxBytes: 100 };
    const error = await failure(httpTransport(base).post("x", utf8("{}"), options));
    expect(error.code).toBe("RESPONSE_INVALID");
  });
});

describe("stream", () => {
  test("reads answers while it still sends", async () => {
    const base = await serve((req, res) => {
      res.writeHead(200);
      res.flushHeaders();
      req.pipe(res);
    });
    const answered: string[] = [];
    async function* source(): AsyncGenerator<Uint8Array> {
      for (const text of ["one", "two", "three"]) {
        yield utf8(text);
        // The next line is only made after the answer to this one was read.
        await until(() => answered.includes(text));
      }
    }
    for await (const line of httpTransport(base).stream("x", source(), NDJSON))
      answered.push(fromUtf8(line) ?? "");
    expect(answered).toEqual(["one", "two", "three"]);
  });

  test("pulls no more lines than the other side takes", async () => {
    const base = await serve((_, res) => {
      res.writeHead(200);
      res.write("hello\n");
    });
    const MOST = 2_000;
    let made = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      while (made < MOST) {
        made++;
        yield new Uint8Array(10_000).fill(0x78);
      }
    }
    for await (const line of httpTransport(base).stream("x", endless(), NDJSON)) {
      expect(fromUtf8(line)).toBe("hello");
      await untilStill(() => made, MOST);
      break;
    }
    expect(made).toBeLessThan(MOST);
  });

  test("an endless line of the log is refused at the cap", async () => {
    const base = await serve((req, res) => {
      req.resume();
      res.writeHead(200);
      const timer = setInterval(() => res.write("x".repeat(600)), 5);
      res.on("close", () => clearInterval(timer));
    });
    const asked = collect(httpTransport(base).stream("x", lines("a"), NDJSON));
    expect((await failure(asked)).code).toBe("RESPONSE_INVALID");
  });

  test("cuts lines wherever the pieces end, and keeps a last one without LF", async () => {
    // A connection may put pieces together; this answer has them as they are.
    const pieces = ["a", "b\nc", "\n", "\nd\ne"];
    const start = (body: ReadableStreamDefaultController): void => {
      for (const piece of pieces) body.enqueue(utf8(piece));
      body.close();
    };
    const fetch = async (): Promise<Response> => new Response(new ReadableStream({ start }));
    const transport = httpTransport("http://log.test", { fetch });
    const got = await collect(transport.stream("x", lines("a"), NDJSON));
    expect(got).toEqual(["ab", "c", "", "d", "e"]);
  });

  test("an error of our own source is that error, and not the log's", async () => {
    const base = await serve((req, res) => {
      req.resume();
      res.writeHead(200);
      res.flushHeaders();
    });
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield utf8("fine");
      throw new Error("our disk broke");
    }
    await expect(collect(httpTransport(base).stream("x", broken(), NDJSON))).rejects.toThrow(
      "our disk broke",
    );
  });

  test("a platform that cannot stream sends the lines whole", async () => {
    const base = await serve((req, res) => {
      res.writeHead(200);
      res.write(`${req.headers["content-length"]}\n`);
      req.pipe(res);
    });
    const transport = httpTransport(base, { upload: "buffer" });
    const got = await collect(transport.stream("x", lines("one", "two"), NDJSON));
    expect(got).toEqual(["8", "one", "two"]);
  });

  test("our own slowness, on either side, is not held against the log", async () => {
    const base = await serve((req, res) => {
      res.writeHead(200);
      res.flushHeaders();
      req.pipe(res);
    });
    const clock = stoppedClock();
    async function* slow(): AsyncGenerator<Uint8Array> {
      yield utf8("one");
      clock.advance(2 * DEADLINE);
      yield utf8("two");
    }
    const got: (string | undefined)[] = [];
    const transport = httpTransport(base, { deadlineMs: DEADLINE });
    for await (const line of transport.stream("x", slow(), NDJSON)) {
      got.push(fromUtf8(line));
      clock.advance(2 * DEADLINE);
    }
    expect(got).toEqual(["one", "two"]);
  });

  test("silence between two pieces ends at the deadline", async () => {
    const base = await serve((req, res) => {
      req.resume();
      res.writeHead(200);
      res.write("one\n");
    });
    const clock = stoppedClock();
    const transport = httpTransport(base, { deadlineMs: DEADLINE });
    const got: (string | undefined)[] = [];
    const error = await failure(
      (async () => {
        for await (const line of transport.stream("x", lines("a"), NDJSON)) {
          got.push(fromUtf8(line));
          // In a later turn: it waits for the next piece by then.
          setImmediate(() => clock.advance(DEADLINE));
        }
      })(),
    );
    expect(got).toEqual(["one"]);
    expect(error.code).toBe("UNREACHABLE");
  });
});
