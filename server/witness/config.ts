/**
 * The configuration of a witness: one flat schema, read from a file in TOML and from flags, which
 * stand over it. `listen` in the file is `--listen` as a flag. A value that is refused is named with
 * the place it came from; an unknown name is refused.
 *
 * The environment is not read: a log on the same machine has its own there.
 *
 * @module
 */
import { parse as parseToml, TomlError } from "smol-toml";
import { z } from "zod";
import { LogError } from "../../schema/error.ts";
import { MAX_ADD_CHECKPOINT_BYTES } from "../../schema/tlog/tlog-witness.ts";
import { count, type LogLevel, listen, milliseconds, path, positive } from "../config.ts";

export interface WitnessConfig {
  readonly folder: string;
  readonly logs?: string | undefined;
  readonly index: boolean;
  readonly trust?: string | undefined;
  readonly answer_ms: number;
  readonly read_ms: number;
  readonly listen: string;
  readonly prefix: string;
  readonly metrics: string;
  readonly trusted_proxies: readonly string[];
  readonly max_connections: number;
  readonly keep_alive_ms: number;
  readonly body_timeout_ms: number;
  readonly inflight_bytes: number;
  readonly requests_per_second_per_address: number;
  readonly cosignatures_per_second_per_log: number;
  readonly level: LogLevel;
  readonly grace_ms: number;
}

/** Each description is printed by `countersign witness serve --help`. */
const fields = z.strictObject({
  folder: path.describe("Folder that init made: keys and state."),
  logs: path
    .optional()
    .describe("File of lines `log <vkey> [<url>]` (default: logs.txt in the folder)."),
  index: z
    .boolean()
    .default(false)
    .describe("Verify indexes: execute every leaf of an index log before it is cosigned."),
  trust: path
    .optional()
    .describe("With index: trust file with the logs, their witnesses and their url."),
  answer_ms: milliseconds
    .max(20_000, "at most 20000")
    .default(8_000)
    .describe("With index: a request is answered after this; the execution goes on."),
  read_ms: milliseconds
    .default(30_000)
    .describe("With index: for one answer of the log that is read."),
  listen: listen.default("127.0.0.1:8081").describe("Address of the public side."),
  prefix: z
    .string()
    .regex(/^(?:\/[A-Za-z0-9._~-]+)*$/, "nothing, or a path like /w1 without a slash at its end")
    .default("")
    .describe("Submission and monitoring prefix, as a path."),
  metrics: listen
    .or(z.literal("off"))
    .default("127.0.0.1:9091")
    .describe('Address of /metrics, or "off".'),
  trusted_proxies: z
    .array(z.string())
    .default([])
    .describe("Addresses or CIDR ranges whose X-Forwarded-For is believed."),
  max_connections: positive.default(1_000).describe("Connections held at one time."),
  keep_alive_ms: milliseconds.default(120_000).describe("An idle connection is closed after this."),
  body_timeout_ms: milliseconds.default(10_000).describe("For a body to arrive."),
  inflight_bytes: positive
    .min(MAX_ADD_CHECKPOINT_BYTES, `at least ${MAX_ADD_CHECKPOINT_BYTES}, one request`)
    .default(33_554_432)
    .describe("Bytes of request bodies held at one time."),
  requests_per_second_per_address: count
    .default(1_000)
    .describe("Checkpoints sent and asked for from one address; 0 is no limit."),
  cosignatures_per_second_per_log: count
    .default(500)
    .describe("Checkpoints of one log that are written down and cosigned; 0 is no limit."),
  level: z
    .enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"])
    .default("info")
    .describe("What is written to standard error, as JSON lines."),
  grace_ms: milliseconds.default(10_000).describe("For requests in flight to end after a signal."),
});

/** An index verifier knows its logs by a trust file, a witness by a list of lines. */
const schema = fields.superRefine(({ index, trust, logs }, context) => {
  const refuse = (field: "trust" | "logs", message: string): void =>
    context.addIssue({ code: "custom", path: [field], message });
  if (index && trust === undefined) refuse("trust", "needed with index");
  if (index && logs !== undefined) refuse("logs", "not with index: the trust file names the logs");
  if (!index && trust !== undefined) refuse("trust", "only with index");
});

/** A setting as flags and help see it. */
export interface WitnessSetting {
  readonly name: string;
  readonly flag: string;
  readonly description: string;
  readonly kind: "string" | "number" | "list" | "switch";
}

export const WITNESS_SETTINGS: readonly WitnessSetting[] = Object.entries<z.ZodType>(
  fields.shape,
).map(([name, field]) => {
  const type = z.toJSONSchema(field, { io: "input" })["type"];
  return {
    name,
    flag: name.replaceAll("_", "-"),
    description: field.description ?? "",
    kind: kindOf(type),
  };
});

export interface WitnessConfigSources {
  /** Values by flag, without its dashes. */
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly file?: { readonly name: string; readonly text: string };
}

/** @throws LogError CONFIG_INVALID, naming the setting and its source */
export function loadWitnessConfig({ flags, file }: WitnessConfigSources): WitnessConfig {
  const tree: Record<string, unknown> = file === undefined ? {} : readToml(file.name, file.text);
  const sources = new Map(Object.keys(tree).map((name) => [name, file?.name ?? ""]));
  for (const setting of WITNESS_SETTINGS) {
    const text = flags[setting.flag];
    if (text === undefined) continue;
    tree[setting.name] = fromText(setting, text);
    sources.set(setting.name, `flag --${setting.flag}`);
  }
  const parsed = schema.safeParse(tree);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const unknown = issue?.code === "unrecognized_keys" ? issue.keys[0] : undefined;
  const name = unknown ?? String(issue?.path[0] ?? "");
  const source = sources.get(name);
  throw new LogError(
    "CONFIG_INVALID",
    `${name} (${source ?? "not given"}): ${issue?.message ?? "it breaks the schema"}`,
    { field: name, hint: "countersign witness serve --help" },
  );
}

function readToml(name: string, text: string): Record<string, unknown> {
  try {
    return { ...parseToml(text) };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw new LogError("CONFIG_INVALID", `${name}: ${error.message.split("\n")[0] ?? ""}`, {
      at: `${error.line}:${error.column}`,
      cause: error,
    });
  }
}

function kindOf(type: unknown): WitnessSetting["kind"] {
  if (type === "array") return "list";
  if (type === "boolean") return "switch";
  return type === "integer" ? "number" : "string";
}

/** Text of a flag as the schema's type; what is no number is left for it to refuse. */
function fromText({ kind }: WitnessSetting, text: string): unknown {
  if (kind === "switch") return text === "true" ? true : text;
  if (kind === "list") return text === "" ? [] : text.split(",").map((part) => part.trim());
  return kind === "number" && /^\d+$/.test(text) ? Number(text) : text;
}
