/**
 * The channels of a monitor's configuration.
 *
 *     heartbeat_seconds = 3600
 *
 *     [[channel]]
 *     type = "webhook"
 *     url = "https://alerts.example.org/countersign"
 *     secret_file = "webhook.secret"
 *     least = "warning"
 *
 * Besides, every alert is a line of `alerts.jsonl` in the state folder ({@link RECORD}).
 *
 * Spec: docs/monitor.md §Channels.
 *
 * @module
 */
import type { TomlTable } from "smol-toml";
import { printable } from "../../printable.ts";
import type { Path } from "../../toml-places.ts";
import type { TrustFields } from "../../trust-fields.ts";
import { type Alert, SEVERITIES, type Severity } from "../alert.ts";
import type { ListenAt } from "./prometheus.ts";

/** What the configuration has of channels, at its top. */
export const CHANNEL_FIELDS = ["channel", "heartbeat_seconds"] as const;
/** The channel that every monitor has, and its file in the state folder. */
export const RECORD = "alerts.jsonl";

interface Named {
  readonly name: string;
}

interface Filtered extends Named {
  /** Below it, an alert does not go to this channel. */
  readonly least: Severity;
}

export type Tls = "starttls" | "implicit" | "none";

export interface SmtpConfig extends Filtered {
  readonly type: "smtp";
  readonly host: string;
  readonly port: number;
  readonly tls: Tls;
  /** PEM file of certificate authorities, in place of the system's. */
  readonly caFile?: string;
  readonly login?: { readonly user: string; readonly passwordFile: string };
  readonly from: string;
  readonly to: readonly string[];
  readonly timeoutSeconds: number;
}

export type ChannelConfig =
  | (Filtered & { readonly type: "json-lines"; readonly path: string })
  | (Filtered & {
      readonly type: "webhook";
      readonly url: string;
      readonly secretFile: string;
      readonly timeoutSeconds: number;
    })
  | SmtpConfig
  | (Filtered & { readonly type: "atom"; readonly path: string; readonly url?: string })
  | (Named & { readonly type: "prometheus"; readonly textfile: string })
  | (Named & { readonly type: "prometheus"; readonly listen: ListenAt })
  | (Named & {
      readonly type: "heartbeat";
      readonly url: string;
      readonly method: "GET" | "POST";
      readonly timeoutSeconds: number;
    });

export interface ChannelsConfig {
  readonly heartbeatSeconds: number;
  readonly channels: readonly ChannelConfig[];
}

