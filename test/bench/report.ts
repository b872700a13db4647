/** Collects figures as they are measured, prints each at once, and makes the table in the end. */

interface LoadFigures {
  readonly rate: number;
  readonly cpuPerEntry: number;
  readonly p50: number;
  readonly p99: number;
}

function number(value: number): string {
  if (!Number.isFinite(value)) return "–";
  return value.toLocaleString("en", {
    maximumFractionDigits: value < 10 ? 2 : value < 100 ? 1 : 0,
  });
}

export class Report {
  readonly #loads: string[] = [];
  readonly #figures: string[] = [];
  readonly #ratios: string[] = [];
  readonly #notes: string[] = [];
  #machine = "";

  machine(text: string): void {
    this.#machine = text;
    this.#say(text);
  }

  load(name: string, clients: number, one: LoadFigures): void {
    const row = `| ${name} | ${clients} | ${number(one.rate)} | ${number(one.p50)} | ${number(one.p99)} | ${number(one.cpuPerEntry)} |`;
    this.#loads.push(row);
    this.#say(row);
  }

  figure(name: string, value: number, unit: string): void {
    this.#figures.push(`| ${name} | ${number(value)} ${unit} |`);
    this.#say(`${name}: ${number(value)} ${unit}`);
  }

  /** `numerator ÷ denominator`; a side that was not measured prints as a dash. */
  ratio(name: string, numerator: number | undefined, denominator: number | undefined): void {
    const value =
      numerator === undefined || denominator === undefined ? Number.NaN : numerator / denominator;
    this.#ratios.push(`| ${name} | ${number(value)} |`);
    this.#say(`${name}: ${number(value)}`);
  }

  note(text: string): void {
    this.#notes.push(text);
    this.#say(text);
  }

  text(): string {
    const table = (head: string, rows: readonly string[]): readonly string[] =>
      rows.length === 0 ? [] : [`${head}\n${head.replace(/[^|]+/g, "---")}\n${rows.join("\n")}\n`];
    return [
      `Machine: ${this.#machine}. Medians.\n`,
      ...table("| load | clients | entries/s | p50 ms | p99 ms | CPU ms/entry |", this.#loads),
      ...table("| figure | value |", this.#figures),
      ...table("| ratio | value |", this.#ratios),
      ...this.#notes.map((note) => `${note}\n`),
    ].join("\n");
  }

  #say(line: string): void {
    process.stderr.write(`${line}\n`);
  }
}
