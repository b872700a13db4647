/**
 * Arguments against a command's record. Whatever is not understood is named, with the nearest
 * thing that would have been.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { LogError } from "../../schema/error.ts";
import type { Arguments, Command, OptionSpec } from "./command.ts";
import { COMMON_OPTIONS } from "./command.ts";

/** Throws `LogError("USAGE")` that names the option or argument. */
export function parseArguments(command: Command, argv: readonly string[]): Arguments {
  const specs: Record<string, OptionSpec> = { ...command.options, ...COMMON_OPTIONS };
  const hint = `countersign ${command.name} --help`;
  const { tokens } = parseArgs({
    args: [...argv],
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: Object.fromEntries(
      Object.entries(specs).map(([name, { type, short }]) => [
        name,
        { type, multiple: true, ...(short === undefined ? {} : { short }) },
      ]),
    ),
  });
  const values = new Map<string, string[]>();
  const flags = new Set<string>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    const spec = Object.hasOwn(specs, token.name) ? specs[token.name] : undefined;
    if (spec === undefined) throw unknownOption(token.rawName, specs, hint);
    if (spec.type === "boolean") {
      if (token.value !== undefined)
        throw usage(`${token.rawName} takes no value`, token.rawName, hint);
      flags.add(token.name);
      continue;
    }
    if (token.value === undefined || (token.value.startsWith("-") && !token.inlineValue))
      throw usage(
        `${token.rawName} needs a value (${spec.value ?? "VALUE"}); one that starts with "-" is given as ${token.rawName}=…`,
        token.rawName,
        hint,
      );
    const given = values.get(token.name) ?? [];
    if (given.length > 0 && spec.multiple !== true)
      throw usage(`${token.rawName} is given twice`, token.rawName, hint);
    values.set(token.name, [...given, token.value]);
  }
  if (!flags.has("help")) checkComplete(command, values, positionals, hint);
  return {
    json: flags.has("json"),
    positionals,
    value: (option) => values.get(option)?.[0],
    need: (option) => {
      const value = values.get(option)?.[0];
      if (value === undefined) throw usage(`--${option} is missing`, `--${option}`, hint);
      return value;
    },
    list: (option) => values.get(option) ?? [],
    flag: (option) => flags.has(option),
  };
}

function checkComplete(
  command: Command,
  values: ReadonlyMap<string, readonly string[]>,
  positionals: readonly string[],
  hint: string,
): void {
  for (const [name, spec] of Object.entries(command.options))
    if (spec.required === true && !values.has(name))
      throw usage(`--${name} ${spec.value ?? ""} is missing`.replace("  ", " "), `--${name}`, hint);
  const needed = command.positionals.filter((positional) => positional.required);
  const missing = needed[positionals.length];
  if (missing !== undefined) throw usage(`${missing.name} is missing`, missing.name, hint);
  const many = command.positionals.at(-1)?.many === true;
  if (!many && positionals.length > command.positionals.length)
    throw usage(
      `"${positionals[command.positionals.length] ?? ""}" is one argument too many`,
      "arguments",
      hint,
    );
}

function unknownOption(
  rawName: string,
  specs: Readonly<Record<string, OptionSpec>>,
  hint: string,
): LogError {
  const near = nearest(rawName.replace(/^--?/, ""), Object.keys(specs));
  const suggestion = near === undefined ? "" : `; did you mean --${near}?`;
  return usage(`unknown option ${rawName}${suggestion}`, rawName, hint);
}

function usage(message: string, field: string, hint: string): LogError {
  return new LogError("USAGE", message, { field, hint });
}

/** The candidate at an edit distance of at most a third of its length, or that begins alike. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const distance =
      word.length >= 3 && candidate.startsWith(word) ? 0.5 : editDistance(word, candidate);
    if (distance < bestDistance && distance <= Math.max(1, candidate.length / 3)) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/**
 * Insertions, deletions, substitutions and swaps of neighbours, each one step. The words are
 * short: one is ours, the other is cut to 64 characters.
 */
function editDistance(typed: string, b: string): number {
  const a = typed.slice(0, 64);
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const cell = (i: number, j: number): number => rows[i]?.[j] ?? 0;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(
        Math.min(
          cell(i - 1, j) + 1,
          cell(i, j - 1) + 1,
          cell(i - 1, j - 1) + (same ? 0 : 1),
          swapped ? cell(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
  }
  return cell(a.length, b.length);
}
