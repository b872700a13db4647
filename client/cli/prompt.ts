/**
 * Asking a person: on the terminal itself, never on standard input. A passphrase stays unseen.
 *
 * @module
 */
import { openSync } from "node:fs";
import { ReadStream, WriteStream } from "node:tty";
import { LogError } from "../../schema/error.ts";

const MAX_CHARACTERS = 1024;

/** Throws SIGNER_FAILED where there is no terminal, or where it was broken off. */
export async function promptPassphrase(question: string): Promise<string> {
  let input: ReadStream;
  let output: WriteStream;
  try {
    input = new ReadStream(openSync("/dev/tty", "r"));
    output = new WriteStream(openSync("/dev/tty", "w"));
  } catch (cause) {
    throw new LogError("SIGNER_FAILED", "the key has a passphrase and there is no terminal", {
      field: "--passphrase-file",
      hint: "give --passphrase-file FILE, or set COUNTERSIGN_PASSPHRASE_FILE",
      cause,
    });
  }
  try {
    output.write(question);
    input.setRawMode(true);
    return await readUnseen(input);
  } finally {
    input.setRawMode(false);
    output.write("\n");
    input.destroy();
    output.destroy();
  }
}

/** One line, seen as it is typed. Throws USAGE where there is no terminal. */
export async function promptLine(question: string): Promise<string> {
  const { createInterface } = await import("node:readline/promises");
  let input: ReadStream;
  let output: WriteStream;
  try {
    input = new ReadStream(openSync("/dev/tty", "r"));
    output = new WriteStream(openSync("/dev/tty", "w"));
  } catch (cause) {
    throw new LogError("USAGE", "there is no terminal to ask at", { field: "terminal", cause });
  }
  const lines = createInterface({ input, output });
  try {
    return await lines.question(question);
  } finally {
    lines.close();
    input.destroy();
    output.destroy();
  }
}

async function readUnseen(input: ReadStream): Promise<string> {
  input.setEncoding("utf8");
  let text = "";
  for await (const chunk of input)
    for (const character of String(chunk)) {
      if (character === "\r" || character === "\n") return text;
      if (character === "\u0003" || character === "\u0004") throw brokenOff();
      if (character === "\u007f" || character === "\b") text = text.slice(0, -1);
      else if (text.length < MAX_CHARACTERS) text += character;
    }
  throw brokenOff();
}

function brokenOff(): LogError {
  return new LogError("SIGNER_FAILED", "no passphrase was given", { field: "passphrase" });
}
