/** An index verifier in this process: what it executes before it cosigns, and what it refuses. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { openCosignatures } from "../../../client/cosignature.ts";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import type { Source } from "../../../client/fetch.ts";
import { concat, toHex, utf8 } from "../../../schema/bytes.ts";
import { LogError, unwrap } from "../../../schema/error.ts";
import { indexPrefix } from "../../../schema/index/generation.ts";
import { parseIndexState } from "../../../schema/index/index-state.ts";
import type { LeafUpdate } from "../../../schema/index/update.ts";
import { leafHash } from "../../../schema/tlog/hash.ts";
import { parseNote } from "../../../schema/tlog/note.ts";
import { formatAddCheckpoint } from "../../../schema/tlog/tlog-witness.ts";
import { IndexExecutor } from "../../../server/verifier/executor.ts";
import { parseTrustedIndexes } from "../../../server/verifier/trusted-logs.ts";
import { witnessClock } from "../../../server/witness/clock.ts";
import { initWitness, LOGS_FILE, openCosigners } from "../../../server/witness/init.ts";
import { WitnessState } from "../../../server/witness/state.ts";
import { originId } from "../../../server/witness/state-file.ts";
import { type AddAnswer, Witness } from "../../../server/witness/witness.ts";
import { TestIndex } from "../../client/lookup/test-index.ts";
import { logKey, TestLog } from "../../client/test-log.ts";
import { policyTable, policyText, TestWitness } from "../../client/test-witness.ts";
import { NaiveTree } from "../../schema/tlog/support.ts";
import * as made from "../../vectors/signers.ts";
import * as say from "../../vectors/statements.ts";
import { temporaryFolder } from "../fixture.ts";
import { BOTH, INDEX_V2 } from "../index/second.ts";
import { rejectionOf } from "../refusal.ts";
import { newWitness, startWitness } from "../witness/support.ts";

const { sha256 } = nodeCrypto;
const ada = made.ed25519Signer("ada");
const NOW = 1_790_000_000_000;

/** Three leaves behind leaf 0; the index lies from the second of them on, where it is told to. */
function scene(lie?: TestIndex["lie"]): TestIndex {
  const index = new TestIndex(new TestLog("log.test", logKey()));
  for (const [i, text] of ["one", "two", "three"].entries()) {
    index.main.submit(made.rawSubmission(concat(say.CHECKSUMS, utf8(text)), ada));
    if (i === 1 && lie !== undefined) index.lie = lie;
    index.grow();
  }
  return index;
}

interface Verifier {
  readonly ask: (size: number, old?: number) => Promise<AddAnswer>;
  readonly state: WitnessState;
  readonly read: string[];
  readonly refused: string[];
  readonly close: () => void;
}

interface Around {
  readonly folder?: string;
  readonly change?: (update: LeafUpdate, leaf: number) => LeafUpdate;
  readonly trust?: string;
  readonly answerMs?: number;
  readonly runMs?: number;
  readonly source?: (honest: Source) => Source;
}

function trustOf({ main }: TestIndex, more = ""): string {
  return `trust = 1\n[[log]]\norigin = "${main.origin}"\nvkeys = ["${main.vkey}"]\nurl = "https://log.test/"\n${more}`;
}

async function newFolder(): Promise<string> {
  const folder = join(temporaryFolder(), "verifier");
  await initWitness(nodeCrypto, folder, "i.example", ["ed25519"], "index verifier");
  return folder;
}

async function verifier(index: TestIndex, around: Around = {}): Promise<Verifier> {
  const { change, trust = trustOf(index), answerMs = 20_000, runMs = 20_000 } = around;
  const { source = (one: Source): Source => one } = around;
  const folder = around.folder ?? (await newFolder());
  const state = WitnessState.open(folder);
  let isOpen = true;
  const close = (): void => {
    if (isOpen) state.close();
    isOpen = false;
  };
  onTestFinished(close);
  const cosigners = await openCosigners(nodeCrypto, folder, state.vkeys);
  const own = cosigners.map(({ vkey }) => vkey);
  const logs = unwrap(parseTrustedIndexes(sha256, utf8(trust), own, BOTH));
  const read: string[] = [];
  const refused: string[] = [];
  const honest = index.source(change);
  const counted = source({
    url: honest.url,
    get: async (path, max) => {
      read.push(path);
      return honest.get(path, max);
    },
  });
  const executor = new IndexExecutor({
    crypto: nodeCrypto,
    state,
    logs: () => logs,
    reach: () => counted,
    answerMs,
    runMs,
    onRefused: (_, reason) => void refused.push(reason),
  });
  const witness = new Witness({
    crypto: nodeCrypto,
    state,
    cosigners,
    logs: () => logs,
    clock: witnessClock({ wall: () => NOW, monotonic: () => 0, newest: () => state.newestTime }),
    admit: async () => {},
    execute: (last, next) => executor.execute(last, next),
    onFatal: (reason) => {
      throw reason;
    },
    onContradiction: () => {},
  });
  const tree = new NaiveTree(index.log.leaves.map((leaf) => leafHash(sha256, leaf)));
  return {
    state,
    read,
    refused,
    close,
    ask: (size, oldSize = state.head(originId(index.log.origin))?.size ?? 0) =>
      witness.addCheckpoint(
        formatAddCheckpoint({
          oldSize,
          proof: oldSize === 0 || oldSize === size ? [] : tree.proof(oldSize, size),
          checkpoint: index.log.checkpoint(size),
        }),
      ),
  };
}

