import { expect, test } from "vitest";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { parseTrust } from "../../client/trust.ts";
import { unwrap } from "../../schema/error.ts";
import { formatVkey } from "../../schema/tlog/note.ts";
import { TestLog } from "./test-log.ts";
import { policyTable, policyText, TestWitness } from "./test-witness.ts";

const { sha256 } = nodeCrypto;
const log = new TestLog("log.example.org");
const witnesses = ["a", "b", "c"].map((name) => new TestWitness(`${name}.example`));
const two = policyText(2, witnesses);
const one = policyText(1, witnesses);
const [first] = witnesses;

const fileWith = (tables: string, more = ""): string =>
  `trust = 1\n\n[[log]]\norigin = "log.example.org"\nvkeys = ["${log.vkey}"]\n${more}\n${tables}`;

test("a policy, a retired one and a bound are read", () => {
  const source = fileWith(
    `${policyTable(two)}${policyTable(policyText(3, witnesses), "until = 4711")}`,
    "fresh_seconds = 3600",
  );
  const [read] = unwrap(parseTrust(sha256, source)).logs;
  expect(read?.freshSeconds).toBe(3600);
  expect(read?.witnesses?.map(({ until }) => until)).toEqual([undefined, 4711]);
  expect(read?.witnesses?.map(({ policy }) => policy.groups[0]?.threshold)).toEqual([2, 3]);
});

test("a log without witnesses is as it was", () => {
  expect(unwrap(parseTrust(sha256, fileWith(""))).logs).toEqual([log.trusted]);
});

test("a policy whose quorums can have nobody in common is taken only where it is said so", () => {
  const allowed = fileWith(policyTable(one, "allow_split = true"));
  expect(parseTrust(sha256, allowed).ok).toBe(true);
});

test("the log lines of a policy may be there when they are this log's", () => {
  expect(parseTrust(sha256, fileWith(policyTable(`log ${log.vkey}\n${two}`))).ok).toBe(true);
});

const ownKey = formatVkey(sha256, "log.example.org", 4, log.key.publicKey);
const otherLog = new TestLog("log.example.com").vkey;

test.each([
  ["two quorums with nobody in common", policyTable(one), "8:1", /nobody in common/],
  ["no policy", "[[log.witnesses]]\nuntil = 5\n", "7:1", /policy is missing/],
  [
    "a policy with a bad line, which is named",
    policyTable(`what\n${two}`),
    "8:1",
    /line 1: .*what/,
  ],
  ["a policy that asks for nobody", policyTable("quorum none\n"), "8:1", /asks for no witness/],
  ["a policy of another log", policyTable(`log ${otherLog}\n${two}`), "8:1", /log\.example\.com/],
  [
    "the log as its own witness",
    policyTable(`witness w ${ownKey}\nquorum w\n`),
    "8:1",
    /key of the log itself/,
  ],
  [
    "one operator who counts twice",
    policyTable(policyText(2, [...witnesses, new TestWitness("a.example")])),
    "8:1",
    /a\.example could be counted more than once/,
  ],
  ["two policies that hold now", `${policyTable(two)}${policyTable(two)}`, undefined, /holds now/],
  ["an unknown field", policyTable(two, "quorum = 2"), undefined, /quorum is not known/],
  ["an until that is no size", policyTable(two, "until = -1"), undefined, /number of entries/],
  ["an until that is a text", policyTable(two, 'until = "5"'), undefined, /number of entries/],
  ["a word for allow_split", policyTable(two, 'allow_split = "yes"'), undefined, /true or false/],
  ["a table in place of a list", `[log.witnesses]\npolicy = "x"\n`, undefined, /TOML|not a list/],
])("%s is refused, with its place", (_, tables, at, message) => {
  const refused = parseTrust(sha256, fileWith(tables));
  expect(refused.ok).toBe(false);
  if (refused.ok) return;
  expect(refused.code).toBe("TRUST_INVALID");
  expect(refused.message).toMatch(message);
  if (at === undefined) expect(refused.detail.at).toMatch(/^\d+:\d+$/);
  else expect(refused.detail.at).toBe(at);
});

test.each([
  ["0", /seconds/],
  ["-5", /seconds/],
  ["1.5", /seconds/],
  ['"day"', /seconds/],
  ["9999999999", /seconds/],
])("a freshness bound of %s is refused", (bound, message) => {
  const refused = parseTrust(sha256, fileWith(policyTable(two), `fresh_seconds = ${bound}`));
  expect(refused.ok ? "" : refused.message).toMatch(message);
  expect(refused.ok ? "" : refused.detail.at).toBe("6:1");
});

