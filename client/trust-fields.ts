/**
 * Fields of the trust file, or of a file like it, out of its TOML: each has a form, an unknown one
 * is refused, and what is wrong is named with its path, line and column.
 *
 * Every method throws the error of that file, `TRUST_INVALID` for a trust file; `parseTrust`
 * (`trust.ts`) makes a `Result` of it.
 *
 * @module
 */
import type { TomlTable, TomlValue } from "smol-toml";
import { type ErrorCode, LogError } from "../schema/error.ts";
import type { Path, Places } from "./toml-places.ts";

/** Which file it is, and what is thrown of it. */
interface FieldsOf {
  readonly file: string;
  readonly code: ErrorCode;
}

const TRUST_FILE: FieldsOf = { file: "Trust file", code: "TRUST_INVALID" };

export class TrustFields {
  /** Where something stands in the file, as `line:column`. */
  readonly places: Places;
  readonly #of: FieldsOf;

  constructor(places: Places, of: FieldsOf = TRUST_FILE) {
    this.places = places;
    this.#of = of;
  }

  /** Refuses a second item with the key of an earlier one. */
  unique<T>(
    items: readonly T[],
    key: (t: T) => string,
    path: (i: number) => Path,
    what: string,
  ): void {
    const seen = new Map<string, number>();
    for (const [i, item] of items.entries()) {
      const before = seen.get(key(item));
      if (before !== undefined)
        throw this.wrong(
          path(i),
          `repeats the ${what} "${key(item)}" of ${this.places(path(before)) ?? "?"}`,
          "each once",
        );
      seen.set(key(item), i);
    }
  }

  /** Refuses every key that is not known. */
  only(table: TomlTable, path: Path, known: readonly string[]): void {
    for (const key of Object.keys(table))
      if (!known.includes(key)) throw this.wrong([...path, key], "is not known", known.join(", "));
  }

  tables(table: TomlTable, path: Path, name: string): TomlTable[] {
    const value = table[name] ?? [];
    const at = [...path, name];
    const written = `[[${at.filter((part) => typeof part === "string").join(".")}]]`;
    if (!Array.isArray(value)) throw this.wrong(at, "is not a list", written);
    return value.map((item, i) => {
      if (!isTable(item)) throw this.wrong([...at, i], "is not a table", written);
      return item;
    });
  }

  text(table: TomlTable, path: Path, name: string): string {
    return this.#checkedText(table[name], [...path, name]);
  }

  texts(table: TomlTable, path: Path, name: string): string[] {
    const value = table[name];
    if (!Array.isArray(value) || value.length === 0)
      throw this.wrong([...path, name], "is missing or empty", "a list of texts");
    return value.map((item, i) => this.#checkedText(item, [...path, name, i]));
  }

  #checkedText(value: TomlValue | undefined, path: Path): string {
    if (typeof value !== "string" || value.trim() === "")
      throw this.wrong(path, "is missing or not a text", "a text in quotes");
    return value;
  }

  flag(table: TomlTable, path: Path, name: string): boolean {
    const value = table[name] ?? false;
    if (typeof value !== "boolean")
      throw this.wrong([...path, name], "is neither true nor false", "true or false");
    return value;
  }

  /** A whole number from `least` to `most`; `what` is what it counts. */
  count(
    table: TomlTable,
    path: Path,
    name: string,
    { least, most, what }: { readonly least: number; readonly most: number; readonly what: string },
  ): number {
    const value = table[name] ?? least;
    if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > most)
      throw this.wrong([...path, name], `is no number of ${what}`, `${least} to ${most}`);
    return value;
  }

  /** What to throw for the field at `path`. */
  wrong(path: Path, problem: string, expected?: string): LogError {
    const field = path
      .map((part) => (typeof part === "number" ? `[${part}]` : `.${part}`))
      .join("");
    const name = field.replace(/^\./, "") || "the file";
    const at = this.places(path);
    const where = at === undefined ? "" : ` (${at})`;
    const wanted = expected === undefined ? "" : ` Expected: ${expected}.`;
    return new LogError(this.#of.code, `${this.#of.file}${where}: ${name} ${problem}.${wanted}`, {
      field: name,
      ...(at === undefined ? {} : { at }),
      ...(expected === undefined ? {} : { expected }),
    });
  }
}

function isTable(value: TomlValue): value is TomlTable {
  return typeof value === "object" && !Array.isArray(value) && !(value instanceof Date);
}
