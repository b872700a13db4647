/** An index verifier that is killed at random points, before a log that shows a right and a lying index. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { toHex, utf8 } from "../../schema/bytes.ts";
import { unwrap } from "../../schema/error.ts";
import { parseCheckpoint } from "../../schema/tlog/checkpoint.ts";
import { leafHash } from "../../schema/tlog/hash.ts";
import { parseNote } from "../../schema/tlog/note.ts";
import { formatAddCheckpoint, witnessedCheckpointPath } from "../../schema/tlog/tlog-witness.ts";
import { initWitness } from "../../server/witness/init.ts";
import { serveIndex } from "../client/lookup/serve-index.ts";
import { TestIndex } from "../client/lookup/test-index.ts";
import { logKey, TestLog } from "../client/test-log.ts";
import { NaiveTree } from "../schema/tlog/support.ts";
import { temporaryFolder } from "../server/fixture.ts";
import { ask } from "../server/http/harness.ts";
import * as made from "../vectors/signers.ts";
import { startProcess } from "./witness-killed.ts";

const { sha256 } = nodeCrypto;
const LEAVES = 60;
const LIES_FROM = 6;
const LIVES = 5;
const ada = made.ed25519Signer("ada");

class History {
  readonly index: TestIndex;
  readonly #tree: NaiveTree;

  constructor(index: TestIndex) {
    this.index = index;
    this.#tree = new NaiveTree(index.log.leaves.map((leaf) => leafHash(sha256, leaf)));
  }

  root(size: number): string {
    return toHex(this.#tree.root(0, size));
  }

  body(oldSize: number, size: number): Uint8Array<ArrayBuffer> {
    const proof = oldSize === 0 || oldSize === size ? [] : this.#tree.proof(oldSize, size);
    return formatAddCheckpoint({ oldSize, proof, checkpoint: this.index.log.checkpoint(size) });
  }
}

/** The same log, under the same key, with an index that is right and one that drops postings. */
function rivals(): readonly [History, History] {
  const main = new TestLog("fire.test", logKey());
  const [right, lying] = [new TestIndex(main), new TestIndex(main)];
  for (let leaf = 1; leaf < LEAVES; leaf++) {
    main.submit(made.rawSubmission(utf8(`entry ${leaf}`), ada));
    if (leaf === LIES_FROM) lying.lie = (postings) => postings.slice(1);
    right.grow();
    lying.grow();
  }
  return [new History(right), new History(lying)];
}

test(`W3 ${LIVES} kills at random points: only the index that follows is ever signed, and what was signed is gone on from`, async () => {
  const [right, lying] = rivals();
  const served = await serveIndex(right.index);
  onTestFinished(() => served.close());
  const base = temporaryFolder();
  const folder = join(base, "verifier");
  await initWitness(nodeCrypto, folder, "i.example", ["ed25519"], "index verifier");
  const { vkey, origin } = right.index.main;
  const trust = `trust = 1\n[[log]]\norigin = "${origin}"\nvkeys = ["${vkey}"]\nurl = "${served.url}"\n`;
  writeFileSync(join(base, "trust.toml"), trust);
  const flags = ["--index", "--trust", join(base, "trust.toml")];
  const trouble: string[] = [];
  let newest = 0;

  const press = async (port: number, histories: readonly History[]): Promise<void> => {
    let from = newest;
    for (;;) {
      const history = histories[Math.floor(Math.random() * histories.length)] ?? right;
      served.index = (histories[Math.floor(Math.random() * histories.length)] ?? right).index;
      const to = Math.min(LEAVES, from + Math.floor(Math.random() * 3));
      const body = history.body(Math.min(from, to), to);
      const answer = await ask({ port }, "/add-checkpoint", { method: "POST", body }).catch(
        () => undefined,
      );
      if (answer === undefined) return;
      const { status } = answer;
      if (status === 409) from = Number(answer.body.toString());
      else if (status === 200) {
        if (history.root(to) !== right.root(to)) trouble.push(`a lie of ${to} leaves was signed`);
        newest = Math.max(newest, to);
        from = to;
        if (histories.length === 1 && to === LEAVES) return;
      } else if (status !== 422 && status !== 503)
        trouble.push(`${status} ${answer.body.toString()}`);
    }
  };

  for (let life = 0; life < LIVES; life++) {
    const { child, port, ended } = await startProcess(folder, flags);
    const at = await port;
    if (life === 0) {
      served.index = lying.index;
      const body = lying.body(0, LEAVES);
      const lie = await ask({ port: at }, "/add-checkpoint", { method: "POST", body });
      expect([lie.status, lie.body.toString()]).toEqual([
        422,
        expect.stringContaining(`leaf ${LIES_FROM}: `),
      ]);
    }
    const pressing = press(at, [right, lying]);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 300));
    child.kill("SIGKILL");
    expect(await ended).toBe("SIGKILL");
    await pressing;
  }
  const { child, port, ended } = await startProcess(folder, flags);
  const at = await port;
  if (newest > 0) {
    const path = witnessedCheckpointPath(sha256, right.index.log.origin);
    const shown = unwrap(
      parseCheckpoint(unwrap(parseNote((await ask({ port: at }, path)).body)).text),
    );
    expect(shown.size).toBeGreaterThanOrEqual(newest);
    expect(toHex(shown.root)).toBe(right.root(shown.size));
  }
  await press(at, [right]);
  child.kill("SIGTERM");
  expect(await ended).toBe("0");
  expect(trouble).toEqual([]);
  expect(newest).toBe(LEAVES);
});
