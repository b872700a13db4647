import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { fileSubmission } from "../../../client/keys/signer.ts";
import { unwrap } from "../../../schema/error.ts";
import { decodeBundle, decodeContentTile } from "../../../schema/tlog/bundle.ts";
import { asHash, leafHash } from "../../../schema/tlog/hash.ts";
import { CompactRange } from "../../../schema/tlog/tree.ts";
import { ByteBudget } from "../../../server/http/body.ts";
import { ReadSide } from "../../../server/http/read.ts";
import { refusalOf } from "../refusal.ts";
import {
  ask,
  batch,
  DRIVERS,
  makeSigner,
  problemIn,
  startTestLog,
  submissions,
  submit,
  type TestLog,
} from "./harness.ts";

const { sha256 } = nodeCrypto;
/** Entry 0 and these: one full tile and a partial one at level 0, one hash at level 1. */
const COUNT = 299;
const IMMUTABLE = "public, max-age=31536000, immutable";

describe("answers that nobody reads", () => {
  const answer = (): ServerResponse => new ServerResponse(new IncomingMessage(new Socket()));

  test("hold no more memory together than is set aside, and give it back", async () => {
    const log = await startTestLog("memory");
    const large = Buffer.alloc(100_000);
    await submit(log, await fileSubmission(await makeSigner(), large));
    const budget = new ByteBudget(250_000);
    const side = new ReadSide(log.parts.storage.reader, log.published, budget);
    await log.end();
    const digest = Buffer.from(sha256(large)).toString("hex");
    const get = (res: ServerResponse): void => side.content(res.req, res, digest);
    const [first, second] = [answer(), answer()];
    get(first);
    get(second);
    expect(budget.held).toBe(200_000);
    expect(refusalOf(() => get(answer())).code).toBe("OVERLOADED");
    first.emit("close");
    get(answer());
    expect(budget.held).toBe(200_000);
  });
});

