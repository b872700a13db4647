/**
 * A small server without HTTP, to be killed: it appends through the real driver and says on
 * standard output what it has acknowledged, each line written before the next thing is done.
 *
 *     ready <size>
 *     head <size> <root, hex>
 *     ack <number of the entry> <index>
 *
 * Arguments: data folder, guard, first number, and for a planned death `<call>:<n>:<before|after>`.
 */
import { writeSync } from "node:fs";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { toHex } from "../../schema/bytes.ts";
import { FileGuard } from "../../server/sequencer/guard-file.ts";
import { Sequencer } from "../../server/sequencer/log.ts";
import { SqliteStorage } from "../../server/storage/sqlite/sqlite.ts";
import { entry, GENESIS, SIGNER } from "../server/entries.ts";
import { mortalBy } from "./mortal.ts";

const [folder = "", guardPath = "", first = "0", plan = ""] = process.argv.slice(2);
const mortal = mortalBy(plan);

const say = (line: string): void => void writeSync(1, `${line}\n`);

const storage = await SqliteStorage.open(folder);
const guard = await FileGuard.open(guardPath);
const findLeaves = storage.findLeaves.bind(storage);
const commit = storage.commit.bind(storage);
const stage = guard.stage.bind(guard);
const write = guard.write.bind(guard);
storage.findLeaves = (hashes) => mortal("storage.findLeaves", () => findLeaves(hashes));
storage.commit = (head, batch) => mortal("storage.commit", () => commit(head, batch));
guard.stage = () => mortal("guard.stage", () => stage());
guard.write = (head) => mortal("guard.write", () => write(head));

const log = await Sequencer.open({
  storage,
  guard,
  signer: {
    ...SIGNER,
    sign: (head) => mortal("signer.sign", () => SIGNER.sign(head)),
  },
  crypto: nodeCrypto,
  clock: () => performance.now(),
  onFatal: (reason) => {
    say(`fatal ${reason.code} ${reason.message}`);
    process.exitCode = 1;
  },
  genesis: GENESIS,
  onPublished: ({ head }) => say(`head ${head.size} ${toHex(head.root)}`),
});
say(`ready ${log.published().size}`);
say(`head ${log.published().size} ${toHex(log.published().root)}`);

/** Entries by number; every fifth call repeats an older one. */
let next = Number(first);
async function appendForEver(): Promise<void> {
  while (log.state().state === "ready") {
    const n = next++;
    const numbers = n % 5 === 4 ? [n, Math.max(0, n - 7)] : [n];
    const appended = await log.append(
      numbers.map((one) => entry(one, { bytes: (one * 37) % 900 })),
    );
    for (const [i, number] of numbers.entries()) say(`ack ${number} ${appended[i]?.index ?? -1}`);
  }
}
await Promise.all(Array.from({ length: 12 }, appendForEver));
