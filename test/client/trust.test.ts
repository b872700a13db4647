import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { logOf, parseTrust, personOf } from "../../client/trust.ts";
import { toBase64, toHex } from "../../schema/bytes.ts";
import { unwrap } from "../../schema/error.ts";
import { signerId } from "../../schema/key/signer-id.ts";
import { encodeSpki } from "../../schema/key/spki.ts";
import { formatSshKeyLine } from "../../schema/key/ssh-key.ts";
import { formatVkey } from "../../schema/tlog/note.ts";
import { newSigner, TestLog } from "./test-log.ts";

const { sha256 } = nodeCrypto;
const log = new TestLog("log.example.org");
const ada = newSigner();
const bob = newSigner("p256");
const carol = newSigner();
const lineOf = (signer: typeof ada): string =>
  signer.ssh === undefined ? "" : formatSshKeyLine(signer.ssh, "a comment");
const idOf = (signer: typeof ada): string => toHex(signerId(sha256, signer.publicKey));

const GOOD = `trust = 1

[[log]]
origin = "log.example.org"
vkeys = ["${log.vkey}"]
url = "https://log.example.org/"

[[person]]
name = "Ada"
keys = ["${lineOf(ada)}"]
roles = ["author", "reviewer"]

[[person]]
name = "Hub"
keys = ["${toBase64(encodeSpki(bob.publicKey))}"]
roles = ["author"]
platform = true

[[rule]]
for = "commit"
author = true
reviewers = 2

[[rule]]
for = "artifact"
builders = 2
`;

test("a good file is read whole", () => {
  const trust = unwrap(parseTrust(sha256, GOOD));
  expect(trust.logs).toEqual([{ ...log.trusted, url: "https://log.example.org/" }]);
  expect(trust.people.map(({ name, platform }) => [name, platform])).toEqual([
    ["Ada", false],
    ["Hub", true],
  ]);
  expect([...(trust.people[0]?.roles ?? [])]).toEqual(["author", "reviewer"]);
  expect(trust.rules).toEqual([
    { for: "commit", author: true, reviewers: 2, builders: 0 },
    { for: "artifact", author: false, reviewers: 0, builders: 2 },
  ]);
  expect(personOf(trust, signerId(sha256, ada.publicKey))?.name).toBe("Ada");
  expect(personOf(trust, signerId(sha256, carol.publicKey))).toBeUndefined();
  expect(logOf(trust, "log.example.org")?.origin).toBe("log.example.org");
  expect(logOf(trust, "log.example.com")).toBeUndefined();
});

test("one key in any of its forms is the same signer", () => {
  const pem = `-----BEGIN PUBLIC KEY-----\n${toBase64(encodeSpki(ada.publicKey))}\n-----END PUBLIC KEY-----`;
  const id = signerId(sha256, ada.publicKey);
  const forms = [lineOf(ada), pem, toBase64(encodeSpki(ada.publicKey)), toHex(id), toBase64(id)];
  for (const form of forms) {
    const source = GOOD.replace(JSON.stringify(lineOf(ada)), JSON.stringify(form));
    expect(toHex(unwrap(parseTrust(sha256, source)).people[0]?.keys[0] ?? id)).toBe(idOf(ada));
  }
});

const witness = formatVkey(sha256, "log.example.org", 4, log.key.publicKey);
const other = new TestLog("log.example.com").vkey;
const rsa1024 = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey;
const weak = toBase64(new Uint8Array(rsa1024.export({ type: "spki", format: "der" })));
const smallOrder = toBase64(encodeSpki({ type: "ed25519", raw: new Uint8Array(32) }));

