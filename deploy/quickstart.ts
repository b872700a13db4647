/**
 * The main job in one command: `npm run quickstart`, or `npm run quickstart -- --repo PATH`.
 *
 * A real log, real git, real signatures, every step by the command line that users have; then
 * everything is checked offline, and two attacks are shown to fail. All of it happens in one
 * new folder, which stays for looking around. The log's origin is unique, so that two runs never
 * look like one log that forked.
 */
import { createHash, randomBytes } from "node:crypto";
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { freePort, good, MAIN, refused, say, shown, step, Workplace } from "./quickstart-tools.ts";

const { values } = parseArgs({ options: { repo: { type: "string" } } });
const started = performance.now();
const work = new Workplace();
const origin = `quickstart-${randomBytes(4).toString("hex")}.example`;
const trustFile = work.path("trust.toml");
const receipts = work.path("receipts");
const URI = "https://example.org/hello.git";

interface Key {
  readonly file: string;
  readonly line: string;
}

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
    generate("ada", "ed25519"),
    generate("bob", "p256"),
    generate("builder-north", "ed25519"),
    generate("builder-south", "p256"),
  ]);
  step(`A log on SQLite, with an origin of its own: ${origin}`);
  const port = await freePort();
  const config = await makeLog(work.path("log"), port);
  const vkey = await initLog(config);
  let stop = await work.serve(config);
  good(`it serves at http://127.0.0.1:${port} until it is told to stop`);

  const repository =
    values.repo === undefined ? await makeRepository(ada, bob) : resolve(values.repo);
  writeTrust(vkey, port, []);
  const { commit, authorKey } = await importCommits(repository);
  writeTrust(vkey, port, [
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
  await tamper();
  await fork();
  await whatNext(commit, artifact);
}

async function generate(name: string, type: string): Promise<Key> {
  const file = work.path(`${name}.pem`);
  const args = ["key", "generate", "--type", type, "-o", file, "--json"];
  const { stdout } = await work.countersign(args);
  const line = field(stdout, "key");
  good(`${name}: ${line.slice(0, 60)}…`);
  return { file, line };
}

/** The configuration of a log that lives in one folder; its path. */
async function makeLog(folder: string, port: number): Promise<string> {
  const config = join(folder, "log.toml");
  await work.expect(0, "mkdir", ["-p", folder]);
  writeFileSync(
    config,
    [
      "[log]",
      `origin = ${JSON.stringify(origin)}`,
      `key = ${JSON.stringify(join(folder, "log-key.pem"))}`,
      "[storage]",
      `folder = ${JSON.stringify(join(folder, "store"))}`,
      // Beside the store only because this log lives for a minute: see docs/operate.md.
      `guard = ${JSON.stringify(join(folder, "head.guard"))}`,
      "[http]",
      `listen = "127.0.0.1:${port}"`,
      "[metrics]",
      'listen = "off"',
      "[logging]",
      'level = "warn"',
      "",
    ].join("\n"),
  );
  return config;
}

async function initLog(config: string): Promise<string> {
  shown("countersign init --config log/log.toml");
  const { stdout } = await work.countersign(["init", "--config", config, "--json"]);
  const vkey = field(stdout, "vkey");
  good(`its verifier key, which clients pin: ${vkey}`);
  return vkey;
}

/** A repository with five commits by two people and a tag, signed by our own signer. */
async function makeRepository(ada: Key, bob: Key): Promise<string> {
  step("A git repository; every commit signed through gpg.ssh.program = countersign");
  const repository = work.path("hello");
  const signer = work.writeSigner();
  await work.git("config", "--global", "gpg.format", "ssh");
  await work.git("config", "--global", "gpg.ssh.program", signer);
  await work.git("config", "--global", "commit.gpgSign", "true");
  await work.git("config", "--global", "tag.gpgSign", "true");
  await work.git("init", "--quiet", "--initial-branch=main", repository);
  const commits = [
    [ada, "Ada", "hello.txt", "hello\n", "Say hello"],
    [bob, "Bob", "LICENSE", "Apache-2.0\n", "Name the licence"],
    [ada, "Ada", "hello.txt", "hello, world\n", "Greet the world"],
    [bob, "Bob", "build.sh", "tar -c .\n", "Say how it is built"],
    [ada, "Ada", "hello.txt", "hello, world!\n", "Mean it"],
  ] as const;
  const as = (key: Key, name: string): string[] => [
    "-C",
    repository,
    "-c",
    `user.name=${name}`,
    "-c",
    `user.email=${name.toLowerCase()}@example.org`,
    "-c",
    `user.signingKey=${key.file}`,
  ];
  for (const [key, name, file, text, message] of commits) {
    writeFileSync(join(repository, file), text);
    await work.git("-C", repository, "add", file);
    await work.git(...as(key, name), "commit", "--quiet", "--message", message);
  }
  await work.git(...as(ada, "Ada"), "tag", "--message", "The first release", "v1.0");
  writeFileSync(work.path("allowed-signers"), `ada@example.org ${ada.line}\n`);
  await work.git(
    "-C",
    repository,
    "-c",
    `gpg.ssh.allowedSignersFile=${work.path("allowed-signers")}`,
    "verify-commit",
    "HEAD",
  );
  good("5 commits and a tag, and stock git verifies them");
  return repository;
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

interface Person {
  readonly name: string;
  readonly keys: readonly string[];
  readonly roles: readonly string[];
}

function writeTrust(vkey: string, port: number, people: readonly Person[]): void {
  const rule = ["author = true", "reviewers = 1", "builders = 2", ""];
  const lines = [
    "# Whom this machine trusts. Nothing that a log says can change it.",
    "trust = 1",
    "",
    "[[log]]",
    `origin = ${JSON.stringify(origin)}`,
    `vkeys = [${JSON.stringify(vkey)}]`,
    `url = "http://127.0.0.1:${port}/"`,
    "",
    ...people.flatMap(({ name, keys, roles }) => [
      "[[person]]",
      `name = ${JSON.stringify(name)}`,
      `keys = ${JSON.stringify(keys)}`,
      `roles = ${JSON.stringify(roles)}`,
      "",
    ]),
    ...["commit", "artifact"].flatMap((question) => ["[[rule]]", `for = "${question}"`, ...rule]),
  ];
  writeFileSync(trustFile, lines.join("\n"));
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

async function tamper(): Promise<void> {
  step("Attack 1: a receipt is changed by one character");
  const [name = ""] = readdirSync(receipts).toSorted();
  const receipt: unknown = JSON.parse(readFileSync(join(receipts, name), "utf8"));
  for (const [what, path] of [
    ["what was signed", ["content"]],
    ["the entry", ["logEntry", "canonicalizedBody"]],
    ["the proof", ["logEntry", "inclusionProof", "hashes", "0"]],
  ] as const) {
    const file = work.path("tampered.receipt.json");
    writeFileSync(file, JSON.stringify(changed(receipt, path)));
    const { stdout } = await work.countersign(["verify", file, "--trust", trustFile], 1);
    refused(`${what}: ${stdout.trim().split("\n")[0] ?? ""}`);
  }
}

/** A copy in which one character in the middle of a base64 text is another one. */
function changed(value: unknown, path: readonly string[]): unknown {
  const [name, ...rest] = path;
  if (name === undefined) {
    const text = String(value);
    const at = Math.floor(text.length / 2);
    return text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
  }
  if (Array.isArray(value))
    return value.map((item: unknown, i) => (String(i) === name ? changed(item, rest) : item));
  const fields = Object.entries(typeof value === "object" && value !== null ? value : {});
  return Object.fromEntries(
    fields.map(([key, item]) => [key, key === name ? changed(item, rest) : item]),
  );
}

async function fork(): Promise<void> {
  step("Attack 2: the log forks. Its thief has the key, and tells another story from entry 7 on");
  const port = await freePort();
  const config = await makeLog(work.path("fork"), port);
  const stop = await work.serve(config);
  const url = `http://127.0.0.1:${port}/`;
  const mallory = await generate("mallory", "ed25519");
  const thief = { XDG_STATE_HOME: work.path("thief") };
  for (let i = 0; i < 4; i++) {
    const file = work.path(`story-${i}.txt`);
    writeFileSync(file, `another story, part ${i}\n`);
    await work.countersign(
      [
        "sign",
        file,
        "--key",
        mallory.file,
        "--log",
        url,
        "--trust",
        trustFile,
        "--receipts",
        work.path("thief-receipts"),
      ],
      0,
      thief,
    );
  }
  good("the forked log answers, and signs with the very same key");
  shown(`countersign update --log ${url} --trust trust.toml`);
  const { stdout } = await work.countersign(
    ["update", "--log", url, "--trust", trustFile, "--evidence", work.path("evidence")],
    3,
  );
  await stop();
  refused(stdout.trim().split("\n")[0] ?? "");
  const [file = ""] = readdirSync(work.path("evidence"));
  say("The evidence convicts by itself. A fresh process, another machine's memory, no network:");
  shown(`countersign evidence verify evidence/${file} --trust trust.toml`);
  const stranger = { XDG_STATE_HOME: work.path("stranger") };
  const evidence = ["evidence", "verify", work.path("evidence", file), "--trust", trustFile];
  say(...(await work.countersign(evidence, 0, stranger)).stdout.trimEnd().split("\n"));
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

/** A text field anywhere in a JSON answer. */
function field(json: string, name: string): string {
  const found = find(JSON.parse(json), name);
  if (found === undefined) throw new Error(`the answer has no ${name}:\n${json}`);
  return found;
}

function find(value: unknown, name: string): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  for (const [key, item] of Object.entries(value)) {
    const found: string | undefined =
      key === name && typeof item === "string" ? item : find(item, name);
    if (found !== undefined) return found;
  }
  return undefined;
}
