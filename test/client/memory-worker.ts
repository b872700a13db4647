/** A process that counts a remembered head up, for the tests of the memory file. */
import { argv } from "node:process";
import { fileMemory } from "../../client/memory-file.ts";
import { formatCheckpoint } from "../../schema/tlog/checkpoint.ts";
import { asHash } from "../../schema/tlog/hash.ts";
import { formatNote } from "../../schema/tlog/note.ts";

const [, , path = "", vkey = "", steps = "0"] = argv;
const root = asHash(new Uint8Array(32));
if (root === undefined) throw new Error("no root");
const signature = { name: "log.test", keyId: new Uint8Array(4), signature: new Uint8Array(64) };
const memory = fileMemory(path);
for (let done = 0; done < Number(steps); ) {
  const before = await memory.load([vkey]);
  const size = (before?.size ?? 0) + 1;
  const text = formatCheckpoint({ origin: "log.test", size, root });
  const next = { size, checkpoint: formatNote({ text, signatures: [signature] }) };
  if (await memory.replace([vkey], before, next)) done++;
}
