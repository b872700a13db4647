/**
 * What an interop run found, and how it is printed: what works (client × operation × result), who
 * verifies whose bundles, and what is refused (tampered case × verifier). `--write` puts both into docs/interop.md, between
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
  /** Whose bundle was verified, where it was one. */
  readonly bundle?: string;
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
    .filter((row) => row.case === UNTOUCHED && row.bundle === undefined)
    .map((row) => [row.client, row.version, row.operation, row.result, row.detail]);
  return table(["client", "version", "operation", "result", "detail"], body);
}

/** Columns are verifiers; what `line` gives of a row is its line. */
function pivot(rows: readonly Row[], head: string, lineOf: (row: Row) => string): string {
  const column = (row: Row): string => `${row.client} ${row.version} ${row.operation}`;
  const columns = [...new Set(rows.map(column))];
  const lines = [...new Set(rows.map(lineOf))];
  const cell = (name: string, what: string): string => {
    const row = rows.find((one) => lineOf(one) === name && column(one) === what);
    if (row === undefined) return "";
    return row.detail === "" ? row.result : `${row.result}: ${row.detail}`;
  };
  const body = lines.map((name) => [name, ...columns.map((what) => cell(name, what))]);
  return table([head, ...columns.map((name) => name.replace(" this tree", ""))], body);
}

/** Rows that share a verifier or a case stand in one table. */
function related(rows: readonly Row[]): Row[][] {
  const groups: Row[][] = [];
  for (const row of rows) {
    const verifier = `${row.client} ${row.operation}`;
    const group = groups.find((one) =>
      one.some(
        (other) => other.case === row.case || `${other.client} ${other.operation}` === verifier,
      ),
    );
    if (group === undefined) groups.push([row]);
    else group.push(row);
  }
  return groups;
}

export function print(rows: readonly Row[]): string {
  const verified = rows.filter(({ bundle }) => bundle !== undefined);
  const tampered = rows.filter((row) => row.case !== UNTOUCHED);
  const parts = [works(rows)];
  if (verified.length > 0)
    parts.push(pivot(verified, "bundle, as it is", ({ bundle = "" }) => bundle));
  for (const group of related(tampered))
    parts.push(pivot(group, "tampered with", (row) => row.case));
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