describe.each(DRIVERS)("the read side of a log on %s", (driver) => {
  let log: TestLog;
  beforeAll(async () => {
    log = await startTestLog(driver);
    const all = await submissions(COUNT);
    await batch(
      log,
      all.map((submission) => JSON.stringify(submission)),
    );
    expect(log.published().size).toBe(COUNT + 1);
  });
  afterAll(async () => {
    await log.end();
  });

  async function get(path: string): Promise<Buffer> {
    const answer = await ask(log, path);
    expect(answer.status, path).toBe(200);
    return answer.body;
  }

  test("tiles, bundles and checkpoint are one tree, at both prefixes", async () => {
    const leaves = [
      ...unwrap(decodeBundle(await get("/tile/entries/000"), 256)),
      ...unwrap(decodeBundle(await get("/tile/entries/001.p/44"), 44)),
    ];
    const hashes = Buffer.concat([await get("/tile/0/000"), await get("/tile/0/001.p/44")]);
    const range = CompactRange.empty(sha256);
    for (const [i, leaf] of leaves.entries()) {
      const hash = leafHash(sha256, leaf);
      expect(Buffer.from(hash).equals(hashes.subarray(32 * i, 32 * i + 32))).toBe(true);
      range.append(hash);
    }
    const { root } = log.published();
    expect(Buffer.from(range.root()).equals(Buffer.from(root))).toBe(true);
    const checkpoint = await get("/checkpoint");
    expect(checkpoint.toString()).toContain(
      `\n${COUNT + 1}\n${Buffer.from(root).toString("base64")}\n`,
    );
    const above = CompactRange.empty(sha256);
    for (let i = 0; i < 256; i++) {
      const hash = asHash(hashes.subarray(32 * i, 32 * i + 32));
      if (hash !== undefined) above.append(hash);
    }
    expect((await get("/tile/1/000.p/1")).equals(Buffer.from(above.root()))).toBe(true);
    for (const path of ["/checkpoint", "/tile/0/000", "/tile/entries/001.p/44"])
      expect((await get(`/api/v2${path}`)).equals(await get(path)), path).toBe(true);
  });

  test("a partial tile is a prefix, at every width that was ever published", async () => {
    const full = await get("/tile/0/000");
    for (const width of [1, 2, 128, 255])
      expect((await get(`/tile/0/000.p/${width}`)).equals(full.subarray(0, 32 * width))).toBe(true);
    expect((await get("/tile/0/001.p/1")).length).toBe(32);
    expect((await get("/tile/entries/000.p/3")).length).toBeGreaterThan(3);
  });

  test("I4 no tile passes the published size", async () => {
    for (const path of [
      "/tile/0/001",
      "/tile/0/001.p/45",
      "/tile/0/002.p/1",
      "/tile/1/000",
      "/tile/1/000.p/2",
      "/tile/2/000.p/1",
      "/tile/entries/001",
      "/tile/entries/001.p/45",
      "/tile/entries/x001/000",
      "/tile/content/001",
      "/tile/content/001.p/45",
      "/tile/63/000",
      "/tile/0/x009/x007/x199/x254/x740/991",
    ]) {
      const answer = await ask(log, path);
      expect(answer.status, path).toBe(404);
      expect(problemIn(answer).code).toBe("NOT_FOUND");
      expect(answer.headers["cache-control"]).toBe("no-store");
    }
  });

  test("a path that is not the canonical one is refused", async () => {
    for (const path of [
      "/tile/0/0",
      "/tile/0/0000",
      "/tile/0/x000/000",
      "/tile/00/000",
      "/tile/64/000",
      "/tile/-1/000",
      "/tile/0/000.p/0",
      "/tile/0/000.p/256",
      "/tile/0/000.p/01",
      "/tile/0/000.p/",
      "/tile/0/000/",
      "/tile/0/",
      "/tile/data/000",
      "/tile/0/x999/x999/x999/x999/x999/999",
      `/tile/0/${"x001/".repeat(1_000)}000`,
      "/tile/%30/000",
    ])
      expect(problemIn(await ask(log, path)).code, path).toBe("FIELD_INVALID");
  });

  test("full tiles are immutable, the checkpoint is never cached, contents for an hour", async () => {
    const control = async (path: string): Promise<unknown> =>
      (await ask(log, path)).headers["cache-control"];
    expect(await control("/tile/0/000")).toBe(IMMUTABLE);
    expect(await control("/tile/0/000")).toBe(IMMUTABLE);
    expect(await control("/tile/entries/000")).toBe(IMMUTABLE);
    expect(await control("/tile/0/001.p/44")).not.toContain("immutable");
    expect(await control("/tile/content/000")).toBe("public, max-age=3600");
    expect(await control("/checkpoint")).toBe("no-cache");
  });

  test("HEAD has the headers of GET and no body", async () => {
    for (const path of ["/checkpoint", "/tile/0/000", "/tile/entries/001.p/44", "/v1/entries/0"]) {
      const head = await ask(log, path, { method: "HEAD" });
      const got = await ask(log, path);
      expect(head.status).toBe(200);
      expect(head.body.length).toBe(0);
      expect(head.headers["content-length"]).toBe(String(got.body.length));
      expect(head.headers["content-type"]).toBe(got.headers["content-type"]);
    }
  });

  test("contents are served by tile, continued by from, and by digest", async () => {
    const slots = unwrap(decodeContentTile(await get("/tile/content/000"), 256));
    expect(slots.length).toBe(256);
    const rest = unwrap(decodeContentTile(await get("/tile/content/000?from=250"), 6));
    expect(rest).toEqual(slots.slice(250));
    const [, first] = slots;
    if (first?.state !== "held") throw new Error("the content of entry 1 is held");
    const digest = Buffer.from(sha256(first.bytes)).toString("hex");
    const answer = await ask(log, `/content/sha256/${digest}`);
    expect(answer.body.equals(Buffer.from(first.bytes))).toBe(true);
    expect(answer.headers["content-type"]).toBe("application/octet-stream");
    expect(answer.headers["x-content-type-options"]).toBe("nosniff");
    expect(answer.headers["content-security-policy"]).toContain("sandbox");
    expect(answer.headers["content-disposition"]).toBe("attachment");
  });

  test("a start that is outside a content tile, and a digest that is none, are refused", async () => {
    for (const query of ["from=256", "from=-1", "from=", "from=01", "from=1&from=2", "to=1"])
      expect(problemIn(await ask(log, `/tile/content/000?${query}`)).field, query).toBe("from");
    expect(problemIn(await ask(log, "/content/sha256/AA")).field).toBe("sha256");
    expect(problemIn(await ask(log, `/content/sha256/${"0".repeat(64)}`)).code).toBe("NOT_FOUND");
    expect(problemIn(await ask(log, `/key/sha256/${"0".repeat(64)}`)).code).toBe("NOT_FOUND");
  });

  test("readiness names what it checked and what it cannot see", async () => {
    const answer = await ask(log, "/readyz");
    expect(answer.status).toBe(200);
    const body = answer.body.toString();
    for (const name of ["sequencer", "storage", "guard"])
      expect(body).toContain(`"name":"${name}"`);
    expect(body).toContain("rollback of the store and the head guard together");
    expect((await ask(log, "/healthz")).status).toBe(200);
    expect((await ask(log, "/openapi.json")).status).toBe(200);
  });
});
