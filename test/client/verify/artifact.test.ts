import { beforeEach, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { type AskedArtifact, verifyArtifact } from "../../../client/verify/artifact.ts";
import { explain } from "../../../client/verify/explain.ts";
import type { VerifyPorts } from "../../../client/verify/receipt.ts";
import { toHex, utf8 } from "../../../schema/bytes.ts";
import type { Submission } from "../../../schema/http/messages.ts";
import {
  buildResult,
  releaseStatement,
  review,
  signedCommit,
  statement,
  TestLog,
} from "../test-log.ts";
import { ada, bob, bobsOther, carol, dan, eve, hub, logAll, max, trustIn } from "./people.ts";

const commit = await signedCommit(ada);
const program = utf8("the program");
const asked: AskedArtifact = { bytes: program };
const BUILT = '[[rule]]\nfor = "artifact"\nbuilders = 2\n';
const REVIEWED = '[[rule]]\nfor = "artifact"\nbuilders = 2\nauthor = true\nreviewers = 1\n';
const RELEASED = '[[rule]]\nfor = "release"\nbuilders = 1\nauthor = true\n';

let log: TestLog;
beforeEach(() => {
  log = new TestLog().fill(3);
});

type SaidBy = Readonly<Record<string, Submission | Promise<Submission>>>;
const builds = (): SaidBy => ({
  dan: buildResult(dan, commit.id, program),
  eve: buildResult(eve, commit.id, program),
});

async function judge(
  said: SaidBy,
  rule = BUILT,
  what: AskedArtifact = asked,
): ReturnType<typeof verifyArtifact> {
  const ports: VerifyPorts = { crypto: nodeCrypto, trust: trustIn([log], rule) };
  const question = rule.includes("release") ? "release" : "artifact";
  const verdict = await verifyArtifact(ports, what, await logAll(log, said), question);
  expect(explain(verdict)).toMatch(verdict.ok ? /^yes: / : /^no: /);
  return verdict;
}

describe("two builders who agree", () => {
  test("are found by bytes, by digest and by its text", async () => {
    const digest = nodeCrypto.sha256(program);
    const ways: AskedArtifact[] = [
      asked,
      { digest },
      { digestText: toHex(digest) },
      { digestText: `sha256:${toHex(digest)}` },
    ];
    for (const what of ways) {
      const verdict = await judge(builds(), BUILT, what);
      expect(verdict).toMatchObject({ ok: true, commit: commit.id });
      if (verdict.ok) expect(verdict.builders.map(({ person }) => person)).toEqual(["Dan", "Eve"]);
    }
  });

  test("CVE-2026-22703 GHSA-whqx-f9j3-ch6m entries about another artifact do not stand for this one", async () => {
    const verdict = await judge(builds(), BUILT, { bytes: utf8("another program") });
    expect(verdict).toMatchObject({ ok: false, refusal: { code: "BUILDERS_TOO_FEW", have: [] } });
  });

  test("must have built from the same input", async () => {
    const said = { ...builds(), eve: buildResult(eve, "1".repeat(40), program) };
    expect(await judge(said)).toMatchObject({ ok: false, refusal: { code: "BUILDERS_TOO_FEW" } });
  });

  test("connaisseur#2150 must be two people", async () => {
    const again = buildResult(dan, commit.id, program, { deterministic: false });
    const verdict = await judge({ dan: builds()["dan"]!, again });
    expect(verdict).toMatchObject({ ok: false, refusal: { have: ["Dan"], need: 2 } });
  });

  test("a third who got something else is shown, and two still agree", async () => {
    const other = buildResult(eve, commit.id, utf8("something else"));
    const verdict = await judge({ dan: builds()["dan"]!, other });
    expect(verdict).toMatchObject({ ok: false, refusal: { have: ["Dan"] } });
    expect(verdict.notCounted.map(({ file }) => file)).toEqual(["other"]);
  });

  test("one who says two things about one output counts for neither, until one is taken back", async () => {
    const wrong = await buildResult(eve, commit.id, utf8("something else"));
    const verdict = await judge({ ...builds(), wrong });
    expect(verdict).toMatchObject({ ok: false, refusal: { have: ["Dan"] } });
    const reason = verdict.notCounted.find(({ file }) => file === "eve")?.reason.code;
    expect(reason).toBe("CONTRADICTS_ITSELF");
    const [logged] = new TestLog().submit(wrong);
    const supersedes = toHex(logged?.entry.contentDigest ?? new Uint8Array());
    const said = {
      dan: builds()["dan"]!,
      wrong,
      eve: buildResult(eve, commit.id, program, { supersedes }),
    };
    expect(await judge(said)).toMatchObject({ ok: true });
  });

  test.each([
    ["a platform", hub],
    ["a reviewer", bob],
  ])("%s is no builder", async (_, signer) => {
    const said = { ...builds(), eve: buildResult(signer, commit.id, program) };
    expect(await judge(said)).toMatchObject({ ok: false, refusal: { have: ["Dan"] } });
  });

  test("SLSA provenance that names one commit is a build of it", async () => {
    const provenance = (digests: readonly string[]): Promise<Submission> =>
      statement(
        eve,
        "https://slsa.dev/provenance/v1",
        [{ name: "tool", digest: { sha256: toHex(nodeCrypto.sha256(program)) } }],
        {
          buildDefinition: {
            buildType: "https://example.org/build",
            externalParameters: {},
            resolvedDependencies: digests.map((gitCommit) => ({ digest: { gitCommit } })),
          },
          runDetails: { builder: { id: "https://example.org/builder" } },
        },
      );
    expect(await judge({ ...builds(), eve: provenance([commit.id]) })).toMatchObject({ ok: true });
    for (const digests of [[], [commit.id, "1".repeat(40)]])
      expect((await judge({ ...builds(), eve: provenance(digests) })).ok).toBe(false);
  });
});

describe("an artifact of a reviewed commit", () => {
  test("needs the author and the reviewers of what it was built from", async () => {
    const said = { ...builds(), commit: commit.submission, bob: review(bob, commit) };
    const verdict = await judge(said, REVIEWED);
    expect(verdict).toMatchObject({ ok: true, author: { person: "Ada" } });
    const { dan: d, eve: e } = builds();
    const alone = { dan: d!, eve: e! };
    expect(await judge(alone, REVIEWED)).toMatchObject({ refusal: { code: "AUTHOR_MISSING" } });
    const unreviewed = { ...alone, commit: commit.submission };
    expect(await judge(unreviewed, REVIEWED)).toMatchObject({
      refusal: { code: "REVIEWERS_TOO_FEW" },
    });
  });

  test("is refused when its commit is rejected, also by a rule that counts only builders", async () => {
    const no = review(bobsOther, commit, { verdict: "reject" });
    expect(await judge({ ...builds(), no })).toMatchObject({ refusal: { code: "REJECTED" } });
  });

  test("cannot be judged when it was not built from a commit", async () => {
    const built = (signer: typeof dan): Promise<Submission> => {
      const artifact = { name: "tool", digest: { sha256: toHex(nodeCrypto.sha256(program)) } };
      const input = { nixDrv: "/nix/store/00000000000000000000000000000000-tool.drv" };
      return statement(signer, "urn:countersign:build-result:v1", [artifact], {
        input,
        inputsDigest: toHex(nodeCrypto.sha256(utf8(JSON.stringify(input)))),
        output: [artifact],
        system: "x86_64-linux",
        builder: { operator: "somebody" },
        deterministic: true,
      });
    };
    const said = { dan: built(dan), eve: built(eve) };
    expect(await judge(said)).toMatchObject({ ok: true, commit: undefined });
    expect(await judge(said, REVIEWED)).toMatchObject({ refusal: { code: "COMMIT_UNNAMED" } });
  });
});

describe("a release", () => {
  const released = async (signer = max, of = commit.id): Promise<SaidBy> => ({
    dan: builds()["dan"]!,
    commit: commit.submission,
    release: releaseStatement(signer, of, program),
  });

  test("is a maintainer's word about this artifact and its commit", async () => {
    const verdict = await judge(await released(), RELEASED);
    expect(verdict).toMatchObject({ ok: true, maintainer: { person: "Max" }, commit: commit.id });
  });

  test("of somebody else, or of another artifact, is none", async () => {
    for (const signer of [carol, hub])
      expect(await judge(await released(signer), RELEASED)).toMatchObject({
        refusal: { code: "RELEASE_MISSING" },
      });
    const other = await judge(await released(), RELEASED, { bytes: utf8("another program") });
    expect(other).toMatchObject({ refusal: { code: "RELEASE_MISSING" } });
  });

  test("needs builds of the commit that the maintainer names", async () => {
    const verdict = await judge(await released(max, "1".repeat(40)), RELEASED);
    expect(verdict).toMatchObject({ refusal: { code: "BUILDERS_TOO_FEW" } });
  });
});

describe("what cannot be answered with yes", () => {
  test("no rule for the question", async () => {
    expect(await judge(builds(), RELEASED.replace("release", "commit"))).toMatchObject({
      refusal: { code: "RULE_MISSING" },
    });
  });

  test.each(["", "sha256:", "abc", "sha512:00", "sha256:zz"])(
    "%j is no digest",
    async (digestText) => {
      expect(await judge(builds(), BUILT, { digestText })).toMatchObject({
        refusal: { code: "SUBJECT_MALFORMED" },
      });
    },
  );
});
