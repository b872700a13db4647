/**
 * What an interop run found, and how it is printed: what works (client × operation × result),
 * and what is refused (tampered case × verifier). `--write` puts both into docs/interop.md, between
 * two markers, so that no line of it is typed by hand.
 */
import { readFileSync, writeFileSync } from "node:fs";

/**
 * `accepts (its own gap)`: a tampered bundle that this client is known to let through, because it does
 * not look at that field. Only a result that was not expected `DISAGREES`.
 */
export type Result = "passes" | "refuses" | "accepts (its own gap)" | "DISAGREES" | "skipped";

/** The case of a row in which nothing was tampered with. */
const UNTOUCHED = "as it is";

export interface Row {
  readonly client: string;
  readonly version: string;
  readonly operation: string;
  /** `as it is`, or what was tampered with. */
  readonly case: string;
  readonly result: Result;
  readonly detail: string;
}

export type Client = Pick<Row, "client" | "version">;

export function passes(client: Client, operation: string, good: boolean, detail: string): Row {
  const result = good ? "passes" : "DISAGREES";
  return { ...client, operation, case: UNTOUCHED, result, detail };
}

export function refuses(client: Client, operation: string, what: string, refused: boolean): Row {
  const result = refused ? "refuses" : "DISAGREES";
  return { ...client, operation, case: what, result, detail: "" };
}

export function skipped(client: Client, operation: string, why: string): Row {
  return { ...client, operation, case: UNTOUCHED, result: "skipped", detail: why };
}

export function disagreements(rows: readonly Row[]): Row[] {
  return rows.filter(({ result }) => result === "DISAGREES");
}

/** One line of a Markdown table. */
function line(cells: readonly string[]): string {
  const clean = cells.map((cell) => cell.replaceAll(/\s+/g, " ").replaceAll("|", "\\|").trim());
  return `| ${clean.join(" | ")} |\n`;
}

function table(head: readonly string[], body: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...body].map(line).join("");
}

function works(rows: readonly Row[]): string {
  const body = rows
    .filter((row) => row.case === UNTOUCHED)
    .map((row) => [row.client, row.version, row.operation, row.result, row.detail]);
  return table(["client", "version", "operation", "result", "detail"], body);
}

/** Columns are verifiers, rows are what was tampered with. */
function tampered(rows: readonly Row[]): string {
  const wanted = rows.filter((row) => row.case !== UNTOUCHED);
  const column = (row: Row): string => `${row.client} ${row.operation}`;
  const columns = [...new Set(wanted.map(column))];
  const cases = [...new Set(wanted.map((row) => row.case))];
  const cell = (what: string, name: string): string => {
    const row = wanted.find((one) => one.case === what && column(one) === name);
    return row === undefined ? "" : `${row.result}${row.detail === "" ? "" : `: ${row.detail}`}`;
  };
  const body = cases.map((what) => [what, ...columns.map((name) => cell(what, name))]);
  return table(["tampered with", ...columns], body);
}

export function print(rows: readonly Row[]): string {
  const parts = [works(rows)];
  if (rows.some((row) => row.case !== UNTOUCHED)) parts.push(tampered(rows));
  return parts.join("\n");
}

const BEGIN = "<!-- written by `npm run interop -- --write` -->\n";
const END = "<!-- end of what was written -->\n";

/** Replaces what stands between the markers of a document. */
export function writeInto(document: string, text: string): void {
  const before = readFileSync(document, "utf8");
  const [begin, end] = [before.indexOf(BEGIN), before.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${document} has no markers for a generated table`);
  writeFileSync(
    document,
    `${before.slice(0, begin + BEGIN.length)}\n${text}\n${before.slice(end)}`,
  );
}
