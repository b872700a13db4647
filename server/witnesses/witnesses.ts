/**
 * All witnesses of a log, and the rounds in which they are asked.
 *
 * A round asks every witness at once and ends with the quorum; whoever answers later is still
 * added to the note of the same head. A witness is asked one thing at a time: one that is slow
 * misses rounds, and holds up none. What each answer means for signing is decided at once
 * (may-sign.ts); a note under the log's own key that contradicts its tree ends the log.
 *
 * The tree is asked when a question is put, so that a proof is always about what is committed.
 *
 * @module
 */
import type { LogError } from "../../schema/error.ts";
import { hasQuorum, type Policy, type PolicyWitness } from "../../schema/tlog/quorum.ts";
import type { Cosigners, CosignHost, SignedHead } from "../sequencer/ports.ts";
import { verifyLine } from "./cosignatures.ts";
import { Gathered } from "./gathered.ts";
import { type Leave, leaveToSign } from "./may-sign.ts";
import { addressesOf, WITNESSES } from "./policy.ts";
import { DEFAULT_TIMING, type WitnessPorts, type WitnessTiming } from "./ports.ts";
import { isSameHead, type Said, Witness, type WitnessStatus } from "./witness.ts";

interface Round {
  readonly gathered: Gathered;
  /** Lines asked for before this do not count: an unchanged head wants new ones. */
  readonly since: number;
  /** Those whose answer it waits for. */
  readonly pending: Set<Witness>;
  readonly done: PromiseWithResolvers<void>;
  grace: NodeJS.Timeout | undefined;
}

export class Witnesses implements Cosigners {
  readonly #ports: WitnessPorts;
  readonly #timing: WitnessTiming;
  #policy: Policy;
  #members: ReadonlyMap<string, Witness> = new Map();
  #host: CosignHost | undefined;
  #gathered: Gathered | undefined;
  #round: Round | undefined;
  /** The head that was last handed back with its quorum. */
  #witnessed: SignedHead | undefined;
  /** When the last round began. */
  #roundAt = Number.NEGATIVE_INFINITY;
  /** Milliseconds from there to the beginning of the next one, at least. */
  #spacing = 0;
  /** When the round of that quorum began. */
  #quorumAt = Number.NEGATIVE_INFINITY;
  #quorumTime: number | undefined;
  #leave: Leave;
  #hasEnded = false;

  constructor(policy: Policy, ports: WitnessPorts, timing: Partial<WitnessTiming> = {}) {
    this.#ports = ports;
    this.#timing = { ...DEFAULT_TIMING, ...timing };
    this.#policy = policy;
    this.#setMembers();
    this.#leave = this.#decide(false);
  }

  attach = (host: CosignHost): void => {
    this.#host = host;
  };

  /** The policy in force. */
  get policy(): Policy {
    return this.#policy;
  }

