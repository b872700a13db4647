/** `lookup` against a log with an index on loopback, and against every lie that it can tell. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { gitHashOf } from "../../../client/git/hash.ts";
import { fileSubmission } from "../../../client/keys/signer.ts";
import { fromUtf8, toHex, utf8 } from "../../../schema/bytes.ts";
import { OwnStatements } from "../../../schema/entry/own-statements.ts";
import { encodeIndexLeaf } from "../../../schema/index/index-leaf.ts";
import { formatLookup, type Lookup, type LookupKey } from "../../../schema/index/lookup.ts";
import { mapfn } from "../../../schema/index/mapfn.ts";
import { signerId } from "../../../schema/key/signer-id.ts";
import { type ServedIndex, serveIndex } from "../lookup/serve-index.ts";
import { TestIndex } from "../lookup/test-index.ts";
import { logKey, newSigner, review, signedCommit, TestLog } from "../test-log.ts";
import { policyTable, policyText, TestWitness } from "../test-witness.ts";
import { Workplace } from "./in-process.ts";

const NOW = 1_700_000_000;
const { sha256 } = nodeCrypto;
const ada = newSigner();
const bob = newSigner();
/** Whose entries may come by their digest alone. */
const eve = newSigner("p256");
const idOf = (signer: typeof ada): string => toHex(signerId(sha256, signer.publicKey));
const commit = await signedCommit(ada);
const key = logKey();

let main: TestLog;
let index: TestIndex;
let served: ServedIndex;
let place: Workplace;
beforeEach(async () => {
  main = new TestLog("log.test", key).fill(2);
  main.submit(commit.submission);
  main.submit(await review(bob, commit));
  index = new TestIndex(main).grow();
  served = await serveIndex(index);
  place = new Workplace();
  trust("");
});
afterEach(async () => {
  await served.close();
  place.remove();
});

function trust(more: string): void {
  const log = `[[log]]\norigin = "log.test"\nvkeys = ["${main.vkey}"]\nurl = "${served.url}"\n${more}`;
  const people = [
    ["Ada", ada],
    ["Bob", bob],
  ] as const;
  const tables = people.map(
    ([name, signer]) =>
      `[[person]]\nname = "${name}"\nkeys = ["${idOf(signer)}"]\nroles = ["author"]`,
  );
  writeFileSync(place.path("trust.toml"), ["trust = 1", log, ...tables, ""].join("\n"));
}

/** An entry of Eve's that the log never held the content of. */
async function submitOpaque(): Promise<void> {
  const content = utf8("secret");
  main.submit(await fileSubmission(eve, content));
  main.contents.delete(toHex(sha256(content)));
}

const ask = (...argv: readonly string[]): ReturnType<typeof place.asked> =>
  place.asked("lookup", ...argv, "--trust", "trust.toml");
const tell = (...argv: readonly string[]): ReturnType<typeof place.countersign> =>
  place.countersign("lookup", ...argv, "--trust", "trust.toml");

