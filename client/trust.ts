/**
 * The trust file: which logs, which people, and what they must have signed.
 *
 *     trust = 1
 *
 *     [[log]]
 *     origin = "log.example.org"
 *     vkeys = ["log.example.org+deadbeef+AW…"]
 *
 *     [[log.witnesses]]
 *     policy = """
 *     witness one one.example+0badcafe+BF…
 *     quorum one
 *     """
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

import { parse, TomlError, type TomlTable } from "smol-toml";
import { fromUtf8, toHex, utf8 } from "../schema/bytes.ts";
import { failure, LogError, type Result, success } from "../schema/error.ts";
import type { EndOfIndex } from "../schema/index/index-end.ts";
import type { Hash, Sha256 } from "../schema/tlog/hash.ts";
import { parseVkey, SIGNATURE_TYPES, type Vkey } from "../schema/tlog/note.ts";
import type { IndexPolicy, WitnessPolicy } from "./quorum.ts";
import { type Path, tomlPlaces } from "./toml-places.ts";
import { TrustFields } from "./trust-fields.ts";
import { readTrustedKey } from "./trust-key.ts";
import { readWitnesses } from "./trust-witnesses.ts";

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
  /**
   * Who must have cosigned its heads: one policy that holds now, and those that were retired.
   * Absent where nobody is asked for.
   */
  readonly witnesses?: readonly WitnessPolicy[];
  /** Seconds that the cosignatures of a newest head may be old. Default: `FRESH_SECONDS`. */
  readonly freshSeconds?: number;
  /**
   * Who must have executed its index: policies for heads of the index log, by other keys than the
   * witnesses'. Absent where nobody is asked for; then what the map says is the log's word alone.
   */
  readonly index?: readonly IndexPolicy[];
  /** Indexes that have ended, as the log has stated. Nothing beyond is believed of them. */
  readonly indexEnds?: readonly EndOfIndex[];
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
/** How many people one rule can ask for. */
const PEOPLE = { least: 0, most: 100, what: "people" } as const;

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
    return success(new TrustReader(sha256, new TrustFields(tomlPlaces(text))).read(file));
  } catch (error) {
    if (error instanceof LogError) return failure(error.code, error.message, error.detail);
    if (!(error instanceof TomlError)) throw error;
    const at = `${error.line}:${error.column}`;
    const message = error.message.split("\n")[0] ?? "";
    return failure("TRUST_INVALID", `The trust file is not TOML at ${at}: ${message}`, { at });
  }
}

