/**
 * The quickstart's log and whom it is trusted by: a configuration, `init`, keys, a trust file.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { good, type Workplace } from "./tools.ts";

export interface Key {
  readonly file: string;
  readonly line: string;
}

export interface Person {
  readonly name: string;
  readonly keys: readonly string[];
  readonly roles: readonly string[];
}

export async function generate(work: Workplace, name: string, type: string): Promise<Key> {
  const file = `${name}.pem`;
  const { stdout } = await work.countersign(`key generate --type ${type} -o ${file} --json`);
  return { file, line: field(stdout, "key") };
}

/** The configuration of a log that lives in one folder: `NAME/log.toml`. */
export function makeLog(
  work: Workplace,
  name: string,
  port: number,
  policy?: string,
  more: readonly string[] = [],
): void {
  const folder = work.path(name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, "log.toml"),
    [
      "[log]",
      `origin = ${JSON.stringify(work.origin)}`,
      `key = ${JSON.stringify(join(folder, "log-key.pem"))}`,
      "[storage]",
      `folder = ${JSON.stringify(join(folder, "store"))}`,
      // Beside the store only because this log lives for a minute: see docs/operate.md.
      `guard = ${JSON.stringify(join(folder, "head.guard"))}`,
      "[http]",
      `listen = "127.0.0.1:${port}"`,
      "[metrics]",
      'listen = "off"',
      "[logging]",
      'level = "warn"',
      ...(policy === undefined ? [] : ["[witness]", `policy = ${JSON.stringify(policy)}`]),
      ...more,
      "",
    ].join("\n"),
  );
}

/** Make the log of `log/log.toml`; its verifier key. */
export async function initLog(work: Workplace): Promise<string> {
  const { stdout } = await work.countersign("init --config log/log.toml --json");
  const vkey = field(stdout, "vkey");
  good(`its verifier key, which clients pin: ${vkey}`);
  return vkey;
}

/** The log, its witnesses (the file `policy`), and people. */
export function writeTrust(
  work: Workplace,
  vkey: string,
  port: number,
  people: readonly Person[],
): void {
  const rule = ["author = true", "reviewers = 1", "builders = 2", ""];
  const lines = [
    "# Whom this machine trusts. Nothing that a log says can change it.",
    "trust = 1",
    "",
    "[[log]]",
    `origin = ${JSON.stringify(work.origin)}`,
    `vkeys = [${JSON.stringify(vkey)}]`,
    `url = "http://127.0.0.1:${port}/"`,
    "",
    "[[log.witnesses]]",
    `policy = """\n${readFileSync(work.path("policy"), "utf8")}"""`,
    "",
    ...people.flatMap(({ name, keys, roles }) => [
      "[[person]]",
      `name = ${JSON.stringify(name)}`,
      `keys = ${JSON.stringify(keys)}`,
      `roles = ${JSON.stringify(roles)}`,
      "",
    ]),
    ...["commit", "artifact"].flatMap((question) => ["[[rule]]", `for = "${question}"`, ...rule]),
  ];
  writeFileSync(work.path("trust.toml"), lines.join("\n"));
}

/** A text field anywhere in a JSON answer. */
export function field(json: string, name: string): string {
  const found = find(JSON.parse(json), name);
  if (found === undefined) throw new Error(`the answer has no ${name}:\n${json}`);
  return found;
}

function find(value: unknown, name: string): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  for (const [key, item] of Object.entries(value)) {
    const found: string | undefined =
      key === name && typeof item === "string" ? item : find(item, name);
    if (found !== undefined) return found;
  }
  return undefined;
}
