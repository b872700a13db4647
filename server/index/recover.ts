/**
 * Recovery of an index log that is older than its guard: after a restore of yesterday's backup, say.
 *
 * Which heads were indexed cannot be made anew, so that the missing leaves have to come from a copy:
 * another store of the index log, or whoever serves its updates. Nothing is believed of either. The
 * leaves must lead to exactly the head that the guard has signed (I1, I6), which is computed before the
 * first of them is written; and the signed head beside each must be of this log's own key, and the one
 * that the leaf names.
 *
 * Without any copy the index log ends: to go on from the older one would sign a second root for a size
 * that others have seen.
 *
 * @module
 */
import type { Crypto } from "../../client/crypto/crypto.ts";
import type { Source } from "../../client/fetch.ts";
import { equal, toHex } from "../../schema/bytes.ts";
import { failure, LogError, success, unwrap } from "../../schema/error.ts";
import { updatePath } from "../../schema/http/lookup-request.ts";
import type { Generation } from "../../schema/index/generation.ts";
import { parseIndexLeaf } from "../../schema/index/index-leaf.ts";
import { MAX_UPDATE_BYTES, parseUpdate } from "../../schema/index/update.ts";
import { type Hash, leafHash } from "../../schema/tlog/hash.ts";
import type { LogKey } from "../log-key.ts";
import { examine } from "../recover.ts";
import { refill } from "../refill.ts";
import { openOwnNote } from "../sequencer/published.ts";
import type { StorageReader } from "../storage/storage.ts";
import type { IndexPlaces } from "./places.ts";

/** Leaves that are asked for at one time. */
const LEAVES_AT_ONCE = 16;

/** A leaf of the index log and the signed head that it names, from somewhere else. */
export interface CopiedLeaf {
  readonly leaf: Uint8Array;
  readonly main: Uint8Array;
}

export type IndexCopy = (from: number, to: number) => Promise<readonly CopiedLeaf[]>;

export interface IndexRecoverPorts {
  readonly crypto: Crypto;
  readonly key: LogKey;
  readonly places: IndexPlaces;
  readonly copy: IndexCopy;
  /** Wall time in milliseconds. */
  readonly clock: () => number;
}

/** Another store of the index log, at rest. */
export function copyInStore(reader: Pick<StorageReader, "leaves" | "contents">): IndexCopy {
  return async (from, to) => {
    const contents = reader.contents(from, to);
    return reader.leaves(from, to).flatMap((leaf, i) => {
      const content = contents[i];
      return content?.state === "held" ? [{ leaf, main: content.bytes }] : [];
    });
  };
}

/** The updates that are served of it. */
export function copyServed(source: Source, generation: Generation): IndexCopy {
  return async (from, to) => {
    const leaves: CopiedLeaf[] = [];
    for (let at = from; at < to; at += LEAVES_AT_ONCE) {
      const path = updatePath(generation, at, Math.min(to, at + LEAVES_AT_ONCE));
      leaves.push(...unwrap(parseUpdate(await source.get(path, MAX_UPDATE_BYTES))));
    }
    return leaves;
  };
}

/** How many leaves were brought back. Throws why none could be; then nothing was written. */
export async function recoverIndex(ports: IndexRecoverPorts): Promise<number> {
  const { crypto, key, places, copy, clock } = ports;
  const { sha256 } = crypto;
  const store = {
    place: places.log,
    crypto,
    signer: key.indexCheckpoints(places.generation),
    clock,
  };
  const { lost, refusal } = await examine(store);
  if (lost === undefined)
    throw new LogError(
      "USAGE",
      `no leaf of the index log is missing${refusal === undefined ? "" : `: ${refusal.message}`}`,
      { field: places.log.folder },
    );
  const copied = await copy(lost.from, lost.to);
  if (copied.length !== lost.to - lost.from)
    throw new LogError(
      "NOT_FOUND",
      `the source has not all of the leaves ${lost.from} to ${lost.to - 1}`,
    );
  const digests = new Map<string, Hash>();
  for (const [i, one] of copied.entries()) {
    await mustNameItsHead(ports, lost.from + i, one);
    digests.set(toHex(leafHash(sha256, one.leaf)), sha256(one.main));
  }
  const part = (from: number, to: number): readonly CopiedLeaf[] =>
    copied.slice(from - lost.from, to - lost.from);
  return refill({
    ...store,
    source: {
      leaves: (from, to) => part(from, to).map(({ leaf }) => leaf),
      contents: (from, to) => part(from, to).map(({ main }) => ({ state: "held", bytes: main })),
      key: () => undefined,
      keptPostings: () => undefined,
    },
    factsOf: (leaf) => {
      const contentDigest = digests.get(toHex(leafHash(sha256, leaf)));
      return contentDigest === undefined
        ? failure("FIELD_INVALID", "the leaf is not one of the copy")
        : success({ contentDigest, mayBeOpaque: false });
    },
  });
}

async function mustNameItsHead(
  { crypto, key }: IndexRecoverPorts,
  index: number,
  { leaf, main }: CopiedLeaf,
): Promise<void> {
  const parsed = parseIndexLeaf(leaf);
  const head = await openOwnNote(crypto, key.checkpoints, main);
  if (
    parsed.ok &&
    head.ok &&
    parsed.value.origin === key.origin &&
    head.value.size === parsed.value.main.size &&
    equal(head.value.root, parsed.value.main.root)
  )
    return;
  throw new LogError("STORE_CORRUPT", `leaf ${index} of the source names no head of this log`, {
    field: "source",
    hint: "nothing was changed; try another copy",
  });
}
