/**
 * Is the log itself still alive and watched? What a receipt cannot say: it is good for ever.
 *
 * For each log that a yes stands on the newest head is fetched, held against the memory, and must
 * have been seen by a whole quorum of witnesses within the bound of the trust file. Whoever keeps
 * us on an old head keeps a rejection or a withdrawal from us; so only the witnesses' clocks are
 * asked, and never the log's.
 *
 * @module
 */
import { LogError } from "../../schema/error.ts";
import { freshness } from "../quorum.ts";
import type { TrustedLog } from "../trust.ts";
import { type LogPorts, update } from "../update.ts";
import type { FreshHead, No, Refusal, Verdict } from "./verdict.ts";

export interface FreshPorts {
  readonly logs: readonly TrustedLog[];
  /** How a log of the trust file is reached. */
  readonly open: (log: TrustedLog) => LogPorts;
  /** Seconds since 1970, by our own clock. */
  readonly now: () => number;
}

/**
 * Ask, and where the answer is yes, ask for the newest heads of its logs, and ask again with what
 * the memory then holds.
 *
 * @throws {LogError} what `update` throws: `UNREACHABLE` where a log cannot be asked; `USAGE`
 *   where the trust file names no witness for it, so that nobody tells the time.
 */
export async function verifyFresh(
  ports: FreshPorts,
  ask: () => Promise<Verdict>,
): Promise<Verdict> {
  const first = await ask();
  if (!first.ok) return first;
  const origins = new Set(first.heads.map(({ origin }) => origin));
  const fresh: FreshHead[] = [];
  for (const log of ports.logs.filter(({ origin }) => origins.has(origin))) {
    const newest = await freshHead(ports, log);
    if ("code" in newest) return no(first.question, newest);
    fresh.push(newest);
  }
  const again = await ask();
  return again.ok ? { ...again, fresh } : again;
}

async function freshHead(ports: FreshPorts, log: TrustedLog): Promise<FreshHead | Refusal> {
  const { origin } = log;
  if (log.witnesses === undefined)
    throw new LogError("USAGE", `The trust file names no witness of ${origin}.`, {
      field: "log.witnesses",
      expected: "a witness policy: only witnesses tell how old a head is",
    });
  const observed = await update(ports.open(log));
  if (observed.state === "forked")
    return { code: "LOG_FORKED", origin, evidence: observed.evidence };
  if (observed.state === "unwitnessed") {
    const { have, need } = observed.tooFew;
    return { code: "WITNESSES_TOO_FEW", origin, size: observed.shown.tree.size, have, need };
  }
  const { tree, cosigned } = observed.newest;
  const age = freshness(log, tree.size, cosigned, ports.now());
  if (age.state === "fresh") return { origin, size: tree.size, seenAt: age.seenAt };
  if (age.state === "not asked") throw new LogError("INTERNAL", "a log has witnesses and has none");
  const { seenAt, boundSeconds } = age;
  return {
    code: "HEAD_TOO_OLD",
    origin,
    size: tree.size,
    boundSeconds,
    ...(seenAt === undefined ? {} : { seenAt }),
  };
}

function no(question: No["question"], refusal: Refusal): No {
  return { ok: false, question, refusal, notCounted: [] };
}
