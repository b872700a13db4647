/** An index that is executed again: honest ones are followed, and every lie stops at its leaf. */

import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { committedLeaves } from "../../../client/lookup/erased.ts";
import {
  type Followed,
  type FollowPorts,
  followIndex,
} from "../../../client/lookup/follow-index.ts";
import type { TrustedLog } from "../../../client/trust.ts";
import { unwrap } from "../../../schema/error.ts";
import { INDEX_V1 } from "../../../schema/index/generation.ts";
import {
  encodeIndexLeaf,
  type IndexLeaf,
  parseIndexLeaf,
} from "../../../schema/index/index-leaf.ts";
import { emptyMapRoot } from "../../../schema/index/map.ts";
import { MAPFN_V1 } from "../../../schema/index/mapfn.ts";
import { type Posting, sortPostings } from "../../../schema/index/posting.ts";
import { type IndexState, initialState } from "../../../schema/index/re-execute.ts";
import type { LeafUpdate } from "../../../schema/index/update.ts";
import * as made from "../../vectors/signers.ts";
import * as say from "../../vectors/statements.ts";
import { logKey, TestLog } from "../test-log.ts";
import { policyOf, policyText, TestWitness } from "../test-witness.ts";
import { TestIndex } from "./test-index.ts";

const { sha256 } = nodeCrypto;
const IN_TOTO = "application/vnd.in-toto+json";
const ada = made.ed25519Signer("ada");
const bob = made.ed25519Signer("bob");
const LIAR = 2;

/** Three leaves behind leaf 0; `lie` is told from the second of them on. */
function scene(lie?: TestIndex["lie"], main = new TestLog("log.test", logKey())): TestIndex {
  const index = new TestIndex(main);
  main.submit(made.dsseSubmission(IN_TOTO, say.payload(say.review()), ada));
  index.grow();
  if (lie !== undefined) index.lie = lie;
  main.submit(made.dsseSubmission(IN_TOTO, say.payload(say.build()), bob));
  main.submit(made.dsseSubmission(IN_TOTO, say.payload(say.review({ verdict: "reject" })), ada));
  index.grow();
  main.submit(made.rawSubmission(say.CHECKSUMS, ada));
  return index.grow();
}

function portsOf(
  index: TestIndex,
  log: TrustedLog = index.main.trusted,
  change?: (update: LeafUpdate, leaf: number) => LeafUpdate,
): FollowPorts {
  return { crypto: nodeCrypto, generation: INDEX_V1, transport: index.source(change), log };
}

const start = (): IndexState => initialState(sha256, MAPFN_V1, "log.test");

async function followed(ports: FollowPorts, to: number, state = start()): Promise<Followed[]> {
  return Array.fromAsync(followIndex(ports, state, to));
}

/** The leaves before the lie are accepted, and the one that lies is refused; the reason. */
async function refusal(ports: FollowPorts, leaf = LIAR): Promise<string> {
  const all = await followed(ports, 4);
  expect(all.map(({ state }) => state)).toEqual([
    ...Array.from({ length: leaf - 1 }, () => "accepted"),
    "refused",
  ]);
  const last = all.at(-1);
  return last?.state === "refused" ? last.reason.message : expect.fail("not refused");
}

