/**
 * What an import did, counted, and the table it ends with.
 *
 * @module
 */
import type { Classified } from "../git/classify.ts";
import { table } from "./output.ts";

export interface ImportReport {
  readonly repository: string;
  readonly log: string;
  readonly commits: number;
  readonly tags: number;
  /** Signed by a kind that can be logged, by the algorithm of the key. */
  readonly signed: Readonly<Record<string, number>>;
  readonly unsigned: number;
  /** Signed by a kind that cannot be logged yet. */
  readonly unsupported: Readonly<Record<string, number>>;
  readonly refused: readonly Refused[];
  /** Entries that this run added to the log. */
  readonly logged: number;
  /** In the log before this run began, or known so from an earlier run. */
  readonly alreadyLogged: number;
  readonly seconds: number;
  /** Objects answered by the log, for each second of the whole run. */
  readonly rate: number;
  /** Tree size after the run; absent where nothing had to be sent. */
  readonly treeSize?: number;
}

export interface Refused {
  /** Error code of the log; `local` where the object was not sent. */
  readonly code: string;
  readonly reason: string;
  readonly count: number;
  /** Id of the first of them. */
  readonly example: string;
}

/** Counts while the import runs. */
export class ImportCounts {
  commits = 0;
  tags = 0;
  unsigned = 0;
  logged = 0;
  alreadyLogged = 0;
  answered = 0;
  treeSize: number | undefined;
  readonly #signed = new Map<string, number>();
  readonly #unsupported = new Map<string, number>();
  readonly #refused = new Map<string, Refused>();

  classified(id: string, found: Classified): void {
    switch (found.state) {
      case "unsigned":
        this.unsigned++;
        return;
      case "signed":
        add(this.#signed, found.kind);
        return;
      case "unsupported":
        add(this.#unsupported, found.kind);
        return;
      case "broken":
        this.refused(id, "local", found.reason);
    }
  }

  refused(id: string, code: string, reason: string): void {
    const name = `${code} ${reason}`;
    const before = this.#refused.get(name);
    this.#refused.set(name, {
      code,
      reason,
      count: (before?.count ?? 0) + 1,
      example: before?.example ?? id,
    });
  }

  report(repository: string, log: string, milliseconds: number): ImportReport {
    const seconds = milliseconds / 1000;
    return {
      repository,
      log,
      commits: this.commits,
      tags: this.tags,
      signed: sorted(this.#signed),
      unsigned: this.unsigned,
      unsupported: sorted(this.#unsupported),
      refused: [...this.#refused.values()].toSorted((a, b) => b.count - a.count),
      logged: this.logged,
      alreadyLogged: this.alreadyLogged,
      seconds,
      rate: seconds > 0 ? Math.round((this.answered / seconds) * 10) / 10 : 0,
      ...(this.treeSize === undefined ? {} : { treeSize: this.treeSize }),
    };
  }
}

/** The final table of `import git`. */
export function importTable(report: ImportReport): string[] {
  const rows: (readonly (string | number)[])[] = [
    ["commits read", report.commits],
    ["tags read", report.tags],
    ...Object.entries(report.signed).map(([kind, count]) => [`signed: ${kind}`, count] as const),
    ["unsigned", report.unsigned],
    ...Object.entries(report.unsupported).map(
      ([kind, count]) => [`not supported yet: ${kind}`, count] as const,
    ),
    ...report.refused.map(
      ({ code, reason, count, example }) =>
        [`refused: ${reason} [${code}]`, count, `first: ${example}`] as const,
    ),
    ["already logged", report.alreadyLogged],
    ["logged now", report.logged],
  ];
  const time = `${report.seconds.toFixed(1)} s, ${report.rate} objects/s`;
  const size = report.treeSize === undefined ? "" : `; the log has ${report.treeSize} entries`;
  return [`${report.repository} → ${report.log}`, ...table(rows), `${time}${size}`];
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function sorted(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].toSorted((a, b) => b[1] - a[1]));
}
