/**
 * Valid look-up bundles of every kind with one byte changed, over every byte and more: none is
 * accepted. But for the few bytes that nothing commits to, by design; then the answer is the same:
 *
 * - the line feed at the end, in whose place other white space may stand;
 * - in a signed note, the line of a signer whom the trust file does not name: anybody may cosign.
 *
 * The seed is printed, and `FUZZ_SEED` repeats a run.
 */

import { beforeAll, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../client/crypto/node.ts";
import type { LookupPorts, LookupVerdict } from "../../client/lookup/verdict.ts";
import { verifyLookup } from "../../client/lookup/verify.ts";
import { fromUtf8 } from "../../schema/bytes.ts";
import { INDEX_V1 } from "../../schema/index/generation.ts";
import { formatLookup, type LookupKey } from "../../schema/index/lookup.ts";
import { TestIndex } from "../client/lookup/test-index.ts";
import { newSigner, review, signedCommit, TestLog } from "../client/test-log.ts";
import { policyOf, policyText, TestWitness } from "../client/test-witness.ts";
import { generator } from "./generator.ts";

const SEED = Number(process.env["FUZZ_SEED"] ?? Date.now() % 2 ** 31);
const below = generator(SEED);
/** Changes of each bundle; every byte of it is changed at least once. */
const CHANGES = 3_500;

const [witness, verifier] = [new TestWitness("w.example"), new TestWitness("x.example")];
const stranger = new TestWitness("nobody.example");
const NOW = 1_700_000_000;

let index: TestIndex;
let commit: Awaited<ReturnType<typeof signedCommit>>;
let ports: LookupPorts;

beforeAll(async () => {
  const [ada, bob] = [newSigner(), newSigner("p256")];
  const main = new TestLog("log.test").fill(5);
  commit = await signedCommit(ada);
  main.submit(commit.submission);
  main.submit(await review(bob, commit));
  main.cosigners = [witness.at(NOW), stranger.at(NOW)];
  index = new TestIndex(main).grow();
  main.fill(12);
  main.submit(await review(bob, commit, { verdict: "reject" }));
  index.grow();
  index.log.cosigners = [stranger.at(NOW), verifier.at(NOW)];
  ports = {
    crypto: nodeCrypto,
    log: { ...main.trusted, witnesses: [policyOf(policyText(1, [witness]))] },
    verifiers: [policyOf(policyText(1, [verifier]))],
    generation: INDEX_V1,
  };
});

const id = (): Uint8Array => new Uint8Array(Buffer.from(commit.id, "hex"));
const present = (): LookupKey[] => [
  { type: "git-commit", fields: [id()] },
  { type: "subject", fields: ["gitCommit", id()] },
];
const absent: readonly LookupKey[] = ["a", "b", "c"].map((name) => ({
  type: "purl",
  fields: [`pkg:npm/${name}`],
}));

/** Which bytes nothing commits to: the last one, and a stranger's line in both notes. */
function uncovered(bytes: Uint8Array): (at: number) => boolean {
  const text = fromUtf8(bytes) ?? expect.fail("no text");
  const lines = [...text.matchAll(/— nobody\.example [A-Za-z0-9+/=]+/g)].map((found) => {
    const from = Buffer.byteLength(text.slice(0, found.index));
    return [from, from + Buffer.byteLength(found[0])] as const;
  });
  expect(lines).toHaveLength(2);
  return (at) => at === bytes.length - 1 || lines.some(([from, to]) => at >= from && at < to);
}

/** All that a reader gets: notes are given back as they came. */
const answerOf = (verdict: LookupVerdict): unknown =>
  verdict.ok
    ? { ...verdict, main: { ...verdict.main, note: undefined } }
    : expect.fail(verdict.refusal.code);

describe(`one changed byte, seed ${SEED}`, () => {
  test.each<[string, () => LookupKey[], "lists" | "entries" | "summaries"]>([
    [
      "entries of two keys and the absence of three under one multiproof",
      () => [...present(), ...absent],
      "entries",
    ],
    ["lists without entries", present, "lists"],
    ["summaries", present, "summaries"],
    ["absence alone", () => [...absent], "lists"],
  ])("X4 %s", async (_, keysOf, wanted) => {
    const keys = keysOf();
    const valid = formatLookup(index.lookup(keys, wanted));
    const before = answerOf(await verifyLookup(ports, valid, keys));
    const isFree = uncovered(valid);
    const accepted: string[] = [];
    const changes = Math.max(CHANGES, valid.length);
    for (let i = 0; i < changes; i++) {
      // Each byte once, then bytes at random; each to any other byte.
      const at = i < valid.length ? i : below(valid.length);
      const changed = Uint8Array.from(valid);
      changed[at] = (changed[at] ?? 0) ^ (1 + below(255));
      const verdict = await verifyLookup(ports, changed, keys);
      if (!verdict.ok) continue;
      if (isFree(at)) expect(answerOf(verdict), `byte ${at}`).toEqual(before);
      else accepted.push(`byte ${at}: ${valid[at]} became ${changed[at]}`);
    }
    expect(accepted).toEqual([]);
    expect(changes).toBeGreaterThanOrEqual(CHANGES);
  });
});
