/**
 * Options that several commands share, in one wording, and their values.
 *
 * @module
 */
import { LogError } from "../../schema/error.ts";
import type { Arguments, OptionSpec } from "./command.ts";

/** Who signs. */
export const SIGNER_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  key: {
    type: "string",
    short: "k",
    value: "FILE",
    help: "sign with this private key (PKCS #8 PEM or OpenSSH, mode 0600)",
  },
  agent: {
    type: "boolean",
    help: "sign with the running ssh-agent: a YubiKey works as it does for git",
  },
  fingerprint: {
    type: "string",
    value: "SHA256:…",
    help: "which key of the agent; needed when it has several",
  },
  "passphrase-file": {
    type: "string",
    value: "FILE",
    help: "file whose first line is the passphrase of the key",
  },
};

/** By which key a log is known. */
export const TRUST_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  trust: { type: "string", value: "FILE", help: "trust file that names the log's verifier key" },
  vkey: {
    type: "string",
    value: "VKEY",
    help: "the log's verifier key, in place of a trust file",
  },
};

export const MEMORY_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  memory: {
    type: "string",
    value: "FILE",
    help: "where the newest verified head of each log is remembered (default: the user's state folder)",
  },
};

/** Which log is asked. */
export const LOG_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  log: { type: "string", value: "URL", help: "where the log is; else the `url` of the trust file" },
  ...TRUST_OPTIONS,
  ...MEMORY_OPTIONS,
};

/** What becomes of something signed. */
export const DELIVERY_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  output: {
    type: "string",
    short: "o",
    value: "FILE",
    help: "write a submission file, to be logged later with `countersign submit`",
  },
  receipts: { type: "string", value: "DIR", help: "folder for the receipts (default: receipts)" },
  bundle: {
    type: "string",
    value: "FILE",
    help: "log it now, and write the proof as a Sigstore bundle too; for P-256 and RSA keys",
  },
  ...LOG_OPTIONS,
};

/** A whole number above or equal to 0. Throws USAGE that names the option. */
export function wholeNumber(args: Arguments, option: string): number {
  const text = args.need(option);
  const value = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(value))
    throw new LogError("USAGE", `--${option} is "${text}"`, {
      field: `--${option}`,
      expected: "a whole number",
    });
  return value;
}

/** One of `words`, or USAGE that lists them. */
export function oneOf<T extends string>(
  args: Arguments,
  option: string,
  words: readonly T[],
): T | undefined {
  const text = args.value(option);
  if (text === undefined) return undefined;
  const found = words.find((word) => word === text);
  if (found === undefined)
    throw new LogError("USAGE", `--${option} is "${text}"`, {
      field: `--${option}`,
      expected: words.join(", "),
    });
  return found;
}

/** `NAME=VALUE`, split at the first `=`. */
export function pair(option: string, text: string): readonly [string, string] {
  const at = text.indexOf("=");
  if (at <= 0 || at === text.length - 1)
    throw new LogError("USAGE", `--${option} is "${text}"`, {
      field: `--${option}`,
      expected: "NAME=VALUE",
    });
  return [text.slice(0, at), text.slice(at + 1)];
}
