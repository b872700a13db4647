/**
 * The four lies of the story, and how each is caught.
 *
 * Lies are told through the programs that honest people use; the operator's two are made by hand
 * (`operator.ts`). Whoever catches one is a program of its own, with no word of the others.
 */
import { createHash } from "node:crypto";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { subjectKey } from "../../client/lookup/keys.ts";
import { generate } from "../quickstart/log.ts";
import { good, type Outcome, refused, say, step } from "../quickstart/tools.ts";
import { dismissVerifier, dropPosting, forkLog } from "./operator.ts";
import {
  type Act,
  type Caught,
  COMMON,
  judge,
  memberOf,
  type Stage,
  stopwatch,
  URI,
  until,
} from "./stage.ts";
import type { Monitor } from "./watch.ts";

/** Who lies hands the receipt to nobody. */
const KEPT_BACK = "--trust trust.toml --receipts kept-back";

const build = (
  { commits }: Stage,
  who: string,
  artifact: string,
  receipts: string = COMMON,
): string =>
  `attest build --input gitCommit=${commits[0]} --artifact tool.tar=${artifact} --operator ${who} --system any --deterministic --key ${who}.pem ${receipts}`;

const tag = (commit: string, receipts: string = COMMON): string =>
  `attest ref refs/tags/v1.0 --uri ${URI} --new ${commit} --immutable --key max.pem ${receipts}`;

/** Entry of South's build. */
export async function everybodyHonest(stage: Stage): Promise<number> {
  const { work, commits, artifact } = stage;
  step("Two builders promise that their build is deterministic; Max promises that v1.0 stays");
  good((await work.countersign(build(stage, "north", artifact))).stdout.trim());
  const { stdout } = await work.countersign(build(stage, "south", artifact));
  good(stdout.trim());
  good((await work.countersign(tag(commits[0]))).stdout.trim());
  const answer = await work.countersign(`verify ${artifact} ${COMMON} --complete --wait 60`);
  say(...answer.stdout.trimEnd().split("\n"));
  return Number(/^logged as entry (\d+)/.exec(stdout)?.[1]);
}

export async function secondOutput(stage: Stage, monitor: Monitor): Promise<Act> {
  const { work } = stage;
  const lie = "North promised one output of a build, and claims a second one";
  step(`Lie 1: ${lie}`);
  writeFileSync(work.path("other.tar"), "something else came out\n");
  const after = stopwatch();
  good((await work.countersign(build(stage, "north", "other.tar", KEPT_BACK))).stdout.trim());
  const [watched, feed] = await Promise.all([
    monitor.alert("equivocation", after),
    byTheLog(stage, "output-by", after),
  ]);
  const ask = `verify ${stage.artifact} ${COMMON} --complete --wait 60`;
  const { stdout } = await work.countersign(ask, { wanted: [1] });
  const seconds = after();
  refused(firstAbout(stdout, /promise two things/));
  return { lie, caught: [watched, feed, { by: "whoever asks whether all is told", seconds }] };
}

export async function movedTag(stage: Stage, monitor: Monitor): Promise<Act> {
  const lie = "Max promised that v1.0 stays, and moves it by a second ref-update";
  step(`Lie 2: ${lie}`);
  const after = stopwatch();
  good((await stage.work.countersign(tag(stage.commits[1], KEPT_BACK))).stdout.trim());
  const caught = await Promise.all([
    monitor.alert("equivocation", after),
    byTheLog(stage, "ref-by", after),
  ]);
  return { lie, caught };
}

export async function forkedLog(stage: Stage, monitor: Monitor): Promise<Act> {
  const { work, vkey } = stage;
  const lie = "The operator shows one client a history of its own";
  step(`Lie 3: ${lie}`);
  const fork = await forkLog(stage);
  await generate(work, "bob", "ed25519");
  const bob = { XDG_STATE_HOME: work.path("state-of-bob") };
  writeFileSync(work.path("note.txt"), "a note of Bob's\n");
  writeFileSync(work.path("news.txt"), "what everybody else is told\n");
  await work.countersign(`sign news.txt --key south.pem ${COMMON}`);
  const after = stopwatch();
  const line = `sign note.txt --key bob.pem --log ${fork.url} --vkey ${vkey} --receipts of-bob`;
  good(`to Bob alone: ${(await work.countersign(line, { env: bob })).stdout.trim()}`);
  await fork.stop();
  say("", "Bob hands his receipt to somebody who has seen the log:");
  const held = "update --trust trust.toml --receipts of-bob --evidence found";
  const client = await forkedBy(stage, held, "another client, by Bob's receipt", after);
  cpSync(work.path("of-bob"), work.path("watched"), { recursive: true });
  const watched = await monitor.alert("fork-same-size", after);
  say("", "And Bob, once he is no longer kept apart:");
  const again = "update --trust trust.toml --evidence found";
  const himself = await forkedBy(stage, again, "Bob himself, by what he remembers", after, bob);
  return { lie, caught: [client, watched, himself] };
}

