/**
 * Waiting in tests: for what is named, never for a time. The test's own time limit is the only one;
 * a time limit that is tested passes by a clock of the test.
 */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { ServerResponse } from "node:http";
import { onTestFinished, vi } from "vitest";

/** Goes on where a test has stopped the clock. */
const { setTimeout: wake } = globalThis;

/** Until it is so. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => wake(resolve, 1));
}

/** What is due in this turn of the event loop has been done. */
export async function nextTurn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** Until a number that something else counts up has stood still for many turns, or is `most`. */
export async function untilStill(count: () => number, most: number): Promise<void> {
  let last = count();
  for (let turns = 0; turns < 200 && last < most; turns++) {
    await nextTurn();
    if (count() === last) continue;
    last = count();
    turns = 0;
  }
}

export interface StoppedClock {
  readonly advance: (milliseconds: number) => void;
  /** From here on time passes by itself. */
  readonly goOn: () => void;
}

/** Until the end of this test, time limits and rates know only what `advance` tells them. */
export function stoppedClock(): StoppedClock {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
  const goOn = (): void => void vi.useRealTimers();
  onTestFinished(goOn);
  return { advance: (milliseconds) => void vi.advanceTimersByTime(milliseconds), goOn };
}

/** The requests that servers of this process take while `work` runs, as their answers. */
export async function watchingRequests<T>(
  work: (answers: readonly ServerResponse[]) => Promise<T>,
): Promise<T> {
  const answers: ServerResponse[] = [];
  const taken = (message: unknown): void => {
    if (typeof message !== "object" || message === null || !("response" in message)) return;
    if (message.response instanceof ServerResponse) answers.push(message.response);
  };
  subscribe("http.server.request.start", taken);
  try {
    return await work(answers);
  } finally {
    unsubscribe("http.server.request.start", taken);
  }
}