describe("lookup", () => {
  test("tells who signed a commit and what was said of it, complete up to an entry", async () => {
    const { status, stdout } = await tell("commit", commit.id);
    expect(status).toBe(0);
    expect(stdout).toContain("complete up to entry 3 of log.test");
    expect(stdout).toContain("nobody but the log says");
    expect(stdout).toContain("map unverified");
    expect(stdout).toContain("entry 2: Ada signed this git commit");
    expect(stdout).toContain(`entry 3: Bob approves commit ${commit.id}`);
    expect(stdout).not.toContain("opaque");
  });

  test("says clearly that there is nothing", async () => {
    const { status, stdout } = await tell("purl", "pkg:npm/nothing");
    expect(status).toBe(0);
    expect(stdout).toContain("nothing was ever logged about it");
    expect(stdout).toContain("complete up to entry 3");
  });

  test("gives the same as data, with what is not known as null", async () => {
    expect(await ask("commit", commit.id)).toMatchObject({
      status: 0,
      answer: {
        ok: true,
        complete: { origin: "log.test", size: 4, at: null, newest: 4, mapVerified: false },
        keys: [{ n: 1 }, { n: 1, d: 1 }, { n: 1 }, { n: 0, indexes: [] }],
        entries: [
          { index: 2, person: "Ada", supersededBy: [] },
          { index: 3, person: "Bob", supersededBy: [], says: { reads: "statement" } },
        ],
        opaque: [],
      },
    });
  });

  test("names what is not indexed yet", async () => {
    main.fill(9);
    expect((await tell("commit", commit.id)).stdout).toContain("5 newer entries are not indexed");
  });

  test("with --tail reads what is not indexed yet, and reports it apart", async () => {
    main.submit(await review(ada, commit, { verdict: "reject" }));
    main.submit(await fileSubmission(ada, utf8("something else")));
    const { status, answer } = await ask("commit", commit.id, "--tail");
    expect({ status, answer }).toMatchObject({
      status: 0,
      answer: {
        complete: { size: 4, newest: 6 },
        entries: [{ index: 2 }, { index: 3 }],
        tail: {
          from: 4,
          to: 6,
          newest: 6,
          entries: [{ index: 4, person: "Ada", supersededBy: null }],
        },
      },
    });
    const { stdout } = await tell("commit", commit.id, "--tail");
    expect(stdout).toContain("not indexed, read one by one: entries 4 to 5, 1 about it");
    expect(stdout).toContain(`entry 4: Ada rejects commit ${commit.id}`);
    index.grow();
    expect((await tell("commit", commit.id, "--tail")).stdout).not.toContain("not indexed");
  });

  test("with --tail reads at most 8 MiB, and says where it stopped", async () => {
    for (const letter of "abcdefghi")
      main.submit(await fileSubmission(ada, utf8(letter.repeat(1_000_000))));
    const { answer } = await ask("repo", "https://example.org/repo", "--tail");
    expect(answer).toMatchObject({ tail: { from: 4, to: 12, newest: 13, entries: [] } });
    const { stdout } = await tell("repo", "https://example.org/repo", "--tail");
    expect(stdout).toContain("entries 4 to 11, nothing about it; entries 12 to 12 were not read");
  });

  test("with --wait lets the index catch up, and answers in any case", async () => {
    main.fill(9);
    let asked = 0;
    served.lie = (honest) => {
      asked += 1;
      if (asked === 1) index.grow();
      return honest;
    };
    expect(await ask("repo", "https://example.org/repo", "--wait", "60")).toMatchObject({
      status: 0,
      answer: { complete: { size: 9, newest: 9 } },
    });
    main.fill(12);
    expect(await ask("repo", "https://example.org/repo", "--wait", "1")).toMatchObject({
      status: 0,
      answer: { complete: { size: 9, newest: 12 } },
    });
    expect((await tell("repo", "x", "--wait", "soon")).stderr).toContain("a whole number");
  });

  test("with --summary asks for no entries", async () => {
    expect(await ask("repo", "git@example.org:repo.git", "--summary")).toMatchObject({
      status: 0,
      answer: { keys: [{ type: "repo", n: 1 }], entries: [] },
    });
    expect(served.asked.slice(0, 2)).toEqual(["GET v1/claims", "GET index/v1/head/1"]);
    // Parts of two heads are no bundle.
    const honest = served.index.lookup([{ type: "opaque", fields: [] }], "summaries");
    index.main.submit(await fileSubmission(bob, utf8("later")));
    index.grow();
    served.lie = (given, { form }) => (form === "bytes" ? given : honest);
    const mixed = await tell("repo", "git@example.org:repo.git", "--summary");
    expect(mixed).toMatchObject({ status: 3, stderr: expect.stringContaining("of another leaf") });
  });

  test("marks what its signer has taken back", async () => {
    const [first] = main.submit(await review(ada, commit));
    const digest = toHex(sha256(first?.entry.content ?? expect.fail("no content")));
    main.submit(await review(ada, commit, { verdict: "withdraw", supersedes: digest }));
    index.grow();
    const { stdout } = await tell("commit", commit.id);
    expect(stdout).toContain("entry 4: Ada approves");
    expect(stdout).toMatch(/entry 4: .*taken back by entry 5/);
  });

  test("says how much a signer signed that nobody can read", async () => {
    const [hidden] = main.submit(await fileSubmission(bob, utf8("secret")));
    main.contents.delete(toHex(sha256(hidden?.entry.content ?? expect.fail("no content"))));
    index.grow();
    const { stdout } = await tell("signer", idOf(bob));
    expect(stdout).toContain("entry 4: Bob: nobody can read it (opaque)");
    expect(stdout).toContain("opaque: Bob signed 1 thing nobody can read");
  });

  test("names what the log has erased, and what it only calls erased", async () => {
    const contents = [utf8("said"), utf8("not said")];
    for (const content of contents) main.submit(await fileSubmission(bob, content));
    index.grow();
    const [announced, lost] = contents;
    if (announced === undefined || lost === undefined) expect.fail("no contents");
    main.submit(await main.eraseStatement(announced));
    for (const content of contents) main.erase(content);
    const unindexed = await tell("signer", idOf(bob));
    index.grow();
    for (const { stdout, status } of [unindexed, await tell("signer", idOf(bob))]) {
      expect(stdout).toContain("entry 4: Bob: erased by the log, entry 6 says so (asked for)");
      expect(stdout).toContain("entry 5: Bob: its content is called erased, and no statement");
      expect(status).toBe(0);
    }
    expect(await ask("signer", idOf(bob))).toMatchObject({
      answer: {
        entries: [{}, { gone: { state: "erased", statement: 6 } }, { gone: { state: "lost" } }],
      },
    });
  });

  describe("from a file, with nobody to ask", () => {
    const byEve: LookupKey = { type: "signer", fields: [signerId(sha256, eve.publicKey)] };
    const opaqueByEve: LookupKey = { type: "opaque-by", fields: byEve.fields };
    const [log] = new OwnStatements(sha256, [new TestLog("log.test", key).vkey]).signers;
    const byLog: LookupKey = { type: "signer", fields: [log ?? expect.fail("no key")] };
    /** With the entries of these keys, and so much of `more`. */
    const offline = async (
      keys: readonly LookupKey[],
      more: readonly LookupKey[] = [],
      wanted: "lists" | "summaries" = "lists",
    ): Promise<string> => {
      const { entries } = index.lookup(keys);
      const bundle = index.lookup([...keys, ...more], wanted);
      const lists = index.lookup(keys, "lists").answers;
      const answers = [...lists, ...bundle.answers.slice(keys.length)];
      writeFileSync(place.path("f.lookup.json"), formatLookup({ ...bundle, answers, entries }));
      return (await tell("--bundle", "f.lookup.json")).stdout;
    };
    const notShown = /entry 4: .* this answer does not show whether it is opaque or erased/;
    const wasHeld = /entry 4: .* not here: the log held it .* erased it since or left it out/;

    test("an entry that nobody can read is opaque where the index says so", async () => {
      await submitOpaque();
      index.grow();
      for (const wanted of ["lists", "summaries"] as const)
        expect(await offline([byEve], [opaqueByEve], wanted)).toMatch(
          /entry 4: the key \w+…: nobody can read it \(opaque\)/,
        );
      expect(await offline([byEve])).toMatch(notShown);
      await tell("signer", idOf(eve), "-o", "s.lookup.json");
      expect(await ask("--bundle", "s.lookup.json")).toMatchObject({
        answer: { entries: [{ index: 4, gone: { state: "opaque" } }] },
      });
    });

    test("it was held where the index says so, and erased where a statement is shown", async () => {
      const content = utf8("said");
      main.submit(await fileSubmission(eve, content));
      index.grow();
      main.submit(await main.eraseStatement(content));
      main.erase(content);
      index.grow();
      for (const wanted of ["lists", "summaries"] as const)
        expect(await offline([byEve], [opaqueByEve], wanted)).toMatch(wasHeld);
      expect(await offline([byEve])).toMatch(notShown);
      expect(await offline([byEve, byLog])).toMatch(
        /entry 4: .*: erased by the log, entry 5 says so \(asked for\)/,
      );
    });

    test("of a summary that goes on behind it nothing is known", async () => {
      const content = utf8("said");
      main.submit(await fileSubmission(eve, content));
      index.grow();
      main.erase(content);
      await submitOpaque();
      index.grow();
      expect(await offline([byEve], [opaqueByEve], "summaries")).toMatch(notShown);
      expect(await offline([byEve], [opaqueByEve])).toMatch(wasHeld);
    });

    test("what may not be logged without its content was held, whatever is shown", async () => {
      main.contents.clear();
      const bobs: LookupKey = { type: "signer", fields: [signerId(sha256, bob.publicKey)] };
      expect(await offline([bobs])).toMatch(/entry 3: Bob: its content is not here: the log held/);
    });
  });

  describe("what a bundle does not bring", () => {
    test("of the entry itself is named, and where it is to be had", async () => {
      served.lie = (honest) => ({ ...honest, entries: honest.entries.slice(0, 1) });
      main.submit(await review(bob, commit, { verdict: "reject" }));
      index.grow();
      const { stdout } = await tell("commit", commit.id, "-o", "c.lookup.json");
      expect(stdout).toContain(
        "  2 entries, from 3 on, are in these lists and not in this answer: countersign entry 3 asks",
      );
      expect(await ask("--bundle", "c.lookup.json")).toMatchObject({
        status: 0,
        answer: { entries: [{ index: 2 }], notBrought: [3, 4] },
      });
      expect(await ask("commit", commit.id)).toMatchObject({ answer: { notBrought: [3, 4] } });
      served.lie = (honest) => honest;
      expect(await ask("commit", commit.id)).toMatchObject({ answer: { notBrought: [] } });
      expect((await tell("signer", idOf(bob), "--summary")).stdout).toContain("2 entries, only");
    });

    test("of its content is said to be had, where the log has it", async () => {
      served.lie = (honest) => ({
        ...honest,
        entries: honest.entries.map(({ index: at, leaf, hashes }) => ({ index: at, leaf, hashes })),
      });
      const { stdout } = await tell("commit", commit.id, "-o", "c.lookup.json");
      expect(stdout).toContain(
        "entry 3: Bob: its content did not come with it, and the log has it: countersign entry 3 asks",
      );
      expect(await ask("commit", commit.id)).toMatchObject({
        answer: { entries: [{ gone: { state: "served" } }, { gone: { state: "served" } }] },
      });
      expect(await ask("--bundle", "c.lookup.json")).toMatchObject({
        answer: { entries: [{ gone: { state: "held" } }, { gone: { state: "held" } }] },
      });
    });

    test("of an opaque entry is said to be had, once another entry has brought it", async () => {
      await submitOpaque();
      index.grow();
      expect((await tell("signer", idOf(eve))).stdout).toContain("nobody can read it (opaque)");
      main.contents.set(toHex(sha256(utf8("secret"))), utf8("secret"));
      // It stays opaque in the index, and so in every bundle.
      served.lie = (honest) => ({
        ...honest,
        entries: honest.entries.map(({ index: at, leaf, hashes }) => ({ index: at, leaf, hashes })),
      });
      const { stdout } = await tell("signer", idOf(eve));
      expect(stdout).toContain("the log has it: countersign entry 4 asks");
      expect(await place.countersign("entry", "4", "--trust", "trust.toml")).toMatchObject({
        status: 0,
        stdout: expect.stringContaining("entry 4"),
      });
    });

    test("is not called opaque on the word of a log whose index says that it was held", async () => {
      main.contents.clear();
      expect(await ask("commit", commit.id)).toMatchObject({
        answer: { entries: [{ gone: { state: "held" } }, { gone: { state: "held" } }] },
      });
    });

    test("is said of the entries that are not indexed, too", async () => {
      await submitOpaque();
      expect(await ask("signer", idOf(eve), "--tail")).toMatchObject({
        answer: { tail: { entries: [{ index: 4, gone: { state: "opaque" } }] } },
      });
    });
  });

  test("saves the bundle, and reads it again without any network", async () => {
    await tell("commit", commit.id, "-o", "c.lookup.json");
    const asked = served.asked.length;
    expect(await ask("commit", commit.id, "--bundle", "c.lookup.json")).toMatchObject({
      status: 0,
      answer: { entries: [{ index: 2, supersededBy: [] }, { index: 3 }] },
    });
    expect((await tell("--bundle", "c.lookup.json")).status).toBe(0);
    expect(await ask("purl", "pkg:npm/x", "--bundle", "c.lookup.json")).toMatchObject({
      status: 1,
      answer: { ok: false, refusal: { code: "OTHER_KEYS" } },
    });
    expect(served.asked).toHaveLength(asked);
  });

  test.each([
    [["commit", "HEAD"], /no object id/],
    [["commit"], /takes 1 words, not 0/],
    [["nothing", "x"], /nothing that can be looked up/],
    [["claim", "what"], /"what" is no slot/],
    [["claim", "signer-seq", "00".repeat(32), "one"], /no number of a sequence/],
    [["signer", "no such key"], /the key no such key/],
    [["statement", "00".repeat(32), "abc"], /no digest/],
    [[], /not said what is looked up/],
  ])("refuses the words %j", async (words, message) => {
    const { status, stderr } = await tell(...words);
    expect(status).toBe(2);
    expect(stderr).toMatch(message);
  });

  test.each([
    ["tag", commit.id],
    ["artifact", `sha256:${"0".repeat(64)}`],
    ["subject", "sha512", "0".repeat(128)],
    ["ref", "https://example.org/repo", "refs/heads/main"],
    ["builder", "somebody"],
    ["store-path", `/nix/store/${"0".repeat(32)}-tool`],
    ["statement", idOf(bob), `sha256:${"0".repeat(64)}`],
    ["claim", "output", "sha256", "0".repeat(64), "x86_64-linux", "tool"],
    ["claim", "output-by", idOf(bob), "sha256", "0".repeat(64), "x86_64-linux", "tool"],
    ["claim", "ref-by", idOf(bob), "https://example.org/repo", "refs/heads/main"],
    [
      "claim",
      "verdict-by",
      idOf(bob),
      "https://example.org/repo",
      "r",
      "0".repeat(40),
      commit.tree,
    ],
    ["claim", "signer-seq", idOf(bob), "0"],
  ])("asks for %s %s", async (...words) => {
    expect((await ask(...words)).status).toBe(0);
  });

  test("finds a slot by the canonical form of its repository", async () => {
    const slot = ["verdict-by", idOf(bob), "git@example.org:repo.git", "refs/heads/main"];
    expect(await ask("claim", ...slot, "0".repeat(40), commit.tree)).toMatchObject({
      answer: { keys: [{ n: 1, d: 1 }], entries: [{ index: 3 }] },
    });
  });
});

