/** Stock tools for the tests of this folder: run where they are, skipped by name where not. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { env } from "node:process";
import { onTestFinished } from "vitest";

/** Neither the configuration nor the agent of whoever runs the tests. */
const ISOLATED = {
  PATH: env["PATH"] ?? "",
  HOME: "/nonexistent",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_AUTHOR_NAME: "Ann",
  GIT_AUTHOR_EMAIL: "ann@example.test",
  GIT_COMMITTER_NAME: "Ann",
  GIT_COMMITTER_EMAIL: "ann@example.test",
  LC_ALL: "C",
};

/** Whether a program is on the path. It is not started: an agent would stay. */
export function has(program: string): boolean {
  return ISOLATED.PATH.split(delimiter).some((directory) => existsSync(join(directory, program)));
}

/** A folder of this test, gone after it. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "countersign-keys-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Run a program to its end and give back what it wrote; throws where it fails. */
export function run(
  program: string,
  args: readonly string[],
  options: { cwd?: string; input?: string | Uint8Array; env?: Record<string, string> } = {},
): string {
  return execFileSync(program, args, {
    ...options,
    env: { ...ISOLATED, ...options.env },
    encoding: "utf8",
    stdio: ["pipe", "pipe", "pipe"],
  });
}

/** Start an ssh-agent that ends with the test; its socket's path. */
export function startAgent(directory: string): string {
  const socket = join(directory, "agent");
  const started = run("ssh-agent", ["-a", socket, "-s"]);
  const id = Number(/SSH_AGENT_PID=(\d+)/.exec(started)?.[1]);
  onTestFinished(() => {
    process.kill(id);
  });
  return socket;
}
