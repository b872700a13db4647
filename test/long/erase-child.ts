/**
 * A log that logs and erases, to be killed: what it has done it says on standard output, each line
 * written before the next thing is done.
 *
 *     ready
 *     logged <number>
 *     erasing <number>
 *     erased <number>
 *
 * Arguments: data folder, guard, first number, and for a planned death `<call>:<n>:<before|after>`.
 */
import { writeSync } from "node:fs";
import { FileGuard } from "../../server/sequencer/guard-file.ts";
import { SqliteStorage } from "../../server/storage/sqlite/sqlite.ts";
import { digestOf, Running, signedFile } from "../server/erasure/rig.ts";
import { mortalBy } from "./mortal.ts";
import { secretOf } from "./secret.ts";

const [folder = "", guardPath = "", first = "0", plan = ""] = process.argv.slice(2);
const mortal = mortalBy(plan);

const say = (line: string): void => void writeSync(1, `${line}\n`);

const storage = await SqliteStorage.open(folder);
const guard = await FileGuard.open(guardPath);
const commit = storage.commit.bind(storage);
const erase = storage.erase.bind(storage);
const write = guard.write.bind(guard);
storage.commit = (head, batch) => mortal("storage.commit", () => commit(head, batch));
storage.erase = (erasures, upTo) => mortal("storage.erase", () => erase(erasures, upTo));
guard.write = (head) => mortal("guard.write", () => write(head));

const log = await Running.start(
  { storage, guard },
  () => Number.POSITIVE_INFINITY,
  (reason) => say(`fatal ${reason.code}`),
);
say("ready");
for (let n = Number(first); ; n++) {
  await log.submit(await signedFile(secretOf(n)));
  say(`logged ${n}`);
  if (n % 2 === 0) continue;
  // The one before is erased, this one stays.
  say(`erasing ${n - 1}`);
  await log.eraser.erase(digestOf(secretOf(n - 1)), "asked for");
  say(`erased ${n - 1}`);
}
