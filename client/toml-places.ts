/**
 * Where in a TOML text each key and each element stands, as `line:column`.
 *
 * The parser that reads the values names places only for syntax errors. This walks the same text
 * a second time and only remembers where things begin, so that "unknown role" can point at the
 * role. It assumes a text that the parser has accepted, never checks it, and where it loses its
 * way it simply knows fewer places: an error message may lack its place, a value is never wrong.
 *
 * Spec: TOML 1.0.0.
 *
 * @module
 */

/** A path into the parsed value, e.g. `["person", 1, "keys", 0]`. */
export type Path = readonly (string | number)[];

/** Looks places up. `undefined` where the text has nothing under this path. */
export type Places = (path: Path) => string | undefined;

/** All places of a text. Work and memory are linear in its length. */
export function tomlPlaces(source: string): Places {
  const offsets = new Map<string, number>();
  new Walker(source, offsets).walk();
  return (path) => {
    // A missing key is looked for where it should have been: at the nearest table around it.
    for (let length = path.length; length > 0; length--) {
      const offset = offsets.get(JSON.stringify(path.slice(0, length)));
      if (offset !== undefined) return lineAndColumn(source, offset);
    }
    return undefined;
  };
}

function lineAndColumn(source: string, offset: number): string {
  const before = source.slice(0, offset);
  const line = before.split("\n").length;
  return `${line}:${offset - before.lastIndexOf("\n")}`;
}

/**
 * Steps of a path, and characters of a key in it: far more than our files have. What lies beyond
 * has no place of its own, so that no text, however it is nested, costs more than its length.
 */
const MAX_STEPS = 16;
const MAX_KEY = 128;

function below(path: Path, ...steps: Path): Path {
  return path.length < MAX_STEPS ? [...path, ...steps] : path;
}

class Walker {
  readonly #source: string;
  readonly #offsets: Map<string, number>;
  readonly #counts = new Map<string, number>();
  #at = 0;
  #table: Path = [];

  constructor(source: string, offsets: Map<string, number>) {
    this.#source = source;
    this.#offsets = offsets;
  }

  walk(): void {
    for (this.#skip(true); this.#at < this.#source.length; this.#skip(true)) {
      const before = this.#at;
      if (this.#source[this.#at] === "[") this.#header();
      else this.#pair(this.#table);
      if (this.#at === before) return;
    }
  }

  #header(): void {
    const start = this.#at;
    const array = this.#source.startsWith("[[", start);
    this.#at += array ? 2 : 1;
    const keys = this.#keys();
    this.#at += array ? 2 : 1;
    const parent = this.#inside(keys.slice(0, -1));
    const last = keys.at(-1) ?? "";
    const path = [...parent, last];
    if (!array) {
      this.#table = path;
    } else {
      const name = JSON.stringify(path);
      const count = this.#counts.get(name) ?? 0;
      this.#counts.set(name, count + 1);
      this.#table = [...path, count];
    }
    this.#mark(this.#table, start);
  }

  /** A header `[person.extra]` after `[[person]]` is inside the newest person. */
  #inside(keys: readonly string[]): Path {
    let path: Path = [];
    for (const key of keys) {
      path = [...path, key];
      const count = this.#counts.get(JSON.stringify(path));
      if (count !== undefined) path = [...path, count - 1];
    }
    return path;
  }

  #pair(table: Path): void {
    const start = this.#at;
    const path = below(table, ...this.#keys());
    this.#mark(path, start);
    this.#skip(false);
    if (this.#source[this.#at] !== "=") return;
    this.#at++;
    this.#skip(false);
    this.#value(path);
  }

  #value(path: Path): void {
    const first = this.#source[this.#at];
    if (first === "[") this.#array(path);
    else if (first === "{") this.#inlineTable(path);
    else if (first === '"' || first === "'") this.#string();
    else this.#match(/[^\s,\]}#]+(?: \d[^\s,\]}#]*)?/y);
  }

  #array(path: Path): void {
    this.#at++;
    for (let index = 0; ; index++) {
      this.#skip(true);
      if (this.#at >= this.#source.length || this.#source[this.#at] === "]") break;
      const element = below(path, index);
      this.#mark(element, this.#at);
      const before = this.#at;
      this.#value(element);
      this.#skip(true);
      if (this.#source[this.#at] === ",") this.#at++;
      if (this.#at === before) return;
    }
    this.#at++;
  }

  #inlineTable(path: Path): void {
    this.#at++;
    for (;;) {
      this.#skip(true);
      if (this.#at >= this.#source.length || this.#source[this.#at] === "}") break;
      const before = this.#at;
      this.#pair(path);
      this.#skip(true);
      if (this.#source[this.#at] === ",") this.#at++;
      if (this.#at === before) return;
    }
    this.#at++;
  }

  /** Dotted keys, bare or quoted. */
  #keys(): string[] {
    const keys: string[] = [];
    for (;;) {
      this.#match(/[ \t]*/y);
      const quoted = this.#source[this.#at] === '"' || this.#source[this.#at] === "'";
      const text = quoted ? this.#string() : this.#match(/[A-Za-z0-9_-]+/y);
      if (keys.length < MAX_STEPS) keys.push((quoted ? text.slice(1, -1) : text).slice(0, MAX_KEY));
      this.#match(/[ \t]*/y);
      if (this.#source[this.#at] !== ".") return keys;
      this.#at++;
    }
  }

  #string(): string {
    const shapes = [
      /"""(?:\\[\s\S]|(?!""")[\s\S])*"{3,5}/y,
      /'''(?:(?!''')[\s\S])*'{3,5}/y,
      /"(?:\\.|[^"\\\n])*"/y,
      /'[^'\n]*'/y,
    ];
    for (const shape of shapes) {
      const text = this.#match(shape);
      if (text !== "") return text;
    }
    return "";
  }

  /** White space and comments; line ends only where the grammar allows them. */
  #skip(lines: boolean): void {
    this.#match(lines ? /(?:\s|#[^\n]*)*/y : /[ \t]*/y);
  }

  #match(shape: RegExp): string {
    shape.lastIndex = this.#at;
    const text = shape.exec(this.#source)?.[0] ?? "";
    this.#at += text.length;
    return text;
  }

  #mark(path: Path, offset: number): void {
    const name = JSON.stringify(path);
    if (!this.#offsets.has(name)) this.#offsets.set(name, offset);
  }
}
