/**
 * The store on one SQLite database: the driver for one machine.
 *
 * One thread holds the only writing connection, and the lock of the store, for life; readers use
 * a read-only connection on the caller's thread and never wait for a commit (write-ahead mode).
 * The lock covers processes on one machine; see lock.ts.
 *
 * @module
 */
import { type ErrorDetail, LogError } from "../../../schema/error.ts";
import type { Hash } from "../../../schema/tlog/hash.ts";
import { Thread, threadScript } from "../../thread.ts";
import type {
  Batch,
  CommitResult,
  ErasedContents,
  EraseResult,
  Erasure,
  Storage,
  StoredHead,
} from "../storage.ts";
import { storeFiles } from "./files.ts";
import { packBatch, packHashes, transferable } from "./packing.ts";
import type { Answer, PlainLogError, Request } from "./protocol.ts";
import { SqliteReader } from "./reader.ts";

export class SqliteStorage implements Storage {
  readonly databaseId: Uint8Array;
  readonly origin: string;
  readonly place: string;
  readonly reader: SqliteReader;
  readonly #thread: Thread<Request, Answer>;

  /**
   * Throws `STORE_MISSING`, `STORE_LOCKED`, `STORE_NEWER` or `STORE_CORRUPT`; the store is then
   * as it was.
   */
  static async open(folder: string): Promise<SqliteStorage> {
    outliveFileSizeLimit();
    const thread = new Thread<Request, Answer>(threadScript("./worker", import.meta.url));
    try {
      const { meta } = await thread.ask({ call: "open", folder });
      return new SqliteStorage(folder, thread, given(meta));
    } catch (error) {
      await thread.end();
      throw error;
    }
  }

  private constructor(
    folder: string,
    thread: Thread<Request, Answer>,
    meta: { readonly databaseId: Uint8Array; readonly origin: string },
  ) {
    this.#thread = thread;
    this.databaseId = meta.databaseId;
    this.origin = meta.origin;
    this.place = folder;
    this.reader = new SqliteReader(storeFiles(folder).database);
  }

  async readHead(): Promise<StoredHead> {
    return given((await this.#thread.ask({ call: "head" })).head);
  }

  async findLeaves(hashes: readonly Hash[]): Promise<readonly (number | undefined)[]> {
    const packed = packHashes(hashes);
    const { found } = await this.#thread.ask({ call: "find", hashes: packed }, [packed.buffer]);
    return Array.from(given(found), (index) => (index < 0 ? undefined : index));
  }

  async commit(expected: StoredHead, batch: Batch): Promise<CommitResult> {
    const packed = packBatch(expected, batch);
    const request = { call: "commit", batch: packed } as const;
    const result = given((await this.#thread.ask(request, transferable(packed))).result);
    return result.state === "failed" ? { ...result, error: logError(result.error) } : result;
  }

  async erase(erasures: readonly Erasure[], upTo: number): Promise<EraseResult> {
    const request = { call: "erase", erasures, upTo } as const;
    const result = given((await this.#thread.ask(request)).result);
    if (result.state === "conflict") throw new LogError("INTERNAL", "an erasure moves no head");
    return result.state === "failed" ? { ...result, error: logError(result.error) } : result;
  }

  async erased(): Promise<ErasedContents> {
    return given((await this.#thread.ask({ call: "erased" })).erased);
  }

  async checkRoom(): Promise<LogError | undefined> {
    const { room } = await this.#thread.ask({ call: "room" });
    return room === undefined ? undefined : logError(room);
  }

  async freeBytes(): Promise<number | undefined> {
    return (await this.#thread.ask({ call: "free" })).free;
  }

  async close(): Promise<void> {
    this.reader.close();
    try {
      await this.#thread.ask({ call: "close" });
    } finally {
      await this.#thread.end();
    }
  }
}

/**
 * A write beyond the largest allowed file size kills the process by SIGXFSZ unless somebody
 * listens to it; with a listener it is the error EFBIG, which room.ts asks for.
 */
function outliveFileSizeLimit(): void {
  if (process.platform !== "win32" && process.listenerCount("SIGXFSZ") === 0)
    process.on("SIGXFSZ", () => undefined);
}

function logError({ code, message, detail }: PlainLogError): LogError {
  const parts: ErrorDetail = detail;
  return new LogError(code, message, parts);
}

function given<T>(value: T | undefined): T {
  if (value === undefined) throw new LogError("INTERNAL", "the store's thread left out an answer");
  return value;
}
