/**
 * The hand of an operator who lies: takes one posting out of the tables of an index, and makes tables
 * and map agree again. The log goes on from there as it would from honest ones.
 *
 *     node drop-posting.ts <store folder> <origin> <file whose artifact key is emptied>
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { unwrap } from "../../schema/error.ts";
import { encodeIndexLeaf, parseIndexLeaf } from "../../schema/index/index-leaf.ts";
import { mapKey } from "../../schema/index/map-key.ts";
import { MapTree } from "../../schema/index/map-tree.ts";
import { MAPFN_V1 } from "../../schema/index/mapfn.ts";
import { IndexStore, indexDatabase } from "../../server/index/store.ts";

const [store = "", origin = "", file = ""] = process.argv.slice(2);
const { sha256 } = nodeCrypto;
const folder = join(store, "index-v1");
const key = mapKey(sha256, origin, "artifact", [sha256(readFileSync(file))]);

const database = new Database(indexDatabase(folder));
const { changes } = database.prepare<[Uint8Array]>("DELETE FROM posting WHERE key = ?").run(key);
if (changes !== 1) throw new Error(`${changes} postings under the key of ${file}`);

const tables = IndexStore.open(sha256, folder, { origin, mapfn: MAPFN_V1 });
const newest = tables.leaf(tables.leaves - 1);
if (newest === undefined) throw new Error("there is no leaf");
const leaf = unwrap(parseIndexLeaf(newest.bytes));
const tree = new MapTree(sha256);
for (const { key: other, record } of tables.records(leaf.main.size)) tree.set(other, record.hash());
const lie = encodeIndexLeaf({ ...leaf, mapRoot: tree.seal().root, keys: leaf.keys - 1 });
tables.close();
database
  .prepare<[Uint8Array, number]>("UPDATE leaf SET bytes = ? WHERE idx = ?")
  .run(lie, newest.index);
database.close();
