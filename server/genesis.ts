/**
 * Entry 0: how it is made, and how it is held against the key that a log starts with.
 *
 * - I6  A checkpoint names its key by a short id, and a store without entries beyond the genesis
 *       has few of them. The genesis says the whole key, and what it says can never change: a
 *       process with another key, name or format is another log and signs nothing here.
 *
 * Spec: docs/formats.md §Log statements.
 *
 * @module
 */
import type { Crypto } from "../client/crypto/crypto.ts";
import { utf8 } from "../schema/bytes.ts";
import { checkLeaf } from "../schema/entry/check.ts";
import { parseLeaf } from "../schema/entry/leaf.ts";
import {
  type Genesis,
  LOG_FORMAT_VERSION,
  speaksForItself,
} from "../schema/entry/log-statement.ts";
import { LogError } from "../schema/error.ts";
import type { Sha256 } from "../schema/tlog/hash.ts";
import { ownDoor } from "./admission/own-door.ts";
import type { LogKey } from "./log-key.ts";
import type { NewEntry } from "./storage/storage.ts";

export interface GenesisOwner {
  readonly origin: string;
  readonly vkey: string;
}

export interface GenesisPorts {
  readonly crypto: Crypto;
  readonly key: Pick<LogKey, "genesis">;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Entry 0 comes in by the door that every entry comes in by. */
export async function genesisEntry({ crypto, key, now }: GenesisPorts): Promise<NewEntry> {
  const admit = ownDoor(crypto);
  const createdAt = `${new Date(now()).toISOString().slice(0, 19)}Z`;
  const submission = await key.genesis(createdAt);
  const [entry] = await admit(utf8(JSON.stringify(submission)));
  if (entry === undefined) throw new LogError("INTERNAL", "The genesis became no entry.");
  return entry;
}

/** What entry 0 says. Throws `KEY_MISMATCH`, `STORE_NEWER`, or `STORE_CORRUPT` for what is no genesis. */
export function checkGenesis(
  sha256: Sha256,
  { origin, vkey }: GenesisOwner,
  leafBytes: Uint8Array,
  content: Uint8Array | undefined,
): Genesis {
  const leaf = parseLeaf(leafBytes);
  if (!leaf.ok) throw damaged(leaf.message);
  if (content === undefined) throw damaged("its content is not in the store");
  const entry = checkLeaf(sha256, leaf.value, content);
  if (!entry.ok) throw damaged(entry.message);
  const { reading, signerId } = entry.value;
  if (reading?.kind !== "log-statement" || reading.statement.type !== "genesis")
    throw damaged("it is not the genesis of a log");
  const genesis = reading.statement;
  if (genesis.log !== vkey || genesis.origin !== origin)
    throw new LogError("KEY_MISMATCH", "the genesis of this log names another key than this one", {
      field: "key",
      expected: genesis.log,
      hint: "start with the key file that `init` made; a log's key is never replaced",
    });
  if (!speaksForItself(sha256, genesis, signerId))
    throw damaged("it is signed by another key than the one it names");
  if (genesis.formatVersion > LOG_FORMAT_VERSION)
    throw new LogError("STORE_NEWER", `the log has format ${genesis.formatVersion}`, {
      field: "entry 0",
      limit: LOG_FORMAT_VERSION,
      hint: "start it with the version of the program that made it",
    });
  return genesis;
}

function damaged(message: string): LogError {
  return new LogError("STORE_CORRUPT", `entry 0: ${message}`, {
    field: "entry 0",
    hint: "run `countersign fsck`; what it cannot repair comes from a backup, into a new folder",
  });
}
