import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { gitHashOf } from "../../../client/git/hash.ts";
import { toHex, utf8 } from "../../../schema/bytes.ts";
import { encodeLeaf, parseLeaf } from "../../../schema/entry/leaf.ts";
import { unwrap } from "../../../schema/error.ts";
import type { ClaimKind, LoggedStatement } from "../../../schema/evidence/claims.ts";
import type { Evidence } from "../../../schema/evidence.ts";
import { supersededKey } from "../../../schema/index/contradiction.ts";
import type { Lookup, LookupKey } from "../../../schema/index/lookup.ts";
import type { KeyType } from "../../../schema/index/map-key.ts";
import { namedPostings } from "../../../schema/index/mapfn.ts";
import { parsePolicy } from "../../../schema/tlog/tlog-policy.ts";
import * as made from "../../vectors/signers.ts";
import * as say from "../../vectors/statements.ts";
import { TestLog } from "../test-log.ts";
import { TestWitness } from "../test-witness.ts";
import {
  ada,
  bob,
  build,
  changeBytes,
  check,
  OTHER_COMMIT,
  outcome,
  refUpdate,
  release,
  Scene,
} from "./scene.ts";

const { sha256, sha1 } = nodeCrypto;
const [ONE, TWO] = [say.FILE_SHA256, say.OTHER_SHA256];
const signer = sha256(ada.spki);

/** The slot of a type that a statement claims something in. */
function slotOf(scene: Scene, type: KeyType, statement: LoggedStatement): LookupKey {
  const named = scene.named(statement);
  const found = named.find((one) => one.type === type) ?? expect.fail(`no ${type}`);
  return { type, fields: found.fields };
}

function file(
  scene: Scene,
  kind: ClaimKind,
  type: KeyType,
  a: LoggedStatement,
  b: LoggedStatement,
  lookup?: Lookup,
): Evidence {
  const slot = slotOf(scene, type, a);
  return { kind, slot, statements: [a, b], ...(lookup === undefined ? {} : { lookup }) };
}

/** Whether anybody has superseded two statements, by the index as it is now. */
function standing({ index }: Scene, ...statements: readonly LoggedStatement[]): Lookup {
  const keys = statements.map(({ content }) => supersededKey({ signer, content: sha256(content) }));
  return index.lookup(keys, "lists");
}

describe("a signer who contradicts themself is convicted", () => {
  test.each<[KeyType, say.StatementParts, say.StatementParts]>([
    ["output-by", build(ONE), build(TWO)],
    ["ref-by", refUpdate(say.COMMIT), refUpdate(OTHER_COMMIT)],
    ["release-by", release(say.COMMIT), release(OTHER_COMMIT)],
    ["signer-seq", refUpdate(say.COMMIT, { seq: 7 }), say.release({ seq: 7 })],
  ])("in %s, by two entries and nothing else", async (type, one, other) => {
    const scene = new Scene();
    const [a, b] = [scene.sign(one), scene.sign(other)];
    const evidence = file(scene, "equivocation", type, a, b);
    expect(await check(scene.main.trusted, evidence)).toMatchObject({
      ok: true,
      accused: { who: "signer", signer: toHex(signer) },
    });
  });

  test("in verdict-by, with the proof that neither verdict was withdrawn", async () => {
    const scene = new Scene();
    const [a, b] = [scene.sign(say.review()), scene.sign(say.review({ verdict: "reject" }))];
    scene.index.grow();
    const evidence = file(scene, "equivocation", "verdict-by", a, b, standing(scene, a, b));
    const verdict = await check(scene.main.trusted, evidence);
    expect(verdict).toMatchObject({ ok: true, accused: { who: "signer" } });
    if (verdict.ok) expect(verdict.notProved).toContain("no index verifier");
  });
});

