/** What a function refused with, so that tests compare typed errors. */
import { LogError } from "../../schema/error.ts";

export function refusalOf(run: () => unknown): LogError {
  try {
    run();
  } catch (error) {
    if (error instanceof LogError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

export async function rejectionOf(pending: Promise<unknown>): Promise<LogError> {
  try {
    await pending;
  } catch (error) {
    if (error instanceof LogError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}
