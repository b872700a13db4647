/**
 * A log that does as it is told, a line at a time, on a disk that somebody else breaks:
 *
 *     append <from> <to>   →  ok <size> | refused <code>
 *     read                 →  read <size>
 *     state                →  state <state> <code>
 *     recheck              →  state <state> <code>
 *     close                →  closed
 */
import { createInterface } from "node:readline";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { LogError } from "../../schema/error.ts";
import { openLog } from "../../server/open.ts";
import type { SequencerState } from "../../server/sequencer/ports.ts";
import { entries, GENESIS, SIGNER } from "../server/entries.ts";

const [folder = "", guard = ""] = process.argv.slice(2);
const codeOf = (error: unknown): string =>
  error instanceof LogError ? error.code : `unexpected ${String(error)}`;
const stateOf = (state: SequencerState): string =>
  `state ${state.state} ${"reason" in state ? state.reason.code : ""}`.trim();

try {
  const { log, storage } = await openLog(
    { folder, guard },
    {
      signer: SIGNER,
      crypto: nodeCrypto,
      clock: () => 0,
      onFatal: (reason) => console.log(`fatal ${reason.code}`),
      genesis: GENESIS,
    },
  );
  console.log(`ready ${log.published().size}`);
  for await (const line of createInterface({ input: process.stdin })) {
    const [word = "", from = "0", to = "0"] = line.split(" ");
    if (word === "append") {
      // Large enough that a few hundred of them matter to a small disk.
      const added = entries(Number(from), Number(to), { bytes: 3_000 });
      await log.append(added).then(
        () => console.log(`ok ${log.published().size}`),
        (error: unknown) => console.log(`refused ${codeOf(error)}`),
      );
    } else if (word === "read") {
      const { size } = log.published();
      const hashes = storage.reader.leaves(0, size).length;
      log.inclusion(0, log.published(), GENESIS.leafHash);
      console.log(`read ${hashes}`);
    } else if (word === "state") {
      console.log(stateOf(log.state()));
    } else if (word === "recheck") {
      console.log(stateOf(await log.recheck()));
    } else {
      await log.close();
      console.log("closed");
      break;
    }
  }
} catch (error) {
  console.log(`start ${codeOf(error)}`);
}
process.stdin.destroy();
