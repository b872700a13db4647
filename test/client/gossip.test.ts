/** Witnesses that are asked what they have seen: real HTTP, and each way they can answer. */
import { createServer, type Server, type ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { verifyEvidence } from "../../client/evidence.ts";
import { httpTransport } from "../../client/fetch.ts";
import {
  askWitnesses,
  compareWitnesses,
  type Gossiped,
  type WitnessServer,
  witnessServers,
} from "../../client/gossip.ts";
import { openHead, type SignedHead } from "../../client/head.ts";
import type { ReadPorts } from "../../client/log.ts";
import type { TrustedLog } from "../../client/trust.ts";
import { utf8 } from "../../schema/bytes.ts";
import { unwrap } from "../../schema/error.ts";
import { formatEvidence } from "../../schema/evidence.ts";
import { witnessedCheckpointPath } from "../../schema/tlog/tlog-witness.ts";
import { logKey, type Served, serveLog, TestLog } from "./test-log.ts";
import { policyOf, policyText, TestWitness } from "./test-witness.ts";

const NOW = 1_800_000_000;
const key = logKey();
const a = new TestWitness("a.example");
const b = new TestWitness("b.example", 6);
const c = new TestWitness("c.example");
const path = witnessedCheckpointPath(nodeCrypto.sha256, "log.test");

type Answer = (res: ServerResponse) => void;
const note =
  (bytes: Uint8Array): Answer =>
  (res) =>
    res.end(bytes);
const status =
  (code: number): Answer =>
  (res) => {
    res.writeHead(code);
    res.end("no");
  };

let log: TestLog;
let served: Served;
let answers: Record<string, Answer>;
let server: Server;
let trusted: TrustedLog;
let ports: ReadPorts;
beforeEach(async () => {
  log = new TestLog("log.test", key).fill(20);
  served = await serveLog(() => log);
  answers = {};
  server = createServer((req, res) => {
    const [, name = ""] = /^\/(\w+)\//.exec(req.url ?? "") ?? [];
    const answer = req.url === `/${name}${path}` ? answers[name] : undefined;
    (answer ?? status(404))(res);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const urls = ["a", "b", "c"].map((name) => `http://127.0.0.1:${port}/${name}`);
  trusted = { ...log.trusted, witnesses: [policyOf(policyText(2, [a, b, c], urls))] };
  ports = {
    crypto: nodeCrypto,
    log: trusted,
    transport: httpTransport(served.url, { deadlineMs: 5000 }),
  };
});
afterEach(async () => {
  await served.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** The head of a log as a witness serves it. */
function seen(of: TestLog, by: TestWitness, size: number = of.size): Uint8Array {
  const before = of.cosigners;
  of.cosigners = [by.at(NOW)];
  const bytes = of.checkpoint(size);
  of.cosigners = before;
  return bytes;
}

const ownHead = async (): Promise<SignedHead> =>
  unwrap(await openHead(nodeCrypto, log.trusted, log.checkpoint()));

async function gossip(own?: SignedHead, deadlineMs = 5000): Promise<Gossiped[]> {
  const servers = witnessServers(trusted);
  const open = (url: string): ReturnType<typeof httpTransport> =>
    httpTransport(url, { deadlineMs });
  const shown = await askWitnesses({ crypto: nodeCrypto, log: trusted, open }, servers);
  return compareWitnesses(ports, own ?? (await ownHead()), shown);
}

const isConvicting = async (says: Gossiped | undefined): Promise<boolean> => {
  if (says?.state !== "forked") throw new Error(`no fork but ${says?.state}`);
  const file = formatEvidence(says.evidence);
  return (await verifyEvidence(nodeCrypto, { logs: [trusted] }, file)).ok;
};

test("a witness may agree, lag behind, or never have seen the log", async () => {
  answers["a"] = note(seen(log, a));
  answers["b"] = note(seen(log, b, 7));
  expect(await gossip()).toEqual([
    { state: "agrees", size: 20 },
    { state: "lags", size: 7 },
    { state: "never saw it" },
  ]);
});

test("a witness that is ahead is no liar: the log has not published that head yet", async () => {
  const own = await ownHead();
  const further = new TestLog("log.test", key).fill(20).fill(30);
  answers["a"] = note(seen(further, a));
  expect((await gossip(own))[0]).toEqual({ state: "ahead", size: 30 });
  log.fill(30);
  expect((await gossip(own))[0]).toEqual({ state: "ahead", size: 30 });
});

describe("a fork that only witnesses can see", () => {
  const forkOf = (common: number, size: number): TestLog =>
    new TestLog("log.test", key).fill(common).fill(size, " of the fork");

  test("of the same size convicts the log", async () => {
    answers["b"] = note(seen(forkOf(10, 20), b));
    const [, says] = await gossip();
    expect(await isConvicting(says)).toBe(true);
  });

  test("of any smaller size convicts the log", async () => {
    for (let size = 6; size < 20; size++) {
      answers["b"] = note(seen(forkOf(5, size), b));
      const [, says] = await gossip();
      expect(await isConvicting(says)).toBe(true);
    }
  });

  test("of a larger size is not proved, not believed and not taken for a lag", async () => {
    const fork = forkOf(10, 30);
    answers["c"] = note(seen(fork, c));
    // The log shows us other leaves under the names of the fork's tiles.
    log.fill(30);
    const own = unwrap(await openHead(nodeCrypto, log.trusted, log.checkpoint(20)));
    expect((await gossip(own))[2]).toMatchObject({ state: "unproved", size: 30 });
  });

  test("between two witnesses convicts the log, also where it shows us neither of the heads", async () => {
    answers["a"] = note(seen(new TestLog("log.test", key).fill(20).fill(25), a));
    answers["c"] = note(seen(forkOf(10, 25), c));
    const [first, , third] = await gossip();
    expect(first).toEqual({ state: "ahead", size: 25 });
    expect(await isConvicting(third)).toBe(true);
  });

  test("convicts whatever the witness's own line is", async () => {
    answers["b"] = note(forkOf(10, 20).checkpoint());
    expect(await isConvicting((await gossip())[1])).toBe(true);
  });
});

describe("nobody is accused of what the log has not signed", () => {
  test.each<[string, () => Answer, Gossiped["state"]]>([
    ["a head by another key", () => note(seen(new TestLog("log.test").fill(20), b)), "bad answer"],
    [
      "a head of another log",
      () => note(seen(new TestLog("b.test", key).fill(20), b)),
      "bad answer",
    ],
    ["a head without its own line", () => note(log.checkpoint()), "bad answer"],
    ["a head with another witness's line", () => note(seen(log, a)), "bad answer"],
    ["a page", () => note(utf8("<html></html>")), "bad answer"],
    ["nothing at all", () => note(utf8("")), "bad answer"],
    ["a failure", () => status(500), "silent"],
    ["a redirect to somebody else", () => redirect, "bad answer"],
    ["a connection that breaks", () => (res) => res.destroy(), "silent"],
  ])("%s is no evidence", async (_, answer, state) => {
    answers["a"] = note(seen(log, a));
    answers["b"] = answer();
    const [first, second] = await gossip();
    expect(first?.state).toBe("agrees");
    expect(second?.state).toBe(state);
  });

  test("a bad line of the witness itself is reported, and is nobody's fork", async () => {
    log.cosigners = [
      (text) => {
        const line = b.at(NOW)(text);
        return { ...line, signature: line.signature.map((byte, i) => (i === 9 ? byte ^ 1 : byte)) };
      },
    ];
    answers["b"] = note(log.checkpoint());
    expect((await gossip())[1]).toMatchObject({
      state: "bad answer",
      why: expect.stringContaining("does not verify"),
    });
  });
});

test("CVE-2024-45395 a witness that never ends, in bytes or in time, keeps nobody waiting for the others", async () => {
  const endless: Answer = (res) => {
    const more = (): void => {
      while (!res.destroyed && res.write("x".repeat(65_536)));
      if (!res.destroyed) res.once("drain", more);
    };
    more();
  };
  answers["a"] = endless;
  answers["b"] = () => {};
  answers["c"] = note(seen(log, c));
  const [first, second, third] = await gossip(undefined, 300);
  expect(["bad answer", "silent"]).toContain(first?.state);
  expect(second?.state).toBe("silent");
  expect(third?.state).toBe("agrees");
});

test("two keys behind one address are one question, and a retired policy is asked nothing", () => {
  const second = new TestWitness("a.example", 6);
  const text = [
    `witness one ${a.vkey} http://127.0.0.1/a`,
    `witness two ${second.vkey} http://127.0.0.1/a`,
    `witness lone ${c.vkey}`,
    "group any-a any one two",
    "quorum any-a",
    "",
  ].join("\n");
  const retired = policyOf(policyText(1, [b]), 5);
  const servers: WitnessServer[] = witnessServers({
    ...log.trusted,
    witnesses: [policyOf(text), retired],
  });
  expect(servers.map(({ name, url, keys }) => [name, url, keys.length])).toEqual([
    ["a.example", "http://127.0.0.1/a", 2],
    ["c.example", undefined, 1],
  ]);
});

test("an address that is none is silence, not an exception", async () => {
  const policy = policyOf(policyText(1, [a], ["not-a-url"]));
  trusted = { ...log.trusted, witnesses: [policy] };
  expect(await gossip()).toMatchObject([{ state: "silent" }]);
});

function redirect(res: ServerResponse): void {
  res.writeHead(302, { location: "http://127.0.0.2:9/elsewhere" });
  res.end();
}
