/**
 * The promises of a running log.
 *
 * @module
 */
import { LogError } from "../../schema/error.ts";
import type { Config } from "../config.ts";
import type { Sequencer } from "../sequencer/log.ts";
import type { LogParts } from "../serve.ts";
import { Promises } from "./promises.ts";

/**
 * A log that cannot read what it has promised promises nothing: writes whose witnesses are late are
 * refused then, as in a log without promises.
 */
export async function openPromises(
  parts: LogParts,
  { promise }: Config,
  sequencer: Sequencer,
): Promise<Promises | undefined> {
  const { promises: store, clock, crypto, key, logger, storage } = parts;
  if (store === undefined) return undefined;
  try {
    return await Promises.open({
      store,
      clock,
      tree: sequencer.committedTree,
      published: () => sequencer.published(),
      reader: storage.reader,
      sign: key.promise,
      sha256: crypto.sha256,
      deadlineSeconds: promise.deadline_seconds,
    });
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
    logger.error({ code: error.code, err: error, file: store.place }, "the log gives no promises");
    return undefined;
  }
}
