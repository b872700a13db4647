/**
 * The driver of the head guard on a file. See guard-disk.ts for what it does to the disk.
 *
 * @module
 */
import { Thread, threadScript } from "../thread.ts";
import type { GuardedHead, HeadGuard } from "./ports.ts";

export type GuardRequest =
  | { readonly call: "open"; readonly path: string }
  | { readonly call: "read" | "stage" | "close" }
  | { readonly call: "create" | "write"; readonly head: GuardedHead };

export type GuardAnswer = GuardedHead | undefined;

export class FileGuard implements HeadGuard {
  readonly place: string;
  readonly #thread: Thread<GuardRequest, GuardAnswer>;

  /** Takes the guard at `path`, whether there is one or not. Throws `STORE_LOCKED`. */
  static async open(path: string): Promise<FileGuard> {
    const thread = new Thread<GuardRequest, GuardAnswer>(
      threadScript("./guard-worker", import.meta.url),
    );
    try {
      await thread.ask({ call: "open", path });
      return new FileGuard(path, thread);
    } catch (error) {
      await thread.end();
      throw error;
    }
  }

  private constructor(path: string, thread: Thread<GuardRequest, GuardAnswer>) {
    this.place = path;
    this.#thread = thread;
  }

  async read(): Promise<GuardedHead | undefined> {
    return this.#thread.ask({ call: "read" });
  }

  /** Only for `init`. Throws `STORE_EXISTS`. */
  async create(head: GuardedHead): Promise<void> {
    await this.#thread.ask({ call: "create", head });
  }

  async stage(): Promise<void> {
    await this.#thread.ask({ call: "stage" });
  }

  async write(head: GuardedHead): Promise<void> {
    await this.#thread.ask({ call: "write", head });
  }

  async close(): Promise<void> {
    try {
      await this.#thread.ask({ call: "close" });
    } finally {
      await this.#thread.end();
    }
  }
}
