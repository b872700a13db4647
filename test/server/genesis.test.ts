import { beforeAll, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { generateKey } from "../../client/keys/key-file.ts";
import { privateKeySigner } from "../../client/keys/private-key.ts";
import { checkGenesis, genesisEntry } from "../../server/genesis.ts";
import { type LogKey, logKey } from "../../server/log-key.ts";
import type { NewEntry } from "../../server/storage/storage.ts";
import { refusalOf } from "./refusal.ts";

const ORIGIN = "genesis.example.test";
const { sha256 } = nodeCrypto;

const newKey = async (origin: string = ORIGIN): Promise<LogKey> =>
  logKey(nodeCrypto, privateKeySigner(await generateKey("ed25519"), "test"), origin);

let key: LogKey;
let genesis: NewEntry;
beforeAll(async () => {
  key = await newKey();
  genesis = await genesisEntry({ crypto: nodeCrypto, key, now: () => 1.79e12 });
});

const refused = (
  owner: Pick<LogKey, "origin" | "vkey">,
  entry: Pick<NewEntry, "leaf" | "content">,
) => refusalOf(() => checkGenesis(sha256, owner, entry.leaf, entry.content)).code;

describe("I6 entry 0 at a start", () => {
  test("is the genesis of this key and this name", () => {
    expect(() => checkGenesis(sha256, key, genesis.leaf, genesis.content)).not.toThrow();
    expect(() => key.checkpoints.checkGenesis(genesis.leaf, genesis.content)).not.toThrow();
  });

  test("refuses another key of the same name, and another name", async () => {
    expect(refused(await newKey(), genesis)).toBe("KEY_MISMATCH");
    expect(refused({ ...key, origin: "other.example.test" }, genesis)).toBe("KEY_MISMATCH");
  });

  test("refuses a genesis that another key has signed", async () => {
    const other = await newKey();
    const forged = { ...other, genesis: key.genesis };
    const entry = await genesisEntry({ crypto: nodeCrypto, key: forged, now: () => 1.79e12 });
    expect(refused(other, entry)).toBe("KEY_MISMATCH");
    const swapped = { leaf: (await genesisOf(other)).leaf, content: genesis.content };
    expect(refused(key, swapped)).toBe("STORE_CORRUPT");
  });

  test("refuses what is no genesis, and one whose content is gone or changed", () => {
    const leaf = new TextEncoder().encode("{}");
    expect(refused(key, { leaf, content: genesis.content })).toBe("STORE_CORRUPT");
    expect(refused(key, { leaf: genesis.leaf, content: undefined })).toBe("STORE_CORRUPT");
    const changed = Uint8Array.from(genesis.content ?? []);
    changed[20] = (changed[20] ?? 0) ^ 1;
    expect(refused(key, { leaf: genesis.leaf, content: changed })).toBe("STORE_CORRUPT");
  });
});

const genesisOf = (owner: LogKey): Promise<NewEntry> =>
  genesisEntry({ crypto: nodeCrypto, key: owner, now: () => 1.79e12 });
