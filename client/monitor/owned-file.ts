/**
 * A file of a monitor's state folder: replaced whole, and written by one program alone.
 *
 * It belongs to whoever opened it last: opening counts up its term, and whoever finds another file
 * than the one that it wrote itself writes no more.
 *
 * Spec: docs/formats.md §Monitor.
 *
 * @module
 */
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { equal, utf8 } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import { type Fields, readFields } from "../../schema/fields.ts";
import { parseJson } from "../../schema/json.ts";
import { withLock } from "../lock-file.ts";
import { readWholeFile, writeWholeFile } from "../whole-file.ts";

/** What is in such a file. */
export interface Form<T> {
  /** "monitor's state" */
  readonly what: string;
  readonly mediaType: string;
  /** What it means to do without it. */
  readonly lost: string;
  readonly fields: readonly string[];
  readonly empty: T;
  readonly read: (root: Fields) => T;
  /** As JSON, under the names of `fields`. */
  readonly write: (value: T) => Readonly<Record<string, unknown>>;
}

/** One write after the other: whoever uses it waits for each. */
export class OwnedFile<T> {
  readonly #form: Form<T>;
  readonly #path: string;
  readonly #term: number;
  /** As the file was left. */
  #bytes: Uint8Array;
  #value: T;

  private constructor(form: Form<T>, path: string, term: number, value: T) {
    this.#form = form;
    this.#path = path;
    this.#term = term;
    this.#value = value;
    this.#bytes = format(form, term, value);
  }

  /** Throws `FILE_UNREADABLE` where it cannot be read, understood or written. */
  static async open<T>(form: Form<T>, path: string): Promise<OwnedFile<T>> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    return withLock(`${path}.lock`, async () => {
      const { term, value } = await read(form, path);
      const file = new OwnedFile(form, path, term + 1, value);
      await writeWholeFile(form.what, path, file.#bytes);
      return file;
    });
  }

  get value(): T {
    return this.#value;
  }

  /** Durable when it resolves. */
  async write(value: T): Promise<void> {
    const { what } = this.#form;
    await withLock(`${this.#path}.lock`, async () => {
      const found = await readWholeFile(what, this.#path);
      if (found === undefined || !equal(found, this.#bytes))
        throw new LogError("FILE_UNREADABLE", `Another monitor has taken over the ${what}.`, {
          field: this.#path,
          hint: "One monitor has one state folder.",
        });
      const bytes = format(this.#form, this.#term, value);
      await writeWholeFile(what, this.#path, bytes);
      this.#bytes = bytes;
    });
    this.#value = value;
  }
}

/** What is in the file, for who only looks. Throws as {@link OwnedFile.open}. */
export async function readOwned<T>(form: Form<T>, path: string): Promise<T> {
  return (await read(form, path)).value;
}

interface Written<T> {
  readonly term: number;
  readonly value: T;
}

async function read<T>(form: Form<T>, path: string): Promise<Written<T>> {
  const { what, mediaType, fields, empty, lost } = form;
  const bytes = await readWholeFile(what, path);
  if (bytes === undefined) return { term: 0, value: empty };
  const json = parseJson(bytes);
  const written = json.ok
    ? readFields(json.value, "", (root): Written<T> => {
        root.only("mediaType", "term", ...fields);
        root.oneOf("mediaType", [mediaType]);
        return { term: root.integer("term"), value: form.read(root) };
      })
    : json;
  if (written.ok) return written.value;
  throw new LogError("FILE_UNREADABLE", `The ${what} ${path} is damaged: ${written.message}`, {
    ...written.detail,
    hint: `Restore it from a backup. If you must, move it away: ${lost}.`,
  });
}

function format<T>({ mediaType, write }: Form<T>, term: number, value: T): Uint8Array {
  return utf8(`${JSON.stringify({ mediaType, term, ...write(value) })}\n`);
}
