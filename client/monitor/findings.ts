/**
 * What one round of one log finds, while it goes on.
 *
 * There are two sorts. A *finding* is a fact: an entry, a fork; it stays true. A *condition* holds
 * as long as it is seen in each round (a witness is lost, the index lags), and ends. Each belongs
 * to an area of what is checked. What could not be checked is a condition of its area itself, and
 * then nothing else of the area ends: nobody has looked.
 *
 * @module
 */
import { LogError } from "../../schema/error.ts";
import { type Evidence, formatEvidence, parseEvidence } from "../../schema/evidence.ts";
import type { Sha256 } from "../../schema/tlog/hash.ts";
import { verifyEvidence } from "../evidence.ts";
import type { ReadPorts } from "../log.ts";
import { accusesLog, type Finding, makeFinding, type Told } from "./alert.ts";

/** A condition that holds now. Its id does not know yet since when. */
export interface Condition {
  readonly area: string;
  readonly told: Told;
  readonly id: string;
}

export interface FindingPorts {
  readonly sha256: Sha256;
  readonly origin: string;
  /** Makes a file of it; the path, as it is shown. Durable when it resolves. */
  readonly saveEvidence: (evidence: Evidence) => Promise<string>;
}

/** What a round found. The log misbehaved where something says so beyond doubt. */
export interface Found {
  readonly findings: readonly Finding[];
  readonly conditions: readonly Condition[];
  /** Areas that were checked to their end. */
  readonly checked: ReadonlySet<string>;
  /** Beginnings of areas that are all there are: what begins so and was not met is gone. */
  readonly settled: readonly string[];
  readonly misbehaved: boolean;
}

type Saying = Omit<Told, "origin">;

export class Findings implements Found {
  readonly findings: Finding[] = [];
  readonly conditions: Condition[] = [];
  readonly checked: Set<string> = new Set();
  readonly settled: string[] = [];
  misbehaved = false;
  readonly #ports: FindingPorts;

  constructor(ports: FindingPorts) {
    this.#ports = ports;
  }

  tell(told: Saying): void {
    const { sha256, origin } = this.#ports;
    this.findings.push(makeFinding(sha256, { ...told, origin }));
  }

  /** As {@link tell}, of something that only a log that misbehaves can do. */
  accuse(told: Saying): void {
    this.misbehaved = true;
    this.tell(told);
  }

  /** With its file. Whether it accuses the log is for the caller, who has verified it. */
  async show(evidence: Evidence, told: Omit<Saying, "kind" | "evidence">): Promise<void> {
    const file = await this.#ports.saveEvidence(evidence);
    this.tell({ ...told, kind: evidence.kind, evidence: file });
  }

  /** As {@link show}, against the log. */
  async convict(evidence: Evidence, told: Omit<Saying, "kind" | "evidence">): Promise<void> {
    this.misbehaved = true;
    await this.show(evidence, told);
  }

  /** Others of the same log, of which not everything is told. */
  apart(): Findings {
    return new Findings(this.#ports);
  }

  /** Of these, what accuses the log. */
  accuseBy({ findings, misbehaved }: Found): void {
    this.misbehaved ||= misbehaved;
    this.findings.push(...findings.filter(({ kind }) => accusesLog(kind)));
  }

  hold(area: string, saying: Saying): void {
    const { sha256, origin } = this.#ports;
    const told = { ...saying, origin };
    this.conditions.push({ area, told, id: makeFinding(sha256, told).id });
  }

  /**
   * One area, to its end or to what stopped it. `undefined` where it was stopped: a fork that was
   * met on the way is told with its evidence, anything else is that nothing could be checked.
   */
  async check<T>(area: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      const value = await work();
      this.checked.add(area);
      return value;
    } catch (error) {
      const evidence = error instanceof LogError ? error.detail.evidence : undefined;
      const read = evidence === undefined ? undefined : parseEvidence(evidence);
      if (read?.ok === true)
        await this.convict(read.value, { ...FORK, subject: this.#ports.origin });
      this.stopped(area, error);
      return undefined;
    }
  }

  /** What kept something from being checked. */
  stopped(area: string, error: unknown): void {
    const code = error instanceof LogError ? error.code : "INTERNAL";
    this.hold(area, {
      kind: "unchecked",
      subject: area,
      message: `could not be checked: ${error instanceof Error ? error.message : String(error)}`,
      about: [code],
    });
  }
}

/** The area of everything that is looked up in the index. */
export const LOOKUPS = "look-ups";

/** What evidence charges somebody with, where it holds before a stranger who trusts the log. */
export async function chargeOf(
  { crypto, log }: Pick<ReadPorts, "crypto" | "log">,
  evidence: Evidence,
): Promise<string | undefined> {
  const verdict = await verifyEvidence(crypto, { logs: [log] }, formatEvidence(evidence));
  return verdict.ok ? verdict.charge : undefined;
}

/** A fork, whoever showed it. One alert for one log: whatever pair of notes shows it. */
export const FORK = {
  message: "has signed two histories; nothing that it shows now is believed",
  about: [],
} as const;
