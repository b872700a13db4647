/**
 * A command of the command line, as data: what it is called, what it takes, an example or two,
 * and the function that carries it out. Help, parsing and the tests read the same record.
 *
 * @module
 */
import type { ExitStatus, Io } from "./io.ts";

export interface OptionSpec {
  readonly type: "string" | "boolean";
  readonly short?: string;
  /** What stands for the value in the usage line, e.g. `FILE`. Strings only. */
  readonly value?: string;
  readonly help: string;
  readonly required?: boolean;
  /** May be given several times. */
  readonly multiple?: boolean;
}

interface PositionalSpec {
  readonly name: string;
  readonly help: string;
  readonly required: boolean;
  /** Takes all that follow; only the last one may. */
  readonly many?: boolean;
}

interface Example {
  readonly what: string;
  readonly line: string;
}

export interface Command {
  /** As typed: `key generate`. */
  readonly name: string;
  readonly summary: string;
  /** Paragraphs below the summary: what a reader must know before using it. */
  readonly about?: readonly string[];
  readonly positionals: readonly PositionalSpec[];
  readonly options: Readonly<Record<string, OptionSpec>>;
  readonly examples: readonly [Example, ...Example[]];
  readonly run: (args: Arguments, io: Io) => Promise<ExitStatus>;
}

/** What was typed, checked against the command's record. */
export interface Arguments {
  readonly json: boolean;
  readonly positionals: readonly string[];
  /** The value of a string option, if given. */
  readonly value: (option: string) => string | undefined;
  /** The value of an option that its record calls required. */
  readonly need: (option: string) => string;
  readonly list: (option: string) => readonly string[];
  readonly flag: (option: string) => boolean;
}

/** Options that every command has. */
export const COMMON_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  json: { type: "boolean", help: "print one JSON document instead of text" },
  help: { type: "boolean", short: "h", help: "show this help" },
};
