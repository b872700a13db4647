/** `verify --complete` and `--lookup`: what the receipts at hand keep back, the log's index has. */
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { gitHashOf } from "../../../client/git/hash.ts";
import { fileSubmission, type Signer } from "../../../client/keys/signer.ts";
import { toHex, utf8 } from "../../../schema/bytes.ts";
import type { Submission } from "../../../schema/http/messages.ts";
import { INDEX_V1 } from "../../../schema/index/generation.ts";
import { mapKey } from "../../../schema/index/map-key.ts";
import type { NamedPosting } from "../../../schema/index/posting-set.ts";
import { signerId } from "../../../schema/key/signer-id.ts";
import { formatReceipt } from "../../../schema/receipt.ts";
import { type ServedIndex, serveIndex } from "../lookup/serve-index.ts";
import { TestIndex } from "../lookup/test-index.ts";
import {
  buildResult,
  logKey,
  newSigner,
  releaseStatement,
  review,
  signedCommit,
  TestLog,
} from "../test-log.ts";
import { policyTable, policyText, TestWitness } from "../test-witness.ts";
import { Workplace } from "./in-process.ts";

const { sha256 } = nodeCrypto;
const ada = newSigner();
const bob = newSigner();
const carol = newSigner();
const dan = newSigner();
const max = newSigner();
const key = logKey();
const commit = await signedCommit(ada);
const tool = utf8("the tool");

let main: TestLog;
let index: TestIndex;
let served: ServedIndex;
let place: Workplace;
let approval: string;

beforeEach(async () => {
  main = new TestLog("log.test", key).fill(1);
  index = new TestIndex(main);
  served = await serveIndex(index);
  place = new Workplace();
  mkdirSync(place.path("receipts"));
  writeFileSync(place.path("trust.toml"), trustFile());
  keep("commit", commit.submission);
  approval = toHex(sha256(keep("bob", await review(bob, commit))));
  index.grow();
});
afterEach(async () => {
  await served.close();
  place.remove();
});

function trustFile(more = ""): string {
  const people: [string, Signer, string][] = [
    ["Ada", ada, "author"],
    ["Bob", bob, "reviewer"],
    ["Carol", carol, "reviewer"],
    ["Dan", dan, "builder"],
    ["Max", max, "maintainer"],
  ];
  return [
    `trust = 1\n[[log]]\norigin = "log.test"\nvkeys = ["${main.vkey}"]\nurl = "${served.url}"\n${more}`,
    ...people.map(([name, signer, role]) => {
      const id = toHex(signerId(sha256, signer.publicKey));
      return `[[person]]\nname = "${name}"\nkeys = ["${id}"]\nroles = ["${role}"]`;
    }),
    '[[rule]]\nfor = "commit"\nauthor = true\nreviewers = 1',
    '[[rule]]\nfor = "artifact"\nbuilders = 1',
    '[[rule]]\nfor = "release"',
    "",
  ].join("\n");
}

/** Log something, and have its receipt at hand; the content. */
function keep(name: string, submission: Submission): Uint8Array {
  const [receipt] = main.log(submission);
  if (receipt?.content === undefined) throw new Error("no receipt");
  writeFileSync(place.path("receipts", `${name}.receipt.json`), formatReceipt(receipt));
  return receipt.content;
}

/** Log something that nobody hands us. */
async function hide(submission: Submission | Promise<Submission>): Promise<void> {
  main.submit(await submission);
}

const ask = (...argv: readonly string[]): ReturnType<typeof place.asked> =>
  place.asked("verify", ...argv, "--trust", "trust.toml");
const whole = (...more: readonly string[]): ReturnType<typeof place.asked> =>
  ask(commit.id, "--complete", ...more);

/** What somebody with the trust file alone says of the evidence that was written. */
async function convicted(kind: string): ReturnType<typeof place.asked> {
  const [file = ""] = readdirSync(place.folder).filter((name) => name.startsWith(`${kind}-`));
  return place.asked("evidence", "verify", file, "--trust", "trust.toml");
}

