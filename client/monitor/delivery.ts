/**
 * From the outbox to the channels, and back what each has confirmed.
 *
 * - M4  Silence is an alarm: a beat leaves only after a round in which everything could be checked,
 *       and while every channel works.
 *
 * Each step is: send, wait for the confirmation, make it durable, go on. Killed in between, an
 * alert is sent again under its id; that is all that can happen to it. Channels do not wait for
 * one another.
 *
 * @module
 */
import { LogError } from "../../schema/error.ts";
import { printable } from "../printable.ts";
import type { Alert, AlertSink } from "./alert.ts";
import { type Channel, ChannelError, type Queue, type View } from "./channels/channel.ts";
import {
  add,
  confirmed,
  due,
  failed,
  isLeftAlone,
  newOf,
  type Outbox,
  room,
  type Standing,
  standing,
  withChannels,
} from "./outbox.ts";
import { OUTBOX } from "./outbox-file.ts";
import { OwnedFile } from "./owned-file.ts";

export interface DeliveryPorts {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Ends early where the program is to stop. */
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly stop?: AbortSignal;
}

interface DeliveryOptions {
  /** The outbox's file. */
  readonly path: string;
  readonly channels: readonly Channel[];
  /** Seconds between two beats; and between two rounds, so that no beat comes a round too late. */
  readonly heartbeatSeconds: number;
  readonly intervalSeconds: number;
}

/** A channel that does not work. */
export interface Failing {
  readonly name: string;
  /** Seconds since 1970. */
  readonly since: number;
  readonly reason: string;
  /** Alerts that it has not confirmed. */
  readonly waiting: number;
}

export class Delivery implements AlertSink {
  readonly #ports: DeliveryPorts;
  readonly #options: DeliveryOptions;
  readonly #file: OwnedFile<Outbox>;
  /** One for each queue. */
  readonly #sending: readonly (() => Promise<void>)[];
  readonly #show: () => Promise<void>;
  #outbox: Outbox;
  #writes: Promise<void> = Promise.resolve();
  /** Names of channels that were configured once, and how many alerts they never confirmed. */
  readonly dropped: ReadonlyMap<string, number>;

  private constructor(
    ports: DeliveryPorts,
    options: DeliveryOptions,
    file: OwnedFile<Outbox>,
    { outbox, dropped }: ReturnType<typeof withChannels>,
  ) {
    this.#ports = ports;
    this.#options = options;
    this.#file = file;
    this.#outbox = outbox;
    this.dropped = dropped;
    this.#sending = this.#queues().map((queue) => oneAtATime(async () => this.#drain(queue)));
    this.#show = oneAtATime(async () => this.#showViews());
  }

  /** Throws `FILE_UNREADABLE` where the outbox cannot be read, understood or written. */
  static async open(ports: DeliveryPorts, options: DeliveryOptions): Promise<Delivery> {
    const file = await OwnedFile.open(OUTBOX, options.path);
    const names = options.channels.map(({ name }) => name);
    return new Delivery(ports, options, file, withChannels(file.value, names));
  }

  get outbox(): Outbox {
    return this.#outbox;
  }

