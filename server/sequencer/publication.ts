/**
 * From the committed head to the published one.
 *
 * Without witnesses both are one: a head is published when it is guarded. With witnesses a head is
 * first handed to a round of them, while sequencing goes on: entries are durable and pending. One
 * round at a time, always for the newest head, so that a slow quorum makes rounds larger and not
 * more. What a round brings is durable as the *published note* before anybody sees it, so that a
 * new process shows no less than what was answered.
 *
 * Those who wait for witnesses are bounded: in number, and where they ask for it in time.
 *
 * - I9  With a policy, only a head that carries a quorum is published: `#publish` is the only place
 *       where the published head moves, and a round's head reaches it with its quorum or never.
 *
 * @module
 */
import { equal } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import type {
  Appended,
  CommittedTree,
  CosignHost,
  PublishedHead,
  PublishedNotes,
  SignedHead,
  Submission,
  Witnessing,
} from "./ports.ts";

/** Between two tries to write a note where the first failed. */
const RETRY_MS = 1_000;
/** Timers are set for at most an hour; then it is asked again what is due. */
const MAX_SLEEP_MS = 3_600_000;

type Waiter = PromiseWithResolvers<PublishedHead>;

export interface PublicationParts {
  readonly witnessing: Witnessing | undefined;
  readonly tree: CommittedTree;
  readonly committed: SignedHead;
  readonly published: PublishedHead;
  /** The log must end. */
  readonly onFatal: (reason: LogError) => void;
}

export class Publication {
  readonly #witnessing: Witnessing | undefined;
  readonly #tree: CommittedTree;
  readonly #onFatal: (reason: LogError) => void;
  /** Calls whose entries are durable, each with the size that its receipt needs. */
  readonly #waiting = new Map<Waiter, number>();
  /** Those that left, some of them before their entries were guarded. */
  readonly #left = new WeakSet<Waiter>();
  #committed: SignedHead;
  #published: PublishedHead;
  #problem: LogError | undefined;
  /** The published head has lines that are not on disk: they may be lost, its quorum is not. */
  #unsaved = false;
  #state: "running" | "ending" | "stopped" = "running";
  #wake: () => void = () => undefined;
  #loop: Promise<void> | undefined;

  constructor({ witnessing, tree, committed, published, onFatal }: PublicationParts) {
    this.#witnessing = witnessing;
    this.#tree = tree;
    this.#onFatal = onFatal;
    this.#committed = committed;
    this.#published = published;
  }