describe("following an index", () => {
  test("an honest index is accepted to its last leaf, and two verifiers end with the same root", async () => {
    const index = scene();
    for (const _ of ["one", "another"]) {
      const last = (await followed(portsOf(index), 4)).at(-1);
      if (last?.state !== "accepted") expect.fail("refused");
      expect(last.next.leaf).toEqual(index.position.leaf);
      expect(last.next.index.root()).toEqual(index.log.root());
      expect(last.taken).toEqual([]);
    }
  });

  test("whoever stops behind any leaf goes on from there", async () => {
    const index = scene();
    for (const stop of [2, 3]) {
      const last = (await followed(portsOf(index), stop)).at(-1);
      if (last?.state !== "accepted") expect.fail("refused");
      const rest = await followed(portsOf(index), 4, last.next);
      expect(rest.map(({ leaf, state }) => [leaf, state])).toEqual(
        [2, 3].filter((leaf) => leaf >= stop).map((leaf) => [leaf, "accepted"]),
      );
    }
  });

  const postingLies: readonly [string, string, TestIndex["lie"]][] = [
    ["a posting dropped", "2 too few", (postings) => postings.slice(1)],
    [
      "a posting added",
      "2 too many",
      (all) => sortPostings([...all, { key: sha256(Uint8Array.of(1)) }]),
    ],
    [
      "another claim",
      "postings root",
      (all) => all.map((one): Posting => (one.claim ? { ...one, claim: sha256(one.claim) } : one)),
    ],
  ];
  test.each(postingLies)("X3 %s is refused at its leaf: %s", async (_, reason, lie) => {
    expect(await refusal(portsOf(scene(lie)))).toContain(reason);
  });

  const leafLies: readonly [string, (leaf: IndexLeaf) => IndexLeaf, string][] = [
    ["a wrong map root", (leaf) => ({ ...leaf, mapRoot: emptyMapRoot(sha256) }), "map root"],
    ["a wrong number of keys", (leaf) => ({ ...leaf, keys: leaf.keys + 1 }), "number of keys"],
    ["a wrong number of postings", (leaf) => ({ ...leaf, postings: 1 }), "number of postings"],
    ["another mapfn", (leaf) => ({ ...leaf, mapfn: sha256(leaf.mapfn) }), "another mapfn"],
  ];
  test.each(leafLies)("X3 %s is refused with its reason", async (_, lie, reason) => {
    const index = scene();
    const leaf = encodeIndexLeaf(lie(indexLeaf(index)));
    const ports = portsOf(index, undefined, (update, at) =>
      at === 3 ? { ...update, leaf } : update,
    );
    expect(await refusal(ports, 3)).toContain(reason);
  });

  test("X3 a second leaf of one size, and a hidden map, are refused", async () => {
    const index = scene();
    const [first] = index.updates;
    if (first === undefined) expect.fail("no update");
    const again = portsOf(index, undefined, (update, at) => (at === 2 ? first : update));
    expect(await refusal(again)).toContain("as that of the leaf before");
    const hidden = portsOf(index, undefined, (update, at) =>
      at === 2 ? { ...update, tree: new Uint8Array([0, ...indexRootBefore(index)]) } : update,
    );
    expect(await refusal(hidden)).toContain("hides");
  });

  test("a leaf over a head that lacks its witnesses, or over another head, is refused", async () => {
    const index = scene();
    const witness = new TestWitness("w.example.org");
    const asking = { ...index.main.trusted, witnesses: [policyOf(policyText(1, [witness]))] };
    expect(await refusal(portsOf(index, asking), 1)).toContain("witnessed by nobody");
    const note = index.main.checkpoint(1);
    const other = portsOf(index, undefined, (update, at) =>
      at === 2 ? { ...update, main: note } : update,
    );
    expect(await refusal(other)).toContain("names another head");
  });

  test("an erased content is taken at the log's word only in leaves that others stand for", async () => {
    const index = scene();
    index.main.erase(index.entry(1).content ?? expect.fail("no content"));
    const ports = portsOf(index);
    for (const more of [{}, { committed: async () => 3 }]) {
      const all = await followed({ ...ports, ...more }, 4);
      expect(all.map((one) => one.state === "accepted" && one.taken)).toEqual([[], [1], []]);
    }
    const early = { ...ports, committed: async () => 2 };
    expect(await refusal(early)).toContain("Entry 1 is called erased, and nobody stands for");
  });

  test("and others are the quorum of index verifiers that the trust file asks for", async () => {
    const index = scene();
    const [one, two] = [new TestWitness("v1.example.org"), new TestWitness("v2.example.org")];
    const quorum = [policyOf(policyText(2, [one, two]))];
    const leaves = async (log: TrustedLog): Promise<number> => {
      return committedLeaves(portsOf(index, log));
    };
    const asking = { ...index.main.trusted, index: quorum };
    index.log.cosigners = [one.at(1_700_000_000)];
    expect(await leaves(asking)).toBe(0);
    index.log.cosigners = [one, two].map((verifier) => verifier.at(1_700_000_000));
    expect(await leaves(asking)).toBe(4);
    expect(await leaves(index.main.trusted)).toBe(0);
  });

  test("fewer updates than were asked for are no answer", async () => {
    const index = scene();
    index.updates.pop();
    await expect(followed(portsOf(index), 4)).rejects.toMatchObject({ code: "RESPONSE_INVALID" });
  });
});

/** The newest leaf of an honest index. */
function indexLeaf({ position }: TestIndex): IndexLeaf {
  return position.leaf;
}

/** The map's root before leaf 2, out of leaf 1. */
function indexRootBefore(index: TestIndex): Uint8Array {
  const [first] = index.updates;
  return first === undefined
    ? expect.fail("no update")
    : unwrap(parseIndexLeaf(first.leaf)).mapRoot;
}
