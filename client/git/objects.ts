/**
 * Reading objects through one long-lived `git cat-file --batch`.
 *
 * Ids go in while objects come out, so that a repository is read at the speed of git. An object
 * above `maxBytes` is passed over without being held: its size is a stranger's number.
 *
 * @module
 */
import { LogError } from "../../schema/error.ts";
import type { GitRepository } from "./process.ts";
import { finished, startGit } from "./process.ts";

export interface RawObject {
  readonly id: string;
  readonly type: "commit" | "tag" | "tree" | "blob";
  readonly size: number;
  /** The object without git's own header; `undefined` where it is above the limit. */
  readonly bytes: Uint8Array | undefined;
}

const LF = 0x0a;
const MAX_HEADER_BYTES = 256;

/** The objects of `ids`, in their order. Throws FILE_UNREADABLE for one that is missing. */
export async function* readObjects(
  repository: GitRepository,
  ids: Iterable<string> | AsyncIterable<string>,
  maxBytes: number,
): AsyncGenerator<RawObject> {
  const args = ["cat-file", "--batch"];
  const child = startGit(repository, args);
  const done = finished(child, args);
  const feeding = feed(child.stdin, ids);
  feeding.catch(() => child.kill());
  try {
    const reader = new ByteReader(child.stdout);
    for (;;) {
      const header = await reader.line();
      if (header === undefined) break;
      yield await readOne(reader, header, maxBytes);
    }
    await feeding;
    await done;
  } finally {
    child.kill();
  }
}

async function readOne(reader: ByteReader, header: string, maxBytes: number): Promise<RawObject> {
  const match = /^([0-9a-f]{40,64}) (commit|tag|tree|blob) (\d{1,15})$/.exec(header);
  if (match === null)
    throw new LogError("FILE_UNREADABLE", `git cat-file: ${header}`, { field: "repository" });
  const [, id = "", type = "", digits = ""] = match;
  const size = Number(digits);
  const bytes = await reader.take(size, maxBytes);
  await reader.take(1, 1);
  return { id, type: objectType(type), size, bytes };
}

function objectType(text: string): RawObject["type"] {
  return text === "commit" || text === "tag" || text === "tree" ? text : "blob";
}

async function feed(
  stdin: NodeJS.WritableStream,
  ids: Iterable<string> | AsyncIterable<string>,
): Promise<void> {
  let broken = false;
  stdin.once("close", () => {
    broken = true;
  });
  for await (const id of ids) {
    if (broken) return;
    if (!stdin.write(`${id}\n`))
      await new Promise<void>((resolve) => {
        stdin.once("drain", resolve);
        stdin.once("close", resolve);
      });
  }
  stdin.end();
}

/** Takes lines and counted bytes out of a stream of chunks. */
class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(stream: AsyncIterable<Uint8Array>) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  /** Without its line feed; `undefined` at the end. */
  async line(): Promise<string | undefined> {
    for (;;) {
      const end = this.#rest.indexOf(LF);
      if (end >= 0) {
        const text = new TextDecoder().decode(this.#rest.subarray(0, end));
        this.#rest = this.#rest.subarray(end + 1);
        return text;
      }
      if (this.#rest.length > MAX_HEADER_BYTES)
        throw new LogError("FILE_UNREADABLE", "git cat-file answered without a line end");
      if (!(await this.#more())) {
        if (this.#rest.length > 0) throw cutShort();
        return undefined;
      }
    }
  }

  /** `size` bytes, held only where they are at most `limit`. */
  async take(size: number, limit: number): Promise<Uint8Array | undefined> {
    const held = size <= limit ? new Uint8Array(size) : undefined;
    let at = 0;
    while (at < size) {
      if (this.#rest.length === 0 && !(await this.#more())) throw cutShort();
      const part = this.#rest.subarray(0, size - at);
      held?.set(part, at);
      at += part.length;
      this.#rest = this.#rest.subarray(part.length);
    }
    return held;
  }

  async #more(): Promise<boolean> {
    const next = await this.#chunks.next();
    if (next.done === true) return false;
    if (this.#rest.length === 0) this.#rest = next.value;
    else {
      const joined = new Uint8Array(this.#rest.length + next.value.length);
      joined.set(this.#rest);
      joined.set(next.value, this.#rest.length);
      this.#rest = joined;
    }
    return true;
  }
}

function cutShort(): LogError {
  return new LogError("FILE_UNREADABLE", "git cat-file stopped in the middle of an object", {
    field: "repository",
  });
}