describe("reported, and nobody is accused", () => {
  test.each<[ClaimKind, KeyType, say.StatementParts, say.StatementParts, made.PlainSigner]>([
    ["irreproducible", "output-by", build(ONE), build(TWO, { deterministic: false }), ada],
    ["builders-disagree", "output", build(ONE), build(TWO), bob],
    [
      "ref-moved",
      "ref-by",
      refUpdate(ONE.slice(0, 40)),
      say.refUpdate({ ref: "refs/heads/main" }),
      ada,
    ],
    ["ref-moved", "ref-value", refUpdate(OTHER_COMMIT), refUpdate(say.COMMIT), bob],
  ])("%s in %s", async (kind, type, one, other, by) => {
    const scene = new Scene();
    const [a, b] = [scene.sign(one), scene.sign(other, by)];
    expect(await outcome(scene.main.trusted, file(scene, kind, type, a, b))).toBe("nobody");
    const accusing = file(scene, "equivocation", type, a, b);
    expect(await outcome(scene.main.trusted, accusing)).toBe("PROVES_NOTHING");
  });

  test("a SHA-1 collision, where SHA-1 is as weak as it may become", async () => {
    const scene = new Scene();
    const weak = { ...nodeCrypto, sha1: (bytes: Uint8Array) => sha1(bytes.subarray(0, 10)) };
    const ssh = made.sshSigner("ada");
    const log = (text: string): LoggedStatement => {
      const submission = made.gitSubmission(made.gitCommit(ssh, text));
      const [logged] = scene.main.submit(submission);
      return scene.statement(logged?.index ?? expect.fail("no entry"));
    };
    // Of equal length, so that the weak hash sees the same bytes in front.
    const [a, b] = [log(say.UNSIGNED_COMMIT), log(say.UNSIGNED_COMMIT.replace("tool", "fool"))];
    const hashes = { sha256, git: gitHashOf(weak) };
    const indexed = { origin: scene.main.origin, vkeys: [] };
    const slot = namedPostings(hashes, indexed, a.entry.leafBytes, a.content).find(
      ({ type }) => type === "git-content",
    );
    if (slot === undefined) expect.fail("no slot");
    const { type, fields } = slot;
    const statements = [a, b] as const;
    const evidence: Evidence = { kind: "sha1-collision", slot: { type, fields }, statements };
    expect(await outcome(scene.main.trusted, evidence, weak)).toBe("nobody");
    expect(await outcome(scene.main.trusted, evidence)).toBe("PROVES_NOTHING");
  });
});

