/**
 * Help texts, made from the same records that arguments are parsed by.
 *
 * @module
 */
import type { Command, OptionSpec } from "./command.ts";
import { COMMON_OPTIONS } from "./command.ts";

const COLUMN = 30;
const WIDTH = 100;

export function usageLine(command: Command): string {
  const required = Object.entries(command.options)
    .filter(([, spec]) => spec.required === true)
    .map(([name, spec]) => ` ${optionText(name, spec)}`)
    .join("");
  const positionals = command.positionals
    .map(({ name, required: must, many }) => {
      const text = many === true ? `${name}…` : name;
      return must ? ` ${text}` : ` [${text}]`;
    })
    .join("");
  return `countersign ${command.name}${positionals}${required} [options]`;
}

export function commandHelp(command: Command): string {
  const lines = [command.summary, ""];
  for (const paragraph of command.about ?? []) lines.push(...wrap(paragraph, WIDTH), "");
  lines.push("Usage:", `  ${usageLine(command)}`, "");
  if (command.positionals.length > 0) {
    lines.push("Arguments:");
    for (const { name, help } of command.positionals) lines.push(...row(name, help));
    lines.push("");
  }
  lines.push("Options:");
  for (const [name, spec] of Object.entries({ ...command.options, ...COMMON_OPTIONS })) {
    const short = spec.short === undefined ? "" : `-${spec.short}, `;
    const notes = [
      spec.required === true ? "required" : "",
      spec.multiple === true ? "repeatable" : "",
    ]
      .filter((note) => note !== "")
      .join(", ");
    lines.push(
      ...row(
        `${short}${optionText(name, spec)}`,
        notes === "" ? spec.help : `${spec.help} (${notes})`,
      ),
    );
  }
  lines.push("", "Examples:");
  for (const { what, line } of command.examples) lines.push(`  # ${what}`, `  ${line}`);
  return `${lines.join("\n")}\n`;
}

export interface HelpGroup {
  readonly title: string;
  readonly commands: readonly { readonly name: string; readonly summary: string }[];
}

export function mainHelp(groups: readonly HelpGroup[]): string {
  const lines = [
    "countersign: a transparency log for signed commits, reviews and builds",
    "",
    "Usage:",
    "  countersign COMMAND [arguments] [options]",
    "",
  ];
  for (const { title, commands } of groups) {
    lines.push(`${title}:`);
    for (const { name, summary } of commands) lines.push(...row(name, summary));
    lines.push("");
  }
  lines.push(
    "`countersign COMMAND --help` shows the options of a command, with examples.",
    "Exit status: 0 yes, 1 no, 2 could not ask, 3 the log misbehaved.",
  );
  return `${lines.join("\n")}\n`;
}

function optionText(name: string, spec: OptionSpec): string {
  return spec.type === "string" ? `--${name} ${spec.value ?? "VALUE"}` : `--${name}`;
}

function row(left: string, right: string): string[] {
  const texts = wrap(right, WIDTH - COLUMN);
  const first = `  ${left}`;
  const lines =
    first.length < COLUMN - 1 ? [first.padEnd(COLUMN) + (texts.shift() ?? "")] : [first];
  return [...lines, ...texts.map((text) => " ".repeat(COLUMN) + text)];
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
