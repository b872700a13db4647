/** Valid look-up bundles with one byte changed, over every byte and more: none is accepted. */
import { expect, test } from "vitest";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { verifyLookup } from "../../client/lookup/verify.ts";
import { formatLookup, type LookupKey } from "../../schema/index/lookup.ts";
import { MAPFN_V1 } from "../../schema/index/mapfn.ts";
import { TestIndex } from "../client/lookup/test-index.ts";
import { newSigner, review, signedCommit, TestLog } from "../client/test-log.ts";
import { policyOf, policyText, TestWitness } from "../client/test-witness.ts";

/** Changes of each bundle: at least; every byte is changed at least once. */
const CHANGES = 10_000;

test("X4 ten thousand single-byte changes of a valid bundle are all refused", async () => {
  const [ada, bob] = [newSigner(), newSigner()];
  const main = new TestLog("log.test").fill(5);
  const commit = await signedCommit(ada);
  main.submit(commit.submission);
  main.submit(await review(bob, commit));
  const index = new TestIndex(main).grow();
  main.fill(12);
  const verifier = new TestWitness("x.example");
  index.grow();
  index.log.cosigners = [verifier.at(1_700_000_000)];
  const id = new Uint8Array(Buffer.from(commit.id, "hex"));
  const keys: LookupKey[] = [
    { type: "git-commit", fields: [id] },
    { type: "subject", fields: ["gitCommit", id] },
    { type: "purl", fields: ["pkg:npm/nothing"] },
  ];
  const ports = {
    crypto: nodeCrypto,
    log: main.trusted,
    verifiers: [policyOf(policyText(1, [verifier]))],
    mapfn: MAPFN_V1,
  };
  const valid = formatLookup(index.lookup(keys));
  expect((await verifyLookup(ports, valid, keys)).ok).toBe(true);
  const accepted: number[] = [];
  const changes = Math.max(CHANGES, valid.length);
  for (let i = 0; i < changes; i++) {
    const at = i % valid.length;
    const changed = Uint8Array.from(valid);
    // Another bit each time round, and never none.
    changed[at] = (changed[at] ?? 0) ^ (1 << ((i + Math.floor(i / valid.length)) % 8));
    if ((await verifyLookup(ports, changed, keys)).ok) accepted.push(at);
  }
  expect(accepted).toEqual([]);
});
