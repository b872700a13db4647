import { describe, expect, test } from "vitest";
import { toHex, utf8 } from "../../../schema/bytes.ts";
import { checkLeaf } from "../../../schema/entry/check.ts";
import {
  formatLogStatement,
  LOG_PAYLOAD_TYPE,
  type LogStatement,
  parseLogStatement,
  speaksForItself,
} from "../../../schema/entry/log-statement.ts";
import { OwnStatements } from "../../../schema/entry/own-statements.ts";
import { unwrap } from "../../../schema/error.ts";
import { formatVkey, SIGNATURE_TYPES } from "../../../schema/tlog/note.ts";
import * as made from "../../vectors/signers.ts";
import { sha256 } from "../support.ts";
import { entryOf, only, reason } from "./support.ts";

const key = made.ed25519Signer("log");
const raw = key.spki.slice(-32);
const log = formatVkey(sha256, "log.example.test", SIGNATURE_TYPES.ed25519, raw);
const cosigner = formatVkey(sha256, "log.example.test", SIGNATURE_TYPES.cosignature, raw);
const said = { log, createdAt: "2026-11-22T10:00:00Z" };

const STATEMENTS: readonly LogStatement[] = [
  { type: "genesis", ...said, origin: "log.example.test", vkeys: [log], formatVersion: 1 },
  {
    type: "index-end",
    ...said,
    indexOrigin: "log.example.test/index/v1",
    leaves: 7,
    entries: 40,
    successor: "log.example.test/index/v2",
  },
  { type: "config", ...said, indexOrigin: "index.example.test", mapfn: "v1", witnessPolicy: "" },
  { type: "config", ...said },
  { type: "erase", ...said, digest: toHex(sha256(utf8("x"))), reason: "asked for" },
  { type: "freeze", ...said, reason: "moved", successor: cosigner },
];

const parse = (statement: object) =>
  parseLogStatement(sha256, utf8(JSON.stringify(statement, Object.keys(statement).sort())));
const submitted = (statement: LogStatement, signer: made.PlainSigner | made.SshSigner) =>
  only(made.dsseSubmission(LOG_PAYLOAD_TYPE, formatLogStatement(statement), signer));

test.each(STATEMENTS.map((statement) => [statement.type, statement] as const))(
  "a %s statement is read back whole",
  (_, statement) => {
    expect(unwrap(parseLogStatement(sha256, formatLogStatement(statement)))).toEqual(statement);
  },
);

describe("a log statement", () => {
  const [genesis] = STATEMENTS;
  if (genesis === undefined) throw new Error("there is one");

  test.each([
    ["another type", { type: "hello" }, "payload.type"],
    ["a time that is none", { createdAt: "yesterday" }, "payload.createdAt"],
    ["no vkey", { log: "x" }, "payload.log"],
    ["keys without its own", { vkeys: [cosigner] }, "payload.vkeys"],
    ["version 0", { formatVersion: 0 }, "payload.formatVersion"],
    ["an origin with a line feed", { origin: "a\nb" }, "payload.origin"],
  ])("with %s is refused", (_, change, field) => {
    expect(reason(parse({ ...genesis, ...change }))).toEqual(["FIELD_INVALID", field]);
  });

  test("that is not canonical JSON is refused", () => {
    const spaced = utf8(` ${JSON.stringify(genesis)}`);
    expect(reason(parseLogStatement(sha256, spaced))).toEqual(["NOT_CANONICAL", "payload"]);
  });

  test("L1 speaks under the log's own Ed25519 key", () => {
    const entry = submitted(genesis, key);
    expect(entry.reading).toMatchObject({ kind: "log-statement", statement: genesis });
    expect(speaksForItself(sha256, genesis, entry.signerId)).toBe(true);
    expect(checkLeaf(sha256, entry.leaf, entry.content)).toMatchObject({
      value: { reading: { kind: "log-statement" } },
    });
  });

  test("L1 is bytes without meaning under any other key, and by SSHSIG under its own", () => {
    for (const signer of [
      made.ed25519Signer("ada"),
      made.p256Signer("p256"),
      made.sshSigner("log"),
    ])
      expect(submitted(genesis, signer).reading).toMatchObject({
        kind: "pae",
        mediaType: LOG_PAYLOAD_TYPE,
      });
  });

  test("L1 does not speak under a key of another type with the same bytes", () => {
    const { signerId } = submitted(genesis, key);
    expect(speaksForItself(sha256, { ...genesis, log: cosigner }, signerId)).toBe(false);
  });

  test("that is malformed is bytes without meaning, also under the log's key", () => {
    const payload = utf8('{"type":"genesis"}');
    const entry = only(made.dsseSubmission(LOG_PAYLOAD_TYPE, payload, key));
    expect(entry.reading).toMatchObject({ kind: "pae", mediaType: LOG_PAYLOAD_TYPE });
    expect(entryOf("log-genesis-by-another-key").reading.kind).toBe("pae");
  });
});

test("of many leaves those that may be a statement of the log are found, and what they say is read", () => {
  const own = new OwnStatements(sha256, [log, cosigner]);
  for (const statement of STATEMENTS) {
    const { leafBytes, content, leaf } = submitted(statement, key);
    expect(own.find(leafBytes)).toEqual(leaf);
    expect(content && own.read(leaf, content)).toEqual(statement);
    expect(own.find(submitted(statement, made.ed25519Signer("ada")).leafBytes)).toBeUndefined();
    expect(own.find(leafBytes.subarray(1))).toBeUndefined();
  }
  const other = only(made.dsseSubmission("text/plain", utf8("by the log's key"), key));
  expect(own.find(other.leafBytes)).toBeUndefined();
});
