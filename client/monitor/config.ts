/**
 * The configuration of a monitor: whom it trusts, where it remembers, and what it watches.
 *
 *     monitor = 1
 *     trust = "trust.toml"
 *     state = "monitor"
 *
 *     [[log]]
 *     origin = "log.example.org"
 *     keys = ["ada.pub"]
 *     repositories = ["https://example.org/tool.git"]
 *     own = ["release.pub"]
 *     receipts = "receipts"
 *
 * A file that is not understood completely is refused completely, with line and column: what is
 * misspelt would be watched by nobody. Here is its form; what the words name (key files, say) is
 * for whoever opens it.
 *
 * Spec: docs/formats.md §Monitor.
 *
 * @module
 */
import { parse, TomlError, type TomlTable } from "smol-toml";
import { fromUtf8 } from "../../schema/bytes.ts";
import { failure, LogError, type Result, success } from "../../schema/error.ts";
import { type Path, tomlPlaces } from "../toml-places.ts";
import { TrustFields } from "../trust-fields.ts";
import { CHANNEL_FIELDS, type ChannelsConfig, readChannels } from "./channels/config.ts";

/** Bytes of a configuration. */
export const MAX_CONFIG_BYTES = 1_048_576;
const SECONDS = { least: 1, most: 315_360_000, what: "seconds" } as const;

/** Lists of names that are watched, and the word of a look-up that each stands for. */
const WATCHED = {
  keys: "signer",
  repositories: "repo",
  packages: "purl",
  builders: "builder",
  artifacts: "artifact",
  commits: "commit",
} as const;

const LOG_FIELDS = [
  "origin",
  "url",
  "claims",
  "own",
  "receipts",
  "statements",
  "fresh_seconds",
  "index_lag_seconds",
  "witness_seconds",
  "ask_witnesses",
] as const;

/** A name that is watched, as a question of `countersign lookup`. */
export interface WatchedWords {
  readonly words: readonly string[];
  /** Where it stands, for messages. */
  readonly place: string;
}

export interface WatchedLog {
  /** A log of the trust file. */
  readonly origin: string;
  readonly url?: string;
  readonly watched: readonly WatchedWords[];
  /** Keys of ours: every entry by one of them is one that we signed, or an alert. */
  readonly own: readonly WatchedWords[];
  /** Folder of receipts: what we signed, and what must stay in the index. */
  readonly receipts?: string;
  /** File of digests of contents that we signed, besides those of the receipts. */
  readonly statements?: string;
  readonly freshSeconds?: number;
  /** How long an entry of the log may be missing in its index. */
  readonly indexLagSeconds: number;
  /** How long a witness or an index verifier may be silent. */
  readonly witnessSeconds: number;
  /** Whether witnesses are asked which head they have seen. */
  readonly askWitnesses: boolean;
}

export interface MonitorConfig {
  readonly trust: string;
  /** Folder of the state. */
  readonly state: string;
  readonly intervalSeconds: number;
  readonly logs: readonly WatchedLog[];
  readonly delivery: ChannelsConfig;
}

/** Read a configuration. `CONFIG_INVALID` with `field`, and `at` as `line:column`. */
export function parseMonitorConfig(bytes: Uint8Array): Result<MonitorConfig> {
  const text = fromUtf8(bytes);
  if (text === undefined) return failure("CONFIG_INVALID", "The configuration is not UTF-8.");
  try {
    const file = parse(text);
    const of = { file: "Configuration", code: "CONFIG_INVALID" } as const;
    return success(new ConfigReader(new TrustFields(tomlPlaces(text), of)).read(file));
  } catch (error) {
    if (error instanceof LogError) return failure(error.code, error.message, error.detail);
    if (!(error instanceof TomlError)) throw error;
    const at = `${error.line}:${error.column}`;
    const message = error.message.split("\n")[0] ?? "";
    return failure("CONFIG_INVALID", `The configuration is not TOML at ${at}: ${message}`, { at });
  }
}

class ConfigReader {
  readonly #fields: TrustFields;

  constructor(fields: TrustFields) {
    this.#fields = fields;
  }