describe("under a trust file with witnesses and index verifiers", () => {
  const witnesses = ["a", "b", "c"].map((name) => new TestWitness(`${name}.example`));
  const verifiers = ["x", "y", "z"].map((name) => new TestWitness(`${name}.example`));
  const [a, b] = witnesses;
  const [x, y] = verifiers;
  if (a === undefined || b === undefined || x === undefined || y === undefined)
    throw new Error("no witness");
  const tables = `${policyTable(policyText(2, witnesses))}${policyTable(policyText(2, verifiers), "", "index")}`;

  test("the answer has a time and a verified map", async () => {
    trust(tables);
    main.cosigners = [a.at(NOW - 50), b.at(NOW - 60)];
    index.log.cosigners = [x.at(NOW - 5), y.at(NOW - 6)];
    main.fill(5);
    index.grow();
    const { status, stdout } = await tell("commit", commit.id);
    expect(status).toBe(0);
    expect(stdout).toContain("complete up to entry 4 at 2023-11-14T22:12:20Z of log.test");
    expect(stdout).toContain("map executed by y.example, x.example");
    expect(stdout).not.toContain("unverified");
  });

  test("plain witnesses do not stand in for index verifiers, and nobody is accused", async () => {
    trust(tables);
    main.cosigners = [a.at(NOW), b.at(NOW)];
    index.log.cosigners = [a.at(NOW), b.at(NOW)];
    main.fill(5);
    index.grow();
    expect(await ask("commit", commit.id)).toMatchObject({
      status: 1,
      answer: { refusal: { code: "VERIFIERS_TOO_FEW" } },
    });
  });

  test.each([
    ["index verifiers", [a.at(NOW), b.at(NOW)], [], "VERIFIERS_TOO_FEW"],
    ["witnesses", [a.at(NOW)], [x.at(NOW), y.at(NOW)], "WITNESSES_TOO_FEW"],
  ] as const)(
    "too few %s hide no false posting of what the log signed",
    async (...[, seen, executed, code]) => {
      trust(tables);
      [main.cosigners, index.log.cosigners] = [[...seen], [...executed]];
      index.lie = (postings, at) => (at === 4 ? index.postingsOf(3) : postings);
      main.submit(await fileSubmission(ada, utf8("something else")));
      index.grow();
      const besides = { code: "FALSE_POSTING", how: "adds", index: 4 };
      expect(await ask("commit", commit.id, "-o", "kept.json")).toMatchObject({
        status: 3,
        answer: { refusal: { code, besides } },
      });
      expect(readdirSync(place.folder).some((name) => name.startsWith("false-posting-"))).toBe(
        true,
      );
      const { status, stdout } = await tell("--bundle", "kept.json");
      expect(status).toBe(3);
      expect(stdout).toMatch(/^no: too few .*; and the index is false: entry 4 does not say/);
    },
  );

  test("a head that too few witnesses saw is no answer", async () => {
    trust(tables);
    main.cosigners = [a.at(NOW)];
    index.log.cosigners = [x.at(NOW), y.at(NOW)];
    main.fill(5);
    index.grow();
    expect(await ask("commit", commit.id)).toMatchObject({
      status: 1,
      answer: { refusal: { code: "WITNESSES_TOO_FEW" } },
    });
  });
});

