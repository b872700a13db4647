/**
 * Recovery that loses nothing: the entries that a restored store lacks are taken out of another
 * copy of the same log, up to exactly the head that the guard has signed.
 *
 * Nothing is believed of the source. Its leaves must lead from the store's root to the guard's; that
 * is computed before the first of them is written.
 *
 * @module
 */
import { equal } from "../schema/bytes.ts";
import { LogError, unwrap } from "../schema/error.ts";
import { type Hash, leafHash } from "../schema/tlog/hash.ts";
import type { TreeHead } from "../schema/tlog/proof.ts";
import { factsOf } from "./fsck.ts";
import { opened, type RecoverPorts, refusalOf } from "./recover.ts";
import type { Position } from "./sequencer/commit.ts";
import type { Edge } from "./sequencer/edge.ts";
import type { GuardedHead } from "./sequencer/ports.ts";
import { readEdge } from "./sequencer/recover.ts";
import type { NewEntry, Storage, StorageReader, StoredHead } from "./storage/storage.ts";

/** What another copy must offer: a reader of a store, say. */
export type RefillSource = Pick<StorageReader, "leaves" | "contents" | "key" | "keptPostings">;

export interface RefillPorts extends Pick<RecoverPorts, "place" | "crypto" | "signer"> {
  readonly source: RefillSource;
  /** Digests that a leaf names; for tests with simpler leaves. */
  readonly factsOf?: typeof factsOf;
  readonly progress?: (done: number, total: number) => void;
}

const CHUNK = 256;

/** How many entries were brought back. Throws `USAGE` where none are missing. */
export async function refill(ports: RefillPorts): Promise<number> {
  const { crypto } = ports;
  return opened(ports, async ({ storage, guard, head, guardedHead }) => {
    const refusal = await refusalOf(ports, storage, guard, guardedHead);
    // Another key or a damaged guard would sign, or store, heads that no start accepts.
    if (refusal !== undefined && refusal.code !== "GUARD_AHEAD") throw refusal;
    if (guardedHead === undefined || guardedHead.size <= head.size)
      throw new LogError("USAGE", "the head guard is not ahead of the store: nothing is missing");
    let edge = readEdge({ storage, crypto }, head);
    mustLeadTo(ports, edge, guardedHead);
    let current: StoredHead = head;
    while (current.size < guardedHead.size) {
      const to = Math.min(current.size + CHUNK, guardedHead.size);
      const written = await writeChunk(ports, storage, { head: current, edge }, to, guardedHead);
      current = written.head;
      edge = written.edge;
      ports.progress?.(to - head.size, guardedHead.size - head.size);
    }
    return guardedHead.size - head.size;
  });
}

/** Without writing: a source that does not lead to the signed root adds nothing. */
function mustLeadTo(ports: RefillPorts, edge: Edge, target: GuardedHead): void {
  let trial = edge;
  for (let at = edge.head.size; at < target.size; at += CHUNK)
    trial = trial.grow(hashesOf(ports, at, Math.min(at + CHUNK, target.size))).edge;
  if (equal(trial.head.root, target.root)) return;
  throw new LogError("GUARD_DIFFERS", "the source does not lead to the root that was signed", {
    field: "source",
    hint: "nothing was changed; try another copy",
  });
}

async function writeChunk(
  ports: RefillPorts,
  storage: Storage,
  position: Position,
  to: number,
  target: GuardedHead,
): Promise<Position> {
  return putBack(ports.signer, storage, position, entriesOf(ports, position.head.size, to), target);
}

/** Commits entries that are known to lead to `target`, as the sequencer would have. */
export async function putBack(
  signer: RecoverPorts["signer"],
  storage: Storage,
  { head, edge }: Position,
  entries: readonly NewEntry[],
  target: TreeHead & { readonly checkpoint: Uint8Array },
): Promise<Position> {
  const growth = edge.grow(entries.map((entry) => entry.leafHash));
  const next = growth.edge.head;
  // A size on the way was perhaps never signed; its root is a prefix of the one that was.
  const checkpoint = next.size === target.size ? target.checkpoint : await signer.sign(next);
  const result = await storage.commit(head, { entries, tiles: growth.tiles, ...next, checkpoint });
  if (result.state === "failed") throw result.error;
  if (result.state !== "committed") {
    throw new LogError("OUTCOME_UNKNOWN", "the store did not say whether it committed", {
      hint: "run the same again: it goes on from where the store is",
    });
  }
  return { head: { ...next, checkpoint, epoch: head.epoch }, edge: growth.edge };
}

function hashesOf({ source, crypto }: RefillPorts, from: number, to: number): Hash[] {
  return source.leaves(from, to).map((leaf) => leafHash(crypto.sha256, leaf));
}

function entriesOf(ports: RefillPorts, from: number, to: number): NewEntry[] {
  const { source, crypto } = ports;
  const contents = source.contents(from, to);
  return source.leaves(from, to).map((leaf, i) => {
    const facts = unwrap((ports.factsOf ?? factsOf)(leaf));
    const content = contents[i];
    const held = content?.state === "held" ? content.bytes : undefined;
    if (held !== undefined && !equal(crypto.sha256(held), facts.contentDigest))
      throw wrong(`the content of entry ${from + i}`);
    const isErased = content?.state === "erased";
    if (held === undefined && !isErased && !facts.mayBeOpaque)
      throw wrong(`the content of entry ${from + i}`);
    const { keyDigest } = facts;
    const key = keyDigest === undefined ? undefined : source.key(keyDigest);
    if (keyDigest !== undefined && (key === undefined || !equal(crypto.sha256(key), keyDigest)))
      throw wrong(`the key object of entry ${from + i}`);
    return {
      leaf,
      leafHash: leafHash(crypto.sha256, leaf),
      contentDigest: facts.contentDigest,
      content: held,
      ...(isErased ? { erased: { postings: source.keptPostings(from + i) } } : {}),
      key:
        keyDigest === undefined || key === undefined
          ? undefined
          : { digest: keyDigest, bytes: key },
    };
  });
}

function wrong(what: string): LogError {
  return new LogError("STORE_CORRUPT", `the source lacks ${what}`, {
    field: "source",
    hint: "try another copy",
  });
}
