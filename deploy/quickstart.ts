/**
 * The main job in one command: `npm run quickstart`, or `npm run quickstart -- --repo PATH`.
 *
 * A real log, real git, real signatures, every step by the command line that users have; then
 * everything is checked offline, and two attacks are shown to fail. All of it happens in one
 * new folder, which stays for looking around. The log's origin is unique, so that two runs never
 * look like one log that forked.
 */
import { createHash } from "node:crypto";
import { cpSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { fork, tamper } from "./quickstart/attacks.ts";
import { field, generate, initLog, type Key, makeLog, writeTrust } from "./quickstart/log.ts";
import { makeRepository } from "./quickstart/repository.ts";
import { freePort, good, MAIN, say, shown, step, Workplace } from "./quickstart/tools.ts";

const { values } = parseArgs({ options: { repo: { type: "string" } } });
const started = performance.now();
const work = new Workplace();
const { receipts, trust: trustFile } = work;
const URI = "https://example.org/hello.git";

try {
  await quickstart();
} catch (error) {
  work.abandon();
  console.error(
    `\nThe quickstart failed: ${error instanceof Error ? error.message : String(error)}`,
  );
  console.error(`What it made is in ${work.folder}`);
  process.exitCode = 2;
}

async function quickstart(): Promise<void> {
  console.log(
    "Countersign quickstart: signed commits, reviews and builds, in a log nobody has to trust.",
  );
  step("Four keys: Ada writes, Bob reviews, two builders build");
  const [ada, bob, north, south] = await Promise.all([
    generate(work, "ada", "ed25519"),
    generate(work, "bob", "p256"),
    generate(work, "builder-north", "ed25519"),
    generate(work, "builder-south", "p256"),
  ]);
  step(`A log on SQLite, with an origin of its own: ${work.origin}`);
  const port = await freePort();
  const config = makeLog(work, work.path("log"), port);
  const vkey = await initLog(work, config);
  let stop = await work.serve(config);
  good(`it serves at http://127.0.0.1:${port} until it is told to stop`);

  const repository =
    values.repo === undefined ? await makeRepository(work, ada, bob) : resolve(values.repo);
  writeTrust(work, vkey, port, []);
  const { commit, authorKey } = await importCommits(repository);
  writeTrust(work, vkey, port, [
    {
      name: "Ada",
      keys: authorKey === undefined ? [ada.line] : [ada.line, authorKey],
      roles: ["author"],
    },
    { name: "Bob", keys: [bob.line], roles: ["author", "reviewer"] },
    { name: "Builder North", keys: [north.line], roles: ["builder"] },
    { name: "Builder South", keys: [south.line], roles: ["builder"] },
  ]);
  // A thief's copy of the log, key and guard included. It will tell another story in step 10.
  await stop();
  cpSync(work.path("log"), work.path("fork"), { recursive: true });
  stop = await work.serve(config);

  await review(repository, commit, bob);
  const artifact = await build(repository, commit, north, south);
  step("The log is stopped. From here on nothing is asked of anybody");
  await stop();
  good("it drained and ended with status 0");
  await verifyOffline(commit, artifact);
  await tamper(work);
  await fork(work);
  await whatNext(commit, artifact);
}

interface Imported {
  readonly commit: string;
  /** Of a repository that was brought along: who signed, as the log names the key. */
  readonly authorKey: string | undefined;
}

async function importCommits(repository: string): Promise<Imported> {
  step("Its signed commits go into the log; nobody signs anything twice");
  shown(`countersign import git ${repository} --trust trust.toml --receipts receipts`);
  const args = ["import", "git", repository, "--trust", trustFile, "--receipts", receipts];
  const { status, stdout, stderr } = await work.run(process.execPath, [MAIN, ...args]);
  // Status 1: some signatures of a repository that was brought along do not verify.
  if (status > 1) throw new Error(stdout + stderr);
  say(...stdout.trimEnd().split("\n"));
  const logged = new Set(readdirSync(receipts).map((name) => name.replace(".receipt.json", "")));
  const newest = (await work.git("-C", repository, "rev-list", "HEAD")).split("\n");
  const commit = newest.find((id) => logged.has(id));
  if (commit === undefined)
    throw new Error(`no commit of ${repository} has an SSH signature that can be logged`);
  if (values.repo === undefined) return { commit, authorKey: undefined };
  const file = join(receipts, `${commit}.receipt.json`);
  const shownEntry = await work.countersign(["verify", file, "--trust", trustFile, "--json"]);
  const authorKey = field(shownEntry.stdout, "signerId");
  say(
    `Newest logged commit: ${commit}`,
    "Its signer becomes Ada for this try. In earnest you take keys from people, not from repositories.",
  );
  return { commit, authorKey };
}

async function review(repository: string, commit: string, bob: Key): Promise<void> {
  step("Bob reviews the newest commit");
  shown(
    `countersign attest review ${commit.slice(0, 12)} --repo … --verdict approve --key bob.pem --trust trust.toml`,
  );
  const { stdout } = await work.countersign([
    "attest",
    "review",
    commit,
    "--repo",
    repository,
    "--uri",
    URI,
    "--verdict",
    "approve",
    "--comment",
    "Read every line.",
    "--key",
    bob.file,
    "--trust",
    trustFile,
    "--receipts",
    receipts,
  ]);
  good(stdout.trim());
}

async function build(repository: string, commit: string, ...builders: Key[]): Promise<string> {
  step("Two builders build that commit, each by itself");
  const digests = new Set<string>();
  let artifact = "";
  for (const builder of builders) {
    const name = builder.file.replace(/.*[\\/]|\.pem$/g, "");
    artifact = work.path(`${name}.tar`);
    await work.git("-C", repository, "archive", "--format=tar", `--output=${artifact}`, commit);
    digests.add(createHash("sha256").update(readFileSync(artifact)).digest("hex"));
    shown(
      `countersign attest build --input gitCommit=${commit.slice(0, 12)}… --artifact hello.tar=${name}.tar --key ${name}.pem …`,
    );
    const { stdout } = await work.countersign([
      "attest",
      "build",
      "--input",
      `gitCommit=${commit}`,
      "--artifact",
      `hello.tar=${artifact}`,
      "--operator",
      name,
      "--system",
      "any",
      "--key",
      builder.file,
      "--trust",
      trustFile,
      "--receipts",
      receipts,
    ]);
    good(stdout.trim());
  }
  if (digests.size !== 1) throw new Error("the two builds differ");
  return artifact;
}

async function verifyOffline(commit: string, artifact: string): Promise<void> {
  step("Everything is verified offline: the commit, the artifact, every receipt");
  const common = ["--receipts", receipts, "--trust", trustFile];
  shown(`countersign verify ${commit} --receipts receipts --trust trust.toml`);
  say(...lines((await work.countersign(["verify", commit, ...common])).stdout));
  shown(`countersign verify ${artifact} --receipts receipts --trust trust.toml`);
  say(...lines((await work.countersign(["verify", artifact, ...common])).stdout));
  const all = readdirSync(receipts);
  const some = all.slice(0, 10);
  for (const name of some)
    await work.countersign(["verify", join(receipts, name), "--trust", trustFile]);
  good(
    `${some.length} of ${all.length} receipts checked one by one: each is in the log, under its signed head`,
  );
}

/** The lines of an answer that are about what was asked, not about other receipts. */
function lines(answer: string): string[] {
  return answer
    .trimEnd()
    .split("\n")
    .filter((line) => !/^ {2}(?:not counted:|…)/.test(line));
}

async function whatNext(commit: string, artifact: string): Promise<void> {
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  step(`Done in ${seconds} s. What to do next`);
  say(
    "Everything is still there. In a shell:",
    "",
    `  alias countersign='${process.execPath} ${MAIN}'`,
    `  cd ${work.folder} && export XDG_STATE_HOME=$PWD/state`,
    "",
    "Ask again, and read the answers as a program would:",
    `  countersign verify ${commit} --receipts receipts --trust trust.toml --json`,
    `  countersign verify ${artifact} --receipts receipts --trust trust.toml`,
    "Serve the log again, and log your own repository in another shell:",
    "  countersign serve --config log/log.toml",
    "  countersign import git PATH --trust trust.toml --receipts receipts",
    "Sign your own commits with a key of yours, or with the one in your ssh-agent:",
    "  countersign key generate -o me.pem",
    `  git config gpg.format ssh; git config gpg.ssh.program ${work.path("countersign")}`,
    "  git config user.signingKey $PWD/me.pem; git commit -S",
    "All commands, and help for each:",
    "  countersign --help; countersign verify --help",
    "When you have seen enough:",
    `  rm -r ${work.folder}`,
  );
}
