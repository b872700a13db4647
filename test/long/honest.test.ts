/**
 * The harness of liars, run honestly: what happens to honest people, logs and mirrors all the time,
 * at random and for long, accuses nobody, and everybody is answered in the end.
 *
 * Mirrors lag and catch up; heads are cosigned again, old ones too; entries come as bare digests,
 * and their contents later; builds are irreproducible, builders disagree, refs move; statements
 * are signed again, replaced and withdrawn. The seed is printed, and `FUZZ_SEED` repeats a run.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { nodeCrypto } from "../../client/crypto/node.ts";
import type { Signer } from "../../client/keys/signer.ts";
import { toHex, utf8 } from "../../schema/bytes.ts";
import { prepareSubmission } from "../../schema/entry/prepare.ts";
import { unwrap } from "../../schema/error.ts";
import type { Submission } from "../../schema/http/messages.ts";
import { formatLookup } from "../../schema/index/lookup.ts";
import { TestIndex } from "../client/lookup/test-index.ts";
import { buildResult, newSigner, review, statement, TestLog } from "../client/test-log.ts";
import { TestWitness } from "../client/test-witness.ts";
import {
  aboutCommit,
  bob,
  carol,
  commit,
  executeIndex,
  idOf,
  isComplete,
  lookUp,
  monitor,
  newestHead,
  Rig,
} from "../liars/rig.ts";
import * as made from "../vectors/signers.ts";
import { generator } from "./generator.ts";

const { sha256 } = nodeCrypto;
const ROUNDS = 80;
const SEED = Number(process.env["FUZZ_SEED"] ?? Date.now() % 2 ** 31);
const below = generator(SEED);
const pick = <T>(all: readonly T[]): T => all[below(all.length)] ?? expect.fail("nothing to pick");
const REPO = "https://example.org/repo";
const OUTPUTS = [utf8("an output"), utf8("another output")];
const builders: readonly Signer[] = [newSigner(), newSigner("p256")];

/** A log, and a mirror that has what the log had some time ago. */
class World {
  readonly rig: Rig;
  readonly #mirror: TestIndex;
  readonly #grown: number[] = [];
  readonly #witness = new TestWitness("w.example");
  readonly #verifier = new TestWitness("x.example");
  /** Digest of each reviewer's newest verdict. */
  readonly #last = new Map<Signer, string>();
  #time = 1_700_000_000;
  #count = 0;

  constructor(rig: Rig) {
    this.rig = rig;
    this.#mirror = new TestIndex(new TestLog(rig.main.origin, rig.key));
    this.#grown.push(rig.main.size);
    for (const [i, by] of [bob, carol].entries()) {
      const { content } = rig.main.receipt(2 + i);
      if (content !== undefined) this.#last.set(by, toHex(sha256(content)));
    }
  }

  async act(): Promise<void> {
    const { main, index } = this.rig;
    this.#count += 1;
    await pick([
      () => this.#review(),
      async () => this.#log(await this.#build(pick(builders))),
      async () => this.#log(await refUpdate(pick([bob, carol]), this.#count)),
      () => this.#bareDigest(),
    ])();
    if (below(2) === 0 || main.size === index.position.leaf.main.size) return;
    index.grow();
    this.#grown.push(main.size);
  }

  /** From now on the log answers, or the mirror with what it has by now. */
  serve(): void {
    this.#time += below(100);
    for (const one of [this.rig.index, this.#mirror]) {
      one.main.cosigners = [this.#witness.at(this.#time)];
      one.log.cosigners = [this.#verifier.at(this.#time)];
    }
    if (below(3) === 0) this.#catchUp();
    const lagging = this.#mirror.position.leaf.main.size > 0 && below(3) === 0;
    this.rig.served.index = lagging ? this.#mirror : this.rig.index;
  }

  #log(submission: Submission): Uint8Array {
    const [logged] = this.rig.main.submit(submission);
    return logged?.entry.content ?? expect.fail("no content");
  }

  /** Whoever says something else takes back what they said before. */
  async #review(): Promise<void> {
    const by = pick([bob, carol]);
    const supersedes = this.#last.get(by);
    const verdict = pick(["approve", "reject", "withdraw"]);
    const more = { verdict, comment: `${below(4)}` };
    const changes = supersedes === undefined ? more : { ...more, supersedes };
    const content = this.#log(await review(by, commit, changes));
    this.#last.set(by, toHex(sha256(content)));
  }

  /** One input gives different outputs, by one builder and by two; nobody has promised otherwise. */
  #build(by: Signer): Promise<Submission> {
    return buildResult(by, commit.id, pick(OUTPUTS), { deterministic: false });
  }

