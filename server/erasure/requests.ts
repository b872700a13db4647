/**
 * How the operator's command reaches the running log: by two small files in the data folder, which
 * nobody but the log's own user can write to. A port of its own would need a password.
 *
 *     erasures/<digest>.json     what is asked for: `{"reason"}`
 *     erasures/<digest>.answer   what came of it; its reader takes it away
 *
 * A store is held by its log for life, so the command cannot do it; and a log that is not running
 * can publish no statement. What nobody waits for any more when a log starts is not done.
 *
 * @module
 */
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fromHex, toHex, utf8 } from "../../schema/bytes.ts";
import { ERRORS, type ErrorCode, LogError, type Result, unwrap } from "../../schema/error.ts";
import { type Fields, readFields } from "../../schema/fields.ts";
import { type JsonObject, parseJson } from "../../schema/json.ts";
import { asHash, type Hash } from "../../schema/tlog/hash.ts";
import { readSmallFile, replaceFile } from "../small-file.ts";
import type { Eraser } from "./eraser.ts";

const MAX_FILE_BYTES = 1_048_576;
const LOG_MS = 250;
const COMMAND_MS = 100;

/** The log's side: looks for requests until it is closed. */
export class EraseRequests {
  readonly #folder: string;
  readonly #eraser: Eraser;
  readonly #onTrouble: (error: unknown) => void;
  readonly #timer: NodeJS.Timeout;
  #working: Promise<void> = Promise.resolve();
  #busy = false;

  constructor(dataFolder: string, eraser: Eraser, onTrouble: (error: unknown) => void) {
    this.#folder = folderOf(dataFolder);
    this.#eraser = eraser;
    this.#onTrouble = onTrouble;
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      for (const name of readdirSync(this.#folder)) rmSync(join(this.#folder, name));
    } catch (error) {
      // A full disk, say: the log runs, and nobody can ask it for an erasure.
      onTrouble(error);
    }
    this.#timer = setInterval(() => this.#start(), LOG_MS);
    this.#timer.unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#working;
  }

  #start(): void {
    if (this.#busy) return;
    this.#busy = true;
    this.#working = this.#work()
      .catch(this.#onTrouble)
      .finally(() => {
        this.#busy = false;
      });
  }

  async #work(): Promise<void> {
    await this.#eraser.look();
    for (const name of existsSync(this.#folder) ? readdirSync(this.#folder) : []) {
      const [, hex = ""] = /^([0-9a-f]{64})\.json$/.exec(name) ?? [];
      const digest = asHash(fromHex(hex) ?? new Uint8Array(0));
      const request = digest && (await readSmallFile(join(this.#folder, name), MAX_FILE_BYTES));
      if (digest === undefined || request === undefined) continue;
      const answer = await this.#answer(digest, request);
      await replaceFile(answerOf(this.#folder, digest), utf8(JSON.stringify(answer)));
      rmSync(join(this.#folder, name), { force: true });
    }
  }

  async #answer(digest: Hash, request: Uint8Array): Promise<JsonObject> {
    try {
      const { statement, entries } = await this.#eraser.erase(digest, unwrap(readReason(request)));
      return { state: "erased", statement, entries: entries.length };
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      const { code, message, detail } = error;
      const { field = "", hint = "", expected = "" } = detail;
      return { state: "refused", code, message, field, hint, expected };
    }
  }
}

export interface AskPorts {
  readonly folder: string;
  readonly waitMs: number;
  readonly pause?: (milliseconds: number) => Promise<void>;
}

/** What the command is told. */
export interface ErasedAnswer {
  /** Index of the statement. */
  readonly statement: number;
  /** How many entries have lost their content; none where it was gone before. */
  readonly entries: number;
}

/** The command's side. @throws LogError why not, as the log said it; UNREACHABLE where none answers */
export async function requestErasure(
  { folder: dataFolder, waitMs, pause = sleep }: AskPorts,
  digest: Hash,
  reason: string,
): Promise<ErasedAnswer> {
  const folder = folderOf(dataFolder);
  const request = join(folder, `${toHex(digest)}.json`);
  const answer = answerOf(folder, digest);
  if (!existsSync(folder)) throw unanswered(folder);
  rmSync(answer, { force: true });
  await replaceFile(request, utf8(JSON.stringify({ reason })));
  for (let waited = 0; waited < waitMs; waited += COMMAND_MS) {
    const bytes = await readSmallFile(answer, MAX_FILE_BYTES);
    if (bytes !== undefined) {
      rmSync(answer, { force: true });
      return unwrap(readAnswer(bytes));
    }
    await pause(COMMAND_MS);
  }
  rmSync(request, { force: true });
  throw unanswered(folder);
}

function unanswered(folder: string): LogError {
  return new LogError("UNREACHABLE", "the running log has not answered", {
    field: folder,
    hint: "look at its log and /readyz; a statement that is in the log already is carried out all the same",
  });
}

function folderOf(dataFolder: string): string {
  return join(dataFolder, "erasures");
}

function answerOf(folder: string, digest: Hash): string {
  return join(folder, `${toHex(digest)}.answer`);
}

function readReason(bytes: Uint8Array): Result<string> {
  const json = parseJson(bytes);
  return json.ok ? readFields(json.value, "", (root) => root.string("reason")) : json;
}

function readAnswer(bytes: Uint8Array): Result<ErasedAnswer> {
  const json = parseJson(bytes);
  if (!json.ok) return json;
  return readFields(json.value, "answer", (root) => {
    if (root.oneOf("state", ["erased", "refused"]) === "refused") throw refusalIn(root);
    return { statement: root.integer("statement"), entries: root.integer("entries") };
  });
}

function refusalIn(root: Fields): LogError {
  const code = root.string("code");
  const [field, hint, expected] = ["field", "hint", "expected"].map((name) => root.string(name));
  return new LogError(isCode(code) ? code : "INTERNAL", root.string("message"), {
    ...(field === "" || field === undefined ? {} : { field }),
    ...(hint === "" || hint === undefined ? {} : { hint }),
    ...(expected === "" || expected === undefined ? {} : { expected }),
  });
}

function isCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERRORS, text);
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
