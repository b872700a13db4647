/** Clients at the step from one index of a log to the next: what they believe, and what of a lie. */
import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { followIndex } from "../../../client/lookup/follow-index.ts";
import { ownKeys, readIndexEnds, withEnds } from "../../../client/lookup/index-ends.ts";
import { verifiersOf } from "../../../client/lookup/index-log.ts";
import { openLookup } from "../../../client/lookup/offline.ts";
import { verifyLookup } from "../../../client/lookup/verify.ts";
import { type Memory, volatileMemory } from "../../../client/memory.ts";
import type { TrustedLog } from "../../../client/trust.ts";
import { utf8 } from "../../../schema/bytes.ts";
import { LOG_PAYLOAD_TYPE } from "../../../schema/entry/log-statement.ts";
import { type Result, unwrap } from "../../../schema/error.ts";
import { type Generation, INDEX_V1, indexOrigin } from "../../../schema/index/generation.ts";
import type { EndOfIndex, StatedEnd } from "../../../schema/index/index-end.ts";
import { formatLookup, type Lookup, type LookupKey } from "../../../schema/index/lookup.ts";
import { initialState } from "../../../schema/index/re-execute.ts";
import type { Policy } from "../../../schema/tlog/quorum.ts";
import { parsePolicy } from "../../../schema/tlog/tlog-policy.ts";
import { BOTH, INDEX_V2 } from "../../server/index/second.ts";
import * as made from "../../vectors/signers.ts";
import * as say from "../../vectors/statements.ts";
import { TestLog } from "../test-log.ts";
import { TestWitness } from "../test-witness.ts";
import { TestIndex } from "./test-index.ts";

const { sha256 } = nodeCrypto;
const ada = made.ed25519Signer("ada");
const COMMIT = new Uint8Array(Buffer.from(say.COMMIT, "hex"));
const commit: LookupKey = { type: "subject", fields: ["gitCommit", COMMIT] };
const V1 = indexOrigin("log.test", INDEX_V1);
const V2 = indexOrigin("log.test", INDEX_V2);

interface Step {
  readonly main: TestLog;
  readonly v1: TestIndex;
  readonly v2: TestIndex;
  /** As the log has stated it. */
  readonly end: EndOfIndex;
  /** Index of the statement. */
  readonly statement: number;
}

/** Both indexes have all; the first one ends; the log, and with it the second, goes on. */
async function step(change: Partial<EndOfIndex> = {}): Promise<Step> {
  const main = new TestLog("log.test");
  const review = (verdict: string): void =>
    void main.submit(
      made.dsseSubmission(
        "application/vnd.in-toto+json",
        say.payload(say.review({ verdict })),
        ada,
      ),
    );
  review("approve");
  const [v1, v2] = [new TestIndex(main).grow(), new TestIndex(main, INDEX_V2).grow()];
  const end = {
    indexOrigin: V1,
    leaves: v1.log.size,
    entries: main.size,
    successor: V2,
    ...change,
  };
  const [said] = main.submit(await main.endStatement(end));
  review("reject");
  v2.grow();
  return { main, v1, v2, end, statement: said?.index ?? expect.fail("no statement") };
}

async function judge(
  log: TrustedLog,
  generation: Generation,
  lookup: Lookup,
  keys: readonly LookupKey[] = [commit],
): Promise<string> {
  const ports = { crypto: nodeCrypto, log, verifiers: [], generation };
  const verdict = await verifyLookup(ports, formatLookup(lookup), keys);
  if (verdict.ok) return `complete up to ${verdict.main.tree.size}`;
  return "message" in verdict.refusal
    ? `${verdict.refusal.code}: ${verdict.refusal.message}`
    : verdict.refusal.code;
}

