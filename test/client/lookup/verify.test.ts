import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import type { LookupVerdict } from "../../../client/lookup/verdict.ts";
import { verifyLookup } from "../../../client/lookup/verify.ts";
import type { WitnessPolicy } from "../../../client/quorum.ts";
import { fromUtf8, toHex, utf8 } from "../../../schema/bytes.ts";
import { unwrap } from "../../../schema/error.ts";
import { INDEX_V1 } from "../../../schema/index/generation.ts";
import { encodeIndexLeaf } from "../../../schema/index/index-leaf.ts";
import {
  formatLookup,
  type Lookup,
  type LookupKey,
  parseLookup,
} from "../../../schema/index/lookup.ts";
import { emptyMapRoot } from "../../../schema/index/map.ts";
import { mapKey } from "../../../schema/index/map-key.ts";
import { parsePolicy } from "../../../schema/tlog/tlog-policy.ts";
import * as made from "../../vectors/signers.ts";
import * as say from "../../vectors/statements.ts";
import { logKey, TestLog } from "../test-log.ts";
import { TestWitness } from "../test-witness.ts";
import { TestIndex } from "./test-index.ts";

const { sha256 } = nodeCrypto;
const IN_TOTO = "application/vnd.in-toto+json";
const ada = made.ed25519Signer("ada");
const bob = made.ed25519Signer("bob");

interface Scene {
  readonly index: TestIndex;
  readonly main: TestLog;
  readonly signer: Uint8Array;
}

function scene(key = logKey()): Scene {
  const main = new TestLog("log.test", key).fill(3);
  const [logged] = main.submit(made.dsseSubmission(IN_TOTO, say.payload(say.review()), ada));
  main.submit(made.dsseSubmission(IN_TOTO, say.payload(say.build()), bob));
  main.submit(made.dsseSubmission(IN_TOTO, say.payload(say.review({ verdict: "reject" })), ada));
  const index = new TestIndex(main).grow();
  main.submit(made.rawSubmission(say.CHECKSUMS, ada));
  index.grow();
  return { index, main, signer: logged?.entry.signerId ?? expect.fail("no entry") };
}

const COMMIT = new Uint8Array(Buffer.from(say.COMMIT, "hex"));
const commit: LookupKey = { type: "subject", fields: ["gitCommit", COMMIT] };
const nobody: LookupKey = { type: "purl", fields: ["pkg:npm/nothing"] };

async function ask(
  { main }: Pick<Scene, "main">,
  lookup: Lookup | Uint8Array,
  keys: readonly LookupKey[],
  verifiers: readonly WitnessPolicy[] = [],
): Promise<LookupVerdict> {
  const ports = { crypto: nodeCrypto, log: main.trusted, verifiers, generation: INDEX_V1 };
  const bytes = lookup instanceof Uint8Array ? lookup : formatLookup(lookup);
  return verifyLookup(ports, bytes, keys);
}

async function codeOf(...args: Parameters<typeof ask>): Promise<string> {
  const verdict = await ask(...args);
  return verdict.ok ? "accepted" : verdict.refusal.code;
}

function change(lookup: Lookup, changes: Partial<Lookup>): Lookup {
  return { ...lookup, ...changes };
}

describe("a look-up bundle", () => {
  test("answers with everything about a key, and the absence of another, in one file", async () => {
    const { index, main, signer } = scene();
    const keys: LookupKey[] = [commit, nobody, { type: "signer", fields: [signer] }];
    const verdict = await ask({ main }, index.lookup(keys), keys);
    if (!verdict.ok) expect.fail(JSON.stringify(verdict.refusal));
    expect(verdict.main.tree.size).toBe(main.size);
    expect(verdict.verified).toEqual({ state: "not asked" });
    const counts = verdict.found.map((one) => (one.kind === "absent" ? 0 : one.summary.n));
    expect(counts).toEqual([2, 0, 3]);
    expect(verdict.entries.map((one) => one.index)).toEqual([3, 5, 6]);
  });

  test("says n entries and d values without the list", async () => {
    const { index, main } = scene();
    const verdict = await ask({ main }, index.lookup([commit], "summaries"), [commit]);
    expect(verdict).toMatchObject({
      ok: true,
      found: [{ kind: "present", summary: { n: 2, last: 5 } }],
    });
  });

  test("is read back as it was written", () => {
    const { index } = scene();
    for (const wanted of ["entries", "lists", "summaries"] as const) {
      const lookup = index.lookup([commit, nobody], wanted);
      expect(unwrap(parseLookup(formatLookup(lookup)))).toEqual(lookup);
    }
  });

  test("asks index verifiers where the trust file names them, and says who they were", async () => {
    const { index, main } = scene();
    const verifier = new TestWitness("verifier.test");
    const text = `witness v ${verifier.vkey}\nquorum v\n`;
    const policy = unwrap(parsePolicy(sha256, utf8(text)));
    const without = index.lookup([commit]);
    expect(await codeOf({ main }, without, [commit], [{ policy }])).toBe("VERIFIERS_TOO_FEW");
    index.log.cosigners = [verifier.at(1_700_000_000)];
    const verdict = await ask({ main }, index.lookup([commit]), [commit], [{ policy }]);
    expect(verdict).toMatchObject({
      ok: true,
      verified: { state: "quorum", by: ["verifier.test"] },
    });
  });
});

