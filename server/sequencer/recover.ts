/**
 * Before its first signature a process proves that it continues its own past.
 *
 * - I6  The right edge is recomputed from the leaves and must give the tiles and the head that are
 *       stored; the head's checkpoint must verify under the log's own key, and entry 0 must name
 *       that key; and the head must be the one in the guard, or a proved continuation of it. Otherwise the process refuses to
 *       start, changes nothing, and says what is missing.
 *
 * The work does not grow with the log: at most 512 leaves are read, and three tiles of each level.
 *
 * What this cannot see: a snapshot that rolls back store and guard together. Witnesses can, and are
 * asked before the first signature (`../witnesses/may-sign.ts`); without them `/readyz` and
 * `doctor` say so.
 *
 * @module
 */
import { openNote } from "../../client/note.ts";
import { equal, toHex } from "../../schema/bytes.ts";
import { LogError, unwrap } from "../../schema/error.ts";
import { HASH_BYTES, leafHash } from "../../schema/tlog/hash.ts";
import { names, parseNote, parseVkey } from "../../schema/tlog/note.ts";
import { type TreeHead, verifyConsistency } from "../../schema/tlog/proof.ts";
import { rowLength, TILE_WIDTH } from "../../schema/tlog/tile.ts";
import type { StoredHead } from "../storage/storage.ts";
import { guarded, type Position, states } from "./commit.ts";
import { Edge } from "./edge.ts";
import type { GuardedHead, SequencerPorts } from "./ports.ts";
import { Proofs } from "./proofs.ts";
import { Pyramid } from "./pyramid.ts";

type RecoverPorts = Pick<SequencerPorts, "storage" | "guard" | "signer" | "crypto" | "genesis">;

/** Throws what the table of errors says about starts: `STORE_CORRUPT`, `GUARD_…`, `KEY_MISMATCH`, … */
export async function proveContinuity(ports: RecoverPorts): Promise<Position> {
  const { storage, guard, signer, genesis } = ports;
  if (storage.origin !== signer.origin) {
    throw new LogError("CONFIG_INVALID", `the store is of the log "${storage.origin}"`, {
      field: "origin",
      expected: storage.origin,
    });
  }
  const head = await storage.readHead();
  const edge = readEdge(ports, head);
  await checkCheckpoint(ports, head, "head");
  if (head.size > 0) checkEntry0(ports);
  const guardedHead = await guard.read();
  await checkGuard(ports, head, edge, guardedHead);
  if (head.size === 0 && genesis === undefined) {
    throw new LogError("INIT_UNFINISHED", "the log has no entry 0: `init` was cut off", {
      field: storage.place,
      hint: "run the same `countersign init` again: it goes on where it stopped",
    });
  }
  // Committed and not yet guarded when the last process ended: do now what it had still to do.
  if (guardedHead !== undefined && guardedHead.size < head.size)
    await guard.write(guarded(ports, head));
  return { head, edge };
}

/** The right edge out of the tiles, held against leaves, tiles above and root. */
export function readEdge(
  { storage, crypto }: Pick<RecoverPorts, "storage" | "crypto">,
  head: TreeHead,
): Edge {
  const { sha256 } = crypto;
  const read = (level: number, index: number, width: number): Pyramid => {
    const hashes = storage.reader.tile(level, index);
    if (hashes?.length !== width * HASH_BYTES)
      throw damaged(`tile ${level}/${index}`, `it does not hold ${width} hashes`);
    return Pyramid.from(sha256, level, index, hashes);
  };
  const edge: Pyramid[] = [];
  for (let level = 0; rowLength(head.size, level) > 0; level++) {
    const length = rowLength(head.size, level);
    const last = Math.floor(length / TILE_WIDTH);
    if (length % TILE_WIDTH > 0) edge.push(read(level, last, length % TILE_WIDTH));
    if (last === 0) continue;
    const full = read(level, last - 1, TILE_WIDTH);
    if (level === 0) checkLeaves({ storage, crypto }, full);
    const aboveLength = rowLength(head.size, level + 1);
    const above = Math.floor((last - 1) / TILE_WIDTH);
    const width = Math.min(TILE_WIDTH, aboveLength - above * TILE_WIDTH);
    const parent = read(level + 1, above, width).get(0, (last - 1) % TILE_WIDTH);
    if (!equal(full.root(sha256), parent))
      throw damaged(`tile ${level}/${last - 1}`, `its root is not in tile ${level + 1}/${above}`);
  }
  const [bottom] = edge;
  if (bottom?.level === 0) checkLeaves({ storage, crypto }, bottom);
  const tree = head.size === 0 ? Edge.empty(sha256) : Edge.from(sha256, head.size, edge);
  if (!equal(tree.head.root, head.root))
    throw damaged("head", `the stored tiles do not give the root of size ${head.size}`);
  return tree;
}

