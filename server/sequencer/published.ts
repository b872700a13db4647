/**
 * The published head that a new process begins with.
 *
 * Without witnesses it is the committed one. With them it is what the published note says, if that
 * note is by this log, about this tree, and carries a quorum of the running policy; otherwise
 * nothing is published until a round brings one (I9).
 *
 * A note under the log's own key that this tree does not continue is the trace of another history:
 * a store that was put back to an older state, or a second copy of it. Such a process never signs.
 *
 * @module
 */

import type { Crypto } from "../../client/crypto/crypto.ts";
import { openNote } from "../../client/note.ts";
import { equal, toHex } from "../../schema/bytes.ts";
import { LogError, type Result, unwrap } from "../../schema/error.ts";
import { type Checkpoint, parseCheckpoint } from "../../schema/tlog/checkpoint.ts";
import { emptyRoot } from "../../schema/tlog/hash.ts";
import { parseVkey } from "../../schema/tlog/note.ts";
import type {
  CheckpointSigner,
  CommittedTree,
  PublishedHead,
  SequencerPorts,
  SignedHead,
} from "./ports.ts";

/** @throws LogError WITNESS_AHEAD, WITNESS_DIFFERS; what the place of the note throws */
export async function firstPublished(
  { signer, crypto, witnessing }: Pick<SequencerPorts, "signer" | "crypto" | "witnessing">,
  committed: SignedHead,
  tree: CommittedTree,
): Promise<PublishedHead> {
  if (witnessing === undefined) return committed;
  const nothing = { size: 0, root: emptyRoot(crypto.sha256), checkpoint: new Uint8Array(0) };
  const { cosigners, notes } = witnessing;
  const note = await notes.read();
  if (note === undefined) return nothing;
  const own = await openOwnNote(crypto, signer, note);
  if (!own.ok) return nothing;
  const contradiction = contradictionOf(own.value, tree, notes.place);
  if (contradiction !== undefined) throw contradiction;
  const head = { size: own.value.size, root: own.value.root, checkpoint: note };
  return (await cosigners.isWitnessed(head)) ? head : nothing;
}

/** The checkpoint of a note that is signed by this log's own key and names this log. */
export async function openOwnNote(
  crypto: Crypto,
  { origin, vkeys }: Pick<CheckpointSigner, "origin" | "vkeys">,
  strangersNote: Uint8Array,
): Promise<Result<Checkpoint>> {
  const keys = vkeys.map((text) => unwrap(parseVkey(crypto.sha256, text)));
  const opened = await openNote(crypto, strangersNote, keys);
  if (!opened.ok) return opened;
  const checkpoint = parseCheckpoint(opened.value.note.text);
  if (!checkpoint.ok || checkpoint.value.origin === origin) return checkpoint;
  return {
    ok: false,
    code: "FIELD_INVALID",
    message: `the note is of another log: ${checkpoint.value.origin}`,
    detail: { field: "origin", expected: origin },
  };
}

/** Why a head under this log's own key cannot be of this tree; `undefined` where it is its prefix. */
export function contradictionOf(
  own: Checkpoint,
  tree: CommittedTree,
  place: string,
): LogError | undefined {
  const size = tree.size();
  const field = place;
  if (own.size > size)
    return new LogError(
      "WITNESS_AHEAD",
      `${place} shows a head of ${own.size} under this log's own key; this store ends at ${size}`,
      {
        field,
        expected: `size ${own.size}, root ${toHex(own.root)}`,
        hint: "this store is older than what the log has shown; `countersign recover --from` brings the rest back",
      },
    );
  if (equal(tree.root(own.size), own.root)) return undefined;
  return new LogError(
    "WITNESS_DIFFERS",
    `${place} shows another root for size ${own.size} under this log's own key`,
    {
      field,
      expected: `root ${toHex(own.root)}`,
      hint: "another copy of this log has signed, or this store is a fork: do not start it; `countersign recover` explains",
    },
  );
}