  get statuses(): readonly WitnessStatus[] {
    return Array.from(this.#members.values(), ({ status }) => status);
  }

  /** Seconds since 1970 that a whole quorum has stated for the newest witnessed head. */
  get quorumTime(): number | undefined {
    return this.#quorumTime;
  }

  /** Runs under this policy from now on; what is known about witnesses that stay is kept. */
  setPolicy(policy: Policy): void {
    this.#policy = policy;
    this.#quorumAt = Number.NEGATIVE_INFINITY;
    this.#setMembers();
    this.#leave = this.#decide(this.#leave.hasStarted);
    const round = this.#round;
    if (round !== undefined) {
      for (const witness of round.pending)
        if (!this.#isMember(witness)) round.pending.delete(witness);
      for (const witness of this.#members.values()) this.#engage(round, witness);
      this.#check(round);
    }
    this.#host?.changed();
  }

  refusal = (): LogError | undefined => this.#leave.refusal;

  isWitnessed = async (head: SignedHead): Promise<boolean> => {
    const gathered = new Gathered(head);
    const { text, signatures } = gathered.head;
    for (const witness of this.#policy.witnesses)
      for (const line of signatures) {
        const checked = await verifyLine(this.#ports.crypto, text, witness, line);
        if (typeof checked !== "string") gathered.add([checked], Number.NEGATIVE_INFINITY);
      }
    this.#quorumTime = gathered.quorumTime(this.#policy);
    return gathered.hasQuorum(this.#policy, Number.NEGATIVE_INFINITY);
  };

  due = (head: SignedHead, isPublished: boolean): number => {
    const now = this.#ports.clock();
    const freshAt = this.#quorumAt + this.#timing.freshMs;
    if (head.size === 0) return Number.POSITIVE_INFINITY;
    const at =
      isPublished && now < freshAt ? this.#nextMissing(head, freshAt) : this.#nextChance(head, now);
    return Math.max(0, at - now, this.#roundAt + this.#spacing - now);
  };

  round = async (head: SignedHead): Promise<SignedHead | undefined> => {
    const { clock, observer } = this.#ports;
    const began = clock();
    this.#roundAt = began;
    if (this.#gathered === undefined || !isSameHead(this.#gathered.head, head))
      this.#gathered = new Gathered(head);
    const gathered = this.#gathered;
    const round: Round = {
      gathered,
      since: began - this.#timing.freshMs / 2,
      pending: new Set(),
      done: Promise.withResolvers(),
      grace: undefined,
    };
    this.#round = round;
    for (const witness of this.#members.values()) this.#engage(round, witness);
    this.#check(round);
    await round.done.promise;
    clearTimeout(round.grace);
    this.#round = undefined;
    for (const witness of this.#members.values()) witness.isSlow = round.pending.has(witness);
    const isWitnessed = !this.#hasEnded && gathered.hasQuorum(this.#policy, round.since);
    const took = clock() - began;
    this.#spacing = spacingAfter(took, this.#timing.roundMs);
    observer.round(took / 1000, isWitnessed);
    if (!isWitnessed) return undefined;
    this.#quorumAt = began;
    this.#quorumTime = gathered.quorumTime(this.#policy);
    this.#witnessed = gathered.note(this.#policy);
    return this.#witnessed;
  };

  close = async (): Promise<void> => {
    this.#hasEnded = true;
    await this.#ports.sizes.close();
  };

  /** Asks a witness for the round's head, now or when it has answered what it was asked before. */
  #engage(round: Round, witness: Witness): void {
    if (this.#hasLine(round, witness)) return;
    if (witness.busy) round.pending.add(witness);
    if (witness.busy || witness.retryAt > this.#ports.clock() || this.#host === undefined) return;
    round.pending.add(witness);
    const askedAt = this.#ports.clock();
    void witness
      .ask(round.gathered.head, this.#host.tree)
      .then((said) => this.#answered(witness, round.gathered, askedAt, said));
  }

  #answered(witness: Witness, gathered: Gathered, askedAt: number, said: Said): void {
    if (this.#hasEnded || !this.#isMember(witness)) return;
    if (said.state === "contradicted") {
      this.#hasEnded = true;
      this.#round?.done.resolve();
      this.#host?.contradicted(said.reason);
      return;
    }
    if (said.state === "cosigned") gathered.add(said.lines, askedAt);
    this.#leave = this.#decide(this.#leave.hasStarted);
    const round = this.#round;
    if (round === undefined) {
      this.#late(gathered, said);
      this.#host?.changed();
      return;
    }
    round.pending.delete(witness);
    // It was busy with an older head: now it is asked for this one.
    if (round.gathered !== gathered) this.#engage(round, witness);
    this.#check(round);
  }

  /** After the quorum, and for the same head: the line is shown as well. */
  #late(gathered: Gathered, said: Said): void {
    if (said.state !== "cosigned" || this.#witnessed === undefined) return;
    if (!isSameHead(gathered.head, this.#witnessed)) return;
    this.#quorumTime = gathered.quorumTime(this.#policy);
    this.#witnessed = gathered.note(this.#policy);
    this.#host?.late(this.#witnessed);
  }

  /** A round ends with the quorum, after a moment for those who usually answer as fast. */
  #check(round: Round): void {
    const isAwaited = round.pending.size > 0;
    if (!isAwaited) round.done.resolve();
    else if (!round.gathered.hasQuorum(this.#policy, round.since)) return;
    else if ([...round.pending].every(({ isSlow }) => isSlow)) round.done.resolve();
    else round.grace ??= setTimeout(() => round.done.resolve(), this.#timing.graceMs);
  }

  /** One that an alarm took out is asked again, whatever it has said before. */
  #hasLine(
    { gathered, since }: Pick<Round, "gathered" | "since">,
    { keys, isOut }: Witness,
  ): boolean {
    return !isOut && keys.some((key) => gathered.has(key, since));
  }

  /** When enough witnesses could be asked for the head to get a quorum of fresh lines. */
  #nextChance(head: SignedHead, now: number): number {
    const gathered = this.#gatheredOf(head);
    const since = now - this.#timing.freshMs / 2;
    const readyAt = new Map<string, number>();
    for (const witness of this.#members.values()) {
      const hasLine = gathered !== undefined && this.#hasLine({ gathered, since }, witness);
      const at = hasLine || witness.busy ? now : Math.max(now, witness.retryAt);
      for (const { vkeyText } of witness.keys) readyAt.set(vkeyText, at);
    }
    const times = [now, ...readyAt.values()].toSorted((a, b) => a - b);
    const chance = times.find((time) =>
      hasQuorum(this.#policy, ({ vkeyText }) => (readyAt.get(vkeyText) ?? Infinity) <= time),
    );
    return chance ?? Number.POSITIVE_INFINITY;
  }

  /** When a witness that has not cosigned this published head is asked again, at most `latest`. */
  #nextMissing(head: SignedHead, latest: number): number {
    const gathered = this.#gatheredOf(head);
    const since = Number.NEGATIVE_INFINITY;
    const missing = Array.from(this.#members.values()).filter(
      (witness) =>
        !witness.busy && (gathered === undefined || !this.#hasLine({ gathered, since }, witness)),
    );
    return Math.min(latest, ...missing.map(({ retryAt }) => retryAt));
  }

  #gatheredOf(head: SignedHead): Gathered | undefined {
    const gathered = this.#gathered;
    return gathered !== undefined && isSameHead(gathered.head, head) ? gathered : undefined;
  }

  #setMembers(): void {
    const members = new Map<string, Witness>();
    for (const [url, keys] of addressesOf(this.#policy)) {
      const before = this.#members.get(url);
      if (before !== undefined && hasKeys(before, keys)) {
        before.keys = keys;
        members.set(url, before);
      } else members.set(url, new Witness(url, keys, this.#ports, this.#timing));
    }
    this.#members = members;
  }

  #isMember(witness: Witness): boolean {
    return this.#members.get(witness.url) === witness;
  }

  /** Whether the log may sign, by what is known now. */
  #decide(hadStarted: boolean): Leave {
    const { kind = WITNESSES } = this.#ports;
    return leaveToSign(kind, this.#policy, [...this.#members.values()], hadStarted);
  }
}

/**
 * From the beginning of a round to the next one. Where a round takes long because processors are
 * short, rounds take at most half of the time, and grow instead; where it takes long because
 * witnesses are far away, nobody waits for that.
 */
function spacingAfter(took: number, roundMs: number): number {
  return Math.max(roundMs, Math.min(2 * took, 3 * roundMs));
}

function hasKeys(witness: Witness, keys: readonly PolicyWitness[]): boolean {
  return (
    witness.keys.length === keys.length &&
    witness.keys.every(({ vkeyText }, i) => vkeyText === keys[i]?.vkeyText)
  );
}
