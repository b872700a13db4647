/**
 * An index that grows by steps and writes its snapshot again and again, until it is killed. Its
 * postings are made up: what is tried is the writing. It says what it started from, and then the
 * size of the newest snapshot after every slice.
 *
 * Arguments: the folder of the tables, and `grow`; without it, it ends when it has started.
 */

import { hash } from "node:crypto";
import { nodeCryptoInPlace } from "../../client/crypto/node.ts";
import { gitHashOf } from "../../client/git/hash.ts";
import { INDEX_V1 } from "../../schema/index/generation.ts";
import { MAPFN_V1 } from "../../schema/index/mapfn.ts";
import { encodePostings, sortPostings } from "../../schema/index/posting.ts";
import { asHash, type Hash } from "../../schema/tlog/hash.ts";
import { IndexEngine } from "../../server/index/engine.ts";
import { snapshotFile } from "../../server/index/snapshot.ts";
import { IndexStore } from "../../server/index/store.ts";
import type { StoredContent } from "../../server/storage/storage.ts";

const [folder, mode] = process.argv.slice(2);
if (folder === undefined) throw new Error("no folder");
const ORIGIN = "log.test";
const STEP = 200;
const { sha256 } = nodeCryptoInPlace;

function keyOf(text: string): Hash {
  const key = asHash(hash("sha256", text, "buffer"));
  if (key === undefined) throw new Error("a hash has 32 bytes");
  return key;
}

const names = (entry: number): string[] => [
  ...Array.from({ length: 20 }, (_, i) => `key ${entry}/${i}`),
  `shared by ten ${Math.floor(entry / 10)}`,
  "shared by all",
];
const store = IndexStore.open(sha256, folder, { origin: ORIGIN, mapfn: MAPFN_V1 });
const engine = IndexEngine.open({
  hashes: { sha256, git: gitHashOf(nodeCryptoInPlace) },
  log: { origin: ORIGIN, vkeys: [] },
  generation: INDEX_V1,
  store,
  snapshot: snapshotFile(folder),
  erased: (entry) =>
    encodePostings(sortPostings(names(entry).map((name) => ({ key: keyOf(name) })))),
  reader: {
    leaves: (from, to) => Array.from({ length: to - from }, () => new Uint8Array(1)),
    contents: (from, to) =>
      Array.from({ length: to - from }, (): StoredContent => ({ state: "erased" })),
  },
});
const { size, snapshotSize } = engine;
process.stdout.write(`${JSON.stringify({ size, snapshotSize })}\n`);
if (mode !== "grow") process.exit(0);
for (;;) {
  engine.grow({ size: engine.size + STEP, root: keyOf(`root ${engine.size}`) }, new Uint8Array(1));
  engine.keep();
  for (let more = true; more; ) {
    more = engine.writeSnapshot();
    process.stdout.write(`${engine.snapshotSize}\n`);
  }
}
