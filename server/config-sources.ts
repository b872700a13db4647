/**
 * The four places a configuration is read from, and which of them had the last word.
 *
 * Pure: the file's text, the environment and the flags are handed in.
 *
 * @module
 */
import { parse as parseToml, TomlError } from "smol-toml";
import { LogError } from "../schema/error.ts";
import { type Config, checkConfig, SECTIONS, SETTINGS, type Setting } from "./config.ts";

export interface ConfigSources {
  /** Values by flag name without dashes: `http-listen`. */
  readonly flags: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly file?: { readonly name: string; readonly text: string };
}

export interface LoadedConfig {
  readonly config: Config;
  /** For each setting (`http.listen`) the place its value came from. */
  readonly origins: ReadonlyMap<string, string>;
}

type Tree = Record<string, Record<string, unknown>>;

/** @throws LogError CONFIG_INVALID, naming the field and its source */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const origins = new Map<string, string>(SETTINGS.map(({ path }) => [path, "default"]));
  const tree: Tree = Object.fromEntries(SECTIONS.map((name) => [name, {}]));
  if (sources.file !== undefined) readFile(sources.file, tree, origins);
  refuseUnknownVariables(sources.env);
  for (const setting of SETTINGS) {
    const variable = sources.env[setting.variable];
    if (variable !== undefined)
      put(tree, origins, setting, fromText(setting, variable), `environment ${setting.variable}`);
    const flag = sources.flags[setting.flag];
    if (flag !== undefined)
      put(
        tree,
        origins,
        setting,
        typeof flag === "string" ? fromText(setting, flag) : flag,
        `flag --${setting.flag}`,
      );
  }
  const checked = checkConfig(tree);
  if (checked.ok) return { config: checked.config, origins };
  const origin = origins.get(checked.field) ?? sources.file?.name ?? "default";
  throw invalid(checked.field, origin, checked.message);
}

/** The effective values, one line each, with the place each came from. Nothing in it is secret. */
export function describeConfig({ config, origins }: LoadedConfig): {
  readonly path: string;
  readonly value: unknown;
  readonly origin: string;
  readonly description: string;
}[] {
  const sections = new Map<string, object>(Object.entries(config));
  return SETTINGS.map((setting) => {
    const [section = "", name = ""] = setting.path.split(".");
    const fields = new Map<string, unknown>(Object.entries(sections.get(section) ?? {}));
    return {
      path: setting.path,
      value: fields.get(name) ?? null,
      origin: origins.get(setting.path) ?? "default",
      description: setting.description,
    };
  });
}

function readFile(
  file: { readonly name: string; readonly text: string },
  tree: Tree,
  origins: Map<string, string>,
): void {
  let document: Record<string, unknown>;
  try {
    document = parseToml(file.text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw new LogError("CONFIG_INVALID", `${file.name}: ${error.message.split("\n")[0] ?? ""}`, {
      at: `${error.line}:${error.column}`,
      cause: error,
    });
  }
  for (const [section, fields] of Object.entries(document)) {
    const known = SECTIONS.includes(section) ? tree[section] : undefined;
    if (known === undefined || typeof fields !== "object" || fields === null)
      throw invalid(section, file.name, "there is no such section");
    for (const [name, value] of Object.entries(fields)) {
      const path = `${section}.${name}`;
      if (!origins.has(path)) throw invalid(path, file.name, "there is no such setting");
      known[name] = value;
      origins.set(path, file.name);
    }
  }
}

/** Variables of a section's name are ours: `COUNTERSIGN_HTTP_LISTN` is a slip of the finger. */
function refuseUnknownVariables(env: ConfigSources["env"]): void {
  const known = new Set(SETTINGS.map(({ variable }) => variable));
  const prefixes = SECTIONS.map((name) => `COUNTERSIGN_${name.toUpperCase()}_`);
  for (const name of Object.keys(env))
    if (!known.has(name) && prefixes.some((prefix) => name.startsWith(prefix)))
      throw invalid(name, "environment", "there is no such setting");
}

function put(
  tree: Tree,
  origins: Map<string, string>,
  setting: Setting,
  value: unknown,
  origin: string,
): void {
  const [section = "", name = ""] = setting.path.split(".");
  const fields = tree[section];
  if (fields !== undefined) fields[name] = value;
  origins.set(setting.path, origin);
}

/** Text of a variable or flag as the schema's type; what is none of it is left for it to refuse. */
function fromText(setting: Setting, text: string): unknown {
  if (setting.kind === "list") return text === "" ? [] : text.split(",").map((part) => part.trim());
  if (setting.kind === "switch" && (text === "true" || text === "false")) return text === "true";
  if (setting.kind === "number" && /^\d{1,15}$/.test(text)) return Number(text);
  return text;
}

function invalid(field: string, origin: string, message: string): LogError {
  return new LogError("CONFIG_INVALID", `${field} (${origin}): ${message}`, {
    field,
    expected: message,
  });
}