/** A log that is trusted by one verifier key alone, and asks for no witness. */
export function pinnedLog(sha256: Sha256, vkeyText: string): Result<TrustedLog> {
  const vkey = parseVkey(sha256, vkeyText);
  if (!vkey.ok) return vkey;
  if (vkey.value.type === SIGNATURE_TYPES.cosignature)
    return failure("KEY_REFUSED", "This is the verifier key of a witness.", {
      field: "vkey",
      expected: "a key that signs the log's own checkpoints",
    });
  return success({ origin: vkey.value.name, vkeys: [vkey.value], vkeyTexts: [vkeyText] });
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
  readonly #fields: TrustFields;

  constructor(sha256: Sha256, fields: TrustFields) {
    this.#sha256 = sha256;
    this.#fields = fields;
  }

  read(file: TomlTable): Trust {
    this.#fields.only(file, [], ["trust", "log", "person", "rule"]);
    if (file["trust"] !== 1)
      throw this.#fields.wrong(["trust"], "is not a version this program knows", "trust = 1");
    const logs = this.#fields
      .tables(file, [], "log")
      .map((table, i) => this.#log(table, ["log", i]));
    if (logs.length === 0)
      throw this.#fields.wrong(["log"], "is missing", "at least one [[log]] with origin and vkeys");
    const people = this.#fields
      .tables(file, [], "person")
      .map((t, i) => this.#person(t, ["person", i]));
    const rules = this.#fields
      .tables(file, [], "rule")
      .map((table, i) => this.#rule(table, ["rule", i]));
    this.#fields.unique(
      logs,
      (log) => log.origin,
      (i) => ["log", i, "origin"],
      "origin",
    );
    this.#fields.unique(
      people,
      (person) => person.name,
      (i) => ["person", i, "name"],
      "name",
    );
    this.#fields.unique(
      rules,
      (rule) => rule.for,
      (i) => ["rule", i, "for"],
      "rule for",
    );
    this.#oneOwnerPerKey(people);
    return { logs, people, rules };
  }

  #log(table: TomlTable, path: Path): TrustedLog {
    this.#fields.only(table, path, [
      "origin",
      "vkeys",
      "url",
      "witnesses",
      "fresh_seconds",
      "index",
      "index_end",
    ]);
    const origin = this.#fields.text(table, path, "origin");
    const vkeyTexts = this.#fields.texts(table, path, "vkeys");
    const vkeys = vkeyTexts.map((text, i) => {
      const vkey = parseVkey(this.#sha256, text);
      const at = [...path, "vkeys", i];
      if (!vkey.ok) throw this.#fields.wrong(at, `is no verifier key: ${vkey.message}`);
      if (vkey.value.name !== origin)
        throw this.#fields.wrong(
          at,
          `names "${vkey.value.name}"`,
          `a key named by the origin "${origin}"`,
        );
      if (vkey.value.type === SIGNATURE_TYPES.cosignature)
        throw this.#fields.wrong(
          at,
          "is the key of a witness",
          "a key that signs the log's own checkpoints",
        );
      return vkey.value;
    });
    this.#fields.unique(
      vkeyTexts,
      (text) => text,
      (i) => [...path, "vkeys", i],
      "verifier key",
    );
    const witnessed = readWitnesses(this.#sha256, this.#fields, table, path, vkeys);
    if (table["url"] === undefined) return { origin, vkeys, vkeyTexts, ...witnessed };
    const url = this.#fields.text(table, path, "url");
    if (!URL.canParse(url)) throw this.#fields.wrong([...path, "url"], "is no URL");
    return { origin, vkeys, vkeyTexts, url, ...witnessed };
  }

  #person(table: TomlTable, path: Path): Person {
    this.#fields.only(table, path, ["name", "keys", "roles", "platform"]);
    const name = this.#fields.text(table, path, "name");
    const keys = this.#fields.texts(table, path, "keys").map((text, i) => {
      const key = readTrustedKey(this.#sha256, text);
      if (!key.ok) throw this.#fields.wrong([...path, "keys", i], key.message, key.detail.expected);
      return key.value;
    });
    const roles = this.#fields.texts(table, path, "roles").map((text, i) => {
      const role = ROLES.find((known) => known === text);
      if (role === undefined)
        throw this.#fields.wrong([...path, "roles", i], `is "${text}"`, ROLES.join(", "));
      return role;
    });
    const platform = this.#fields.flag(table, path, "platform");
    return { name, keys, roles: new Set(roles), platform };
  }

  #rule(table: TomlTable, path: Path): Rule {
    this.#fields.only(table, path, ["for", "author", "reviewers", "builders"]);
    const text = this.#fields.text(table, path, "for");
    const question = QUESTIONS.find((known) => known === text);
    if (question === undefined)
      throw this.#fields.wrong([...path, "for"], `is "${text}"`, QUESTIONS.join(", "));
    const author = this.#fields.flag(table, path, "author");
    const reviewers = this.#fields.count(table, path, "reviewers", PEOPLE);
    const builders = this.#fields.count(table, path, "builders", PEOPLE);
    if (reviewers > 0 && !author)
      throw this.#fields.wrong(
        [...path, "reviewers"],
        "cannot be counted without the author, who may not be one of them",
        "author = true in the same rule",
      );
    if (author && builders === 0 && question === "artifact")
      throw this.#fields.wrong(
        [...path, "author"],
        "cannot be known: only a builder says which commit an artifact is from",
        "builders above 0 in the same rule",
      );
    if (!author && builders === 0 && question !== "release")
      throw this.#fields.wrong(path, "asks for nothing", "author = true, or builders above 0");
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
          throw this.#fields.wrong(
            path,
            `is a key of "${person.name}" and, at ${this.#fields.places(before) ?? "?"}, of "${other}"`,
            "each key once, under one name",
          );
        }
        owners.set(toHex(key), path);
      }
  }
}
