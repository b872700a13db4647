/**
 * Alerts as lines at the end of a file, each once.
 *
 * A line is durable before `deliver` resolves. The last whole line says which alert was the last
 * one; a line that a crash has cut off is taken away.
 *
 * Spec: docs/formats.md §Alerts.
 *
 * @module
 */
import { open } from "node:fs/promises";
import { fromUtf8, utf8 } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import { parseJson } from "../../schema/json.ts";
import { type AlertSink, formatAlert, readAlert } from "./alert.ts";

/** Bytes at the end of the file in which its last line is looked for. */
const TAIL = 65_536;

export function alertsFile(path: string): AlertSink {
  return {
    deliver: async (alerts) => {
      try {
        await using file = await open(path, "a+", 0o600);
        const { size } = await file.stat();
        const { last, end } = await lastLine(file, size);
        if (end < size) await file.truncate(end);
        const news = alerts.filter(({ number }) => number > last).map(formatAlert);
        if (news.length === 0) return;
        await file.writeFile(utf8(`${news.join("\n")}\n`));
        await file.sync();
      } catch (cause) {
        if (cause instanceof LogError) throw cause;
        throw new LogError("FILE_UNREADABLE", `The alerts file ${path} cannot be written.`, {
          cause,
        });
      }
    },
  };
}

async function lastLine(
  file: Awaited<ReturnType<typeof open>>,
  size: number,
): Promise<{ readonly last: number; readonly end: number }> {
  const start = Math.max(0, size - TAIL);
  const bytes = new Uint8Array(size - start);
  await file.read(bytes, 0, bytes.length, start);
  const end = bytes.lastIndexOf(10) + 1;
  if (end === 0) return { last: 0, end: start };
  const before = bytes.lastIndexOf(10, end - 2) + 1;
  const json = parseJson(bytes.subarray(before, end - 1));
  const alert = json.ok ? readAlert(json.value, "") : json;
  if (!alert.ok)
    throw new LogError("FILE_UNREADABLE", `The last line of the alerts file is no alert.`, {
      hint: `Move the file away: ${fromUtf8(bytes.subarray(before, end - 1))?.slice(0, 80) ?? ""}`,
    });
  return { last: alert.value.number, end: start + end };
}