const TYPES = ["json-lines", "webhook", "smtp", "atom", "prometheus", "heartbeat"] as const;
const TLS: readonly Tls[] = ["starttls", "implicit", "none"];
const SECONDS = { least: 1, most: 31_536_000, what: "seconds" } as const;
const TIMEOUT = { least: 1, most: 300, what: "seconds" } as const;
const PORT = { least: 1, most: 65_535, what: "ports" } as const;
/** No quotes, no comments, no lists: one address. What RFC 5321 has beside it nobody's mailbox uses. */
const ADDRESS = /^[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/i;

/** Throws what `fields` throws: the error of the file that it is in. */
export function readChannels(fields: TrustFields, file: TomlTable): ChannelsConfig {
  const reader = new ChannelReader(fields);
  const channels = fields
    .tables(file, [], "channel")
    .map((table, i) => reader.read(table, ["channel", i]));
  fields.unique(
    channels,
    ({ name }) => name,
    (i) => ["channel", i],
    "channel",
  );
  const record = channels.findIndex(({ name }) => name === RECORD);
  if (record !== -1)
    throw fields.wrong(["channel", record, "name"], "is that of every monitor's own file");
  return {
    heartbeatSeconds: reader.count(file, [], "heartbeat_seconds", SECONDS, 3_600),
    channels,
  };
}

export function takesFrom(least: Severity): (alert: Alert) => boolean {
  const lowest = SEVERITIES.indexOf(least);
  return ({ severity }) => SEVERITIES.indexOf(severity) >= lowest;
}

class ChannelReader {
  readonly #fields: TrustFields;

  constructor(fields: TrustFields) {
    this.#fields = fields;
  }

  read(table: TomlTable, path: Path): ChannelConfig {
    switch (this.#oneOf(table, path, "type", TYPES)) {
      case "json-lines":
        this.#only(table, path, "path", "least");
        return {
          type: "json-lines",
          path: this.#text(table, path, "path"),
          ...this.#filtered(table, path),
        };
      case "webhook":
        this.#only(table, path, "url", "secret_file", "timeout_seconds", "least");
        return {
          type: "webhook",
          url: this.#url(table, path),
          secretFile: this.#text(table, path, "secret_file"),
          timeoutSeconds: this.count(table, path, "timeout_seconds", TIMEOUT, 10),
          ...this.#filtered(table, path),
        };
      case "smtp":
        return this.#smtp(table, path);
      case "atom":
        return this.#atom(table, path);
      case "prometheus":
        return this.#prometheus(table, path);
      case "heartbeat":
        this.#only(table, path, "url", "method", "timeout_seconds");
        return {
          type: "heartbeat",
          name: this.#name(table, path),
          url: this.#url(table, path),
          method: this.#oneOf(table, path, "method", ["GET", "POST"], "GET"),
          timeoutSeconds: this.count(table, path, "timeout_seconds", TIMEOUT, 10),
        };
    }
  }

  #smtp(table: TomlTable, path: Path): SmtpConfig {
    const fields = this.#fields;
    this.#only(
      table,
      path,
      "host",
      "port",
      "tls",
      "ca_file",
      "user",
      "password_file",
      "from",
      "to",
      "timeout_seconds",
      "least",
    );
    const host = this.#text(table, path, "host");
    const tls = this.#oneOf(table, path, "tls", TLS, "starttls");
    if (tls === "none" && !isLoopback(host))
      throw fields.wrong(
        [...path, "tls"],
        "is off for a host that is not this machine",
        "starttls",
      );
    const caFile = this.#optional(table, path, "ca_file");
    const login =
      table["user"] === undefined && table["password_file"] === undefined
        ? undefined
        : {
            user: this.#text(table, path, "user"),
            passwordFile: this.#text(table, path, "password_file"),
          };
    return {
      type: "smtp",
      host,
      port: this.count(table, path, "port", PORT, tls === "implicit" ? 465 : 587),
      tls,
      ...(caFile === undefined ? {} : { caFile }),
      ...(login === undefined ? {} : { login }),
      from: this.#address(this.#text(table, path, "from"), [...path, "from"]),
      to: fields.texts(table, path, "to").map((text, i) => this.#address(text, [...path, "to", i])),
      timeoutSeconds: this.count(table, path, "timeout_seconds", TIMEOUT, 30),
      ...this.#filtered(table, path),
    };
  }

  #atom(table: TomlTable, path: Path): ChannelConfig {
    this.#only(table, path, "path", "url", "least");
    const url = table["url"] === undefined ? undefined : this.#url(table, path);
    return {
      type: "atom",
      path: this.#text(table, path, "path"),
      ...(url === undefined ? {} : { url }),
      ...this.#filtered(table, path),
    };
  }

  #prometheus(table: TomlTable, path: Path): ChannelConfig {
    this.#only(table, path, "listen", "textfile");
    const name = this.#name(table, path);
    const textfile = this.#optional(table, path, "textfile");
    const listen = this.#optional(table, path, "listen");
    if ((textfile === undefined) === (listen === undefined))
      throw this.#fields.wrong(path, "has neither or both", "either listen or textfile");
    if (textfile !== undefined) {
      if (!textfile.endsWith(".prom"))
        throw this.#fields.wrong(
          [...path, "textfile"],
          "is not read by node_exporter",
          "a name that ends in .prom",
        );
      return { type: "prometheus", name, textfile };
    }
    const at = /^(.+):(\d{1,5})$/.exec(listen ?? "");
    const port = Number(at?.[2]);
    if (at?.[1] === undefined || port > PORT.most)
      throw this.#fields.wrong([...path, "listen"], "is no address", "HOST:PORT");
    return { type: "prometheus", name, listen: { host: at[1].replace(/^\[(.*)\]$/, "$1"), port } };
  }

  #only(table: TomlTable, path: Path, ...known: readonly string[]): void {
    this.#fields.only(table, path, ["type", "name", ...known]);
  }

  #name(table: TomlTable, path: Path): string {
    const name = this.#optional(table, path, "name") ?? this.#text(table, path, "type");
    if (printable(name) !== name)
      throw this.#fields.wrong([...path, "name"], "is no name", "one line of printable text");
    return name;
  }

  #filtered(table: TomlTable, path: Path): Filtered {
    return {
      name: this.#name(table, path),
      least: this.#oneOf(table, path, "least", SEVERITIES, "info"),
    };
  }

  #text(table: TomlTable, path: Path, name: string): string {
    return this.#fields.text(table, path, name);
  }

  #optional(table: TomlTable, path: Path, name: string): string | undefined {
    return table[name] === undefined ? undefined : this.#text(table, path, name);
  }

  #oneOf<const T extends string>(
    table: TomlTable,
    path: Path,
    name: string,
    allowed: readonly T[],
    absent?: T,
  ): T {
    if (table[name] === undefined && absent !== undefined) return absent;
    const text = this.#text(table, path, name);
    const found = allowed.find((one) => one === text);
    if (found === undefined)
      throw this.#fields.wrong([...path, name], `is "${text}"`, allowed.join(", "));
    return found;
  }

  /** A whole number; `absent` where it is not there. */
  count(
    table: TomlTable,
    path: Path,
    name: string,
    bounds: Parameters<TrustFields["count"]>[3],
    absent: number,
  ): number {
    return table[name] === undefined ? absent : this.#fields.count(table, path, name, bounds);
  }

  /** What is sent is nobody else's: https, or this machine. */
  #url(table: TomlTable, path: Path): string {
    const text = this.#text(table, path, "url");
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const isGood =
      url !== undefined &&
      url.username === "" &&
      url.password === "" &&
      (url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname)));
    if (!isGood)
      throw this.#fields.wrong(
        [...path, "url"],
        "is not usable",
        "https://…, without user and password; http:// to this machine alone",
      );
    return url.href;
  }

  #address(text: string, path: Path): string {
    if (!ADDRESS.test(text)) throw this.#fields.wrong(path, "is no mail address", "name@host");
    return text;
  }
}

function isLoopback(host: string): boolean {
  return (
    host === "localhost" || host === "::1" || host === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(host)
  );
}
