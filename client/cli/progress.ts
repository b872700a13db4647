/**
 * A progress bar for long work: on a terminal only, and its library is loaded only then.
 *
 * @module
 */
import type { Io } from "./io.ts";

export interface Progress {
  /** `done` of `total`; an unknown total grows with the work. */
  readonly update: (done: number, total: number, note?: string) => void;
  readonly stop: () => void;
}

const SILENT: Progress = { update: () => {}, stop: () => {} };

export async function startProgress(io: Io, label: string, json: boolean): Promise<Progress> {
  if (!io.isTty || json) return SILENT;
  const { default: progress } = await import("cli-progress");
  const bar = new progress.SingleBar({
    format: `${label} {bar} {value}/{total} {note}`,
    barCompleteChar: "█",
    barIncompleteChar: "░",
    clearOnComplete: true,
    // A signal ends the command through its own handlers, not the bar's.
    gracefulExit: false,
  });
  bar.start(0, 0, { note: "" });
  return {
    update: (done, total, note = "") => {
      bar.setTotal(Math.max(total, done));
      bar.update(done, { note });
    },
    stop: () => bar.stop(),
  };
}
