/**
 * The file with the logs a witness knows, read again when it changes or when somebody says so
 * (SIGHUP). A file that cannot be read or is not understood changes nothing: the list before it
 * stays in force, and the operator is told.
 *
 * @module
 */
import { unwatchFile, watchFile } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Crypto } from "../../client/crypto/crypto.ts";
import { LogError, unwrap } from "../../schema/error.ts";
import type { Vkey } from "../../schema/tlog/note.ts";
import type { Logger } from "../observe/log.ts";
import { type LogList, parseLogList } from "./logs.ts";

/** How often the file is looked at. A poll works on every file system, a notification does not. */
const LOOK_MS = 2_000;

export interface LogsFilePorts {
  readonly path: string;
  readonly crypto: Crypto;
  /** The keys of the witness, which no log may have. */
  readonly own: readonly Vkey[];
  readonly logger: Logger;
}

export class LogsFile {
  readonly #ports: LogsFilePorts;
  readonly #onChange = (): void => void this.reload();
  #list: LogList;
  #problem: string | undefined;

  /** @throws LogError FILE_UNREADABLE, or what is wrong in the file, with its line */
  static async open(ports: LogsFilePorts): Promise<LogsFile> {
    return new LogsFile(ports, await read(ports));
  }

  private constructor(ports: LogsFilePorts, list: LogList) {
    this.#ports = ports;
    this.#list = list;
    watchFile(ports.path, { interval: LOOK_MS, persistent: false }, this.#onChange);
  }

  get list(): LogList {
    return this.#list;
  }

  /** Why the file is not what is in force. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Read the file again. Whether what it says is in force now. */
  async reload(): Promise<boolean> {
    const { logger, path } = this.#ports;
    try {
      this.#list = await read(this.#ports);
      this.#problem = undefined;
      logger.info({ path, logs: this.#list.size }, "the list of logs was read again");
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      const { at } = error.detail;
      this.#problem = `${path}${at === undefined ? "" : `, ${at}`}: ${error.message}`;
      logger.error({ path, at, code: error.code }, `the old list stays: ${error.message}`);
    }
    return this.#problem === undefined;
  }

  close(): void {
    unwatchFile(this.#ports.path, this.#onChange);
  }
}

async function read({ path, crypto, own }: LogsFilePorts): Promise<LogList> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new LogError("FILE_UNREADABLE", `the list of logs ${path} cannot be read`, {
      field: "logs",
      expected: "a file of lines: log <vkey> [<url>]",
      cause,
    });
  }
  return unwrap(parseLogList(crypto, bytes, own));
}