describe("verify", () => {
  test("without --complete says that completeness was not asked, and asks nobody", async () => {
    expect(await ask(commit.id)).toMatchObject({
      status: 0,
      answer: { ok: true, completeness: { state: "not asked" } },
    });
    const { stdout } = await place.countersign("verify", commit.id, "--trust", "trust.toml");
    expect(stdout).toContain("completeness not asked");
    expect(served.asked).toEqual([]);
  });

  test("--complete says up to where nothing was left out", async () => {
    expect(await whole()).toMatchObject({
      status: 0,
      answer: {
        ok: true,
        reviewers: [{ person: "Bob", index: 2 }],
        completeness: {
          state: "complete",
          logs: [{ origin: "log.test", size: 3, verified: { state: "not asked" } }],
          opaque: [],
        },
      },
    });
    const { stdout } = await place.countersign(
      "verify",
      commit.id,
      "--complete",
      "--trust",
      "trust.toml",
    );
    expect(stdout).toContain("complete log.test up to 3 entries, map unverified");
    expect(stdout).not.toContain("not asked");
  });

  test("--complete counts a rejection that was kept back", async () => {
    await hide(review(carol, commit, { verdict: "reject" }));
    index.grow();
    expect((await ask(commit.id)).status).toBe(0);
    expect(await whole()).toMatchObject({
      status: 1,
      answer: { ok: false, refusal: { code: "REJECTED", by: "Carol" } },
    });
  });

  test("--complete finds that an approval was taken back", async () => {
    await hide(review(bob, commit, { verdict: "withdraw", supersedes: approval }));
    index.grow();
    expect((await ask(commit.id)).status).toBe(0);
    expect(await whole()).toMatchObject({
      status: 1,
      answer: { refusal: { code: "REVIEWERS_TOO_FEW", have: [] } },
    });
  });

  test("--complete of one receipt says whether it still stands", async () => {
    const receipt = "receipts/bob.receipt.json";
    expect((await ask(receipt, "--complete")).status).toBe(0);
    await hide(review(bob, commit, { verdict: "withdraw", supersedes: approval }));
    index.grow();
    expect(await ask(receipt, "--complete")).toMatchObject({
      status: 1,
      answer: { refusal: { code: "SUPERSEDED", by: [3] } },
    });
  });

  test("X6 a statement that is not indexed yet helps nobody, and is told apart from one left out", async () => {
    keep("carol", await review(carol, commit));
    expect(await whole()).toMatchObject({
      status: 0,
      answer: {
        reviewers: [{ person: "Bob" }],
        notCounted: [{ reason: { code: "NOT_INDEXED", size: 3 } }],
      },
    });
    const alone = await ask("receipts/carol.receipt.json", "--complete");
    expect(alone).toMatchObject({ status: 1, answer: { refusal: { code: "NOT_INDEXED" } } });
  });

  test("X6 a statement that one of its own names does not have convicts the index", async () => {
    const dropped = mapKey(sha256, "log.test", "subject", [
      "gitCommit",
      new Uint8Array(Buffer.from(commit.id, "hex")),
    ]);
    index.lie = (postings, at) =>
      at === 3 ? postings.filter((one) => toHex(one.key) !== toHex(dropped)) : postings;
    keep("carol", await review(carol, commit));
    index.grow();
    expect(await whole()).toMatchObject({
      status: 3,
      answer: { refusal: { code: "LOOKUP_REFUSED", refusal: { code: "FALSE_POSTING", index: 3 } } },
    });
    expect(await convicted("omission")).toMatchObject({
      status: 0,
      answer: { ok: true, kind: "omission", accused: { who: "log" } },
    });
  });

  test("X6 a statement that none of its names has is left out, and that is the reason of the no", async () => {
    const other = new TestIndex(main);
    other.lie = (postings, at) => (at === 2 ? [] : postings);
    other.grow();
    served.index = other;
    expect(await whole()).toMatchObject({
      status: 3,
      answer: { ok: false, refusal: { code: "INDEX_OMITS", index: 2 } },
    });
    expect(await convicted("omission")).toMatchObject({ status: 0, answer: { ok: true } });
  });

  describe("under a trust file whose index verifiers have not signed", () => {
    beforeEach(() => {
      const policy = policyText(1, [new TestWitness("x.example")]);
      writeFileSync(place.path("trust.toml"), trustFile(policyTable(policy, "", "index")));
    });

    test("X6 the index is no answer, and accuses nobody", async () => {
      expect(await whole()).toMatchObject({
        status: 1,
        answer: { refusal: { code: "LOOKUP_REFUSED", refusal: { code: "VERIFIERS_TOO_FEW" } } },
      });
      expect(readdirSync(place.folder).filter((name) => name.includes("evidence"))).toEqual([]);
    });

    test.each([
      ["one of its own names", ({ type }: NamedPosting) => type === "subject"],
      ["any of its names", () => true],
    ])(
      "X6 what is left out under %s is told besides, with evidence",
      async (_, isDropped: (posting: NamedPosting) => boolean) => {
        const log = { origin: "log.test", vkeys: [main.vkey] };
        const hashes = { sha256, git: gitHashOf(nodeCrypto) };
        const other = new TestIndex(main);
        const { leaf, content } = other.entry(2);
        const named = INDEX_V1.namedPostings(hashes, log, leaf, content);
        const dropped = new Set(named.filter(isDropped).map((one) => toHex(one.key)));
        other.lie = (postings, at) =>
          at === 2 ? postings.filter((one) => !dropped.has(toHex(one.key))) : postings;
        served.index = other.grow();
        const { status, answer } = await whole();
        expect(answer).toMatchObject({
          refusal: {
            code: "LOOKUP_REFUSED",
            refusal: {
              code: "VERIFIERS_TOO_FEW",
              besides: { code: "FALSE_POSTING", how: "omits", index: 2 },
            },
          },
        });
        expect(status).toBe(3);
        expect(await convicted("omission")).toMatchObject({ status: 0, answer: { ok: true } });
      },
    );
  });

  test("--complete reports what nobody can read of those who were counted", async () => {
    const [hidden] = main.submit(await fileSubmission(bob, utf8("secret")));
    main.contents.delete(toHex(sha256(hidden?.entry.content ?? expect.fail("no content"))));
    index.grow();
    expect(await whole()).toMatchObject({
      status: 0,
      answer: { completeness: { opaque: [{ person: "Bob", n: 1 }] } },
    });
  });

  test("--complete sets a maintainer aside who released one tag twice", async () => {
    keep("release", await releaseStatement(max, commit.id, tool));
    index.grow();
    const artifact = `sha256:${toHex(sha256(tool))}`;
    const release = (...more: readonly string[]): ReturnType<typeof ask> =>
      ask(artifact, "--as", "release", ...more);
    expect((await release("--complete")).status).toBe(0);
    await hide(releaseStatement(max, "1".repeat(40), tool));
    index.grow();
    expect((await release()).status).toBe(0);
    expect(await release("--complete")).toMatchObject({
      status: 1,
      answer: {
        refusal: { code: "RELEASE_MISSING" },
        notCounted: expect.arrayContaining([
          expect.objectContaining({
            reason: { code: "EQUIVOCATES", slot: "release-by", index: 3, other: 4 },
          }),
        ]),
      },
    });
  });

  test("--complete sets a builder aside who promised one output and claims another", async () => {
    keep("dan", await buildResult(dan, commit.id, tool));
    await hide(buildResult(dan, commit.id, utf8("another tool")));
    index.grow();
    const artifact = `sha256:${toHex(sha256(tool))}`;
    expect((await ask(artifact)).status).toBe(0);
    expect(await ask(artifact, "--complete")).toMatchObject({
      status: 1,
      answer: {
        refusal: { code: "BUILDERS_TOO_FEW" },
        notCounted: expect.arrayContaining([
          expect.objectContaining({
            reason: { code: "EQUIVOCATES", slot: "output-by", index: 3, other: 4 },
          }),
        ]),
      },
    });
  });

  test("--lookup gives the same answer from saved bundles, and asks nobody", async () => {
    await whole("--save-lookups", "lookups");
    const saved = readdirSync(place.path("lookups"));
    expect(saved).toEqual(["log.test.lookup.json"]);
    const asked = served.asked.length;
    expect(await ask(commit.id, "--lookup", "lookups/log.test.lookup.json")).toMatchObject({
      status: 0,
      answer: { completeness: { state: "complete", logs: [{ size: 3 }] } },
    });
    expect(served.asked).toHaveLength(asked);
  });

  test("--lookup with a bundle about something else proves nothing", async () => {
    await place.countersign(
      "lookup",
      "purl",
      "pkg:npm/x",
      "--trust",
      "trust.toml",
      "-o",
      "other.lookup.json",
    );
    expect(await ask(commit.id, "--lookup", "other.lookup.json")).toMatchObject({
      status: 1,
      answer: { refusal: { code: "AUTHOR_MISSING" } },
    });
    const receipt = await ask("receipts/bob.receipt.json", "--lookup", "other.lookup.json");
    expect(receipt).toMatchObject({ status: 1, answer: { refusal: { code: "NOT_LOOKED_UP" } } });
  });

  test("--lookup of each statement but not of the question is not complete", async () => {
    served.asked.length = 0;
    await whole("--save-lookups", "lookups");
    const ids = [ada, bob].map((signer) => signerId(sha256, signer.publicKey));
    const digests = [1, 2].map((at) => sha256(main.receipt(at).content ?? expect.fail()));
    const keys = ids.flatMap((id, i) => {
      const digest = digests[i] ?? expect.fail();
      return [
        { type: "statement", fields: [id, digest] },
        { type: "superseded", fields: [id, digest] },
        { type: "opaque-by", fields: [id] },
      ] as const;
    });
    const slot = {
      type: "verdict-by",
      fields: [
        ids[1] ?? expect.fail(),
        "https://example.org/repo",
        "refs/heads/main",
        new Uint8Array(20),
        new Uint8Array(Buffer.from(commit.tree, "hex")),
      ],
    } as const;
    const { formatLookup } = await import("../../../schema/index/lookup.ts");
    writeFileSync(place.path("part.lookup.json"), formatLookup(index.lookup([...keys, slot])));
    expect(await ask(commit.id, "--lookup", "part.lookup.json")).toMatchObject({
      status: 1,
      answer: { refusal: { code: "LOOKUP_MISSING", origin: "log.test" } },
    });
  });
});

