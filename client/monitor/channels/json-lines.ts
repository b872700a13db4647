/**
 * Alerts as lines of JSON: appended to a file, or to standard output.
 *
 * In a file each alert has one whole line, also after a crash: lines whose confirmation was cut off
 * are found at its end and not written again; a line that was itself cut off is ended, and is then
 * no JSON, which readers skip.
 *
 * @module
 */
import { type FileHandle, open } from "node:fs/promises";
import { utf8 } from "../../../schema/bytes.ts";
import { type Alert, formatAlert } from "../alert.ts";
import { ChannelError, type Queue } from "./channel.ts";

/** Alerts of one write. */
const MOST = 500;
/** Bytes at the end of a file in which lines of the last write are looked for: several times as long. */
const TAIL_BYTES = 8_388_608;

type JsonLinesOptions = Pick<Queue, "name" | "takes">;

/** Standard output has no end that could be read again: after a crash a line may come twice. */
export function printedLines(
  write: (text: string) => void,
  { name, takes }: JsonLinesOptions,
): Queue {
  return {
    sort: "queue",
    name,
    takes,
    most: MOST,
    send: async (alerts) => write(alerts.map(lineOf).join("")),
  };
}

export function jsonLinesFile(path: string, { name, takes }: JsonLinesOptions): Queue {
  return {
    sort: "queue",
    name,
    takes,
    most: MOST,
    send: async (alerts) => {
      try {
        await append(path, alerts);
      } catch (cause) {
        throw new ChannelError(`${path} cannot be written: ${reasonOf(cause)}`, { cause });
      }
    },
  };
}

/** Durable when it resolves. */
async function append(path: string, alerts: readonly Alert[]): Promise<void> {
  await using file = await open(path, "a+", 0o600);
  const tail = await tailOf(file);
  const there = new Set(tail.split("\n"));
  const lines = alerts.map(formatAlert).filter((line) => !there.has(line));
  const end = tail === "" || tail.endsWith("\n") ? "" : "\n";
  if (lines.length > 0)
    await file.appendFile(utf8(end + lines.map((line) => `${line}\n`).join("")));
  await file.sync();
}

async function tailOf(file: FileHandle): Promise<string> {
  const { size } = await file.stat();
  const length = Math.min(size, TAIL_BYTES);
  const bytes = Buffer.alloc(length);
  let read = 0;
  while (read < length) {
    const { bytesRead } = await file.read(bytes, read, length - read, size - length + read);
    if (bytesRead === 0) break;
    read += bytesRead;
  }
  return bytes.toString("utf8", 0, read);
}

function lineOf(alert: Alert): string {
  return `${formatAlert(alert)}\n`;
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
