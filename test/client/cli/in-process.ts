/**
 * The command line in this process: what a command prints, and its exit status.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Io } from "../../../client/cli/io.ts";
import { runCommandLine } from "../../../client/cli/run.ts";

export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder of its own, with commands that run in it. */
export class Workplace {
  readonly folder: string = mkdtempSync(join(tmpdir(), "countersign-commands-"));
  /** Who is at the terminal; nobody at first. */
  person: Io["ask"];

  async countersign(...argv: readonly string[]): Promise<Outcome> {
    let stdout = "";
    let stderr = "";
    const io: Io = {
      stdout: { write: (text) => (stdout += String(text)) },
      stderr: { write: (text) => (stderr += String(text)) },
      env: { PATH: process.env["PATH"], XDG_STATE_HOME: join(this.folder, "state") },
      cwd: this.folder,
      isTty: false,
      now: () => 1_700_000_000_000,
      again: async (more) => this.countersign(...more),
      ...(this.person === undefined ? {} : { ask: this.person }),
    };
    return { status: await runCommandLine(argv, io), stdout, stderr };
  }

  /** What the command prints with `--json`, and its exit status. */
  async asked(...argv: readonly string[]): Promise<{ status: number; answer: unknown }> {
    const { status, stdout } = await this.countersign(...argv, "--json");
    return { status, answer: JSON.parse(stdout) };
  }

  path(...names: readonly string[]): string {
    return join(this.folder, ...names);
  }

  git(...args: readonly string[]): string {
    return execFileSync("git", ["-C", this.path("repo"), ...args], {
      encoding: "utf8",
      env: { PATH: process.env["PATH"], HOME: this.folder, GIT_CONFIG_NOSYSTEM: "1" },
    }).trim();
  }

  /** Put an object into the repository `repo` as it is, signed or not. */
  writeCommit(bytes: Uint8Array): string {
    writeFileSync(this.path("object"), bytes);
    return this.git("hash-object", "-t", "commit", "-w", this.path("object"));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
