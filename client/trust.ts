/**
 * The trust file: which logs, which people, and what they must have signed.
 *
 *     trust = 1
 *
 *     [[log]]
 *     origin = "log.example.org"
 *     vkeys = ["log.example.org+deadbeef+AW…"]
 *
 *     [[person]]
 *     name = "Ada"
 *     keys = ["ssh-ed25519 AAAA… ada@laptop"]
 *     roles = ["author", "reviewer"]
 *
 *     [[rule]]
 *     for = "commit"
 *     author = true
 *     reviewers = 2
 *
 * It is the only place where trust comes from: no key, root or rule is ever taken from a log, a
 * receipt or a file beside it. A file that is not understood completely is refused completely,
 * with line and column: an ignored rule is a rule that does not protect. A person has one name
 * and may have many keys; a key has one person, else one person could be counted as two.
 *
 * `trust = 1` is the version. The full policy language grows under a higher one.
 *
 * Spec: docs/formats.md §Trust file.
 *
 * @module
 */
import { parse, TomlError, type TomlTable, type TomlValue } from "smol-toml";
import { fromUtf8, toHex, utf8 } from "../schema/bytes.ts";
import { failure, LogError, type Result, success } from "../schema/error.ts";
import type { Hash, Sha256 } from "../schema/tlog/hash.ts";
import { parseVkey, SIGNATURE_TYPES, type Vkey } from "../schema/tlog/note.ts";
import { type Path, type Places, tomlPlaces } from "./toml-places.ts";
import { readTrustedKey } from "./trust-key.ts";

const ROLES = ["author", "reviewer", "builder", "maintainer"] as const;
export type Role = (typeof ROLES)[number];

const QUESTIONS = ["commit", "artifact", "release"] as const;
export type Question = (typeof QUESTIONS)[number];

export interface TrustedLog {
  /** First line of every checkpoint of this log, and the name of its keys. */
  readonly origin: string;
  /** A checkpoint counts when one of these signed it. */
  readonly vkeys: readonly Vkey[];
  /** The same, as text: the names under which the client remembers heads. */
  readonly vkeyTexts: readonly string[];
  /** Where it can be reached. A convenience, never a reason for trust. */
  readonly url?: string;
}

export interface Person {
  readonly name: string;
  /** Signer ids: SHA-256 of the canonical SPKI of each key. */
  readonly keys: readonly Hash[];
  readonly roles: ReadonlySet<Role>;
  /** A hosting service that signs for whoever is logged in. Its keys never count for a rule. */
  readonly platform: boolean;
}

export interface Rule {
  readonly for: Question;
  /** The commit is signed by a person with the role author. */
  readonly author: boolean;
  /** People with the role reviewer, other than the author, who approved this very commit and tree. */
  readonly reviewers: number;
  /** People with the role builder who got the same outputs from the same input. */
  readonly builders: number;
}

export interface Trust {
  readonly logs: readonly TrustedLog[];
  readonly people: readonly Person[];
  readonly rules: readonly Rule[];
}

/** Bytes of a trust file. */
export const MAX_TRUST_BYTES = 1_048_576;
/** The most people one rule can ask for. */
const MAX_PEOPLE = 100;

/**
 * Read a trust file.
 *
 * @returns the trust, or `TRUST_INVALID` with `field`, and `at` as `line:column`.
 */
export function parseTrust(sha256: Sha256, source: string | Uint8Array): Result<Trust> {
  const bytes = typeof source === "string" ? utf8(source) : source;
  const text = fromUtf8(bytes);
  if (text === undefined) return failure("TRUST_INVALID", "The trust file is not UTF-8.");
  if (bytes.length > MAX_TRUST_BYTES)
    return failure("TRUST_INVALID", `The trust file is longer than ${MAX_TRUST_BYTES} bytes.`, {
      limit: MAX_TRUST_BYTES,
    });
  try {
    // First: the parser limits how deeply values are nested, and places are for a text it accepts.
    const file = parse(text);
    return success(new TrustReader(sha256, tomlPlaces(text)).read(file));
  } catch (error) {
    if (error instanceof LogError) return failure(error.code, error.message, error.detail);
    if (!(error instanceof TomlError)) throw error;
    const at = `${error.line}:${error.column}`;
    const message = error.message.split("\n")[0] ?? "";
    return failure("TRUST_INVALID", `The trust file is not TOML at ${at}: ${message}`, { at });
  }
}