export async function droppedPosting(
  stage: Stage,
  monitor: Monitor,
  ofSouth: number,
): Promise<Act> {
  const { work, artifact, commits } = stage;
  const lie = "The operator takes South's build out of the index, and signs the map without it";
  step(`Lie 4: ${lie}`);
  const digest = createHash("sha256")
    .update(readFileSync(work.path(artifact)))
    .digest("hex");
  dropPosting(stage, subjectKey("sha256", digest), ofSouth);
  good(`a row less in its table: entry ${ofSouth} is under subject sha256 no more`);
  const after = stopwatch();
  const shown = await work.countersign(`lookup artifact ${artifact} --trust trust.toml`, {
    wanted: [3],
  });
  refused(shown.stdout.trim());
  const reader = { by: "whoever looks it up: the signed map has it still", seconds: after() };
  // The next statement about the same file makes the index sign what its table says.
  const release = `attest release refs/tags/v1.0 --uri ${URI} --commit ${commits[0]} --artifact tool.tar=${artifact} --key max.pem ${COMMON}`;
  good((await work.countersign(release)).stdout.trim());
  const verifier = await byTheVerifier(stage, after);
  dismissVerifier(stage);
  good("the operator asks the verifier no more, and shows the index without its signature");
  const watched = await monitor.alert("omission", after);
  const tagged = `lookup ref ${URI} refs/tags/v1.0 --trust trust.toml --wait 60 --summary`;
  await work.countersign(tagged);
  const ask = `verify ${artifact} ${COMMON} --complete`;
  const found = await work.countersign(ask, { wanted: [3] });
  const seconds = after();
  refused(firstAbout(found.stdout, /leaves entry/));
  const evidence = await judge(stage, fileIn(found));
  const client: Caught = { by: "South, with the receipt at hand", seconds, evidence };
  const executed = await work.countersign("index verify --trust trust.toml", { wanted: [3] });
  const again = { by: "who executes the index again", seconds: after() };
  refused(executed.stdout.trim());
  return { lie, caught: [reader, verifier, watched, client, again] };
}

/** The verifier does not sign, and the log says why the newest leaf is shown to nobody. */
async function byTheVerifier({ url }: Stage, after: () => number): Promise<Caught> {
  const detail = await until("no index verifier refuses", async () => {
    const { checks } = Object(await (await fetch(new URL("readyz", url))).json());
    const found = [checks].flat().find((one) => memberOf(one, "name") === "index verifiers");
    const text = String(memberOf(found, "detail"));
    return /it refuses/.test(text) ? text : undefined;
  });
  const seconds = after();
  refused(`verifier.example does not sign, and nobody is shown the leaf: ${detail}`);
  return { by: "the index verifier, which does not sign", seconds };
}

/** The contradiction in the log's own feed, and its evidence file. */
async function byTheLog(stage: Stage, slot: string, after: () => number): Promise<Caught> {
  const { work, url } = stage;
  const path = await until(`no ${slot} in the feed`, async () =>
    conflictIn(await (await fetch(new URL("v1/conflicts", url))).json(), slot),
  );
  const bytes = Buffer.from(await (await fetch(new URL(path, url))).arrayBuffer());
  const seconds = after();
  refused(`the log itself: /v1/conflicts, in ${slot}`);
  const file = `${slot}.evidence.json`;
  writeFileSync(work.path(file), bytes);
  return { by: "the log itself", seconds, evidence: await judge(stage, file) };
}

/** Where the evidence is of a contradiction in a slot. */
function conflictIn(feed: unknown, slot: string): string | undefined {
  const items: unknown = memberOf(feed, "items");
  if (!Array.isArray(items)) return undefined;
  const found: unknown = items.find(
    (item: unknown) =>
      memberOf(item, "kind") === "equivocation" &&
      memberOf(memberOf(item, "slot"), "type") === slot,
  );
  const evidence = memberOf(found, "evidence");
  return typeof evidence === "string" ? evidence : undefined;
}

async function forkedBy(
  stage: Stage,
  line: string,
  by: string,
  after: () => number,
  env: Record<string, string> = {},
): Promise<Caught> {
  const found = await stage.work.countersign(line, { wanted: [3], env });
  const seconds = after();
  refused(firstAbout(found.stdout, /FORKED/));
  return { by, seconds, evidence: await judge(stage, fileIn(found)) };
}

/** The file that an answer names. */
function fileIn({ stdout, stderr }: Outcome): string {
  const file = /^evidence: (\S+)$/m.exec(`${stdout}\n${stderr}`)?.[1];
  if (file === undefined) throw new Error(`no evidence was left behind:\n${stdout}${stderr}`);
  return file;
}

function firstAbout(answer: string, what: RegExp): string {
  const line = answer.split("\n").find((one) => what.test(one));
  if (line === undefined) throw new Error(`nothing in it is about ${String(what)}:\n${answer}`);
  return line.trim();
}
