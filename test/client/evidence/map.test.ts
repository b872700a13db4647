import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { fromUtf8, utf8 } from "../../../schema/bytes.ts";
import { prepareSubmission } from "../../../schema/entry/prepare.ts";
import { unwrap } from "../../../schema/error.ts";
import type { Evidence } from "../../../schema/evidence.ts";
import { proveGap } from "../../../schema/index/gap.ts";
import { encodeIndexLeaf } from "../../../schema/index/index-leaf.ts";
import type { Lookup, LookupKey, PlacedLeaf } from "../../../schema/index/lookup.ts";
import { mapKey } from "../../../schema/index/map-key.ts";
import type { Posting } from "../../../schema/index/posting.ts";
import type { Hash } from "../../../schema/tlog/hash.ts";
import { parseVkey } from "../../../schema/tlog/note.ts";
import { parsePolicy } from "../../../schema/tlog/tlog-policy.ts";
import * as made from "../../vectors/signers.ts";
import * as say from "../../vectors/statements.ts";
import type { TestIndex } from "../lookup/test-index.ts";
import { logKey, TestLog } from "../test-log.ts";
import { TestWitness } from "../test-witness.ts";
import { ada, build, changeBytes, check, OPAQUE, outcome, Scene } from "./scene.ts";

const { sha256 } = nodeCrypto;
const purl: LookupKey = { type: "purl", fields: ["pkg:generic/tool@1.0.0"] };
const signer: LookupKey = { type: "signer", fields: [sha256(ada.spki)] };
const nameOf = ({ type, fields }: LookupKey): Hash => mapKey(sha256, "log.test", type, fields);
const isKey = (key: LookupKey, posting: Posting): boolean =>
  Buffer.from(posting.key).equals(nameOf(key));

/** Three releases; the index lies about entry 4. */
function lying(lie: (postings: readonly Posting[]) => readonly Posting[], key = logKey()): Scene {
  const scene = new Scene(key);
  for (const ref of ["refs/tags/v1", "refs/tags/v2", "refs/tags/v3"])
    scene.sign(say.release({ ref }));
  scene.index.lie = (postings, index) => (index === 4 ? lie(postings) : postings);
  scene.index.grow();
  return scene;
}
const honest = (): Scene => lying((postings) => postings);
const without = (key: LookupKey) => (postings: readonly Posting[]) =>
  postings.filter((one) => !isKey(key, one));
const withKey = (key: LookupKey, claim?: Hash) => (postings: readonly Posting[]) =>
  [
    ...without(key)(postings),
    { key: nameOf(key), ...(claim === undefined ? {} : { claim }) },
  ].toSorted((a, b) => Buffer.compare(a.key, b.key));

const omission = (
  key: LookupKey,
  lookup: Lookup,
  gaps: Extract<Evidence, { kind: "omission" }>["gaps"] = [],
): Evidence => ({ kind: "omission", key, lookup, gaps });
const posting = (key: LookupKey, lookup: Lookup): Evidence => ({
  kind: "false-posting",
  key,
  lookup,
});

describe("an index that leaves an entry out is convicted", () => {
  test("by a whole list, and by the absence of the key", async () => {
    const scene = lying(without(purl));
    const evidence = omission(purl, scene.about([purl, OPAQUE], 4));
    expect(await check(scene.main.trusted, evidence)).toMatchObject({
      ok: true,
      accused: { who: "log" },
      origin: "log.test",
    });
    const ref: LookupKey = {
      type: "ref",
      fields: ["https://git.example.test/project", "refs/tags/v2"],
    };
    const gone = lying(without(ref));
    expect(await outcome(gone.main.trusted, omission(ref, gone.about([ref, OPAQUE], 4)))).toBe(
      "log",
    );
  });

  test("by what follows from the leaf alone, without a content", async () => {
    const scene = lying(without(signer));
    const lookup = scene.about([signer], 4);
    const bare = {
      ...lookup,
      entries: lookup.entries.map(({ index, leaf, hashes }) => ({ index, leaf, hashes })),
    };
    expect(await outcome(scene.main.trusted, omission(signer, bare))).toBe("log");
  });

  test("by the two neighbours of a list that is too long to show", async () => {
    const scene = lying(without(purl));
    const answer = scene.index.answer(purl);
    if (answer.kind !== "list") expect.fail("no list");
    const gap = proveGap(sha256, answer.list, 4);
    const lookup = scene.about([purl, OPAQUE], 4, "summaries");
    const trusted = scene.main.trusted;
    expect(await outcome(trusted, omission(purl, lookup, [gap]))).toBe("log");
    const { before, after } = gap;
    if (before === undefined || after === undefined) expect.fail("no gap");
    const lies = [
      {},
      { before },
      { after },
      { before: { ...before, index: 2 }, after },
      { before, after: { ...after, position: 0 } },
      { before: after, after: before },
    ];
    for (const lie of [[], ...lies.map((one) => [one])])
      expect(await outcome(trusted, omission(purl, lookup, lie))).toBe("PROVES_NOTHING");
  });

  test("together with the verifiers of the trust file that cosigned it", async () => {
    const verifier = new TestWitness("verifier.test");
    const policy = unwrap(parsePolicy(sha256, utf8(`witness v ${verifier.vkey}\nquorum v\n`)));
    const scene = lying(without(purl));
    const trusted = { ...scene.main.trusted, index: [{ policy }] };
    const alone = omission(purl, scene.about([purl, OPAQUE], 4));
    expect(await check(trusted, alone)).toMatchObject({ accused: { who: "log" } });
    scene.index.log.cosigners = [verifier.at(1_700_000_000)];
    expect(await check(trusted, omission(purl, scene.about([purl, OPAQUE], 4)))).toMatchObject({
      accused: { who: "log", verifiers: ["verifier.test"] },
    });
  });
});