describe("a log that lies", () => {
  const change =
    (changes: (honest: Lookup) => Partial<Lookup>) =>
    (honest: Lookup): Lookup => ({ ...honest, ...changes(honest) });
  const first = (honest: Lookup): Lookup["answers"][number] =>
    honest.answers[0] ?? expect.fail("no answer");

  test.each<[string, string, (honest: Lookup) => Partial<Lookup>]>([
    [
      "leaves an entry out",
      "RECORD_REFUSED",
      (honest) => ({ answers: honest.answers.map(({ key: of }) => ({ key: of, kind: "absent" })) }),
    ],
    [
      "adds an entry to a list",
      "RECORD_REFUSED",
      (honest) => ({
        answers: honest.answers.map((one) =>
          one.kind === "list" ? { ...one, list: [...one.list, { index: 999 }] } : one,
        ),
      }),
    ],
    [
      "answers another key",
      "OTHER_KEYS",
      (honest) => ({
        answers: [
          { ...first(honest), key: { type: "repo", fields: ["x"] } },
          ...honest.answers.slice(1),
        ],
      }),
    ],
    ["answers nothing", "LOOKUP_MALFORMED", () => ({ answers: [] })],
    [
      "puts a list into another order",
      "LOOKUP_MALFORMED",
      (honest) => ({
        answers: honest.answers.map((one) =>
          one.kind === "list" ? { ...one, list: [{ index: 9 }, ...one.list] } : one,
        ),
      }),
    ],
    [
      "answers a slot with a list of another",
      "RECORD_REFUSED",
      (honest) => ({
        answers: honest.answers.map((one, i) =>
          i === 0 ? { key: one.key, kind: "list", list: [{ index: 3 }] } : one,
        ),
      }),
    ],
    ["leaves a key out", "OTHER_KEYS", (honest) => ({ answers: honest.answers.slice(1) })],
    [
      "shifts an entry",
      "ENTRY_REFUSED",
      (honest) => ({
        entries: honest.entries.map((one) => ({ ...one, index: one.index === 2 ? 1 : one.index })),
      }),
    ],
    [
      "shows another content",
      "ENTRY_REFUSED",
      (honest) => ({ entries: honest.entries.map((one) => ({ ...one, content: utf8("x") })) }),
    ],
    [
      "calls an older head the indexed one",
      "OTHER_HEAD",
      () => ({ main: fromUtf8(main.checkpoint(2)) ?? "" }),
    ],
    [
      "shows an unsigned index",
      "INDEX_HEAD_REFUSED",
      (honest) => ({
        index: { ...honest.index, checkpoint: honest.index.checkpoint.replace(/— [^\n]+/, "") },
      }),
    ],
  ])("and %s is refused: %s", async (_, code, lie) => {
    served.lie = change(lie);
    expect(await ask("commit", commit.id)).toMatchObject({
      status: 3,
      answer: { ok: false, refusal: { code } },
    });
    const { stdout } = await tell("commit", commit.id, "-o", "refused.json");
    expect(stdout).toMatch(/^REFUSED: .{20}/);
    expect(readdirSync(place.folder)).toContain("refused.json");
  });

  test("of entries under a key that they do not have is caught by mapfn", async () => {
    index.lie = (postings, at) => (at === 5 ? index.postingsOf(3) : postings);
    main.submit(await fileSubmission(ada, utf8("something else")));
    main.submit(await fileSubmission(ada, utf8("and another")));
    index.grow();
    expect(await ask("commit", commit.id)).toMatchObject({
      status: 3,
      answer: { refusal: { code: "FALSE_POSTING", index: 5 } },
    });
    const [evidence = ""] = readdirSync(place.folder).filter((name) =>
      name.startsWith("false-posting-"),
    );
    expect(
      await place.asked("evidence", "verify", evidence, "--trust", "trust.toml"),
    ).toMatchObject({ status: 0, answer: { ok: true, kind: "false-posting" } });
  });

  test("of an entry that it calls opaque is caught by whoever is shown the content", async () => {
    const hashes = { sha256, git: gitHashOf(nodeCrypto) };
    const log = { origin: main.origin, vkeys: [main.vkey] };
    index.lie = (postings, at) =>
      at === 4 ? mapfn(hashes, log, index.entry(4).leaf, undefined) : postings;
    const [hidden] = main.submit(await review(ada, commit));
    index.grow();
    const { answer } = await ask("signer", idOf(ada));
    expect(answer).toMatchObject({ refusal: { code: "FALSE_POSTING", index: 4 } });
    main.contents.delete(toHex(sha256(hidden?.entry.content ?? expect.fail("no content"))));
    expect((await tell("commit", commit.id)).stdout).toContain(
      "opaque: Ada signed 1 thing nobody can read",
    );
  });

  test("by another mapfn is refused", async () => {
    const { leaf } = index.position;
    index.log.append(encodeIndexLeaf({ ...leaf, mapfn: sha256(utf8("another")) }));
    expect(await ask("commit", commit.id)).toMatchObject({
      status: 3,
      answer: { refusal: { code: "INDEX_LEAF_REFUSED" } },
    });
  });

  test("that keeps no index could not be asked, and neither could one that answers a page", async () => {
    const { status, stderr } = await place.countersign(
      "lookup",
      "repo",
      "https://example.org/repo",
      "--vkey",
      main.vkey,
      "--log",
      `${served.url}elsewhere/`,
    );
    expect(status).toBe(2);
    expect(stderr).toContain("NOT_FOUND");
    served.lie = () => utf8("<html>");
    expect(await ask("repo", "https://example.org/repo")).toMatchObject({
      status: 3,
      answer: { refusal: { code: "LOOKUP_MALFORMED" } },
    });
  });

  test("with an older index than yesterday's is no answer, and accuses nobody", async () => {
    await ask("commit", commit.id);
    const older = index.lookup([], "lists");
    main.fill(6);
    index.grow();
    await ask("commit", commit.id);
    served.lie = (honest) => ({ ...honest, index: older.index, main: older.main });
    const { status, stderr } = await tell("commit", commit.id);
    expect(status).toBe(2);
    expect(stderr).toContain("fewer than the 3 that this machine has seen");
  });

  test("with a second index is convicted by its own signature", async () => {
    await ask("commit", commit.id);
    const other = new TestIndex(main);
    other.lie = (postings) => postings.slice(0, 1);
    other.grow();
    served.index = other;
    const { status, answer } = await ask("commit", commit.id);
    expect({ status, answer }).toMatchObject({
      status: 3,
      answer: { state: "forked", origin: "log.test/index/v1" },
    });
    const [evidence = ""] = readdirSync(place.folder).filter((name) => name.startsWith("fork-"));
    expect(
      await place.asked("evidence", "verify", evidence, "--trust", "trust.toml"),
    ).toMatchObject({ status: 0, answer: { ok: true, kind: "fork-same-size" } });
  });

  test("with a second history is convicted, and nothing of the answer is believed", async () => {
    await ask("commit", commit.id);
    const fork = new TestLog("log.test", key).fill(4, " of the fork");
    const other = new TestIndex(fork).grow();
    served.index = other;
    expect(await ask("commit", commit.id)).toMatchObject({
      status: 3,
      answer: { state: "forked" },
    });
  });

  test("is found by a bundle that another client saved", async () => {
    await ask("commit", commit.id);
    const fork = new TestLog("log.test", key).fill(4, " of the fork");
    const theirs = new TestIndex(fork).grow().lookup([{ type: "opaque", fields: [] }]);
    writeFileSync(place.path("theirs.lookup.json"), formatLookup(theirs));
    expect(await ask("--bundle", "theirs.lookup.json")).toMatchObject({
      status: 3,
      answer: { state: "forked" },
    });
  });
});

