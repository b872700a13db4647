/**
 * A log over HTTP with three real witnesses over HTTP, two of which are a quorum.
 */
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { utf8 } from "../../../schema/bytes.ts";
import { unwrap } from "../../../schema/error.ts";
import { SIGNATURE_TYPES } from "../../../schema/tlog/note.ts";
import type { Policy } from "../../../schema/tlog/quorum.ts";
import { parsePolicy } from "../../../schema/tlog/tlog-policy.ts";
import { MemoryNoteFile, memoryNotes } from "../../../server/sequencer/notes.ts";
import { httpWitnesses } from "../../../server/witnesses/http.ts";
import { memorySizes } from "../../../server/witnesses/sizes.ts";
import { until } from "../../until.ts";
import { listenAs, policyText, TestWitness, type Trick } from "../witnesses/test-witness.ts";
import {
  type Driver,
  makeSigner,
  startTestLog,
  type TestLog,
  type TestOptions,
  testKey,
} from "./harness.ts";

const ends: (() => Promise<void>)[] = [];

/** What {@link endWitnessed} ends too. */
export function atEnd(end: () => Promise<void>): void {
  ends.push(end);
}

/** For `afterEach`. */
export async function endWitnessed(): Promise<void> {
  for (const end of ends.splice(0).toReversed()) await end();
}

export interface Rig {
  readonly log: TestLog;
  readonly witnesses: readonly TestWitness[];
  readonly policy: Policy;
}

export async function startWitnessed(
  driver: Driver,
  flags: Record<string, string> = {},
  trick?: Trick,
  more: TestOptions = {},
): Promise<Rig> {
  const signer = await makeSigner();
  const key = testKey(signer);
  const { cosignature, mlDsa44 } = SIGNATURE_TYPES;
  const witnesses = [[cosignature], [mlDsa44], [cosignature, mlDsa44]].map(
    (types, i) =>
      new TestWitness(`w${i}`, {
        types,
        logVkeys: key.checkpoints.vkeys,
        origin: key.origin,
      }),
  );
  for (const witness of witnesses) witness.trick = trick;
  const listening = await Promise.all(witnesses.map(listenAs));
  for (const { close } of listening) ends.push(close);
  const addressed = witnesses.map((witness, i) => ({ witness, url: listening[i]?.url ?? "" }));
  const policy = unwrap(parsePolicy(nodeCrypto.sha256, utf8(policyText(addressed, 2))));
  const log = await startTestLog(driver, {
    ...more,
    signer,
    flags: { "witness-write-wait-ms": "50", ...flags },
    witnesses: {
      policy,
      readPolicy: async () => policy,
      notes: memoryNotes(new MemoryNoteFile()),
      sizes: memorySizes(),
      transport: httpWitnesses(2_000),
    },
  });
  ends.push(log.end);
  return { log, witnesses, policy };
}

export async function ready({ log }: Rig): Promise<void> {
  await until(() => log.published().size > 0);
}
