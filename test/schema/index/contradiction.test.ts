import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { gitHashOf } from "../../../client/git/hash.ts";
import { toHex } from "../../../schema/bytes.ts";
import { prepareSubmission } from "../../../schema/entry/prepare.ts";
import { unwrap } from "../../../schema/error.ts";
import type { Submission } from "../../../schema/http/messages.ts";
import {
  type Contradiction,
  contradiction,
  type Said,
  SIGNER_SLOTS,
  SLOT_TYPES,
  said,
  saidIn,
} from "../../../schema/index/contradiction.ts";
import { INDEX_V1 } from "../../../schema/index/generation.ts";
import type { KeyType } from "../../../schema/index/map-key.ts";
import { mapfn, namedPostings } from "../../../schema/index/mapfn.ts";
import { type Posting, sortPostings } from "../../../schema/index/posting.ts";
import type { NamedPosting } from "../../../schema/index/posting-set.ts";
import { SUBMISSIONS } from "../../vectors/make-leaf.ts";
import * as made from "../../vectors/signers.ts";
import * as say from "../../vectors/statements.ts";

const { sha256 } = nodeCrypto;
const hashes = { sha256, git: gitHashOf(nodeCrypto) };
const log = { origin: "log.test", vkeys: [] };
const ada = made.ed25519Signer("ada");
const bob = made.ed25519Signer("bob");
const OTHER = "1".repeat(40);

interface Logged {
  readonly named: readonly NamedPosting[];
  readonly postings: readonly Posting[];
  readonly said: (type: KeyType) => Said;
  readonly digest: string;
}

function logged(submission: Submission): Logged {
  const [entry] = unwrap(prepareSubmission(sha256, submission));
  if (entry?.content === undefined) return expect.fail("no entry");
  const { leafBytes, content } = entry;
  const named = namedPostings(hashes, log, leafBytes, content);
  return {
    named,
    postings: mapfn(hashes, log, leafBytes, content),
    digest: toHex(sha256(content)),
    said: (type) => {
      const posting = named.find((one) => one.type === type) ?? expect.fail(`no ${type}`);
      const direct = said(hashes, leafBytes, content, posting) ?? expect.fail("says nothing");
      expect(saidIn(INDEX_V1, hashes, log, posting, leafBytes, content)).toEqual(direct);
      return direct;
    },
  };
}

const sign = (statement: say.StatementParts, by = ada): Logged =>
  logged(made.dsseSubmission("application/vnd.in-toto+json", say.payload(statement), by));

function build(digest: string, changes: object = {}, by = ada): Logged {
  const output = [{ name: "tool.tar", digest: { sha256: digest } }];
  return sign({ ...say.build({ output, ...changes }), subject: output }, by);
}
function provenance(digest: string, by = ada): Logged {
  const subject = [{ name: "tool.tar", digest: { sha256: digest } }];
  return sign({ ...say.provenance(), subject }, by);
}
function refUpdate(id: string, changes: object = {}, by = ada): Logged {
  const subject = [{ digest: { gitCommit: id } }];
  return sign({ ...say.refUpdate({ new: id, immutable: true, ...changes }), subject }, by);
}
function release(commit: string): Logged {
  const [, ...artifacts] = say.release().subject;
  const subject = [{ digest: { gitCommit: commit } }, ...artifacts];
  return sign({ ...say.release({ gitCommit: commit }), subject });
}

const between = (type: KeyType, a: Logged, b: Logged): Contradiction => {
  const forwards = contradiction(type, a.said(type), b.said(type));
  expect(contradiction(type, b.said(type), a.said(type))).toBe(forwards);
  return forwards;
};
const [ONE, TWO] = [say.FILE_SHA256, say.OTHER_SHA256];