describe("a false accusation is refused", () => {
  test("of a verdict that its signer has replaced or withdrawn since", async () => {
    const scene = new Scene();
    const [a, b] = [scene.sign(say.review()), scene.sign(say.review({ verdict: "reject" }))];
    scene.index.grow();
    const early = standing(scene, a, b);
    const supersedes = toHex(sha256(a.content));
    scene.sign(say.review({ verdict: "withdraw", supersedes }));
    scene.index.grow();
    const late = file(scene, "equivocation", "verdict-by", a, b, standing(scene, a, b));
    expect(await outcome(scene.main.trusted, late)).toBe("PROVES_NOTHING");
    const before = await check(
      scene.main.trusted,
      file(scene, "equivocation", "verdict-by", a, b, early),
    );
    // Up to the head that it names it is so, and it says which.
    if (!before.ok) expect.fail("it was so");
    expect(before.notProved).toContain("after entry 5");
  });

  test("of verdicts where nobody was asked, about others, or before they were logged", async () => {
    const scene = new Scene();
    const a = scene.sign(say.review());
    scene.index.grow();
    const b = scene.sign(say.review({ verdict: "reject" }));
    const lookups = [
      undefined,
      standing(scene, a),
      standing(scene, a, b),
      scene.index.lookup([supersededKey({ signer: sha256(bob.spki), content: ada.spki })], "lists"),
    ];
    for (const lookup of lookups) {
      const evidence = file(scene, "equivocation", "verdict-by", a, b, lookup);
      expect(await outcome(scene.main.trusted, evidence)).toBe("PROVES_NOTHING");
    }
  });

  test("where the trust file asks for index verifiers and they are not there", async () => {
    const scene = new Scene();
    const verifier = new TestWitness("verifier.test");
    const policy = unwrap(parsePolicy(sha256, utf8(`witness v ${verifier.vkey}\nquorum v\n`)));
    const trusted = { ...scene.main.trusted, index: [{ policy }] };
    const [a, b] = [scene.sign(say.review()), scene.sign(say.review({ verdict: "reject" }))];
    scene.index.grow();
    const alone = file(scene, "equivocation", "verdict-by", a, b, standing(scene, a, b));
    expect(await outcome(trusted, alone)).toBe("PROVES_NOTHING");
    scene.index.log.cosigners = [verifier.at(1_700_000_000)];
    const cosigned = file(scene, "equivocation", "verdict-by", a, b, standing(scene, a, b));
    const verdict = await check(trusted, cosigned);
    if (!verdict.ok) expect.fail(verdict.refusal.message);
    expect(verdict.notProved).not.toContain("no index verifier");
  });

  test("of signing the same thing again, or a set in another order, or in other words", async () => {
    const scene = new Scene();
    const set = (digests: readonly string[]): say.StatementParts => {
      const output = digests.map((sha256) => ({ name: "tool.tar", digest: { sha256 } }));
      return { ...say.build({ output }), subject: output };
    };
    const pairs: readonly [KeyType, LoggedStatement, LoggedStatement][] = [
      ["output-by", scene.sign(build(ONE)), scene.sign(build(ONE, { builder: { operator: "x" } }))],
      ["output-by", scene.sign(set([ONE, TWO])), scene.sign(set([TWO, ONE]))],
      ["verdict-by", scene.sign(say.review()), scene.sign(say.review({ comment: "again" }))],
    ];
    for (const [type, a, b] of pairs)
      for (const other of [b, a])
        expect(await outcome(scene.main.trusted, file(scene, "equivocation", type, a, other))).toBe(
          "PROVES_NOTHING",
        );
  });

  test("of a build or a ref for which nobody has promised anything", async () => {
    const scene = new Scene();
    const loose = { deterministic: false };
    const pairs: readonly [KeyType, say.StatementParts, say.StatementParts][] = [
      ["output-by", build(ONE, loose), build(TWO, loose)],
      ["ref-by", refUpdate(say.COMMIT), refUpdate(OTHER_COMMIT, { immutable: false })],
    ];
    for (const [type, one, other] of pairs) {
      const evidence = file(scene, "equivocation", type, scene.sign(one), scene.sign(other));
      expect(await outcome(scene.main.trusted, evidence)).toBe("PROVES_NOTHING");
    }
  });

  test("by somebody else's statement, or one that is meant for another log", async () => {
    const scene = new Scene();
    const a = scene.sign(build(ONE));
    const elsewhere = new TestLog("elsewhere.test").vkey;
    for (const b of [scene.sign(build(TWO), bob), scene.sign(build(TWO, { log: elsewhere }))]) {
      const evidence = file(scene, "equivocation", "output-by", a, b);
      expect(await outcome(scene.main.trusted, evidence)).toBe("PROVES_NOTHING");
    }
  });

  test("by a signature that does not verify, another content, or an entry that is not there", async () => {
    const scene = new Scene();
    const [a, b] = [scene.sign(build(ONE)), scene.sign(build(TWO))];
    const leaf = unwrap(parseLeaf(b.entry.leafBytes));
    if (leaf.kind !== "countersign") expect.fail("another kind");
    const value = leaf.signature.value.map((byte, i) => (i === 9 ? byte ^ 1 : byte));
    const forged = encodeLeaf({ ...leaf, signature: { ...leaf.signature, value } });
    const unsigned = scene.statement(scene.main.append(forged, b.content));
    const impostor = new Scene();
    const [ghost] = [impostor.sign(build(TWO))];
    const cases: readonly [LoggedStatement, string][] = [
      [unsigned, "PROVES_NOTHING"],
      [{ ...b, content: a.content }, "PROVES_NOTHING"],
      [{ ...b, entry: { ...b.entry, index: 2 } }, "PROVES_NOTHING"],
      [ghost, "NOT_SIGNED"],
    ];
    for (const [second, code] of cases) {
      const evidence = file(scene, "equivocation", "output-by", a, second);
      expect(await outcome(scene.main.trusted, evidence)).toBe(code);
    }
  });

  test("by any one byte of a file that is changed: it is refused or says the same", async () => {
    const scene = new Scene();
    const [a, b] = [scene.sign(build(ONE)), scene.sign(build(TWO))];
    await changeBytes(scene.main.trusted, file(scene, "equivocation", "output-by", a, b), 1);
    const [c, d] = [scene.sign(say.review()), scene.sign(say.review({ verdict: "reject" }))];
    scene.index.grow();
    const verdicts = file(scene, "equivocation", "verdict-by", c, d, standing(scene, c, d));
    await changeBytes(scene.main.trusted, verdicts, 3);
  });
});