describe("lookup --private", () => {
  /** What the log was asked for, by kind. */
  const kinds = (): string[] =>
    [...new Set(served.asked.map((path) => path.replace(/[0-9a-f]{64}|\d+/g, "N")))].toSorted();

  test("answers what the log would have answered, and never names what is looked up", async () => {
    const told = await ask("commit", commit.id, "-o", "told.json");
    served.asked.length = 0;
    const kept = await ask("commit", commit.id, "-o", "kept.json", "--private");
    const withoutName = (answer: unknown): string =>
      JSON.stringify(answer).replaceAll("told.json", "").replaceAll("kept.json", "");
    expect(withoutName(kept.answer)).toBe(withoutName(told.answer));
    expect(readFileSync(place.path("kept.json"))).toEqual(readFileSync(place.path("told.json")));
    expect(kinds()).toEqual([
      "GET checkpoint",
      "GET index/vN/checkpoint",
      "GET index/vN/map/N",
      "GET index/vN/tile/N/N.p/N",
      "GET index/vN/tile/content/N.p/N",
      "GET index/vN/tile/entries/N.p/N",
      "GET tile/N/N.p/N",
      "GET tile/content/N.p/N",
      "GET tile/entries/N.p/N",
    ]);
    const absent = await tell("purl", "pkg:npm/nothing", "--private");
    expect(absent).toMatchObject({ status: 0, stderr: "" });
    expect(absent.stdout).toContain("nothing was ever logged about it");
  });

  test("reads a long list and summaries alike", async () => {
    for (let n = 0; n < 34; n++) main.submit(await fileSubmission(ada, utf8(`file ${n}`)));
    index.grow();
    for (const more of [[], ["--summary"]]) {
      await ask("signer", idOf(ada), "-o", "told.json", ...more);
      const kept = await ask("signer", idOf(ada), "-o", "kept.json", "--private", ...more);
      expect(kept.status).toBe(0);
      expect(readFileSync(place.path("kept.json"))).toEqual(readFileSync(place.path("told.json")));
    }
    expect(kinds()).toContain("GET index/vN/map/N.N");
  });

  test("does not ask for what nobody can read by its digest, and says what the index shows", async () => {
    const content = utf8("said");
    main.submit(await fileSubmission(eve, content));
    await submitOpaque();
    index.grow();
    main.erase(content);
    served.asked.length = 0;
    expect(await ask("signer", idOf(eve), "--private")).toMatchObject({
      status: 0,
      answer: { entries: [{ gone: { state: "held" } }, { gone: { state: "opaque" } }] },
    });
    expect(served.asked.filter((path) => path.includes("content/sha256"))).toEqual([]);
  });

  test("is refused together with what would name it, and before there is a leaf", async () => {
    const both = await tell("commit", commit.id, "--private", "--tail");
    expect(both).toMatchObject({ status: 2 });
    expect(both.stderr).toContain("so tells it which");
    served.index = new TestIndex(main);
    expect((await tell("commit", commit.id, "--private")).stderr).toContain("no leaf of a signed");
  });

  test("is not answered where a piece is not the one that was asked for", async () => {
    served.lieInPiece = (honest) =>
      Uint8Array.from(honest, (byte, i) => (i === 40 ? byte ^ 1 : byte));
    const { status, stderr } = await tell("commit", commit.id, "--private");
    expect(status).toBe(3);
    expect(stderr).toContain("The tile of the map");
    served.lieInPiece = () => new Uint8Array(200_000);
    expect((await tell("commit", commit.id, "--private")).status).not.toBe(0);
  });

  test("names an index that lies, and asks for no evidence by name", async () => {
    index.lie = (postings, at) => (at === 5 ? index.postingsOf(3) : postings);
    main.submit(await fileSubmission(ada, utf8("something else")));
    main.submit(await fileSubmission(ada, utf8("and another")));
    index.grow();
    served.asked.length = 0;
    expect(await ask("commit", commit.id, "--private")).toMatchObject({
      status: 3,
      answer: { refusal: { code: "FALSE_POSTING", index: 5 } },
    });
    expect(served.asked.filter((path) => path.includes("v1/lookup"))).toEqual([]);
    expect(readdirSync(place.folder).filter((name) => name.includes("evidence"))).toEqual([]);
  });
});
