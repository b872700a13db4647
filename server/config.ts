/**
 * The configuration of a log: one schema, read from four places.
 *
 * Precedence: flags over environment over file over defaults. Every field has the same name
 * in all of them: `http.listen` in the file, `COUNTERSIGN_HTTP_LISTEN`, `--http-listen`. A
 * value that is refused is named with the place it came from; an unknown name is refused, so
 * that a misspelt limit is never silently absent.
 *
 * Secrets are not configuration: tokens and keys are named by the file that holds them.
 *
 * @module
 */
import { z } from "zod";
import { MAX_BODY_BYTES } from "../schema/limits.ts";
import { DEFAULT_POLICY } from "./tsa/policy.ts";

/** `host:port`, `[v6]:port`. Port 0 lets the system choose. */
export const listen: z.ZodString = z
  .string()
  .regex(
    /^(\[[0-9a-fA-F:.]+\]|[^\s:[\]]+):\d{1,5}$/,
    'an address and a port, like "127.0.0.1:8080" or "[::1]:8080"',
  )
  .refine((text) => Number(text.slice(text.lastIndexOf(":") + 1)) <= 65_535, "a port up to 65535");

export const count: z.ZodNumber = z.number().int().min(0);
export const positive: z.ZodNumber = z.number().int().min(1);
/** A day. Timers of the system end at 24 days, and one that is set beyond that fires at once. */
const MAX_MILLISECONDS = 86_400_000;
export const milliseconds: z.ZodNumber = positive.max(
  MAX_MILLISECONDS,
  `at most ${MAX_MILLISECONDS}, a day`,
);
export const path: z.ZodString = z.string().min(1);

export interface Config {
  readonly log: {
    readonly origin?: string | undefined;
    readonly key?: string | undefined;
    readonly passphrase_file?: string | undefined;
  };
  readonly storage: {
    readonly driver: "sqlite" | "memory";
    readonly folder: string;
    readonly guard?: string | undefined;
  };
  readonly http: {
    readonly listen: string;
    readonly trusted_proxies: readonly string[];
    readonly max_connections: number;
    readonly keep_alive_ms: number;
    readonly public_url?: string | undefined;
  };
  readonly metrics: { readonly listen: string };
  readonly index: {
    readonly enabled: "on" | "off";
    readonly verifiers?: string | undefined;
    readonly allow_split: boolean;
    readonly timeout_ms: number;
    readonly step_ms: number;
    readonly end?: number | undefined;
  };
  readonly admission: {
    readonly who: "anyone" | "keys" | "token";
    readonly keys_file?: string | undefined;
    readonly token_file?: string | undefined;
  };
  readonly timestamp: {
    readonly authority: "on" | "off";
    readonly key?: string | undefined;
    readonly chain?: string | undefined;
    readonly policy: string;
    readonly retired_chains: readonly string[];
  };
  readonly limits: {
    readonly body_timeout_ms: number;
    readonly inflight_bytes: number;
    readonly pending_entries: number;
    readonly entries_per_second: number;
    readonly entries_per_second_per_key: number;
    readonly requests_per_second_per_address: number;
  };
  readonly witness: {
    readonly policy?: string | undefined;
    readonly allow_split: boolean;
    readonly timeout_ms: number;
    readonly round_ms: number;
    readonly write_wait_ms: number;
    readonly fresh_seconds: number;
    readonly pending_entries: number;
  };
  readonly promise: { readonly deadline_seconds: number };
  readonly mirror: { readonly urls: readonly string[] };
  readonly logging: { readonly level: LogLevel };
  readonly shutdown: { readonly grace_ms: number };
}

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "silent";