describe("a bundle that lies", () => {
  test("X4 by leaving an entry out of a list is refused", async () => {
    const { index, main } = scene();
    const lookup = index.lookup([commit]);
    const [answer] = lookup.answers;
    if (answer?.kind !== "list") expect.fail("no list");
    const shifted = answer.list.map(({ index: at }) => ({ index: at + 1 }));
    for (const list of [answer.list.slice(1), answer.list.slice(0, 1), shifted]) {
      const lie = change(lookup, { answers: [{ ...answer, list }] });
      expect(await codeOf({ main }, lie, [commit])).toBe("RECORD_REFUSED");
    }
  });

  test("X4 by calling a key absent that is there, or there that is absent, is refused", async () => {
    const { index, main } = scene();
    const lookup = index.lookup([commit, nobody]);
    const [present, absent] = lookup.answers;
    if (present?.kind !== "list" || absent === undefined) expect.fail("no answers");
    const denied = change(lookup, { answers: [{ key: commit, kind: "absent" }, absent] });
    expect(await codeOf({ main }, denied, [commit, nobody])).toBe("RECORD_REFUSED");
    const invented = change(lookup, { answers: [present, { ...present, key: nobody }] });
    expect(await codeOf({ main }, invented, [commit, nobody])).toBe("RECORD_REFUSED");
  });

  test("X4 by hiding a key behind a pruned subtree is refused", async () => {
    const { index, main } = scene();
    const lookup = index.lookup([nobody]);
    const hidden = change(lookup, { answers: [{ key: commit, kind: "absent" }] });
    expect(await codeOf({ main }, hidden, [commit])).toBe("RECORD_REFUSED");
  });

  test("by answering another key, one key twice, or one too few is refused", async () => {
    const { index, main } = scene();
    expect(await codeOf({ main }, index.lookup([nobody]), [commit])).toBe("OTHER_KEYS");
    expect(await codeOf({ main }, index.lookup([commit]), [commit, nobody])).toBe("OTHER_KEYS");
    expect(await codeOf({ main }, index.lookup([commit, commit]), [commit])).toBe("OTHER_KEYS");
  });

  test("by an empty answer is malformed", async () => {
    const { index, main } = scene();
    const empty = change(index.lookup([commit]), { answers: [] });
    expect(await codeOf({ main }, empty, [commit])).toBe("LOOKUP_MALFORMED");
    expect(await codeOf({ main }, utf8("{}"), [commit])).toBe("LOOKUP_MALFORMED");
  });

  test("by an older leaf under a newer head is refused", async () => {
    const { index, main } = scene();
    const newest = index.lookup([commit]);
    const leafIndex = newest.index.leafIndex - 1;
    const leaf = index.log.leaves[leafIndex] ?? expect.fail("no leaf");
    const hashes = index.log.proof(leafIndex);
    const older = change(newest, { index: { ...newest.index, leafIndex, leaf, hashes } });
    expect(await codeOf({ main }, older, [commit])).toBe("INDEX_LEAF_REFUSED");
  });

  test("by a leaf of another mapfn, another log, or out of no log is refused", async () => {
    const { index, main } = scene();
    const lookup = index.lookup([commit]);
    const { leaf } = index.position;
    const others = [
      { ...leaf, mapfn: sha256(utf8("x")) },
      { ...leaf, origin: "other.test" },
    ];
    for (const changed of others) {
      const leafIndex = index.log.append(encodeIndexLeaf(changed));
      const forged = {
        checkpoint: fromUtf8(index.log.checkpoint()) ?? "",
        leafIndex,
        leaf: encodeIndexLeaf(changed),
        hashes: index.log.proof(leafIndex),
      };
      const lie = change(lookup, { index: forged });
      expect(await codeOf({ main }, lie, [commit])).toBe("INDEX_LEAF_REFUSED");
    }
    const nowhere = encodeIndexLeaf({ ...leaf, mapRoot: emptyMapRoot(sha256) });
    const lie = change(lookup, { index: { ...lookup.index, leaf: nowhere } });
    expect(await codeOf({ main }, lie, [commit])).toBe("INDEX_LEAF_REFUSED");
  });

  test("by heads of another key, or an older main head, is refused", async () => {
    const { index, main } = scene();
    const other = scene();
    const lookup = index.lookup([commit]);
    const foreign = other.index.lookup([commit]);
    expect(await codeOf({ main }, foreign, [commit])).toBe("INDEX_HEAD_REFUSED");
    const foreignMain = change(lookup, { main: foreign.main });
    expect(await codeOf({ main }, foreignMain, [commit])).toBe("MAIN_HEAD_REFUSED");
    const older = change(lookup, { main: fromUtf8(main.checkpoint(4)) ?? "" });
    expect(await codeOf({ main }, older, [commit])).toBe("OTHER_HEAD");
  });

  test("by a map of another time is refused", async () => {
    const { index, main } = scene();
    const lookup = index.lookup([commit]);
    main.submit(made.rawSubmission(utf8("more\n"), bob));
    const { tree } = index.grow().lookup([commit]);
    expect(await codeOf({ main }, change(lookup, { tree }), [commit])).toBe("OTHER_MAP");
  });

  test("by an entry that is not in the log, or with another content, is refused", async () => {
    const { index, main } = scene();
    const lookup = index.lookup([commit]);
    const [first, ...rest] = lookup.entries;
    if (first === undefined) expect.fail("no entry");
    for (const changed of [
      { ...first, index: first.index + 1 },
      { ...first, leaf: utf8("another") },
      { ...first, content: utf8("another") },
      { ...first, hashes: first.hashes.slice(1) },
    ]) {
      const lie = change(lookup, { entries: [changed, ...rest] });
      expect(await codeOf({ main }, lie, [commit])).toBe("ENTRY_REFUSED");
    }
  });

  test("made of a posting that no entry gives is caught by mapfn over the entry", async () => {
    const main = new TestLog("log.test").fill(1);
    const [logged] = main.submit(made.dsseSubmission(IN_TOTO, say.payload(say.review()), ada));
    const [other] = main.submit(made.rawSubmission(utf8("nothing\n"), bob));
    if (logged === undefined || other === undefined) expect.fail("not logged");
    const index = new TestIndex(main);
    index.lie = (postings, at) => (at === other.index ? index.postingsOf(logged.index) : postings);
    index.grow();
    const verdict = await ask({ main }, index.lookup([commit]), [commit]);
    expect(verdict).toMatchObject({
      ok: false,
      refusal: { code: "FALSE_POSTING", index: other.index },
    });
  });

  test("X4 about a key that an entry beside it posts is caught, though the map has no such key", async () => {
    const main = new TestLog("log.test").fill(1);
    const [logged] = main.submit(made.dsseSubmission(IN_TOTO, say.payload(say.review()), ada));
    if (logged === undefined) expect.fail("not logged");
    const index = new TestIndex(main);
    const hidden = mapKey(sha256, main.origin, commit.type, commit.fields);
    index.lie = (postings) => postings.filter(({ key }) => toHex(key) !== toHex(hidden));
    index.grow();
    const signer: LookupKey = { type: "signer", fields: [logged.entry.signerId] };
    const keys = [signer, commit];
    const verdict = await ask({ main }, index.lookup(keys), keys);
    expect(verdict).toMatchObject({
      ok: false,
      refusal: { code: "FALSE_POSTING", key: commit, index: logged.index },
    });
  });

  test("in any one byte is refused: there is one way to write what it says", async () => {
    const { index, main } = scene();
    const bytes = formatLookup(index.lookup([commit, nobody]));
    expect(await codeOf({ main }, bytes, [commit, nobody])).toBe("accepted");
    for (let i = 0; i < 400; i++) {
      const changed = Uint8Array.from(bytes);
      const at = (i * 7_919) % changed.length;
      changed[at] = (changed[at] ?? 0) ^ (1 << (i % 8));
      expect(await codeOf({ main }, changed, [commit, nobody]), `byte ${at}`).not.toBe("accepted");
    }
  });
});
