/**
 * The file with the logs that a witness knows, read again when it changes or when somebody says so
 * (SIGHUP). A file that cannot be read or is not understood changes nothing: the list before it
 * stays in force, and the operator is told.
 *
 * @module
 */
import { unwatchFile, watchFile } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Crypto } from "../../client/crypto/crypto.ts";
import { LogError, type Result, unwrap } from "../../schema/error.ts";
import type { Vkey } from "../../schema/tlog/note.ts";
import type { Logger } from "../observe/log.ts";
import { type LogList, parseLogList } from "./logs.ts";

/** How often the file is looked at. A poll works on every file system, a notification does not. */
const LOOK_MS = 2_000;

export interface LogsFilePorts<L extends LogList> {
  readonly path: string;
  /** For messages: the file, the setting that names it, and what should be in it. */
  readonly what: string;
  readonly field: string;
  readonly expected: string;
  readonly parse: (bytes: Uint8Array) => Result<L>;
  readonly logger: Logger;
}

/** A list of lines `log <vkey> [<url>]`. `own` are the keys of the witness, which no log may have. */
export function logLines(
  crypto: Crypto,
  own: readonly Vkey[],
): Pick<LogsFilePorts<LogList>, "what" | "field" | "expected" | "parse"> {
  return {
    what: "the list of logs",
    field: "logs",
    expected: "a file of lines: log <vkey> [<url>]",
    parse: (bytes) => parseLogList(crypto, bytes, own),
  };
}

export class LogsFile<L extends LogList = LogList> {
  readonly #ports: LogsFilePorts<L>;
  readonly #onChange = (): void => void this.reload();
  #list: L;
  #problem: string | undefined;

  /** @throws LogError FILE_UNREADABLE, or what is wrong in the file, with its line */
  static async open<L extends LogList>(ports: LogsFilePorts<L>): Promise<LogsFile<L>> {
    return new LogsFile(ports, await read(ports));
  }

  private constructor(ports: LogsFilePorts<L>, list: L) {
    this.#ports = ports;
    this.#list = list;
    watchFile(ports.path, { interval: LOOK_MS, persistent: false }, this.#onChange);
  }

  get list(): L {
    return this.#list;
  }

  /** Why the file is not what is in force. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Read the file again. Whether what it says is in force now. */
  async reload(): Promise<boolean> {
    const { logger, path, what } = this.#ports;
    try {
      this.#list = await read(this.#ports);
      this.#problem = undefined;
      logger.info({ path, logs: this.#list.size }, `${what} was read again`);
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      const { at } = error.detail;
      this.#problem = `${path}${at === undefined ? "" : `, ${at}`}: ${error.message}`;
      logger.error(
        { path, at, code: error.code },
        `what was read before stays in force: ${error.message}`,
      );
    }
    return this.#problem === undefined;
  }

  close(): void {
    unwatchFile(this.#ports.path, this.#onChange);
  }
}

async function read<L extends LogList>(ports: LogsFilePorts<L>): Promise<L> {
  const { path, what, field, expected, parse } = ports;
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new LogError("FILE_UNREADABLE", `${what} ${path} cannot be read`, {
      field,
      expected,
      cause,
    });
  }
  return unwrap(parse(bytes));
}
