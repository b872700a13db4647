/** What the machine under the tests allows; a test that it does not allow is skipped by name. */
import { spawnSync } from "node:child_process";

/** Whether the command is there and ends well. */
export function can(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}