describe("an index that lists what an entry does not say is convicted", () => {
  const nobody: LookupKey = { type: "purl", fields: ["pkg:npm/nothing"] };
  const slot: LookupKey = {
    type: "release-by",
    fields: [sha256(ada.spki), "https://git.example.test/project", "refs/tags/v2"],
  };

  test("by a key that the entry does not post, or another value", async () => {
    for (const [key, lie] of [
      [nobody, withKey(nobody)],
      [slot, withKey(slot, sha256(utf8("x")))],
      [slot, withKey(slot)],
    ] as const) {
      const scene = lying(lie);
      const evidence = posting(key, scene.about([key], 4));
      expect(await outcome(scene.main.trusted, evidence)).toBe("log");
    }
    const scene = lying(withKey(slot, sha256(utf8("x"))));
    const summary = posting(slot, scene.about([slot], 4, "summaries"));
    expect(await outcome(scene.main.trusted, summary)).toBe("log");
  });

  test("not for an entry without its content, and not for one that is not listed", async () => {
    const scene = lying(withKey(nobody));
    const lookup = scene.about([nobody], 4);
    const bare = {
      ...lookup,
      entries: lookup.entries.map(({ index, leaf, hashes }) => ({ index, leaf, hashes })),
    };
    expect(await outcome(scene.main.trusted, posting(nobody, bare))).toBe("PROVES_NOTHING");
    const other = posting(nobody, scene.about([nobody], 3));
    expect(await outcome(scene.main.trusted, other)).toBe("PROVES_NOTHING");
  });
});

describe("an honest index is never convicted", () => {
  test("for any key of any entry", async () => {
    const scene = honest();
    const keys: LookupKey[] = [purl, signer, OPAQUE, { type: "purl", fields: ["pkg:npm/nothing"] }];
    for (const key of keys)
      for (const index of [0, 3, 4, 5])
        for (const asked of [[key], [key, OPAQUE]].slice(0, key === OPAQUE ? 1 : 2)) {
          const lookup = scene.about(asked, index);
          expect(await outcome(scene.main.trusted, omission(key, lookup))).toBe("PROVES_NOTHING");
          expect(await outcome(scene.main.trusted, posting(key, lookup))).toBe("PROVES_NOTHING");
        }
  });

  test("for an entry that came without its content, by whoever has the content", async () => {
    const scene = new Scene();
    const submission = made.dsseSubmission(
      "application/vnd.in-toto+json",
      say.payload(say.release()),
      ada,
    );
    const [entry] = unwrap(prepareSubmission(sha256, submission));
    if (entry?.content === undefined) expect.fail("no entry");
    const index = scene.main.append(entry.leafBytes);
    scene.index.grow();
    const { content } = entry;
    const about = (keys: readonly LookupKey[]): Lookup => {
      const lookup = scene.about(keys, index);
      return { ...lookup, entries: lookup.entries.map((one) => ({ ...one, content })) };
    };
    for (const key of [purl, OPAQUE]) {
      const lookup = about(key === OPAQUE ? [key] : [key, OPAQUE]);
      expect(await outcome(scene.main.trusted, omission(key, lookup))).toBe("PROVES_NOTHING");
      expect(await outcome(scene.main.trusted, posting(key, lookup))).toBe("PROVES_NOTHING");
    }
    const silent = omission(purl, about([purl]));
    expect(await outcome(scene.main.trusted, silent)).toBe("PROVES_NOTHING");
  });

  test("for an entry that came after the head, or another entry's content", async () => {
    const scene = honest();
    const late = scene.sign(say.release({ ref: "refs/tags/v4" })).entry.index;
    const lookup = scene.about([purl, OPAQUE], 4);
    const { leaf, content = new Uint8Array() } = scene.index.entry(late);
    const hashes = scene.main.proof(late);
    const beyond = { ...lookup, entries: [{ index: late, leaf, content, hashes }] };
    expect(await outcome(scene.main.trusted, omission(purl, beyond))).toBe("PROVES_NOTHING");
    const swapped = { ...lookup, entries: lookup.entries.map((one) => ({ ...one, content })) };
    expect(await outcome(scene.main.trusted, omission(purl, swapped))).toBe("PROVES_NOTHING");
  });

  test("for a statement that names a key of the log which its index does not know", async () => {
    const scene = new Scene();
    const second = new TestLog("log.test").vkey;
    const index = scene.sign(say.release({ log: second })).entry.index;
    scene.index.grow();
    const { trusted } = scene.main;
    const vkeys = [...trusted.vkeys, unwrap(parseVkey(sha256, second))];
    const both = { ...trusted, vkeys, vkeyTexts: [...trusted.vkeyTexts, second] };
    const evidence = omission(purl, scene.about([purl, OPAQUE], index));
    expect(await outcome(both, evidence)).toBe("PROVES_NOTHING");
  });

  test("by a bundle that nobody but an impostor has signed, or of a log that nobody trusts", async () => {
    const scene = lying(without(purl));
    const evidence = omission(purl, scene.about([purl, OPAQUE], 4));
    expect(await outcome(new TestLog("log.test").trusted, evidence)).toBe("NOT_SIGNED");
    expect(await outcome(new TestLog("other.test").trusted, evidence)).toBe("LOG_UNKNOWN");
  });
});

