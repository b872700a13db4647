/**
 * How answers and errors are shown: for people as text, with `--json` as one document.
 *
 * @module
 */
import { toHex } from "../../schema/bytes.ts";
import type { ErrorCode, ErrorDetail } from "../../schema/error.ts";
import { ERRORS, LogError } from "../../schema/error.ts";
import { printable, withoutControls } from "../printable.ts";
import type { ExitStatus, Io } from "./io.ts";

/** Print one JSON document. Keys keep the order in which they were made; bytes become hex. */
export function printJson(io: Io, value: unknown): void {
  io.stdout.write(`${JSON.stringify(value, bytesAsHex, 2)}\n`);
}

/** `this` is the holder: a Buffer would have become an object of numbers before it got here. */
function bytesAsHex(this: unknown, name: string, value: unknown): unknown {
  const held: unknown =
    typeof this === "object" && this !== null ? Reflect.get(this, name) : undefined;
  return held instanceof Uint8Array ? toHex(held) : value;
}

export function print(io: Io, ...lines: readonly string[]): void {
  io.stdout.write(`${lines.map(withoutControls).join("\n")}\n`);
}

/** Rows under one another, columns as wide as their widest cell; numbers to the right. */
export function table(rows: readonly (readonly (string | number)[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, String(cell).length);
    });
  return rows.map((row) =>
    row
      .map((cell, i) =>
        typeof cell === "number"
          ? String(cell).padStart(widths[i] ?? 0)
          : cell.padEnd(widths[i] ?? 0),
      )
      .join("  ")
      .trimEnd(),
  );
}

/** Say on standard error (and as JSON on standard output) why nothing could be answered. */
export function reportError(io: Io, error: unknown, json: boolean): ExitStatus {
  const { code, message, detail } = asParts(error);
  if (json) {
    const { cause: _, ...parts } = detail;
    printJson(io, { error: { code, message, ...parts } });
  }
  // A message may quote a stranger: it stays one line.
  const lines = [`countersign: ${printable(message)}`];
  const facts = [
    detail.field === undefined ? "" : `field ${printable(detail.field)}`,
    detail.at === undefined ? "" : `at ${detail.at}`,
    detail.limit === undefined ? "" : `limit ${detail.limit}`,
    detail.expected === undefined ? "" : `expected ${printable(detail.expected)}`,
  ].filter((fact) => fact !== "");
  lines.push(`  [${code}]${facts.length > 0 ? ` ${facts.join("; ")}` : ""}`);
  if (detail.hint !== undefined) lines.push(`  try: ${detail.hint}`);
  const cause = firstCause(detail.cause);
  if (cause !== undefined && !message.includes(cause)) lines.push(`  because: ${cause}`);
  io.stderr.write(`${lines.map(withoutControls).join("\n")}\n`);
  return ERRORS[code].exit;
}

/** The platform wraps what happened ("fetch failed") around what it was ("connection refused"). */
function firstCause(cause: unknown): string | undefined {
  let deepest = cause;
  for (
    let depth = 0;
    depth < 5 && deepest instanceof Error && deepest.cause instanceof Error;
    depth++
  )
    deepest = deepest.cause;
  return deepest instanceof Error ? deepest.message : undefined;
}

function asParts(error: unknown): { code: ErrorCode; message: string; detail: ErrorDetail } {
  if (error instanceof LogError)
    return { code: error.code, message: error.message, detail: error.detail };
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: "INTERNAL",
    message: `defect in the program: ${message}`,
    detail: { hint: "report this with the command that was run", cause: error },
  };
}