describe("two values in one slot", () => {
  test("of builds are an equivocation only where both claim to be deterministic", () => {
    expect(between("output-by", build(ONE), build(TWO))).toBe("equivocation");
    const loose = build(TWO, { deterministic: false });
    expect(between("output-by", build(ONE), loose)).toBe("irreproducible");
    expect(between("output-by", provenance(ONE), provenance(TWO))).toBe("irreproducible");
  });

  test("of two builders are a disagreement that accuses neither", () => {
    expect(between("output", build(ONE), build(TWO, {}, bob))).toBe("builders-disagree");
    expect(between("output", build(ONE), build(TWO))).toBe("none");
  });

  test("of a ref are an equivocation only where both call it immutable", () => {
    expect(between("ref-by", refUpdate(say.COMMIT), refUpdate(OTHER))).toBe("equivocation");
    const moved = refUpdate(OTHER, { immutable: false });
    expect(between("ref-by", refUpdate(say.COMMIT), moved)).toBe("ref-moved");
    const others = refUpdate(OTHER, {}, bob);
    expect(between("ref-value", refUpdate(say.COMMIT), others)).toBe("ref-moved");
    expect(between("release-by", release(say.COMMIT), release(OTHER))).toBe("equivocation");
  });

  test("of a verdict are an equivocation unless one supersedes the other", () => {
    const approve = sign(say.review());
    const reject = sign(say.review({ verdict: "reject" }));
    const after = sign(say.review({ verdict: "reject", supersedes: approve.digest }));
    expect(between("verdict-by", approve, reject)).toBe("equivocation");
    expect(between("verdict-by", approve, after)).toBe("resolved");
  });

  test("of two successors in one slot are an equivocation, however old what they replace is", () => {
    const first = sign(say.review({ verdict: "abstain" }));
    const approve = sign(say.review({ supersedes: first.digest }));
    const reject = sign(say.review({ verdict: "reject", supersedes: first.digest }));
    expect(between("verdict-by", approve, reject)).toBe("equivocation");
  });

  test("under one sequence number are an equivocation", () => {
    const a = refUpdate(say.COMMIT, { seq: 7 });
    const b = refUpdate(say.COMMIT, { seq: 7, number: 1 });
    expect(between("signer-seq", a, b)).toBe("equivocation");
  });
});

describe("nobody is accused", () => {
  test("for signing the same thing again, in other words or with another comment", () => {
    expect(between("output-by", build(ONE), build(ONE, { builder: { operator: "two" } }))).toBe(
      "none",
    );
    expect(between("verdict-by", sign(say.review()), sign(say.review({ comment: "again" })))).toBe(
      "none",
    );
  });

  test("for a set that is named in another order", () => {
    const both = [
      { name: "tool.tar", digest: { sha256: ONE } },
      { name: "tool.tar", digest: { sha256: TWO } },
    ];
    const set = (output: typeof both): Logged =>
      sign({ ...say.build({ output }), subject: output });
    expect(between("output-by", set(both), set(both.toReversed()))).toBe("none");
  });

  test("for what somebody else has signed into a slot of theirs", () => {
    for (const type of SIGNER_SLOTS) {
      const [a, b] = [build(ONE).said("output-by"), build(TWO, {}, bob).said("output-by")];
      expect(contradiction(type, a, b)).toBe("none");
    }
  });

  test("by a withdrawal: it is no value", () => {
    const approve = sign(say.review());
    const withdrawn = sign(say.review({ verdict: "withdraw", supersedes: approve.digest }));
    const posting = withdrawn.named.find(({ type }) => type === "verdict-by");
    expect(posting).not.toHaveProperty("claim");
  });

  test("in a key that is no slot", () => {
    const [a, b] = [build(ONE).said("output-by"), build(TWO).said("output-by")];
    expect(contradiction("subject", a, b)).toBe("none");
  });
});

test("postings with names are the postings of mapfn, and only slots have claims", () => {
  for (const submission of SUBMISSIONS.map(([, , one]) => one)) {
    const { named, postings } = logged(submission);
    const plain = named.map(({ key, claim }) => (claim === undefined ? { key } : { key, claim }));
    expect(sortPostings(plain)).toEqual(postings);
    for (const { type, claim } of named)
      if (claim !== undefined) expect(SLOT_TYPES).toContain(type);
  }
});