/** The trusted log with this origin. An origin proves nothing: the signature has to follow. */
export function logOf(trust: Pick<Trust, "logs">, strangersOrigin: string): TrustedLog | undefined {
  return trust.logs.find((log) => log.origin === strangersOrigin);
}

/** The person whose key this is. */
export function personOf(trust: Trust, signerId: Uint8Array): Person | undefined {
  const id = toHex(signerId);
  return trust.people.find((person) => person.keys.some((key) => toHex(key) === id));
}

/** Only inside this file: becomes the failure of {@link parseTrust}. */
class TrustReader {
  readonly #sha256: Sha256;
  readonly #places: Places;

  constructor(sha256: Sha256, places: Places) {
    this.#sha256 = sha256;
    this.#places = places;
  }

  read(file: TomlTable): Trust {
    this.#only(file, [], ["trust", "log", "person", "rule"]);
    if (file["trust"] !== 1)
      throw this.#wrong(["trust"], "is not a version this program knows", "trust = 1");
    const logs = this.#tables(file, "log").map((table, i) => this.#log(table, ["log", i]));
    if (logs.length === 0)
      throw this.#wrong(["log"], "is missing", "at least one [[log]] with origin and vkeys");
    const people = this.#tables(file, "person").map((t, i) => this.#person(t, ["person", i]));
    const rules = this.#tables(file, "rule").map((table, i) => this.#rule(table, ["rule", i]));
    this.#unique(
      logs,
      (log) => log.origin,
      (i) => ["log", i, "origin"],
      "origin",
    );
    this.#unique(
      people,
      (person) => person.name,
      (i) => ["person", i, "name"],
      "name",
    );
    this.#unique(
      rules,
      (rule) => rule.for,
      (i) => ["rule", i, "for"],
      "rule for",
    );
    this.#oneOwnerPerKey(people);
    return { logs, people, rules };
  }

  #log(table: TomlTable, path: Path): TrustedLog {
    this.#only(table, path, ["origin", "vkeys", "url"]);
    const origin = this.#text(table, path, "origin");
    const vkeyTexts = this.#texts(table, path, "vkeys");
    const vkeys = vkeyTexts.map((text, i) => {
      const vkey = parseVkey(this.#sha256, text);
      const at = [...path, "vkeys", i];
      if (!vkey.ok) throw this.#wrong(at, `is no verifier key: ${vkey.message}`);
      if (vkey.value.name !== origin)
        throw this.#wrong(
          at,
          `names "${vkey.value.name}"`,
          `a key named by the origin "${origin}"`,
        );
      if (vkey.value.type === SIGNATURE_TYPES.cosignature)
        throw this.#wrong(
          at,
          "is the key of a witness",
          "a key that signs the log's own checkpoints",
        );
      return vkey.value;
    });
    this.#unique(
      vkeyTexts,
      (text) => text,
      (i) => [...path, "vkeys", i],
      "verifier key",
    );
    if (table["url"] === undefined) return { origin, vkeys, vkeyTexts };
    const url = this.#text(table, path, "url");
    if (!URL.canParse(url)) throw this.#wrong([...path, "url"], "is no URL");
    return { origin, vkeys, vkeyTexts, url };
  }

  #person(table: TomlTable, path: Path): Person {
    this.#only(table, path, ["name", "keys", "roles", "platform"]);
    const name = this.#text(table, path, "name");
    const keys = this.#texts(table, path, "keys").map((text, i) => {
      const key = readTrustedKey(this.#sha256, text);
      if (!key.ok) throw this.#wrong([...path, "keys", i], key.message, key.detail.expected);
      return key.value;
    });
    const roles = this.#texts(table, path, "roles").map((text, i) => {
      const role = ROLES.find((known) => known === text);
      if (role === undefined)
        throw this.#wrong([...path, "roles", i], `is "${text}"`, ROLES.join(", "));
      return role;
    });
    const platform = this.#flag(table, path, "platform");
    return { name, keys, roles: new Set(roles), platform };
  }

  #rule(table: TomlTable, path: Path): Rule {
    this.#only(table, path, ["for", "author", "reviewers", "builders"]);
    const text = this.#text(table, path, "for");
    const question = QUESTIONS.find((known) => known === text);
    if (question === undefined)
      throw this.#wrong([...path, "for"], `is "${text}"`, QUESTIONS.join(", "));
    const author = this.#flag(table, path, "author");
    const reviewers = this.#count(table, path, "reviewers");
    const builders = this.#count(table, path, "builders");
    if (reviewers > 0 && !author)
      throw this.#wrong(
        [...path, "reviewers"],
        "cannot be counted without the author, who may not be one of them",
        "author = true in the same rule",
      );
    if (author && builders === 0 && question === "artifact")
      throw this.#wrong(
        [...path, "author"],
        "cannot be known: only a builder says which commit an artifact is from",
        "builders above 0 in the same rule",
      );
    if (!author && builders === 0 && question !== "release")
      throw this.#wrong(path, "asks for nothing", "author = true, or builders above 0");
    return { for: question, author, reviewers, builders };
  }

  #oneOwnerPerKey(people: readonly Person[]): void {
    const owners = new Map<string, Path>();
    for (const [i, person] of people.entries())
      for (const [j, key] of person.keys.entries()) {
        const path: Path = ["person", i, "keys", j];
        const before = owners.get(toHex(key));
        if (before !== undefined) {
          const other = people[Number(before[1])]?.name ?? "";
          throw this.#wrong(
            path,
            `is a key of "${person.name}" and, at ${this.#places(before) ?? "?"}, of "${other}"`,
            "each key once, under one name",
          );
        }
        owners.set(toHex(key), path);
      }
  }

  #unique<T>(
    items: readonly T[],
    key: (t: T) => string,
    path: (i: number) => Path,
    what: string,
  ): void {
    const seen = new Map<string, number>();
    for (const [i, item] of items.entries()) {
      const before = seen.get(key(item));
      if (before !== undefined)
        throw this.#wrong(
          path(i),
          `repeats the ${what} "${key(item)}" of ${this.#places(path(before)) ?? "?"}`,
          "each once",
        );
      seen.set(key(item), i);
    }
  }

  #only(table: TomlTable, path: Path, known: readonly string[]): void {
    for (const key of Object.keys(table))
      if (!known.includes(key)) throw this.#wrong([...path, key], "is not known", known.join(", "));
  }

  #tables(file: TomlTable, name: string): TomlTable[] {
    const value = file[name] ?? [];
    if (!Array.isArray(value)) throw this.#wrong([name], "is not a list", `[[${name}]]`);
    return value.map((item, i) => {
      if (!isTable(item)) throw this.#wrong([name, i], "is not a table", `[[${name}]]`);
      return item;
    });
  }

  #text(table: TomlTable, path: Path, name: string): string {
    return this.#checkedText(table[name], [...path, name]);
  }

  #texts(table: TomlTable, path: Path, name: string): string[] {
    const value = table[name];
    if (!Array.isArray(value) || value.length === 0)
      throw this.#wrong([...path, name], "is missing or empty", "a list of texts");
    return value.map((item, i) => this.#checkedText(item, [...path, name, i]));
  }

  #checkedText(value: TomlValue | undefined, path: Path): string {
    if (typeof value !== "string" || value.trim() === "")
      throw this.#wrong(path, "is missing or not a text", "a text in quotes");
    return value;
  }

  #flag(table: TomlTable, path: Path, name: string): boolean {
    const value = table[name] ?? false;
    if (typeof value !== "boolean")
      throw this.#wrong([...path, name], "is neither true nor false", "true or false");
    return value;
  }

  #count(table: TomlTable, path: Path, name: string): number {
    const value = table[name] ?? 0;
    if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > MAX_PEOPLE)
      throw this.#wrong([...path, name], "is no number of people", `0 to ${MAX_PEOPLE}`);
    return value;
  }

  #wrong(path: Path, problem: string, expected?: string): LogError {
    const field = path
      .map((part) => (typeof part === "number" ? `[${part}]` : `.${part}`))
      .join("");
    const name = field.replace(/^\./, "") || "the file";
    const at = this.#places(path);
    const where = at === undefined ? "" : ` (${at})`;
    const wanted = expected === undefined ? "" : ` Expected: ${expected}.`;
    return new LogError("TRUST_INVALID", `Trust file${where}: ${name} ${problem}.${wanted}`, {
      field: name,
      ...(at === undefined ? {} : { at }),
      ...(expected === undefined ? {} : { expected }),
    });
  }
}

function isTable(value: TomlValue): value is TomlTable {
  return typeof value === "object" && !Array.isArray(value) && !(value instanceof Date);
}