test("a freshness bound without witnesses is refused: nobody would tell the time", () => {
  const refused = parseTrust(sha256, fileWith("", "fresh_seconds = 60"));
  expect(refused.ok ? "" : refused.message).toMatch(/there are none/);
});

test("a single witness is a policy", () => {
  const alone = policyTable(`witness w ${first?.vkey}\nquorum w\n`);
  expect(parseTrust(sha256, fileWith(alone)).ok).toBe(true);
});

const verifiers = ["x", "y", "z"].map((name) => new TestWitness(`${name}.example`));
const verified = policyText(2, verifiers);
const indexTable = (text: string, more = ""): string => policyTable(text, more, "index");

test("index verifiers are read beside witnesses, and apart from them", () => {
  const source = fileWith(
    `${policyTable(two)}${indexTable(verified)}${indexTable(policyText(3, verifiers), "until = 12")}`,
  );
  const [read] = unwrap(parseTrust(sha256, source)).logs;
  expect(read?.witnesses).toHaveLength(1);
  expect(read?.index?.map(({ until }) => until)).toEqual([undefined, 12]);
  const alone = unwrap(parseTrust(sha256, fileWith(indexTable(verified)))).logs;
  expect(alone[0]?.witnesses).toBeUndefined();
  expect(alone[0]?.index).toHaveLength(1);
});

test("the log line of a policy of index verifiers has the index's name", () => {
  const named = formatVkey(sha256, "log.example.org/index/v1", 1, log.key.publicKey);
  expect(parseTrust(sha256, fileWith(indexTable(`log ${named}\n${verified}`))).ok).toBe(true);
  const main = parseTrust(sha256, fileWith(indexTable(`log ${log.vkey}\n${verified}`)));
  expect(main.ok ? "" : main.message).toMatch(/is for the log log\.example\.org\+/);
});

test("each index has verifiers of its own, and an end where the log has stated one", () => {
  const named = formatVkey(sha256, "log.example.org/index/v2", 1, log.key.publicKey);
  const second = indexTable(`log ${named}\n${verified}`, "index = 2");
  const end = "[[log.index_end]]\nindex = 1\nleaves = 7\nentries = 40\n";
  const [read] = unwrap(
    parseTrust(sha256, fileWith(`${indexTable(verified)}${second}${end}`)),
  ).logs;
  expect(read?.index?.map(({ index = 1 }) => index)).toEqual([1, 2]);
  expect(read?.indexEnds).toEqual([
    {
      indexOrigin: "log.example.org/index/v1",
      leaves: 7,
      entries: 40,
      successor: "log.example.org/index/v2",
    },
  ]);
  const refused = (text: string): string => {
    const parsed = parseTrust(sha256, fileWith(text));
    return parsed.ok ? "" : parsed.message;
  };
  expect(refused(`${second}${second}`)).toMatch(/second policy that holds now/);
  expect(refused(indexTable(`log ${named}\n${verified}`))).toMatch(/is for the log/);
  expect(refused(`${end}${end}`)).toMatch(/repeats the end of/);
  expect(refused(policyTable(two, "index = 2"))).toMatch(/index is not known/);
});

test.each([
  [
    "a key that is witness and index verifier",
    `${policyTable(two)}${indexTable(policyText(2, [...witnesses.slice(0, 1), ...verifiers.slice(1)]))}`,
    /\.index\[0\]\.policy has as w1 a key that is a witness of the log/,
  ],
  [
    "such a key where its role as a witness has ended",
    `${policyTable(two, "until = 5")}${indexTable(policyText(2, witnesses))}`,
    /is a witness of the log/,
  ],
  ["quorums of verifiers with nobody in common", indexTable(policyText(1, verifiers)), /in common/],
  ["a policy that asks for nobody", indexTable("quorum none\n"), /no \[\[log\.index\]\] at all/],
  ["two policies that hold now", `${indexTable(verified)}${indexTable(verified)}`, /holds now/],
  [
    "the log as the verifier of its own index",
    indexTable(`witness w ${ownKey}\nquorum w\n`),
    /key of the log itself/,
  ],
])("%s is refused", (_, tables, message) => {
  const refused = parseTrust(sha256, fileWith(tables));
  expect(refused.ok ? "" : refused.message).toMatch(message);
});
