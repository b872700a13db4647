/**
 * Runs a user story (`*.txt`, language in `script.ts`) with the real programs in a folder of
 * its own: real processes, real files, a real log on loopback.
 */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Line, Script } from "./script.ts";
import { expand, parseScript } from "./script.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const MAIN = join(ROOT, "client", "cli", "main.ts");
const COMMAND_MS = 120_000;
const READY_MS = 30_000;
const STOP_MS = 30_000;

interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface Background {
  readonly child: ChildProcess;
  readonly ended: Promise<Outcome>;
  readonly output: () => string;
}

/** Throws with the story's line and everything the last command said. */
export async function runStory(file: string): Promise<void> {
  const script = parseScript(readFileSync(file, "utf8"));
  const story = await Story.open(script);
  try {
    await story.run(script.lines);
  } finally {
    await story.close();
  }
}

class Story {
  readonly #folder: string;
  readonly #variables: Map<string, string>;
  readonly #background = new Map<string, Background>();
  #cwd: string;
  #last: Outcome = { status: 0, stdout: "", stderr: "" };

  private constructor(folder: string, variables: Map<string, string>) {
    this.#folder = folder;
    this.#cwd = folder;
    this.#variables = variables;
  }

  static async open(script: Script): Promise<Story> {
    const folder = mkdtempSync(join(tmpdir(), "countersign-story-"));
    for (const [name, content] of script.files) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), content);
    }
    const bin = join(folder, ".bin");
    mkdirSync(bin);
    // git calls the signer by one path, so it needs a file that runs our Node on our entry.
    writeFileSync(
      join(bin, "countersign"),
      `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`,
      { mode: 0o755 },
    );
    const variables = new Map([
      ["WORK", folder],
      ["NODE", process.execPath],
      ["DROP_POSTING", fileURLToPath(new URL("./drop-posting.ts", import.meta.url))],
      ["COUNTERSIGN", join(bin, "countersign")],
      ["PORT", String(await freePort())],
      ["PORT2", String(await freePort())],
      ["RUN", folder.slice(-6).toLowerCase()],
      ["PATH", `${bin}:${process.env["PATH"] ?? ""}`],
      ["HOME", join(folder, ".home")],
      ["XDG_STATE_HOME", join(folder, ".state")],
      ["GIT_CONFIG_NOSYSTEM", "1"],
      ["GIT_CONFIG_GLOBAL", join(folder, ".gitconfig")],
      ["LC_ALL", "C"],
    ]);
    return new Story(folder, variables);
  }

  async run(lines: readonly Line[]): Promise<void> {
    for (const line of lines)
      try {
        await this.#line(line);
      } catch (cause) {
        const why = cause instanceof Error ? cause.message : String(cause);
        const { status, stdout, stderr } = this.#last;
        throw new Error(
          `line ${line.number}: ${line.text}\n${why}\nlast status ${status}\n--- stdout\n${stdout}\n--- stderr\n${stderr}`,
          { cause },
        );
      }
    for (const name of this.#background.keys()) throw new Error(`"${name}" was never stopped`);
  }

  async close(): Promise<void> {
    for (const { child, ended } of this.#background.values()) {
      child.kill("SIGKILL");
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #line(line: Line): Promise<void> {
    const [verb = "", ...args] = line.words.map((word) => expand(word, this.#variables));
    const builtin = this.#builtins[verb];
    if (builtin !== undefined) return builtin(args, line.negated);
    this.#last = await this.#start(verb, args).ended;
    if (line.negated === (this.#last.status === 0))
      throw new Error(
        line.negated ? "it succeeded although it must not" : `it ended with ${this.#last.status}`,
      );
  }

  /** What a line may begin with that is no program. */
  readonly #builtins: Readonly<
    Record<string, (args: readonly string[], negated: boolean) => void | Promise<void>>
  > = {
    status: ([wanted]) => {
      if (String(this.#last.status) !== wanted) throw new Error(`status ${this.#last.status}`);
    },
    stdout: ([pattern = ""], negated) => expectMatch(this.#last.stdout, pattern, negated),
    stderr: ([pattern = ""], negated) => expectMatch(this.#last.stderr, pattern, negated),
    json: ([path = "", pattern = ""], negated) =>
      expectMatch(fieldOf(this.#last.stdout, path), pattern, negated),
    capture: ([name = "", pattern = ""]) => {
      const found = new RegExp(pattern, "m").exec(this.#last.stdout)?.[1];
      if (found === undefined) throw new Error(`/${pattern}/ is not in the output`);
      this.#variables.set(name, found);
    },
    background: ([name = "", program = "", ...args]) => {
      this.#background.set(name, this.#start(program, args));
    },
    ready: ([name = "", pattern = "", variable]) => this.#ready(name, pattern, variable),
    stop: ([name = ""]) => this.#stop(name),
    kill: ([name = ""]) => this.#kill(name),
    exists: (files, negated) => {
      for (const file of files)
        if (existsSync(this.#path(file)) === negated)
          throw new Error(`${file} ${negated ? "exists" : "does not exist"}`);
    },
    match: ([file = "", pattern = ""], negated) =>
      expectMatch(readFileSync(this.#path(file), "utf8"), pattern, negated),
    replace: ([file = "", pattern = "", text = ""]) => {
      const before = readFileSync(this.#path(file), "utf8");
      const after = before.replace(new RegExp(pattern, "m"), text);
      if (after === before) throw new Error(`/${pattern}/ changes nothing in ${file}`);
      writeFileSync(this.#path(file), after);
    },
    env: (pairs) => {
      for (const pair of pairs) {
        const at = pair.indexOf("=");
        this.#variables.set(pair.slice(0, at), pair.slice(at + 1));
      }
    },
    cd: ([folder = ""]) => {
      this.#cwd = this.#path(folder);
    },
    mkdir: ([folder = ""]) => void mkdirSync(this.#path(folder), { recursive: true }),
    cp: (paths) => {
      const [from = "", to = ""] = paths.filter((path) => path !== "-r");
      cpSync(this.#path(from), this.#path(to), { recursive: true });
    },
    rm: ([file = ""]) => rmSync(this.#path(file), { recursive: true }),
    // Writes the output of the last command to a file.
    save: ([file = ""]) => writeFileSync(this.#path(file), this.#last.stdout),
    append: ([file = "", ...lines]) =>
      writeFileSync(this.#path(file), `${lines.join("\n")}\n`, { flag: "a" }),
  };

  async #ready(name: string, pattern: string, variable: string | undefined): Promise<void> {
    const background = this.#named(name);
    const deadline = AbortSignal.timeout(READY_MS);
    let ended = false;
    void background.ended.then(() => {
      ended = true;
    });
    while (!new RegExp(pattern, "m").test(background.output())) {
      if (ended || deadline.aborted)
        throw new Error(`"${name}" did not say /${pattern}/:\n${background.output()}`);
      await new Promise((done) => setTimeout(done, 20));
    }
    const found = new RegExp(pattern, "m").exec(background.output())?.[1];
    if (variable !== undefined) this.#variables.set(variable, found ?? "");
  }

  /** For programs that have no clean end. */
  async #kill(name: string): Promise<void> {
    const { child, ended } = this.#named(name);
    child.kill("SIGKILL");
    await ended;
    this.#background.delete(name);
  }

  async #stop(name: string): Promise<void> {
    const { child, ended } = this.#named(name);
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    this.#last = await ended;
    clearTimeout(timer);
    this.#background.delete(name);
    if (this.#last.status !== 0) throw new Error(`"${name}" ended with ${this.#last.status}`);
  }

  #named(name: string): Background {
    const background = this.#background.get(name);
    if (background === undefined) throw new Error(`nothing runs as "${name}"`);
    return background;
  }

  #path(file: string): string {
    return resolve(this.#cwd, file);
  }

  #start(program: string, args: readonly string[]): Background {
    const [command, first] = program === "countersign" ? [process.execPath, [MAIN]] : [program, []];
    const child = spawn(command, [...first, ...args], {
      cwd: this.#cwd,
      env: Object.fromEntries(this.#variables),
      stdio: ["ignore", "pipe", "pipe"],
      timeout: COMMAND_MS,
      killSignal: "SIGKILL",
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    const ended = new Promise<Outcome>((done) => {
      child.once("error", (error) => done({ status: 127, stdout, stderr: `${error.message}` }));
      child.once("close", (status, signal) =>
        done({
          status: status ?? 128,
          stdout,
          stderr: signal === null ? stderr : `${stderr}\n${signal}`,
        }),
      );
    });
    return { child, ended, output: () => `${stdout}${stderr}` };
  }
}

function expectMatch(text: string, pattern: string, negated: boolean): void {
  if (new RegExp(pattern, "m").test(text) === negated)
    throw new Error(`/${pattern}/ ${negated ? "matches" : "does not match"}`);
}

/** A field of a JSON document by its path, as text: objects and lists again as JSON. */
function fieldOf(document: string, path: string): string {
  let value: unknown = JSON.parse(document);
  for (const name of path.split(".").filter((part) => part !== "")) {
    if (typeof value !== "object" || value === null) throw new Error(`there is no ${path}`);
    value = Reflect.get(value, name);
  }
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "undefined");
}

/** A port that was free a moment ago, on loopback. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  return typeof address === "object" && address !== null ? address.port : 0;
}
