/**
 * Running git so that only the named repository speaks, and speaks as data.
 *
 * What is in the repository is a stranger's: its objects, its refs and its own configuration.
 * So git is run by plumbing commands alone, with an environment made from nothing:
 *
 * - no configuration of the user or the system, no HOME, no GIT_* variable of the caller;
 * - nothing is fetched (a partial clone would ask its remote for what is missing, by a command
 *   that the repository's configuration names);
 * - replacement refs, grafts and the commit-graph file are not believed: they can show other
 *   parents than the signed bytes;
 * - no hook, pager, editor or prompt; nothing is written, nothing is checked out.
 *
 * @module
 */
import type { ChildProcessByStdio } from "node:child_process";
import { spawn } from "node:child_process";
import { devNull } from "node:os";
import type { Readable, Writable } from "node:stream";
import { LogError } from "../../schema/error.ts";

/** A repository that was found, and the search path by which `git` itself is found. */
export interface GitRepository {
  /** Absolute path of the git folder; the repository may be bare. */
  readonly gitDir: string;
  readonly objectFormat: "sha1" | "sha256";
  readonly searchPath: string;
}

export type GitProcess = ChildProcessByStdio<Writable, Readable, Readable>;

/** Answers are small except from `rev-list` and `cat-file`, which are streamed. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
const MAX_STDERR_CHARACTERS = 4096;

const SETTINGS: readonly string[] = [
  "core.hooksPath=/dev/null",
  "core.commitGraph=false",
  "core.fsmonitor=false",
  "protocol.allow=never",
  "safe.directory=*",
];

/** Open the repository at `path` (a work tree or a git folder). Throws FILE_UNREADABLE. */
export async function openRepository(path: string, searchPath: string): Promise<GitRepository> {
  const lines = await gitLines(
    searchPath,
    ["-C", path],
    ["rev-parse", "--absolute-git-dir", "--show-object-format"],
  );
  const [gitDir, objectFormat] = lines;
  if (gitDir === undefined || (objectFormat !== "sha1" && objectFormat !== "sha256"))
    throw new LogError("FILE_UNREADABLE", `${path} has an object format that is not known`, {
      field: "repository",
      expected: "sha1 or sha256",
    });
  return { gitDir, objectFormat, searchPath };
}

/** Start git in a repository. The caller reads the output and awaits {@link finished}. */
export function startGit(repository: GitRepository, args: readonly string[]): GitProcess {
  return start(repository.searchPath, ["--git-dir", repository.gitDir], args);
}

/** Run git to its end: the lines of its output. Throws FILE_UNREADABLE with git's own words. */
export function runGit(repository: GitRepository, args: readonly string[]): Promise<string[]> {
  return gitLines(repository.searchPath, ["--git-dir", repository.gitDir], args);
}

async function gitLines(
  searchPath: string,
  where: readonly string[],
  args: readonly string[],
): Promise<string[]> {
  const child = start(searchPath, where, args);
  const done = finished(child, args);
  child.stdin.end();
  let text = "";
  child.stdout.setEncoding("utf8");
  for await (const chunk of child.stdout) {
    text += String(chunk);
    if (text.length > MAX_ANSWER_BYTES) {
      child.kill();
      throw new LogError("TOO_LARGE", `git ${args[0] ?? ""} answered too much`, {
        field: "repository",
        limit: MAX_ANSWER_BYTES,
      });
    }
  }
  await done;
  return text.split("\n").filter((line) => line !== "");
}

function start(searchPath: string, where: readonly string[], args: readonly string[]): GitProcess {
  const settings = SETTINGS.flatMap((setting) => ["-c", setting]);
  return spawn("git", ["--no-pager", "--no-replace-objects", ...settings, ...where, ...args], {
    stdio: ["pipe", "pipe", "pipe"],
    env: {
      PATH: searchPath,
      LC_ALL: "C",
      HOME: devNull,
      XDG_CONFIG_HOME: devNull,
      GIT_CONFIG_GLOBAL: devNull,
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_ATTR_NOSYSTEM: "1",
      GIT_GRAFT_FILE: devNull,
      GIT_NO_REPLACE_OBJECTS: "1",
      GIT_NO_LAZY_FETCH: "1",
      GIT_ALLOW_PROTOCOL: "none",
      GIT_OPTIONAL_LOCKS: "0",
      GIT_TERMINAL_PROMPT: "0",
    },
  });
}

/** Resolves when git ended well; rejects with its first words otherwise. */
export function finished(child: GitProcess, args: readonly string[]): Promise<void> {
  let words = "";
  child.stderr.setEncoding("utf8");
  child.stderr.on("data", (chunk: string) => {
    if (words.length < MAX_STDERR_CHARACTERS) words += chunk;
  });
  // A child that died early breaks the pipe under whoever writes; its exit status says why.
  child.stdin.on("error", () => {});
  const done = new Promise<void>((resolve, reject) => {
    child.once("error", (cause) => {
      reject(
        new LogError("FILE_UNREADABLE", "git cannot be run", {
          field: "git",
          hint: "install git and put it on PATH",
          cause,
        }),
      );
    });
    child.once("close", (status, signal) => {
      if (status === 0) return resolve();
      const why = complaint(words) ?? `it ended by ${signal ?? status}`;
      reject(
        new LogError("FILE_UNREADABLE", `git ${args[0] ?? ""}: ${why}`, {
          field: "repository",
        }),
      );
    });
  });
  // Whoever reads the output first may fail first; the rejection is looked at later.
  done.catch(() => {});
  return done;
}

/** What git ended by, in its own words: its errors, without the warnings and advice around them. */
function complaint(words: string): string | undefined {
  const lines = words.split("\n").filter((line) => line !== "");
  const errors = lines.filter((line) => /^(?:fatal|error): /.test(line)).slice(0, 2);
  const told = errors.length > 0 ? errors : lines.slice(0, 1);
  return told.map((line) => line.replace(/^(?:fatal|error): /, "")).join("; ") || undefined;
}