describe("leaves of an index log that contradict each other", () => {
  const placed = (log: TestLog, leafIndex: number, size = log.size): PlacedLeaf => ({
    checkpoint: fromUtf8(log.checkpoint(size)) ?? "",
    leafIndex,
    leaf: log.leaves[leafIndex] ?? new Uint8Array(0),
    hashes: log.proof(leafIndex, size),
  });
  const leaves = (a: PlacedLeaf, b: PlacedLeaf): Evidence => ({
    kind: "index-contradiction",
    leaves: [a, b],
  });

  test("convict the log: two maps for one size, sizes that go back, two leaves at one place", async () => {
    const key = logKey();
    const scene = honest();
    const { leaf } = scene.index.position;
    const { log } = scene.index;
    const { trusted } = scene.main;
    log.append(encodeIndexLeaf({ ...leaf, mapRoot: sha256(utf8("another map")) }));
    log.append(encodeIndexLeaf({ ...leaf, main: { ...leaf.main, size: 2 } }));
    for (const [a, b] of [
      [1, 2],
      [2, 1],
      [1, 3],
      [2, 3],
    ] as const)
      expect(await outcome(trusted, leaves(placed(log, a), placed(log, b)))).toBe("log");
    const [one, other] = [lying(without(purl), key), lying((same) => same, key)];
    const fork = leaves(placed(one.index.log, 1), placed(other.index.log, 1));
    expect(await outcome(one.main.trusted, fork)).toBe("log");
  });

  test("do not convict an index that grows, a head that was signed again, or another log's", async () => {
    const scene = honest();
    scene.sign(build(say.FILE_SHA256));
    scene.index.grow();
    const { log } = scene.index;
    const { trusted } = scene.main;
    for (const a of [0, 1, 2])
      for (const b of [0, 1, 2])
        expect(await outcome(trusted, leaves(placed(log, a), placed(log, b)))).toBe(
          "PROVES_NOTHING",
        );
    const again = leaves(placed(log, 1, 2), placed(log, 1, 3));
    expect(await outcome(trusted, again)).toBe("PROVES_NOTHING");
    const moved = { ...placed(log, 1), leafIndex: 2 };
    expect(await outcome(trusted, leaves(placed(log, 1), moved))).toBe("PROVES_NOTHING");
    const { index } = new Scene();
    expect(await outcome(trusted, leaves(placed(log, 1), placed(index.log, 0)))).toBe("NOT_SIGNED");
    // Entries of the main log are no leaves of its index.
    expect(await outcome(trusted, leaves(placed(scene.main, 1), placed(log, 1)))).toBe(
      "LOG_UNKNOWN",
    );
  });

  test("a forked index log is convicted by its notes, under the log's own key", async () => {
    const key = logKey();
    const [one, other] = [lying(without(purl), key), lying((same) => same, key)];
    const note = ({ log }: TestIndex): string => fromUtf8(log.checkpoint()) ?? "";
    const fork: Evidence = { kind: "fork-same-size", notes: [note(one.index), note(other.index)] };
    expect(await check(one.main.trusted, fork)).toMatchObject({
      ok: true,
      origin: "log.test/index/v1",
      accused: { who: "log" },
    });
    const verifier = new TestWitness("verifier.test");
    const before = note(one.index);
    one.index.log.cosigners = [verifier.at(1_700_000_000)];
    const again: Evidence = { kind: "fork-same-size", notes: [before, note(one.index)] };
    expect(await outcome(one.main.trusted, again)).toBe("PROVES_NOTHING");
  });
});

test("any one byte of a file that is changed is refused, or says the same", async () => {
  const scene = lying(without(purl));
  await changeBytes(scene.main.trusted, omission(purl, scene.about([purl, OPAQUE], 4)), 2);
  const { log, position } = scene.index;
  log.append(encodeIndexLeaf({ ...position.leaf, keys: 1 }));
  const at = (leafIndex: number): PlacedLeaf => ({
    checkpoint: fromUtf8(log.checkpoint()) ?? "",
    leafIndex,
    leaf: log.leaves[leafIndex] ?? new Uint8Array(0),
    hashes: log.proof(leafIndex),
  });
  const evidence: Evidence = { kind: "index-contradiction", leaves: [at(1), at(2)] };
  await changeBytes(scene.main.trusted, evidence, 1);
});
