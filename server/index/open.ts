/**
 * How the index log of a log is made.
 *
 * The index log is a log of its own, with a store and a head guard that `init` makes once (I6).
 * Its entries are leaves of the index; beside each, as its content, stands the signed checkpoint of
 * the main head that the leaf names, because nothing else could bring that back.
 *
 * @module
 */
import type { Crypto } from "../../client/crypto/crypto.ts";
import { initLog } from "../init.ts";
import type { CheckpointSigner } from "../sequencer/ports.ts";
import type { IndexPlaces } from "./places.ts";
import { firstIndexEntry } from "./signer.ts";

export interface IndexInitPorts {
  readonly crypto: Crypto;
  readonly signer: CheckpointSigner;
  /** Of the main log. */
  readonly origin: string;
  /** 16 random bytes. */
  readonly databaseId: Uint8Array;
  readonly clock: () => number;
}

/** Makes an index log. Throws `STORE_EXISTS` where there is one, or half of one. */
export async function initIndex(places: IndexPlaces, ports: IndexInitPorts): Promise<void> {
  const { crypto, signer, origin, databaseId, clock } = ports;
  const { generation } = places;
  await initLog({
    place: places.log,
    crypto,
    signer,
    databaseId,
    clock,
    genesis: firstIndexEntry(crypto.sha256, generation, origin),
  });
}
