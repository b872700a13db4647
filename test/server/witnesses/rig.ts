/**
 * A log in memory with witnesses of its own, and what was ever shown of it.
 */
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { openNote } from "../../../client/note.ts";
import { utf8 } from "../../../schema/bytes.ts";
import { unwrap } from "../../../schema/error.ts";
import { names } from "../../../schema/tlog/note.ts";
import { hasQuorum, type Policy } from "../../../schema/tlog/quorum.ts";
import { parsePolicy } from "../../../schema/tlog/tlog-policy.ts";
import { MemoryNoteFile, memoryNotes } from "../../../server/sequencer/notes.ts";
import type { PublishedNotes, SignedHead } from "../../../server/sequencer/ports.ts";
import type { WitnessObserver, WitnessTiming } from "../../../server/witnesses/ports.ts";
import { memorySizes } from "../../../server/witnesses/sizes.ts";
import { Witnesses } from "../../../server/witnesses/witnesses.ts";
import { memoryWorld, type Process, start, type World } from "../../faults/rig.ts";
import { SIGNER, sha256 } from "../entries.ts";
import { NOW, policyText, TestWitness, transportTo } from "./test-witness.ts";

/** Short pauses, so that a test waits for what it names and for nothing else. */
const TIMING: WitnessTiming = {
  backoffMs: 1,
  maxBackoffMs: 4,
  alarmMs: 4,
  roundMs: 0,
  graceMs: 5,
  freshMs: 3_600_000,
};

export interface Events {
  readonly failures: string[];
  readonly alarms: (string | undefined)[];
  readonly times: number[];
  rounds: number;
}

export interface WitnessedWorld {
  readonly world: World;
  readonly witnesses: readonly TestWitness[];
  readonly policy: Policy;
  /** What is on the disk of the published note. */
  readonly file: MemoryNoteFile;
  /** Instead of that file. */
  readonly notes?: PublishedNotes;
  readonly sizes: Map<string, number>;
}

export interface WitnessedLog extends Process {
  readonly cosigners: Witnesses;
  readonly events: Events;
}

export function policyOf(witnesses: readonly TestWitness[], threshold: number): Policy {
  const addressed = witnesses.map((witness) => ({ witness, url: `http://${witness.name}` }));
  return unwrap(parsePolicy(sha256, utf8(policyText(addressed, threshold))));
}

/** Three witnesses, two of which are a quorum; or others. */
export async function witnessedWorld(
  witnesses: readonly TestWitness[] = ["w1", "w2", "w3"].map((name) => new TestWitness(name)),
  threshold: number = Math.floor(witnesses.length / 2) + 1,
): Promise<WitnessedWorld> {
  return {
    world: await memoryWorld(),
    witnesses,
    policy: policyOf(witnesses, threshold),
    file: new MemoryNoteFile(),
    sizes: new Map(),
  };
}

export async function open(
  { world, witnesses, policy, file, notes, sizes }: WitnessedWorld,
  more: Parameters<typeof start>[1] & { readonly timing?: Partial<WitnessTiming> } = {},
): Promise<WitnessedLog> {
  const { timing, ...ports } = more;
  const events: Events = { failures: [], alarms: [], times: [], rounds: 0 };
  const observer: WitnessObserver = {
    round: () => {
      events.rounds++;
    },
    cosigned: () => undefined,
    failed: (name, kind, reason) => void events.failures.push(`${name} ${kind}: ${reason}`),
    alarm: (name, reason) => void events.alarms.push(reason && `${name}: ${reason}`),
  };
  const cosigners = new Witnesses(
    policy,
    {
      crypto: nodeCrypto,
      signer: SIGNER,
      transport: transportTo(witnesses),
      sizes: memorySizes(sizes),
      observer,
      clock: () => performance.now(),
      now: () => NOW,
      onTime: (seconds) => void events.times.push(seconds),
    },
    { ...TIMING, ...timing },
  );
  const process = await start(world, {
    ...ports,
    witnessing: { cosigners, notes: notes ?? memoryNotes(file) },
  });
  // Not spread: the process has accessors.
  return Object.assign(process, { cosigners, events });
}

/** The keys of the policy whose lines stand under a note and verify; throws where one is bad. */
export async function cosignersOf(policy: Policy, head: SignedHead): Promise<string[]> {
  const opened = unwrap(
    await openNote(
      nodeCrypto,
      head.checkpoint,
      policy.witnesses.map(({ vkey }) => vkey),
    ),
  );
  return policy.witnesses
    .filter(({ vkey }) => opened.note.signatures.some((line) => names(line, vkey)))
    .map(({ name }) => name);
}

/** Whether a head carries a quorum, asked of its bytes alone. */
export async function carriesQuorum(policy: Policy, head: SignedHead): Promise<boolean> {
  const cosigned = await cosignersOf(policy, head);
  return hasQuorum(policy, ({ name }) => cosigned.includes(name));
}