  /**
   * Takes each alert once, and as many at a time as there is room for. They are on their way when it
   * resolves: a round may last, and what one log did must not wait for another one.
   */
  async deliver(alerts: readonly Alert[]): Promise<void> {
    let left = newOf(this.#outbox, alerts);
    while (left.length > 0) {
      if (room(this.#outbox) === 0) await this.flush();
      const some = left.slice(0, room(this.#outbox));
      if (some.length === 0) throw this.#isFull();
      await this.#change((outbox) => add(outbox, some, this.#queues()));
      left = left.slice(some.length);
    }
    // Whoever flushes next meets what this one could not write.
    void this.flush().catch(() => {});
  }

  /** Sends what is due to whoever is not left alone, until nothing is. Never throws for a channel. */
  async flush(): Promise<void> {
    await Promise.all([this.#show(), ...this.#sending.map(async (send) => send())]);
    await this.#show();
  }

  /** As {@link flush}, and again where a channel failed and its pause ends in `patienceSeconds`. */
  async settle(patienceSeconds: number): Promise<void> {
    const end = this.#seconds() + patienceSeconds;
    for (;;) {
      await this.flush();
      const next = this.#nextTry();
      if (next > end || this.#ports.stop?.aborted === true) return;
      await this.#ports.sleep(Math.max(0, next - this.#seconds()) * 1000);
      // A clock that stands still or goes back is no reason to wait for ever.
      if (this.#seconds() < next) return;
    }
  }

  failing(): readonly Failing[] {
    return [...this.#outbox.channels].flatMap(([name, { failing, pending }]) =>
      failing === undefined ? [] : [{ name, ...failing, waiting: pending.length }],
    );
  }

  /** A round has ended. M4: beats where it may and is time to. */
  async ended(isComplete: boolean): Promise<void> {
    const now = this.#seconds();
    await this.#change((outbox) => ({
      ...outbox,
      lastRound: now,
      lastComplete: isComplete ? now : outbox.lastComplete,
    }));
    if (isComplete) await this.#beat(now);
    await this.flush();
  }

  async close(): Promise<void> {
    await this.flush();
    await Promise.all(this.#options.channels.map(async (channel) => channel.close?.()));
  }

  async #beat(now: number): Promise<void> {
    const pulses = this.#options.channels.filter((channel) => channel.sort === "pulse");
    if (this.#nextTry() < Number.POSITIVE_INFINITY) return;
    const { heartbeatSeconds, intervalSeconds } = this.#options;
    const { lastBeat } = this.#outbox;
    // Also where the clock went back.
    const isTime = now < lastBeat || now - lastBeat > heartbeatSeconds - intervalSeconds;
    if (isTime) await this.#change((outbox) => ({ ...outbox, lastBeat: now }));
    for (const pulse of pulses)
      if (isTime || isFailing(standing(this.#outbox, pulse.name)))
        await this.#attempt(pulse.name, [], async () => pulse.beat());
  }

  async #drain(queue: Queue): Promise<void> {
    for (;;) {
      const alerts = due(this.#outbox, queue.name, queue.most, this.#seconds());
      if (alerts.length === 0) return;
      if (!(await this.#attempt(queue.name, alerts, async () => queue.send(alerts)))) return;
    }
  }

  async #showViews(): Promise<void> {
    const views: View[] = this.#options.channels.filter((channel) => channel.sort === "view");
    const now = this.#seconds();
    await Promise.all(
      views
        .filter(({ name }) => !isLeftAlone(this.#outbox, name, now))
        .map((view) => this.#attempt(view.name, [], async () => view.show(this.#outbox))),
    );
  }

  /** Whether it worked; either way the outbox knows when this resolves. */
  async #attempt(
    name: string,
    alerts: readonly Alert[],
    work: () => Promise<void>,
  ): Promise<boolean> {
    try {
      await work();
    } catch (error) {
      const known = error instanceof ChannelError ? error : undefined;
      const reason = printable(error instanceof Error ? error.message : String(error));
      await this.#change((outbox) =>
        failed(outbox, name, {
          now: this.#seconds(),
          reason,
          ...(known?.refused === true ? { refused: alerts } : {}),
          ...(known?.pause === undefined ? {} : { pause: known.pause }),
        }),
      );
      return false;
    }
    const isNews = alerts.length > 0 || standing(this.#outbox, name).failing !== undefined;
    if (isNews) await this.#change((outbox) => confirmed(outbox, name, alerts));
    return true;
  }

  /** One after the other; what is in memory is in the file. */
  async #change(change: (outbox: Outbox) => Outbox): Promise<void> {
    const write = this.#write(this.#writes, change);
    this.#writes = write.catch(() => {});
    await write;
  }

  async #write(before: Promise<void>, change: (outbox: Outbox) => Outbox): Promise<void> {
    await before;
    const next = change(this.#outbox);
    await this.#file.write(next);
    this.#outbox = next;
  }

  /** When somebody who failed may be tried again, in seconds since 1970; pulses wait for a round. */
  #nextTry(): number {
    const names = this.#options.channels.flatMap(({ sort, name }) =>
      sort === "pulse" ? [] : name,
    );
    const failing = names.map((name) => standing(this.#outbox, name)).filter(isFailing);
    return Math.min(...failing.map(({ notBefore }) => notBefore));
  }

  #queues(): readonly Queue[] {
    return this.#options.channels.filter((channel) => channel.sort === "queue");
  }

  #seconds(): number {
    return Math.floor(this.#ports.now() / 1000);
  }

  #isFull(): LogError {
    const names = this.failing().map(({ name }) => name);
    return new LogError(
      "OVERLOADED",
      `too many alerts wait for ${names.join(", ") || "the channels"}; no further one is taken`,
    );
  }
}

/**
 * Work that runs one at a time. Who asks for it while it runs gets it once more, together with
 * everybody else who asked: it sees what was there when they did.
 */
function oneAtATime(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  const runAfter = async (before: Promise<void>): Promise<void> => {
    await before.catch(() => {});
    next = undefined;
    running = work();
    await running;
  };
  return async () => {
    next ??= runAfter(running);
    await next;
  };
}

function isFailing({ failing }: Standing): boolean {
  return failing !== undefined;
}
