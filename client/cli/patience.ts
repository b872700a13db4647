/**
 * `--wait SECONDS`: how long a look-up may wait for the index to catch up with its log.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Patience } from "../lookup/wait.ts";
import type { Arguments, OptionSpec } from "./command.ts";
import { wholeNumber } from "./options.ts";

const PAUSE_MS = 250;

export const WAIT_OPTION: Readonly<Record<string, OptionSpec>> = {
  wait: {
    type: "string",
    value: "SECONDS",
    help: "let the index catch up with the log first, for at most so long (default: 0)",
  },
};

export function patienceOf(args: Arguments): Patience {
  const seconds = args.value("wait") === undefined ? 0 : wholeNumber(args, "wait");
  return {
    retries: Math.ceil((Math.min(seconds, 3_600) * 1_000) / PAUSE_MS),
    pause: async () => {
      await sleep(PAUSE_MS);
    },
  };
}
