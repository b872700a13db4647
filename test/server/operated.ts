/**
 * A log on disk as an operator runs it: made, grown, served and repaired by the commands
 * themselves, with copies of its parts for later.
 */
import { cpSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { nodeCrypto } from "../../client/crypto/node.ts";
import type { TrustedLog } from "../../client/trust.ts";
import { LogError, unwrap } from "../../schema/error.ts";
import type { Submission } from "../../schema/http/messages.ts";
import type { Hash } from "../../schema/tlog/hash.ts";
import { parseVkey } from "../../schema/tlog/note.ts";
import { runOperatorCommand } from "../../server/cli/index.ts";
import { loadConfig } from "../../server/config-sources.ts";
import { silentLogger } from "../../server/observe/log.ts";
import { openParts } from "../../server/parts.ts";
import { type RunningLog, serveLog } from "../../server/serve.ts";
import { temporaryFolder } from "./fixture.ts";
import { ask, submissions } from "./http/harness.ts";

const NOW = 1.79e12;

const FLAGS: Readonly<Record<string, string>> = {
  "log-origin": "operated.example.test",
  "log-key": "key.pem",
  "storage-folder": "data",
  "storage-guard": "guard/head.guard",
  "http-listen": "127.0.0.1:0",
  "metrics-listen": "off",
  // What becomes of an index is for its own tests.
  "index-enabled": "off",
};

export interface Ran {
  readonly status: number;
  readonly text: string;
  /** The bytes of an evidence file, where a fork ended the command. */
  readonly evidence?: Uint8Array;
}

export class Operated {
  readonly folder: string;
  readonly #flags: Readonly<Record<string, string>>;
  readonly #now: () => number;

  /** `init`; entry 0 is there. */
  static async init(
    folder: string = temporaryFolder(),
    flags: Readonly<Record<string, string>> = {},
    now: () => number = () => NOW,
  ): Promise<Operated> {
    const log = new Operated(folder, flags, now);
    const { status, text } = await log.run("init");
    if (status !== 0) throw new Error(text);
    return log;
  }

  constructor(
    folder: string,
    flags: Readonly<Record<string, string>> = {},
    now: () => number = () => NOW,
  ) {
    this.folder = folder;
    this.#flags = { ...FLAGS, ...flags };
    this.#now = now;
  }

  /** All of it, in another place. */
  copy(): Operated {
    const folder = temporaryFolder();
    cpSync(this.folder, folder, { recursive: true });
    return new Operated(folder, this.#flags, this.#now);
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Keep `data` or `guard` as it is now, under another name. */
  keep(name: "data" | "guard", as: string): void {
    cpSync(this.path(name), this.path(as), { recursive: true });
  }

  /** Put back what was kept. */
  putBack(as: string, name: "data" | "guard"): void {
    rmSync(this.path(name), { recursive: true, force: true });
    cpSync(this.path(as), this.path(name), { recursive: true });
  }

  lose(name: string): void {
    rmSync(this.path(name), { recursive: true, force: true });
  }

  read(name: string): Buffer {
    return readFileSync(this.path(name));
  }

  /** A command of the operator, with the places of this log. */
  async run(name: string, ...argv: readonly string[]): Promise<Ran> {
    let text = "";
    const sink = { write: (more: string | Uint8Array) => (text += more.toString()) };
    const { folder: cwd } = this;
    const io = { stdout: sink, stderr: sink, env: {}, cwd, isTty: false, now: this.#now };
    const place = Object.entries(this.#flags).flatMap(([flag, value]) => [`--${flag}`, value]);
    try {
      return { status: await runOperatorCommand(name, [...argv, ...place], io), text };
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      const { evidence } = error.detail;
      const status = evidence === undefined ? 2 : 3;
      const said = `${error.code} ${error.message}`;
      return evidence === undefined ? { status, text: said } : { status, text: said, evidence };
    }
  }

  /** Serve it while `work` runs. A refused start throws. */
  async serving<T>(
    work: (log: RunningLog & { readonly port: number }) => Promise<T>,
    flags: Readonly<Record<string, string>> = {},
  ): Promise<T> {
    const { config } = loadConfig({ flags: { ...this.#flags, ...flags }, env: {} });
    const ports = { cwd: this.folder, env: {}, now: this.#now };
    const parts = await openParts(config, { ...ports, crypto: nodeCrypto, logger: silentLogger });
    const log = await serveLog(parts, config);
    try {
      return await work({ ...log, port: Number(new URL(log.url).port) });
    } finally {
      await log.close();
    }
  }

  /** Append `count` entries; the size then. */
  async grow(count: number): Promise<number> {
    return this.serving(async (log) => append(log, count));
  }
}

export async function append(
  log: Pick<RunningLog, "published"> & { readonly port: number },
  count: number,
  more: readonly Submission[] = [],
): Promise<number> {
  const body = [...(await submissions(count)), ...more]
    .map((one) => `${JSON.stringify(one)}\n`)
    .join("");
  const headers = { "content-type": "application/x-ndjson" };
  await ask(log, "/v1/entries:batch", { method: "POST", headers, body });
  return log.published().size;
}

export function trustedOf({ origin, vkey }: Pick<RunningLog, "origin" | "vkey">): TrustedLog {
  return { origin, vkeys: [unwrap(parseVkey(nodeCrypto.sha256, vkey))], vkeyTexts: [vkey] };
}

/** Erases a content as soon as its index has the entries that have it. */
export async function eraseWhenIndexed(log: RunningLog, digest: Hash): Promise<void> {
  for (;;)
    try {
      await log.erase(digest, "asked for");
      return;
    } catch (error) {
      if (!(error instanceof LogError) || error.code !== "INDEX_NOT_READY") throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
}