  /** Its content comes later, or never. */
  #bareDigest(): Promise<void> {
    const payload = utf8(JSON.stringify({ note: `${below(5)}` }));
    const submission = made.dsseSubmission("application/json", payload, made.p256Signer("ada"));
    const [entry] = unwrap(prepareSubmission(sha256, submission));
    if (entry === undefined) expect.fail("no entry");
    this.rig.main.append(entry.leafBytes, below(2) === 0 ? entry.content : undefined);
    return Promise.resolve();
  }

  /** The mirror takes some of what it lacks: leaf for leaf, and its index at the same heads. */
  #catchUp(): void {
    const mirror = this.#mirror.main;
    // What is not indexed yet may be indexed at any of its heads.
    const indexed = this.rig.index.position.leaf.main.size;
    const to = mirror.size + below(indexed - mirror.size + 1);
    while (mirror.size < to) {
      const { leaf, content } = this.rig.index.entry(mirror.size);
      mirror.appendAgain(leaf, content);
      if (this.#grown.includes(mirror.size)) this.#mirror.grow();
    }
  }
}

function refUpdate(by: Signer, number: number): Promise<Submission> {
  const id = pick(["1", "2"]).repeat(40);
  const subject = [{ name: "refs/heads/main", digest: { gitCommit: id } }];
  const predicate = { repo: { uri: REPO }, ref: "refs/heads/main", old: "0".repeat(40), new: id };
  return statement(by, "urn:countersign:ref-update:v1", subject, { ...predicate, number });
}

let world: World;
beforeAll(async () => {
  world = new World(await Rig.open());
});
afterAll(async () => world.rig.close());

const savedAnswer = async ({ client }: Rig): ReturnType<typeof aboutCommit> =>
  client.countersign("lookup", "--bundle", "saved.lookup.json", "--trust", "trust.toml");

const QUESTIONS = [
  aboutCommit,
  isComplete,
  executeIndex,
  newestHead,
  lookUp("ref", REPO, "refs/heads/main", "--tail"),
  lookUp("signer", idOf(bob)),
  lookUp("claim", "output", "sha256", toHex(sha256(utf8("input"))), "x86_64-linux", "tool"),
  savedAnswer,
  monitor,
];

test(`nobody is accused, seed ${SEED}`, async () => {
  const { rig } = world;
  const keys = [{ type: "opaque", fields: [] }] as const;
  writeFileSync(rig.client.path("saved.lookup.json"), formatLookup(rig.index.lookup(keys)));
  // Bob keeps no receipts here, and would not know what he has signed.
  const config = readFileSync(rig.client.path("monitor.toml"), "utf8");
  writeFileSync(rig.client.path("monitor.toml"), config.replace(/^own = .*$/m, ""));
  let answered = 0;
  for (let round = 0; round < ROUNDS; round++) {
    await world.act();
    world.serve();
    const { status, stdout, stderr } = await pick(QUESTIONS)(rig);
    const text = `round ${round}: ${stdout}${stderr}`;
    // 1 is a rule that is not met, or news for a monitor; 2 a mirror that is known to be behind.
    expect(status, text).toBeLessThan(3);
    expect(text).not.toMatch(/FORKED|MISBEHAVED|REFUSED|CRITICAL|is false|left out/);
    if (status === 2) expect(text).toMatch(/fewer than the|shows an older head/);
    if (status === 0) answered += 1;
  }
  expect(answered).toBeGreaterThan(ROUNDS / 3);
  const files = readdirSync(rig.client.folder, { recursive: true, encoding: "utf8" });
  const left = files.filter((name) => name.endsWith(".evidence.json"));
  expect(
    left.filter((name) => !/(irreproducible|builders-disagree|ref-moved)-/.test(name)),
  ).toEqual([]);
});