/** The one reason for which a checkpoint was refused; nothing was written for it. */
async function refusal({ ask, state, refused }: Verifier, size: number): Promise<string> {
  const answer = await ask(size);
  expect(answer).toMatchObject({ status: 422 });
  expect(state.count()).toBe(0);
  return refused.at(-1) ?? "";
}

describe("an index verifier", () => {
  test("W3 two indexes of one log are two logs to it: each is executed from its own leaf 0", async () => {
    const [v1, folder] = [scene(), await newFolder()];
    const v2 = new TestIndex(v1.main, INDEX_V2).grow();
    for (const index of [v1, v2]) {
      const one = await verifier(index, { folder });
      expect(await one.ask(index.log.size)).toMatchObject({ status: 200 });
      expect(one.read).toContain(`${indexPrefix(index.generation)}/update/1-${index.log.size}`);
      one.close();
    }
    // The leaves of one under the name of the other.
    const renamed = new TestIndex(v1.main, INDEX_V2, v1.log.origin).grow();
    const other = await verifier(renamed);
    expect(await refusal(other, renamed.log.size)).toContain("mapfn");
  });

  test("W3 cosigns a head whose every leaf it has executed, and goes on from there after a restart", async () => {
    const index = scene();
    const folder = await newFolder();
    const first = await verifier(index, { folder });
    const answer = await first.ask(2);
    if (answer.status !== 200) expect.fail("not cosigned");
    const note = unwrap(parseNote(concat(index.log.checkpoint(2), utf8(answer.lines))));
    const keys = (await openCosigners(nodeCrypto, folder, first.state.vkeys)).map(
      (one) => one.vkey,
    );
    expect(unwrap(await openCosignatures(nodeCrypto, note, keys))).toHaveLength(1);
    first.close();

    const second = await verifier(index, { folder });
    expect(await second.ask(4)).toMatchObject({ status: 200 });
    expect(second.read).toContain("/index/v1/update/2-4");
    const kept = second.state.executed(originId(index.log.origin)) ?? new Uint8Array(0);
    expect(kept.length).toBeLessThan(5_000);
    const { index: executed } = unwrap(parseIndexState(sha256, kept));
    expect(toHex(executed.root())).toBe(toHex(index.log.root()));
    // What is durable is not read again.
    second.read.length = 0;
    expect(await second.ask(4)).toMatchObject({ status: 200 });
    expect(second.read).toEqual([]);
  });

  test("W3 an erased content is taken at the log's word in its past alone, or where others have signed the leaf", async () => {
    const index = scene();
    const early = await verifier(index);
    expect(await early.ask(2)).toMatchObject({ status: 200 });
    index.main.erase(index.entry(1).content ?? expect.fail("no content"));
    // It was there when the leaf over it came, or so it should have been.
    expect(await early.ask(4)).toMatchObject({ status: 422 });
    expect(early.refused.at(-1)).toContain("Entry 1 is called erased");
    expect(await (await verifier(index)).ask(4)).toMatchObject({ status: 200 });
    const other = new TestWitness("v.example.org");
    const trust = trustOf(index, policyTable(policyText(1, [other]), "", "index"));
    const late = await verifier(index, { trust });
    expect(await late.ask(2)).toMatchObject({ status: 200 });
    expect(await late.ask(4)).toMatchObject({ status: 422 });
    index.log.cosigners = [other.at(NOW / 1_000)];
    expect(await late.ask(4)).toMatchObject({ status: 200 });
  });

  test("W3 a posting that is dropped, a hidden map and a leaf beside its checkpoint get no cosignature", async () => {
    expect(await refusal(await verifier(scene((postings) => postings.slice(1))), 4)).toMatch(
      /^leaf 2: .*number of postings/,
    );
    const hides = (update: LeafUpdate, leaf: number): LeafUpdate =>
      leaf === 3 ? { ...update, tree: new Uint8Array([0, ...new Uint8Array(32)]) } : update;
    expect(await refusal(await verifier(scene(), { change: hides }), 4)).toMatch(/^leaf 3: /);
    const index = scene();
    const other = scene();
    const verifying = await verifier(index);
    index.updates.splice(0, 3, ...other.updates);
    index.main.leaves.splice(0, 3, ...other.main.leaves);
    expect((await verifying.ask(4)).status).not.toBe(200);
    expect(verifying.state.count()).toBe(0);
  });

  test("W3 a leaf over a head without the witnesses of the trust file is refused", async () => {
    const index = scene();
    const asking = policyTable(policyText(1, [new TestWitness("w.example.org")]));
    const verifying = await verifier(index, { trust: trustOf(index, asking) });
    expect(await refusal(verifying, 4)).toContain("witnessed by nobody");
  });

  test("W3 what could not be read is no answer, and is asked for again", async () => {
    const index = scene();
    let isGone = true;
    const source = (honest: Source): Source => ({
      ...honest,
      get: async (path, max) => {
        if (isGone && path.includes("tile/content"))
          throw new LogError("UNREACHABLE", "the log is gone");
        return honest.get(path, max);
      },
    });
    const verifying = await verifier(index, { source });
    const refused = await rejectionOf(verifying.ask(3));
    expect(refused).toMatchObject({ code: "NOT_EXECUTED", detail: { retryAfter: 2 } });
    expect(refused.message).toContain("the log is gone");
    expect(verifying.state.count()).toBe(0);
    isGone = false;
    expect(await verifying.ask(3)).toMatchObject({ status: 200 });
  });

  test("a way that is long is answered before its end, and walked on", async () => {
    const index = scene();
    const open = Promise.withResolvers<void>();
    const source = (honest: Source): Source => ({
      ...honest,
      get: async (path, max) => {
        await open.promise;
        return honest.get(path, max);
      },
    });
    const verifying = await verifier(index, { source, answerMs: 1 });
    expect((await rejectionOf(verifying.ask(4))).code).toBe("NOT_EXECUTED");
    open.resolve();
    for (;;) {
      const answer = await verifying.ask(4).catch((error: LogError) => error.code);
      if (answer !== "NOT_EXECUTED") {
        expect(answer).toMatchObject({ status: 200 });
        break;
      }
    }
    const updates = verifying.read.filter((path) => path.includes("/update/"));
    expect(updates).toEqual(["/index/v1/update/1-4"]);
  });

  test("a log that has had its time is read no further", async () => {
    const verifying = await verifier(scene(), { runMs: 0 });
    const refused = await rejectionOf(verifying.ask(4));
    expect(refused).toMatchObject({ code: "NOT_EXECUTED", detail: { retryAfter: 2 } });
    expect(refused.message).toContain("too long");
    expect([verifying.read, verifying.state.count()]).toEqual([[], 0]);
  });

  test("an index under another key than the log's is not opened", async () => {
    const verifying = await verifier(scene(), { trust: trustOf(scene()) });
    expect(await verifying.ask(4)).toMatchObject({ status: 403 });
    expect(verifying.read).toEqual([]);
  });
});

