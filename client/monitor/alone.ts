/**
 * What a log says without its quorum, read all the same: for what accuses it, and for nothing else.
 *
 * A head without the witnesses or index verifiers of the trust file is believed by nobody. But the
 * log has signed it, and answers for it: an index that leaves something out is not safe from being
 * found because nobody has executed it. So the same look-ups are made by the log's word alone. Who
 * is merely late has an honest map, and in it there is nothing to accuse anybody of.
 *
 * - M6  What is read without its quorum can accuse, and does nothing else: no head of it is
 *       remembered, no state comes of it, and no entry of it is told.
 *
 * Spec: docs/formats.md §Monitor.
 *
 * @module
 */
import { LogError } from "../../schema/error.ts";
import { withoutQuorums } from "../lookup/verify.ts";
import { type Memory, newest, sameHead, volatileMemory } from "../memory.ts";
import type { EntryPorts } from "./entries.ts";
import type { Findings } from "./findings.ts";

/** The area of what is read by the log's word alone. */
export const ALONE = "by the log's word alone";

/** Whether it was a quorum that kept something from being checked. */
export function isLack(error: unknown): boolean {
  return error instanceof LogError && error.code === "WITNESSES_TOO_FEW";
}

/** As {@link readAlone}; what stopped it is told. */
export async function accuseAlone<Ports extends EntryPorts>(
  ports: Ports,
  findings: Findings,
  work: AloneWork<Ports>,
): Promise<void> {
  await findings.check(ALONE, async () => readAlone(ports, findings, work));
}

type AloneWork<Ports> = (alone: Ports, found: Findings) => Promise<unknown>;

/** Do this work by the log's word alone, and keep of what it finds what accuses the log. */
export async function readAlone<Ports extends EntryPorts>(
  ports: Ports,
  findings: Findings,
  work: AloneWork<Ports>,
): Promise<void> {
  const { log, memory, trust } = ports;
  const logs = trust.logs.map((one) => (one.origin === log.origin ? withoutQuorums(one) : one));
  const found = findings.apart();
  const alone = {
    ...ports,
    log: withoutQuorums(log),
    trust: { ...trust, logs },
    memory: unwritten(memory),
  };
  try {
    await work(alone, found);
  } finally {
    findings.accuseBy(found);
  }
}

/** What is remembered, and besides it what is shown while this one lasts. */
function unwritten(memory: Memory): Memory {
  const shown = volatileMemory();
  const load: Memory["load"] = async (vkeys) =>
    newest([await memory.load(vkeys), await shown.load(vkeys)]);
  return {
    load,
    replace: async (vkeys, expected, next) =>
      sameHead(await load(vkeys), expected) && shown.replace(vkeys, await shown.load(vkeys), next),
  };
}