  read(file: TomlTable): MonitorConfig {
    const fields = this.#fields;
    fields.only(
      file,
      [],
      ["monitor", "trust", "state", "interval_seconds", "log", ...CHANNEL_FIELDS],
    );
    if (file["monitor"] !== 1)
      throw fields.wrong(["monitor"], "is not a version this program knows", "monitor = 1");
    const logs = fields.tables(file, [], "log").map((table, i) => this.#log(table, ["log", i]));
    if (logs.length === 0)
      throw fields.wrong(["log"], "is missing", "at least one [[log]] with an origin");
    fields.unique(
      logs,
      ({ origin }) => origin,
      (i) => ["log", i, "origin"],
      "origin",
    );
    return {
      trust: fields.text(file, [], "trust"),
      state: fields.text(file, [], "state"),
      intervalSeconds: this.#seconds(file, [], "interval_seconds") ?? 300,
      logs,
      delivery: readChannels(fields, file),
    };
  }

  #log(table: TomlTable, path: Path): WatchedLog {
    const fields = this.#fields;
    fields.only(table, path, [...Object.keys(WATCHED), ...LOG_FIELDS]);
    const optional = (name: string): string | undefined =>
      table[name] === undefined ? undefined : fields.text(table, path, name);
    const [url, receipts, statements] = ["url", "receipts", "statements"].map(optional);
    const freshSeconds = this.#seconds(table, path, "fresh_seconds");
    const own = this.#names(table, path, "own", "signer");
    if (own.length > 0 && receipts === undefined && statements === undefined)
      throw fields.wrong(
        [...path, "own"],
        "cannot be told from forgeries",
        "`receipts` or `statements` beside it: what was really signed",
      );
    return {
      origin: fields.text(table, path, "origin"),
      ...(url === undefined ? {} : { url }),
      watched: [
        ...Object.entries(WATCHED).flatMap(([name, word]) => this.#names(table, path, name, word)),
        ...this.#claims(table, path),
      ],
      own,
      ...(receipts === undefined ? {} : { receipts }),
      ...(statements === undefined ? {} : { statements }),
      ...(freshSeconds === undefined ? {} : { freshSeconds }),
      indexLagSeconds: this.#seconds(table, path, "index_lag_seconds") ?? 600,
      witnessSeconds: this.#seconds(table, path, "witness_seconds") ?? 86_400,
      askWitnesses: table["ask_witnesses"] === undefined || this.#flag(table, path),
    };
  }

  #flag(table: TomlTable, path: Path): boolean {
    return this.#fields.flag(table, path, "ask_witnesses");
  }

  #names(table: TomlTable, path: Path, name: string, word: string): WatchedWords[] {
    return this.#texts(table, path, name).map((text, i) => ({
      words: [word, text],
      place: `${placeOf(path)}.${name}[${i}]`,
    }));
  }

  #claims(table: TomlTable, path: Path): WatchedWords[] {
    const claims = table["claims"] ?? [];
    const at = [...path, "claims"];
    if (!Array.isArray(claims)) throw this.#fields.wrong(at, "is not a list", "lists of words");
    return claims.map((claim, i) => {
      const inner: TomlTable = { words: claim };
      const isWords = Array.isArray(claim) && claim.every((word) => typeof word === "string");
      if (!isWords)
        throw this.#fields.wrong([...at, i], "is not a list of words", '["ref-by", KEY, URI, REF]');
      const words = this.#fields.texts(inner, [...at, i], "words");
      return { words: ["claim", ...words], place: `${placeOf(path)}.claims[${i}]` };
    });
  }

  #texts(table: TomlTable, path: Path, name: string): string[] {
    const value = table[name];
    const none = value === undefined || (Array.isArray(value) && value.length === 0);
    return none ? [] : this.#fields.texts(table, path, name);
  }

  #seconds(table: TomlTable, path: Path, name: string): number | undefined {
    return table[name] === undefined ? undefined : this.#fields.count(table, path, name, SECONDS);
  }
}

function placeOf(path: Path): string {
  return path.map((part) => (typeof part === "number" ? `[${part}]` : part)).join("");
}