describe("one key is never a witness and an index verifier", () => {
  test("a folder is one or the other from the beginning", async () => {
    const folder = await newFolder();
    expect(existsSync(join(folder, LOGS_FILE))).toBe(false);
    expect(await rejectionOf(startWitness(folder))).toMatchObject({
      code: "CONFIG_INVALID",
      detail: { field: "index" },
    });
    const witness = await newWitness([]);
    const flags = { index: "true", trust: "trust.toml" };
    expect(await rejectionOf(startWitness(witness, flags))).toMatchObject({
      code: "CONFIG_INVALID",
      detail: { field: "index" },
    });
  });

  test("a trust file in which its key is a witness, or that says no place of a log, is refused", async () => {
    const index = scene();
    const folder = await newFolder();
    const state = WitnessState.open(folder);
    onTestFinished(() => state.close());
    const own = (await openCosigners(nodeCrypto, folder, state.vkeys)).map(({ vkey }) => vkey);
    const policy = `witness me ${state.vkeys[0]}\nquorum me\n`;
    for (const text of [
      trustOf(index, policyTable(policy)),
      trustOf(index).replace(/url = .*\n/, ""),
      "trust = 2\n",
    ])
      expect(parseTrustedIndexes(sha256, utf8(text), own)).toMatchObject({
        ok: false,
        code: "TRUST_INVALID",
      });
  });
});