/** Written for the reader of `countersign config show`: each description is printed there. */
const schema = z
  .strictObject({
    log: z.strictObject({
      origin: z
        .string()
        .regex(/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/, "a lower-case host name without a port")
        .max(253)
        .optional()
        .describe("Name of the log: a bare host name, the same for its whole life."),
      key: path.optional().describe("File with the log's Ed25519 private key (PKCS #8 PEM)."),
      passphrase_file: path.optional().describe("File with the passphrase of that key."),
    }),
    storage: z.strictObject({
      driver: z
        .enum(["sqlite", "memory"])
        .default("sqlite")
        .describe("sqlite, or memory: lost at exit."),
      folder: path.default("countersign-data").describe("Folder of the store."),
      guard: path.optional().describe("Head guard file; by default in the user's state folder."),
    }),
    http: z.strictObject({
      listen: listen.default("127.0.0.1:8080").describe("Address of the public side."),
      trusted_proxies: z
        .array(z.string())
        .default([])
        .describe("Addresses or CIDR ranges whose X-Forwarded-For is believed."),
      max_connections: positive.default(10_000).describe("Connections held at one time."),
      keep_alive_ms: milliseconds
        .default(65_000)
        .describe("An idle connection is closed after this."),
      public_url: z
        .url({ protocol: /^https?$/ })
        .refine((url) => !/[?#@]/.test(url), "a URL without user, query or fragment")
        .optional()
        .describe("Where clients reach the log; https://<origin> by default."),
    }),
    metrics: z.strictObject({
      listen: listen
        .or(z.literal("off"))
        .default("127.0.0.1:9090")
        .describe('Address of /metrics, or "off".'),
    }),
    admission: z.strictObject({
      who: z
        .enum(["anyone", "keys", "token"])
        .default("anyone")
        .describe("Who may append: anyone who signs, enrolled keys, or holders of a token."),
      keys_file: path
        .optional()
        .describe("Enrolled keys: one SSH key line or hex signer id per line."),
      token_file: path
        .optional()
        .describe("File with one token per line, each at least 16 characters."),
    }),
    timestamp: z.strictObject({
      authority: z
        .enum(["on", "off"])
        .default("on")
        .describe("Whether time stamps (RFC 3161) are signed."),
      key: path.optional().describe("Its P-256 private key; by default beside the log's key."),
      chain: path.optional().describe("Its certificates in PEM, its own first, the root last."),
      policy: z
        .string()
        .regex(
          /^[0-2](\.(0|[1-9]\d{0,8})){1,31}$/,
          "an object identifier, like 1.3.6.1.4.1.99999.1",
        )
        .default(DEFAULT_POLICY)
        .describe("Object identifier of the policy that a time stamp names."),
      retired_chains: z
        .array(path)
        .default([])
        .describe("Chains that sign no more, and whose time stamps still verify."),
    }),
    limits: z.strictObject({
      body_timeout_ms: milliseconds
        .default(30_000)
        .describe("For a body, or one line of a batch, to arrive."),
      inflight_bytes: positive
        .min(MAX_BODY_BYTES, `at least ${MAX_BODY_BYTES}, one body of the largest size`)
        .default(134_217_728)
        .describe("Bytes of request bodies held at one time, and as many of answers not yet read."),
      pending_entries: positive.default(65_536).describe("Entries waiting for their commit."),
      entries_per_second: count.default(0).describe("From everybody together; 0 is no limit."),
      entries_per_second_per_key: count.default(0).describe("Signed by one key; 0 is no limit."),
      requests_per_second_per_address: count
        .default(0)
        .describe("Writes from one address; 0 is no limit."),
    }),
    index: z.strictObject({
      enabled: z
        .enum(["on", "off"])
        .default("on")
        .describe("Keep an index of all entries, for look-ups with proof."),
      verifiers: path
        .optional()
        .describe("C2SP tlog-policy file: who must have executed the index before it is shown."),
      allow_split: z
        .boolean()
        .default(false)
        .describe("Run under a policy of verifiers that two histories could each satisfy."),
      timeout_ms: milliseconds
        .default(10_000)
        .describe("For one request to an index verifier, which reads the log meanwhile."),
      step_ms: milliseconds
        .default(1_000)
        .describe("At least so long between two leaves of the index; twice as long under load."),
      end: positive
        .optional()
        .describe(
          "End the index with this number, for good, when the next one has all that it has.",
        ),
    }),
    witness: z.strictObject({
      policy: path
        .optional()
        .describe("C2SP tlog-policy file: who must have cosigned a head before it is published."),
      allow_split: z
        .boolean()
        .default(false)
        .describe("Run under a policy that two histories of this log could each satisfy."),
      timeout_ms: milliseconds.default(2_000).describe("For one request to a witness."),
      round_ms: milliseconds
        .default(20)
        .describe("At least this between two rounds: how often witnesses are asked."),
      write_wait_ms: milliseconds
        .default(3_000)
        .describe("A write is answered after this, witnessed or not."),
      fresh_seconds: positive
        .max(31_536_000, "at most 31536000, a year")
        .default(86_400)
        .describe("A witnessed head may be this old; an unchanged one is cosigned every third."),
      pending_entries: positive
        .default(65_536)
        .describe("Entries that may be durable and not yet witnessed."),
    }),
    promise: z.strictObject({
      deadline_seconds: positive
        .min(60, "at least 60")
        .max(604_800, "at most 604800, a week")
        .default(86_400)
        .describe("A promise says that its entry is published within this."),
    }),
    mirror: z.strictObject({
      urls: z
        .array(z.url({ protocol: /^https?$/ }))
        .default([])
        .describe("Mirrors that are asked at the start whether they have more than the store."),
    }),
    logging: z.strictObject({
      level: z
        .enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"])
        .default("info")
        .describe("What is written to standard error, as JSON lines."),
    }),
    shutdown: z.strictObject({
      grace_ms: milliseconds
        .default(20_000)
        .describe("For requests in flight to end after a signal."),
    }),
  })
  .superRefine((config, context) => {
    const { who, keys_file, token_file } = config.admission;
    const need = (field: "keys_file" | "token_file"): void =>
      context.addIssue({
        code: "custom",
        path: ["admission", field],
        message: `needed because admission.who is "${who}"`,
      });
    if (who === "keys" && keys_file === undefined) need("keys_file");
    if (who === "token" && token_file === undefined) need("token_file");
    if (config.index.verifiers !== undefined && config.index.enabled === "off")
      context.addIssue({
        code: "custom",
        path: ["index", "verifiers"],
        message: 'there is nothing to verify, because index.enabled is "off"',
      });
  });

/** What the schema says about a tree of values: the configuration, or the first thing wrong. */
export type CheckedConfig =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly field: string; readonly message: string };

export function checkConfig(tree: unknown): CheckedConfig {
  const parsed = schema.safeParse(tree);
  if (parsed.success) return { ok: true, config: parsed.data };
  const issue = parsed.error.issues[0];
  const unknown = issue?.code === "unrecognized_keys" ? issue.keys.slice(0, 1) : [];
  return {
    ok: false,
    field: [...(issue?.path ?? []).slice(0, 2), ...unknown].join("."),
    message: issue?.message ?? "it breaks its schema",
  };
}

/** Names of the sections, in the order of the schema. */
export const SECTIONS: readonly string[] = Object.keys(schema.shape);

/** A setting as the sources see it. */
export interface Setting {
  /** `http.listen`, as in the file. */
  readonly path: string;
  readonly variable: string;
  readonly flag: string;
  readonly description: string;
  readonly kind: "string" | "number" | "list" | "switch";
}

/** Every setting of the schema, in its order. */
export const SETTINGS: readonly Setting[] = Object.entries(schema.shape).flatMap(
  ([section, object]) =>
    Object.entries<z.ZodType>(object.shape).map(([name, field]): Setting => {
      const words = `${section}_${name}`;
      return {
        path: `${section}.${name}`,
        variable: `COUNTERSIGN_${words.toUpperCase()}`,
        flag: words.replaceAll("_", "-"),
        description: field.description ?? "",
        kind: kindOf(z.toJSONSchema(field, { io: "input" })["type"]),
      };
    }),
);

function kindOf(type: unknown): Setting["kind"] {
  if (type === "array") return "list";
  if (type === "boolean") return "switch";
  return type === "integer" || type === "number" ? "number" : "string";
}