describe("an index that has ended", () => {
  test("X8 is complete up to its end, and the one after it up to now", async () => {
    const { main, v1, v2, end } = await step();
    const log = withEnds(main.trusted, [end]);
    expect(await judge(log, INDEX_V1, v1.lookup([commit]))).toBe(`complete up to ${end.entries}`);
    expect(await judge(log, INDEX_V2, v2.lookup([commit]))).toBe(`complete up to ${main.size}`);
    const ports = { crypto: nodeCrypto, log, verifiers: [], generation: INDEX_V1 };
    const answer = await verifyLookup(ports, formatLookup(v1.lookup([commit])), [commit]);
    expect(answer).toMatchObject({ ok: true, end: { leaves: end.leaves, successor: V2 } });
  });

  test("X8 that goes on is refused, by whoever knows the end", async () => {
    const { main, v1, end } = await step();
    v1.grow();
    const lookup = v1.lookup([commit]);
    expect(await judge(withEnds(main.trusted, [end]), INDEX_V1, lookup)).toBe(
      `INDEX_ENDED: its leaf ${end.leaves} comes after the end: it has ${end.leaves} leaves for good`,
    );
    expect(await judge(main.trusted, INDEX_V1, lookup)).toBe(`complete up to ${main.size}`);
  });

  test("X8 that goes on is refused by its verifiers, who read the statement under its leaf", async () => {
    const { main, v1, v2, statement } = await step();
    v1.grow();
    const follow = async (index: TestIndex): Promise<unknown[]> => {
      const { generation } = index;
      const ports = {
        crypto: nodeCrypto,
        generation,
        log: main.trusted,
        transport: index.source(),
      };
      const start = initialState(sha256, generation.id, "log.test");
      return Array.fromAsync(followIndex(ports, start, index.log.size));
    };
    expect(await follow(v1)).toMatchObject([
      { state: "accepted", leaf: 1 },
      {
        state: "refused",
        leaf: 2,
        reason: {
          code: "LOG_MISBEHAVED",
          message: `The index goes on after its end: its leaf 2 is over entry ${statement}.`,
        },
      },
    ]);
    expect(await follow(v2)).toMatchObject([{ state: "accepted" }, { state: "accepted" }]);
  });

  test("and the one after it each have verifiers of their own", async () => {
    const { main, v1, v2 } = await step();
    const [old, next] = [new TestWitness("old.example"), new TestWitness("next.example")];
    v1.log.cosigners = [old.at(1_700_000_000)];
    v2.log.cosigners = [next.at(1_700_000_000)];
    const policyOf = ({ vkey }: TestWitness): Policy =>
      unwrap(parsePolicy(sha256, utf8(`witness v ${vkey}\nquorum v\n`)));
    const policies = [{ policy: policyOf(old) }, { policy: policyOf(next), index: 2 }];
    const log = { ...main.trusted, index: policies };
    const verify = async (generation: Generation, index: TestIndex) =>
      verifyLookup(
        { crypto: nodeCrypto, log, verifiers: verifiersOf(log, generation), generation },
        formatLookup(index.lookup([commit])),
        [commit],
      );
    const [a, b] = [await verify(INDEX_V1, v1), await verify(INDEX_V2, v2)];
    expect(a).toMatchObject({ ok: true, verified: { by: ["old.example"] } });
    expect(b).toMatchObject({ ok: true, verified: { by: ["next.example"] } });
    // A quorum for the first index says nothing of the second.
    v2.log.cosigners = [old.at(1_700_000_000)];
    expect(await verify(INDEX_V2, v2)).toMatchObject({
      refusal: { code: "VERIFIERS_TOO_FEW" },
    });
  });

  test("is read out of files that were kept, by the mapfn that each names", async () => {
    const { main, v1, v2, end } = await step();
    const trust = { logs: [withEnds(main.trusted, [end])], people: [], rules: [] };
    const open = async (index: TestIndex, known?: readonly Generation[]) =>
      openLookup(
        { crypto: nodeCrypto, trust, ...(known === undefined ? {} : { known }) },
        formatLookup(index.lookup([commit])),
      );
    for (const index of [v1, v2])
      expect(await open(index, BOTH)).toMatchObject({
        state: "answered",
        answer: { generation: index.generation },
      });
    expect(await open(v2)).toMatchObject({ refusal: { code: "INDEX_LEAF_REFUSED" } });
    v1.grow();
    expect(await open(v1, BOTH)).toMatchObject({ refusal: { code: "INDEX_ENDED" } });
  });

  test("cannot be taken for the one after it, or the other way round", async () => {
    const { main, v1, v2 } = await step();
    const another = "INDEX_LEAF_REFUSED: The index follows another mapfn.";
    expect(await judge(main.trusted, INDEX_V1, v2.lookup([commit]))).toBe(another);
    expect(await judge(main.trusted, INDEX_V2, v1.lookup([commit]))).toBe(another);
    // The second mapfn's leaves under the first one's name, and the first one's under the second's.
    const renamed = new TestIndex(main, INDEX_V2, V1).grow();
    expect(await judge(main.trusted, INDEX_V1, renamed.lookup([commit]))).toBe(another);
    expect(await judge(main.trusted, INDEX_V2, renamed.lookup([commit]))).toMatch(
      /^INDEX_HEAD_REFUSED/,
    );
  });
});