describe("a file that is not understood completely is refused, with line and column", () => {
  test.each([
    ["no TOML", GOOD.replace("trust = 1", "trust ="), "1:", /not TOML/],
    ["no version", GOOD.replace("trust = 1\n", "\n"), undefined, /trust/],
    ["a newer version", GOOD.replace("trust = 1", "trust = 2"), "1:1", /version/],
    ["an unknown field at the top", `witness = 1\n${GOOD}`, "1:1", /witness is not known/],
    ["an unknown field of a log", GOOD.replace("url =", "uri ="), "6:1", /log\[0\]\.uri/],
    ["an unknown field of a person", GOOD.replace("platform", "robot"), "17:1", /robot/],
    [
      "an unknown field of a rule",
      GOOD.replace("reviewers = 2", "reviewer = 2"),
      "22:1",
      /reviewer /,
    ],
    ["no log", GOOD.replace(/\[\[log\]\][^]*?\n\n/, ""), undefined, /at least one \[\[log\]\]/],
    ["a log as a single table", GOOD.replace("[[log]]", "[log]"), "3:1", /log is not a list/],
    ["an empty origin", GOOD.replace('origin = "log.example.org"', 'origin = ""'), "4:1", /origin/],
    ["no vkeys", GOOD.replace(/vkeys = .*/, "vkeys = []"), "5:1", /vkeys is missing or empty/],
    [
      "a damaged vkey",
      GOOD.replace(log.vkey, log.vkey.replace("+", "++")),
      "5:10",
      /no verifier key/,
    ],
    ["the key of another origin", GOOD.replace(log.vkey, other), "5:10", /log.example.com/],
    ["the key of a witness", GOOD.replace(log.vkey, witness), "5:10", /witness/],
    [
      "a vkey twice",
      GOOD.replace(`"${log.vkey}"`, `"${log.vkey}", "${log.vkey}"`),
      `5:${14 + log.vkey.length}`,
      /repeats the verifier key/,
    ],
    ["a URL that is none", GOOD.replace('"https://log.example.org/"', '"here"'), "6:1", /no URL/],
    ["no name", GOOD.replace('name = "Ada"\n', ""), "8:1", /name is missing/],
    ["a name twice", GOOD.replace('"Hub"', '"Ada"'), "14:1", /repeats the name "Ada" of 9:1/],
    ["a key that is none", GOOD.replace(lineOf(ada), "not a key"), "10:9", /is no key/],
    ["a fingerprint", GOOD.replace(lineOf(ada), "SHA256:abc"), "10:9", /fingerprint/],
    ["a private key", GOOD.replace(lineOf(ada), "-----BEGIN PRIVATE KEY-----"), "10:9", /PRIVATE/],
    ["a weak RSA key", GOOD.replace(lineOf(ada), weak), "10:9", /2048|2,048/],
    ["an Ed25519 key of small order", GOOD.replace(lineOf(ada), smallOrder), "10:9", /keys\[0\]/],
    ["a cut signer id", GOOD.replace(lineOf(ada), idOf(ada).slice(2)), "10:9", /31 bytes/],
    ["a key that is a number", GOOD.replace(`"${lineOf(ada)}"`, "7"), "10:9", /not a text/],
    ["no roles", GOOD.replace('roles = ["author"]\n', ""), "13:1", /roles is missing/],
    ["an unknown role", GOOD.replace('"reviewer"]', '"king"]'), "11:20", /king/],
    ["a platform that is no flag", GOOD.replace("= true", '= "yes"'), "17:1", /true or false/],
    ["an unknown question", GOOD.replace('"artifact"', '"package"'), "25:1", /package/],
    ["a question twice", GOOD.replace('"artifact"', '"commit"'), "25:1", /repeats the rule for/],
    [
      "a rule that asks nothing",
      GOOD.replace("builders = 2", "builders = 0"),
      "24:1",
      /asks for nothing/,
    ],
    ["a negative count", GOOD.replace("builders = 2", "builders = -2"), "26:1", /number of people/],
    ["a broken count", GOOD.replace("builders = 2", "builders = 1.5"), "26:1", /number of people/],
    [
      "reviewers without the author",
      GOOD.replace("author = true\nreviewers", "reviewers"),
      "21:1",
      /author = true/,
    ],
    [
      "an author of an artifact without builders",
      GOOD.replace("builders = 2", "author = true"),
      "26:1",
      /builders above 0/,
    ],
  ])("%s", (_, source, at, message) => {
    expect(source).not.toBe(GOOD);
    const refused = parseTrust(sha256, source);
    expect(refused.ok).toBe(false);
    if (refused.ok) return;
    expect(refused.code).toBe("TRUST_INVALID");
    expect(refused.message).toMatch(message);
    if (at?.endsWith(":") === true) expect(refused.detail.at).toMatch(new RegExp(`^${at}`));
    else expect(refused.detail.at).toBe(at);
  });

  test("a key under two names, in two forms, names both lines and both people", () => {
    const source = GOOD.replace(toBase64(encodeSpki(bob.publicKey)), idOf(ada));
    const refused = parseTrust(sha256, source);
    expect(refused.ok).toBe(false);
    if (refused.ok) return;
    expect(refused.detail.at).toBe("15:9");
    expect(refused.message).toContain('"Hub" and, at 10:9, of "Ada"');
  });

  test("a key twice under one name", () => {
    const source = GOOD.replace(`"${lineOf(ada)}"`, `"${lineOf(ada)}", "${idOf(ada)}"`);
    const refused = parseTrust(sha256, source);
    expect(refused.ok).toBe(false);
  });

  test("bytes that are not UTF-8, and a file above its limit", () => {
    expect(parseTrust(sha256, new Uint8Array([0xff])).ok).toBe(false);
    expect(parseTrust(sha256, `# ${"x".repeat(1_048_576)}\n${GOOD}`).ok).toBe(false);
  });
});

test("a file with a line taken out or two lines swapped never throws", () => {
  const lines = GOOD.split("\n");
  const at = fc.nat({ max: lines.length - 1 });
  fc.assert(
    fc.property(at, at, fc.string({ maxLength: 5 }), (a, b, junk) => {
      const changed = [...lines];
      [changed[a], changed[b]] = [changed[b] ?? "", (changed[a] ?? "") + junk];
      parseTrust(sha256, changed.join("\n"));
    }),
    { numRuns: 300 },
  );
});

const HOSTILE: readonly (readonly [string, string])[] = [
  ["arrays inside one another", `x = ${"[".repeat(20_000)}${"]".repeat(20_000)}`],
  ["arrays that never close", `x = ${"[".repeat(20_000)}`],
  ["tables inside one another", `x = ${"{a=".repeat(5_000)}1${"}".repeat(5_000)}`],
  ["many deep arrays", `x = [${`${"[".repeat(900)}${"]".repeat(900)},`.repeat(300)}]`],
  ["a key of many parts", `${"a.".repeat(100_000)}a = 1`],
  ["a table of many parts", `[${"a.".repeat(20_000)}a]`],
  ["a long name before many keys", longTable()],
  ["nothing but white space", " \n".repeat(400_000)],
];

function longTable(): string {
  const keys = Array.from({ length: 5_000 }, (_, i) => `k${i} = 1`);
  return `[${"a".repeat(500_000)}]\n${keys.join("\n")}`;
}

test.each(HOSTILE)("a file built to exhaust its reader is refused: %s", (_, text) => {
  const refused = parseTrust(sha256, `trust = 1\n${text}`);
  expect(refused.ok ? undefined : refused.code).toBe("TRUST_INVALID");
});