  /** From now on rounds are run. */
  start(): void {
    if (this.#witnessing === undefined) return;
    const { cosigners, notes } = this.#witnessing;
    const host: CosignHost = {
      tree: this.#tree,
      contradicted: (reason) => this.#fail(reason),
      late: (head) => this.#addLines(head),
      changed: () => this.#wake(),
    };
    cosigners.attach(host);
    this.#loop = this.#run({ cosigners, notes }).catch((cause: unknown) => {
      const message = cause instanceof Error ? cause.message : String(cause);
      this.#fail(new LogError("INTERNAL", `the rounds of witnesses ended: ${message}`, { cause }));
    });
  }

  published(): PublishedHead {
    return this.#published;
  }

  /** Entries that are durable and not published. */
  get pending(): number {
    return this.#committed.size - this.#published.size;
  }

  /** Why the published note cannot be written now. */
  get problem(): LogError | undefined {
    return this.#problem;
  }

  /** Why nothing may be signed now. */
  refusal(): LogError | undefined {
    return this.#witnessing?.cosigners.refusal();
  }

  /** A newer head is committed and guarded. */
  offer(head: SignedHead): void {
    this.#committed = head;
    if (this.#witnessing === undefined) this.#publish(head);
    else this.#wake();
  }

  /** Answers `waiter` with the first published head of at least `size`. */
  wait(waiter: Waiter, size: number): void {
    if (size <= this.#published.size) waiter.resolve(this.#published);
    else if (!this.#left.has(waiter)) this.#waiting.set(waiter, size);
  }

  /** Nobody listens to this one any more. */
  leave(waiter: Waiter): void {
    this.#left.add(waiter);
    this.#waiting.delete(waiter);
  }

  /**
   * What was committed, if its head is published within so many milliseconds. Else it rejects with
   * `NOT_WITNESSED` and the index, and nobody waits any more.
   */
  async within(
    { committed, published, leave }: Submission,
    milliseconds: number,
  ): Promise<readonly Appended[]> {
    const timer = Promise.withResolvers<"late">();
    const timeout = setTimeout(() => timer.resolve("late"), milliseconds);
    const first = await Promise.race([published, timer.promise]).finally(() =>
      clearTimeout(timeout),
    );
    const appended = await committed;
    if (first !== "late" || sizeFor(appended) <= this.#published.size) return appended;
    leave();
    throw notWitnessed(appended[0]?.index ?? 0);
  }

  /**
   * Entries that nobody has witnessed are bounded, and so are the calls that wait for witnesses.
   * `underWay` are those that are not durable yet. Throws `OVERLOADED`.
   */
  mustHaveRoom(count: number, underWay: number, limit: number): void {
    const unwitnessed = this.pending + underWay;
    if ((unwitnessed === 0 || unwitnessed + count <= limit) && this.#waiting.size < limit) return;
    throw new LogError("OVERLOADED", "too many entries are waiting for witnesses", {
      limit,
      expected: "entries that are durable and not witnessed",
      hint: "the log goes on when its witnesses answer; /readyz names them",
    });
  }

  /** Lets the round under way end, gives what is pending one chance, and refuses the rest. */
  async close(): Promise<void> {
    if (this.#state === "running") this.#state = "ending";
    this.#wake();
    await this.#loop;
    await this.#witnessing?.cosigners.close();
    this.stop(
      new LogError("STOPPING", "the log ended before its witnesses answered", {
        hint: "the entry is durable: submit it again for the receipt",
      }),
    );
  }

  /** Nothing is published from here on. */
  stop(reason: LogError): void {
    this.#state = "stopped";
    this.#wake();
    for (const waiter of this.#waiting.keys()) waiter.reject(reason);
    this.#waiting.clear();
  }

  #fail(reason: LogError): void {
    if (this.#state === "stopped") return;
    this.stop(reason);
    this.#onFatal(reason);
  }

  async #run({ cosigners, notes }: Witnessing): Promise<void> {
    while (this.#state !== "stopped") {
      const head = this.#committed;
      const isPublished = head.size === this.#published.size;
      const due = cosigners.due(head, isPublished);
      if (due > 0 && this.#unsaved) await this.#save(notes);
      else if (this.#state === "ending" && (due > 0 || isPublished)) return;
      else if (due > 0) await this.#sleep(due);
      else {
        const witnessed = await cosigners.round(head);
        if (witnessed !== undefined) await this.#writeAndPublish(notes, witnessed);
        else if (this.#state === "ending") return;
      }
    }
  }

  async #writeAndPublish(notes: PublishedNotes, head: SignedHead): Promise<void> {
    if (this.#isStopped()) return;
    if (equal(head.checkpoint, this.#published.checkpoint)) return;
    try {
      await notes.write(head.checkpoint);
    } catch (cause) {
      this.#problem = problemOf(notes, cause);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      return;
    }
    this.#problem = undefined;
    if (!this.#isStopped()) this.#publish(head);
  }

  /** While a note was written the log may have ended. */
  #isStopped(): boolean {
    return this.#state === "stopped";
  }

  #publish(head: PublishedHead): void {
    this.#published = head;
    for (const [waiter, size] of this.#waiting) {
      if (size > head.size) continue;
      this.#waiting.delete(waiter);
      waiter.resolve(head);
    }
  }

  /** The same head with more lines. It carries its quorum already, so it need not be durable first. */
  #addLines(head: SignedHead): void {
    const { size, root } = this.#published;
    if (this.#isStopped() || head.size !== size || !equal(head.root, root)) return;
    this.#published = head;
    this.#unsaved = true;
    this.#wake();
  }

  async #save(notes: PublishedNotes): Promise<void> {
    this.#unsaved = false;
    try {
      await notes.write(this.#published.checkpoint);
    } catch (cause) {
      this.#problem = problemOf(notes, cause);
    }
  }

  async #sleep(milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.min(milliseconds, MAX_SLEEP_MS));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = () => undefined;
  }
}

function problemOf({ place }: PublishedNotes, cause: unknown): LogError {
  if (cause instanceof LogError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  return new LogError("STORAGE_FAILED", `the published note cannot be written: ${message}`, {
    field: place,
    cause,
  });
}

/** What a submitter hears whose entry is durable and whose head has no quorum in time. */
export function notWitnessed(index: number): LogError {
  return new LogError("NOT_WITNESSED", `durable at index ${index}, not yet witnessed; retry`, {
    index,
    hint: "submit the same again: it keeps its index, and the answer brings the receipt",
  });
}

/** The smallest head that covers every one of these. */
export function sizeFor(appended: readonly Appended[]): number {
  return appended.reduce((size, { index }) => Math.max(size, index + 1), 0);
}