describe("where indexes end, by the log's own word", () => {
  async function ends(
    { main, v2 }: Pick<Step, "main" | "v2">,
    memory: Memory = volatileMemory(),
  ): Promise<Result<readonly StatedEnd[]>> {
    const keys = ownKeys(sha256, main.trusted);
    const ports = { crypto: nodeCrypto, log: main.trusted, verifiers: [], generation: INDEX_V2 };
    const answer = await verifyLookup(ports, formatLookup(v2.lookup(keys)), keys);
    if (!answer.ok) return expect.fail(answer.refusal.code);
    return readIndexEnds({ crypto: nodeCrypto, log: main.trusted, memory }, BOTH, answer);
  }

  test("is read with proof out of the index that goes on", async () => {
    const at = await step();
    const read = unwrap(await ends(at));
    expect(read).toMatchObject([{ ...at.end, statement: at.statement }]);
    const log = withEnds(at.main.trusted, read);
    at.v1.grow();
    expect(await judge(log, INDEX_V1, at.v1.lookup([commit]))).toMatch(/^INDEX_ENDED/);
  });

  test("X8 a second statement that says something else is two words of one log", async () => {
    const at = await step();
    at.main.submit(await at.main.endStatement({ ...at.end, leaves: at.end.leaves + 1 }));
    at.v2.grow();
    const two = await ends(at);
    expect(two).toMatchObject({ code: "LOG_MISBEHAVED" });
    expect(two.ok ? "" : two.message).toContain("in two ways");
  });

  test("X8 an end below a head that was seen is refused", async () => {
    const at = await step({ leaves: 1, entries: 0 });
    const memory = volatileMemory();
    const { log } = at.v1;
    const next = { size: log.size, checkpoint: log.checkpoint() };
    await memory.replace([log.vkey], undefined, next);
    const below = await ends(at, memory);
    expect(below).toMatchObject({ code: "LOG_MISBEHAVED" });
    expect(below.ok ? "" : below.message).toContain(`signed a head of ${log.size}`);
    expect(unwrap(await ends(at))).toHaveLength(1);
  });

  test("L1 is said by nobody else", async () => {
    const at = await step();
    const main = new TestLog("log.test", at.main.key);
    const said = await main.endStatement(at.end);
    if (said.kind !== "dsse") return expect.fail("no envelope");
    const payload = new Uint8Array(Buffer.from(said.envelope.payload, "base64"));
    main.submit(made.dsseSubmission(LOG_PAYLOAD_TYPE, payload, ada));
    const v2 = new TestIndex(main, INDEX_V2).grow();
    expect(unwrap(await ends({ main, v2 }))).toEqual([]);
    main.submit(said);
    v2.grow();
    expect(unwrap(await ends({ main, v2 }))).toHaveLength(1);
  });
});