function checkLeaves(
  { storage, crypto }: Pick<RecoverPorts, "storage" | "crypto">,
  tile: Pyramid,
): void {
  const first = tile.index * TILE_WIDTH;
  for (const [i, leaf] of storage.reader.leaves(first, first + tile.width).entries()) {
    if (!equal(leafHash(crypto.sha256, leaf), tile.get(0, i)))
      throw damaged(
        `entry ${first + i}`,
        `its leaf and tile 0/${tile.index} contradict each other`,
      );
  }
}

/** The stored note must be this log's, say this head, and verify. */
async function checkCheckpoint(
  { signer, crypto }: Pick<RecoverPorts, "signer" | "crypto">,
  head: TreeHead & { readonly checkpoint: Uint8Array },
  where: "head" | "guard",
): Promise<void> {
  if (head.size === 0) return;
  const keys = signer.vkeys.map((text) => unwrap(parseVkey(crypto.sha256, text)));
  const note = parseNote(head.checkpoint);
  if (!note.ok || !states(head.checkpoint, signer.origin, head))
    throw damaged(`${where}.checkpoint`, "it does not state the head it stands beside");
  const named = note.value.signatures.some((line) => keys.some((key) => names(line, key)));
  if (!named) {
    throw new LogError("KEY_MISMATCH", `the ${where} was signed by another key than this one`, {
      field: "key",
      expected: note.value.signatures
        .map(({ name, keyId }) => `${name}+${toHex(keyId)}`)
        .join(", "),
      hint: "start with the key file that `init` made; a log's key is never replaced",
    });
  }
  const opened = await openNote(crypto, head.checkpoint, keys);
  if (!opened.ok) throw damaged(`${where}.checkpoint`, opened.message);
}

function checkEntry0({ storage, signer }: Pick<RecoverPorts, "storage" | "signer">): void {
  const [leaf] = storage.reader.leaves(0, 1);
  const [content] = storage.reader.contents(0, 1);
  if (leaf === undefined) throw damaged("entry 0", "its leaf is not there");
  signer.checkGenesis(leaf, content?.state === "held" ? content.bytes : undefined);
}

async function checkGuard(
  ports: RecoverPorts,
  head: StoredHead,
  edge: Edge,
  guard: GuardedHead | undefined,
): Promise<void> {
  const { storage, crypto } = ports;
  if (guard === undefined) throw guardMissing(ports, head);
  const field = ports.guard.place;
  if (guard.origin !== storage.origin || !equal(guard.databaseId, storage.databaseId)) {
    throw new LogError("GUARD_FOREIGN", `the head guard is of another store: ${guard.origin}`, {
      field,
      expected: `${storage.origin}, database ${toHex(storage.databaseId)}`,
      hint: "give this log the guard that was made with it, or this guard its own store",
    });
  }
  await checkCheckpoint(ports, guard, "guard");
  if (guard.size > head.size) {
    throw new LogError(
      "GUARD_AHEAD",
      `the store ends at ${head.size}, but a head of ${guard.size} was signed: ` +
        `entries ${head.size} to ${guard.size - 1} are missing`,
      {
        field,
        expected: `size ${guard.size}, root ${toHex(guard.root)}`,
        hint: "bring the newest copy of the store back; `countersign recover` shows what is lost without it",
      },
    );
  }
  const same = guard.size === head.size && equal(guard.root, head.root);
  if (!same && !continues(crypto.sha256, storage.reader, edge, guard, head)) {
    throw new LogError(
      "GUARD_DIFFERS",
      `at size ${guard.size} this store does not have the root that was signed`,
      {
        field,
        expected: `root ${toHex(guard.root)}`,
        hint: "this store is a fork of the log: do not publish it; `countersign recover` explains",
      },
    );
  }
}

function guardMissing({ storage, guard }: RecoverPorts, head: StoredHead): LogError {
  return new LogError(
    "GUARD_MISSING",
    head.size === 0
      ? "there is no head guard: `init` was cut off before it made one, or it was deleted"
      : `there is no head guard, although the store has ${head.size} entries`,
    {
      field: guard.place,
      hint:
        head.size === 0
          ? `nothing was ever signed: delete the folder ${storage.place} and run init again`
          : "bring the guard back from where it went; `countersign recover` goes on without it",
    },
  );
}

/** Whether `newer` is proved to continue `older`, out of the stored tiles. */
function continues(
  sha256: RecoverPorts["crypto"]["sha256"],
  reader: RecoverPorts["storage"]["reader"],
  edge: Edge,
  older: TreeHead,
  newer: TreeHead,
): boolean {
  if (older.size >= newer.size) return false;
  const proof = new Proofs(sha256, reader, edge).consistency(older.size, newer.size);
  return verifyConsistency(sha256, older, newer, proof);
}

function damaged(field: string, message: string): LogError {
  return new LogError("STORE_CORRUPT", `${field}: ${message}`, {
    field,
    hint: "run `countersign fsck`; what it cannot repair comes back from a mirror (--repair-from)",
  });
}
