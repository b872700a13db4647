/**
 * The main job in one command: `npm run quickstart`, or `npm run quickstart -- --repo PATH`.
 *
 * A real log, real git, real signatures, every step by the command line that users have; then
 * everything is checked offline, and two attacks are shown to fail. All of it happens in one
 * new folder, which stays for looking around. The log's origin is unique, so that two runs never
 * look like one log that forked.
 */
import { createHash } from "node:crypto";
import { cpSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { fork, tamper } from "./quickstart/attacks.ts";
import { field, generate, initLog, type Key, makeLog, writeTrust } from "./quickstart/log.ts";
import { makeRepository } from "./quickstart/repository.ts";
import { freePort, good, MAIN, quoted, say, step, Workplace } from "./quickstart/tools.ts";
import { startWitnesses } from "./quickstart/witnesses.ts";

const URI = "https://example.org/hello.git";
const COMMON = "--trust trust.toml --receipts receipts";
/** Receipts of a large repository that are checked one by one; the rules read all of them. */
const MAX_ONE_BY_ONE = 10;

const { values } = parseArgs({ options: { repo: { type: "string" } } });
const started = performance.now();
const work = new Workplace();

try {
  await quickstart();
} catch (error) {
  work.abandon();
  const why = error instanceof Error ? error.message : String(error);
  console.error(`\nThe quickstart failed: ${why}\nWhat it made is in ${work.folder}`);
  process.exitCode = 2;
}

async function quickstart(): Promise<void> {
  console.log("Signed commits, reviews and builds, in a log that nobody has to trust.");
  console.log(`Everything happens in ${work.folder}`);
  step("Four keys: Ada writes, Bob reviews, two builders build");
  const ada = await generate(work, "ada", "ed25519");
  const bob = await generate(work, "bob", "p256");
  const north = await generate(work, "north", "ed25519");
  const south = await generate(work, "south", "p256");

  step(`A log on SQLite, with an origin of its own: ${work.origin}`);
  const port = await freePort();
  makeLog(work, "log", port);
  const vkey = await initLog(work);
  const witnesses = await startWitnesses(work, vkey);
  makeLog(work, "log", port, work.path("policy"));
  const serve = ["serve", "--config", "log/log.toml"];
  let stop = await work.serve(...serve);
  good(`it serves at http://127.0.0.1:${port} until it is told to stop`);

  const repository =
    values.repo === undefined ? await makeRepository(work, ada, bob) : resolve(values.repo);
  writeTrust(work, vkey, port, []);
  const { commit, author, size } = await importCommits(repository, ada);
  writeTrust(work, vkey, port, [
    { name: "Ada", keys: [author], roles: ["author"] },
    { name: "Bob", keys: [bob.line], roles: ["author", "reviewer"] },
    { name: "North", keys: [north.line], roles: ["builder"] },
    { name: "South", keys: [south.line], roles: ["builder"] },
  ]);
  // A thief's copy of the log, key and guard included. It will tell another story at the end.
  await stop();
  cpSync(work.path("log"), work.path("fork"), { recursive: true });
  stop = await work.serve(...serve);

  await review(repository, commit);
  const artifact = await build(repository, commit, "north", "south");
  await askWitnesses();
  step("Log and witnesses are stopped. From here on nothing is asked of anybody");
  await stop();
  await witnesses.stop();
  good("it answered what was in flight, let go of its store, and ended with status 0");
  await verifyOffline(commit, artifact);
  await tamper(work);
  await fork(work, vkey, size);
  whatNext(commit, artifact, witnesses.lines);
}

interface Imported {
  readonly commit: string;
  /** The key of the commit's author, as a trust file takes it. */
  readonly author: string;
  /** Entries of the log. */
  readonly size: number;
}

async function importCommits(repository: string, ada: Key): Promise<Imported> {
  step("Its signed commits go into the log; nobody signs anything twice");
  // Status 1: in a repository that was brought along some signatures may not verify.
  const { stdout } = await work.countersign(
    `import git ${quoted(shortPath(repository))} ${COMMON}`,
    {
      wanted: [0, 1],
    },
  );
  say(...stdout.trimEnd().split("\n"));
  const size = Number(/the log has (\d+) entries/.exec(stdout)?.[1]);
  const ids = (await work.git("-C", repository, "rev-list", "HEAD")).split("\n");
  const commit = ids.find((id) => existsSync(work.path("receipts", `${id}.receipt.json`)));
  if (commit === undefined || Number.isNaN(size))
    throw new Error(`${repository} has no commit with an SSH signature that can be logged`);
  if (values.repo === undefined) return { commit, author: ada.line, size };
  const receipt = `receipts/${commit}.receipt.json`;
  const shown = await work.countersign(`verify ${receipt} --trust trust.toml --json`);
  say(
    `The newest of them is ${commit}; whoever signed it becomes Ada for this try.`,
    "In earnest you take keys from people, never from a repository or a log.",
  );
  return { commit, author: field(shown.stdout, "signerId"), size };
}

async function review(repository: string, commit: string): Promise<void> {
  step("Bob reviews the newest commit");
  const { stdout } = await work.countersign(
    `attest review ${commit} --repo ${quoted(shortPath(repository))} --uri ${URI} --verdict approve --comment 'Read every line.' --key bob.pem ${COMMON}`,
  );
  good(stdout.trim());
}

/** Each builder makes its own archive; the file of the last one. */
async function build(repository: string, commit: string, ...builders: string[]): Promise<string> {
  step("Two builders build that commit, each by itself");
  const digests = new Set<string>();
  for (const name of builders) {
    const file = work.path(`${name}.tar`);
    await work.git("-C", repository, "archive", "--format=tar", `--output=${file}`, commit);
    digests.add(createHash("sha256").update(readFileSync(file)).digest("hex"));
    const { stdout } = await work.countersign(
      `attest build --input gitCommit=${commit} --artifact hello.tar=${name}.tar --operator ${name} --system any --key ${name}.pem ${COMMON}`,
    );
    good(stdout.trim());
  }
  if (digests.size !== 1) throw new Error("the builds differ");
  return `${builders.at(-1) ?? ""}.tar`;
}

async function askWitnesses(): Promise<void> {
  step("The witnesses are asked, past the log: do they see what it shows us?");
  const { stdout } = await work.countersign("update --gossip --trust trust.toml");
  say(...stdout.trimEnd().split("\n"));
}

async function verifyOffline(commit: string, artifact: string): Promise<void> {
  step("Everything is verified offline: the commit, the artifact, the receipts");
  say(...lines((await work.countersign(`verify ${commit} ${COMMON}`)).stdout), "");
  say(...lines((await work.countersign(`verify ${artifact} ${COMMON}`)).stdout), "");
  const all = readdirSync(work.path("receipts")).toSorted();
  const some = all.slice(0, MAX_ONE_BY_ONE);
  for (const name of some)
    await work.countersign(`verify receipts/${name} --trust trust.toml`, { quiet: true });
  good(`${some.length} of ${all.length} receipts, one by one: each entry is under a signed head`);
  say(
    '"not compared": offline, only a head of the remembered size can be held against memory;',
    "`countersign update --receipts receipts` compares the others when the log is at hand.",
  );
}

/** The lines of an answer that are about what was asked, not about other receipts. */
function lines(answer: string): string[] {
  const all = answer.trimEnd().split("\n");
  return all.filter((line) => !/^ {2}(?:not counted:|…)/.test(line));
}

/** As it is typed in the folder of the quickstart. */
function shortPath(path: string): string {
  return path.startsWith(`${work.folder}/`) ? path.slice(work.folder.length + 1) : path;
}

function whatNext(commit: string, artifact: string, witnesses: readonly string[]): void {
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  step(`Done in ${seconds} s. What to do next`);
  say(
    "Everything is still there. In a shell:",
    `  alias countersign="${quoted(process.execPath)} ${quoted(MAIN)}"`,
    `  cd ${quoted(work.folder)} && export XDG_STATE_HOME=$PWD/state`,
    "Ask again, and read the answers as a program would:",
    `  countersign verify ${commit} ${COMMON} --json`,
    `  countersign verify ${artifact} ${COMMON}`,
    "Serve the log again, with its witnesses; in another shell, log a repository of yours:",
    ...witnesses.map((line) => `  ${line}`),
    "  countersign serve --config log/log.toml",
    `  countersign import git PATH ${COMMON}`,
    "Sign your own commits, with a key file or with the key in your ssh-agent:",
    "  countersign key generate -o me.pem",
    `  git config gpg.format ssh; git config gpg.ssh.program ${quoted(work.writeSigner())}`,
    "  git config user.signingKey $PWD/me.pem; git commit -S",
    "Help for everything, with examples:",
    "  countersign --help; countersign verify --help",
    "When you have seen enough:",
    `  rm -r ${quoted(work.folder)}`,
  );
}
