/**
 * What a dishonest operator does by hand: a second copy of the log, and a row less in the index.
 */
import { copyFileSync, cpSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { nodeCrypto } from "../../client/crypto/node.ts";
import type { LookupKey } from "../../schema/index/lookup.ts";
import { mapKey } from "../../schema/index/map-key.ts";
import { makeLog } from "../quickstart/log.ts";
import { freePort } from "../quickstart/tools.ts";
import { SERVE, type Stage } from "./stage.ts";

/** A copy of the stopped log, guard and key included, that serves one client. */
export async function forkLog(
  stage: Stage,
): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> {
  const { work } = stage;
  await stage.log.stop();
  cpSync(work.path("log"), work.path("fork"), { recursive: true });
  stage.log = await work.start(SERVE, '"url"');
  const port = await freePort();
  makeLog(work, "fork", port);
  const stop = await work.serve("serve", "--config", "fork/log.toml");
  return { url: `http://127.0.0.1:${port}/`, stop };
}

/** Takes an entry away from under a key, in the tables of the index of the log that runs. */
export function dropPosting({ work }: Stage, { type, fields }: LookupKey, index: number): void {
  const key = mapKey(nodeCrypto.sha256, work.origin, type, fields);
  const database = new DatabaseSync(work.path("log", "store", "index-v1", "postings.db"));
  try {
    database.exec("PRAGMA busy_timeout = 10000");
    const dropped = database.prepare("DELETE FROM posting WHERE key = ? AND idx = ?");
    const { changes } = dropped.run(key, index);
    if (changes !== 1) throw new Error(`the index has no entry ${index} under ${type}`);
  } finally {
    database.close();
  }
}

/** Goes on without the index verifier: nobody's quorum is asked for any more. */
export function dismissVerifier({ work, log }: Stage): void {
  copyFileSync(work.path("no-verifiers"), work.path("verifiers"));
  log.hangUp();
}