describe("verify --complete of a log that lies", () => {
  test("refuses an answer that is not proved, with its reason", async () => {
    served.lie = (honest) => ({ ...honest, answers: honest.answers.slice(1) });
    expect(await whole()).toMatchObject({
      status: 3,
      answer: { refusal: { code: "LOOKUP_REFUSED", refusal: { code: "OTHER_KEYS" } } },
    });
  });

  test("convicts a second index, with evidence", async () => {
    await whole();
    const other = new TestIndex(main);
    other.lie = (postings) => postings.slice(0, 1);
    served.index = other.grow();
    expect(await whole()).toMatchObject({ status: 3, answer: { refusal: { code: "LOG_FORKED" } } });
    expect(readdirSync(place.folder).some((name) => name.startsWith("fork-"))).toBe(true);
  });

  test("does not take an index of yesterday, and accuses nobody of it", async () => {
    const older = index.lookup([], "lists");
    main.fill(9);
    index.grow();
    await whole();
    served.lie = (honest) => ({ ...honest, index: older.index, main: older.main });
    expect(await whole()).toMatchObject({
      status: 2,
      answer: { refusal: { code: "INDEX_STALE", shown: 2, remembered: 3 } },
    });
  });

  test("does not take entries away that a list has", async () => {
    await hide(review(carol, commit, { verdict: "reject" }));
    index.grow();
    served.lie = (honest) => ({
      ...honest,
      entries: honest.entries.filter((one) => one.index < 3),
    });
    expect(await whole()).toMatchObject({
      status: 1,
      answer: { refusal: { code: "LOOKUP_MISSING" } },
    });
  });
});
