/**
 * What a channel is to the monitor.
 *
 * There are three sorts. A *queue* is sent each alert, and confirms it. A *view* shows where the
 * monitor stands, whole, whenever that changes: it can neither miss an alert nor repeat one. A
 * *pulse* is told that a round was complete, and raises the alarm by itself when it hears nothing.
 *
 * @module
 */
import type { Alert } from "../alert.ts";
import type { Outbox } from "../outbox.ts";

interface Named {
  /** As in the configuration; each once. */
  readonly name: string;
}

export interface Queue extends Named {
  readonly sort: "queue";
  /** Alerts of one sending. */
  readonly most: number;
  readonly takes: (alert: Alert) => boolean;
  /** Resolves when the other side has all of them, for good. Throws {@link ChannelError}. */
  send(alerts: readonly Alert[]): Promise<void>;
}

export interface View extends Named {
  readonly sort: "view";
  show(outbox: Outbox): Promise<void>;
}

export interface Pulse extends Named {
  readonly sort: "pulse";
  beat(): Promise<void>;
}

export type Channel = (Queue | View | Pulse) & {
  readonly close?: () => Promise<void>;
};

/** Why a channel did not do what it was asked. Its text is shown, so no secret is in it. */
export class ChannelError extends Error {
  /** The other side refused these alerts for what they are; others may pass. */
  readonly refused: boolean;
  /** Seconds for which it wants to be left alone. */
  readonly pause: number | undefined;

  constructor(
    message: string,
    options: { readonly refused?: boolean; readonly pause?: number; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "ChannelError";
    this.refused = options.refused ?? false;
    this.pause = options.pause;
  }
}
