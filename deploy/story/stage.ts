/**
 * What the story stands on: people with keys, a log with an index, and a judge who has never seen
 * any of it.
 */
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { field, generate, initLog, makeLog } from "../quickstart/log.ts";
import { freePort, good, MAIN, type Running, say, type Workplace } from "../quickstart/tools.ts";
import { texts } from "../quickstart/witnesses.ts";

/** Who caught a lie, how long after it was told, and what convicts whoever told it. */
export interface Caught {
  readonly by: string;
  readonly seconds: number;
  /** What is proved, and against whom, by a process that had the file and the trust file alone. */
  readonly evidence?: { readonly file: string; readonly kind: string; readonly proves: string };
}

export interface Act {
  readonly lie: string;
  readonly caught: readonly Caught[];
}

export interface Stage {
  readonly work: Workplace;
  readonly vkey: string;
  readonly url: string;
  /** Of those whose statements South watches. */
  readonly keys: readonly string[];
  /** Two commits of the project, the older one first. */
  readonly commits: readonly [string, string];
  /** Files that the builders made. */
  readonly artifact: string;
  log: Running;
  /** What else runs, until the end. */
  readonly ends: (() => Promise<void>)[];
}

export const URI = "https://example.org/tool.git";
export const COMMON = "--trust trust.toml --receipts receipts";
export const SERVE = ["serve", "--config", "log/log.toml"] as const;

/** The log runs, an index verifier executes its index, and a project has two commits. */
export async function openStage(work: Workplace): Promise<Stage> {
  const [port, verifierPort] = [await freePort(), await freePort()];
  makeLog(work, "log", port);
  const vkey = await initLog(work);
  const url = `http://127.0.0.1:${port}/`;
  const [north, south, max] = [
    await generate(work, "north", "ed25519"),
    await generate(work, "south", "p256"),
    await generate(work, "max", "ed25519"),
  ];
  const people = [
    ["North", north, "builder"],
    ["South", south, "builder"],
    ["Max", max, "maintainer"],
  ] as const;
  const trust = [
    `trust = 1\n[[log]]\norigin = "${work.origin}"\nvkeys = ["${vkey}"]\nurl = "${url}"`,
    ...people.map(
      ([name, { line }, role]) =>
        `[[person]]\nname = "${name}"\nkeys = ["${line}"]\nroles = ["${role}"]`,
    ),
    '[[rule]]\nfor = "artifact"\nbuilders = 2\n',
  ];
  writeFileSync(work.path("trust.toml"), trust.join("\n\n"));
  const verifier = await startVerifier(work, verifierPort);
  makeLog(work, "log", port, undefined, [
    "[index]",
    `verifiers = ${JSON.stringify(work.path("verifiers"))}`,
    // Whoever asks for no quorum at all has to say so. The operator will want that.
    "allow_split = true",
  ]);
  const log = await work.start(SERVE, '"url"');
  good(`the log serves at ${url}; verifier.example executes its index`);
  const { commits, artifact } = await makeProject(work);
  const keys = [north.line, max.line];
  return { work, vkey, url, keys, commits, artifact, log, ends: [verifier.stop] };
}

async function startVerifier(work: Workplace, port: number): Promise<Running> {
  const make = "witness init --index --name verifier.example --folder verifier --type ed25519";
  const { stdout } = await work.countersign(`${make} --json`);
  const [line = ""] = texts(stdout, "policy");
  const policy = `${line} http://127.0.0.1:${port}\n`;
  writeFileSync(work.path("verifiers"), `${policy}quorum ${line.split(" ")[1] ?? ""}\n`);
  writeFileSync(work.path("no-verifiers"), `${policy}quorum none\n`);
  const place = ["--folder", "verifier", "--listen", `127.0.0.1:${port}`, "--metrics", "off"];
  return work.start(["witness", "serve", "--index", "--trust", "trust.toml", ...place], '"url"');
}

async function makeProject(work: Workplace): Promise<Pick<Stage, "commits" | "artifact">> {
  const repository = work.path("tool");
  await work.git("init", "--quiet", "--initial-branch=main", repository);
  const commit = async (text: string): Promise<string> => {
    writeFileSync(join(repository, "tool.sh"), text);
    await work.git("-C", repository, "add", "tool.sh");
    const as = ["-c", "user.name=Max", "-c", "user.email=max@example.org"];
    await work.git("-C", repository, ...as, "commit", "--quiet", "--message", text);
    return work.git("-C", repository, "rev-parse", "HEAD");
  };
  const commits = [await commit("echo tool"), await commit("echo something else")] as const;
  const archive = ["archive", "--format=tar", `--output=${work.path("tool.tar")}`, commits[0]];
  await work.git("-C", repository, ...archive);
  return { commits, artifact: "tool.tar" };
}

const PATIENCE_MS = 60_000;

/** Asks until there is an answer. A lie that nobody notices ends the story. */
export async function until<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  const deadline = AbortSignal.timeout(PATIENCE_MS);
  while (!deadline.aborted) {
    const found = await ask();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nobody noticed: ${what}`);
}

/** Seconds since it was made, with two digits. */
export function stopwatch(): () => number {
  const started = performance.now();
  return () => Math.round((performance.now() - started) / 10) / 100;
}

/**
 * A fresh process in an empty folder, with the evidence and the trust file and nothing else: no
 * memory, no network.
 */
export async function judge(
  { work }: Stage,
  file: string,
): Promise<NonNullable<Caught["evidence"]>> {
  mkdirSync(work.path("judges"), { recursive: true });
  const folder = mkdtempSync(work.path("judges", "judge-"));
  const name = basename(file);
  writeFileSync(join(folder, name), readFileSync(resolve(work.folder, file)));
  writeFileSync(join(folder, "trust.toml"), readFileSync(work.path("trust.toml")));
  const line = ["evidence", "verify", name, "--trust", "trust.toml", "--json"];
  const env = { HOME: folder, XDG_STATE_HOME: join(folder, "state") };
  const judged = await work.run(process.execPath, [MAIN, ...line], env, folder);
  if (judged.status !== 0) throw new Error(`${file} proves nothing:\n${judged.stdout}`);
  const kind = field(judged.stdout, "kind");
  const proves = field(judged.stdout, "charge");
  good(`a stranger with ${name} and the trust file: it holds (${kind})`);
  say(`  ${proves}`);
  return { file, kind, proves };
}

export function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
