/**
 * The evidence file of a conflict: both entries under the newest head and, of verdicts, the look-up
 * which shows that neither was superseded.
 *
 * Made when it is asked for, so that whoever has resolved a contradiction since is not accused by a
 * file that is made afterwards.
 *
 * @module
 */
import { fromUtf8 } from "../../schema/bytes.ts";
import { leafContentDigest, parseLeaf } from "../../schema/entry/leaf.ts";
import { LogError } from "../../schema/error.ts";
import type { LoggedStatement } from "../../schema/evidence/claims.ts";
import { formatEvidence } from "../../schema/evidence.ts";
import { supersededKey } from "../../schema/index/contradiction.ts";
import type { Lookup, LookupKey } from "../../schema/index/lookup.ts";
import { signerOf } from "../../schema/index/mapfn.ts";
import { type Hash, leafHash, type Sha256 } from "../../schema/tlog/hash.ts";
import type { PublishedHead } from "../sequencer/ports.ts";
import type { Conflict } from "./conflicts.ts";
import { keyOf } from "./found-entries.ts";
import type { FollowedLog } from "./ports.ts";

export interface ConflictEvidencePorts {
  readonly sha256: Sha256;
  /** SHA-256 of the note key. */
  readonly logId: Hash;
  readonly main: FollowedLog;
  readonly lookup: (keys: readonly LookupKey[]) => Promise<Lookup>;
}

/** @throws LogError NOT_FOUND where it can be shown no more: resolved, or erased */
export async function conflictEvidence(
  ports: ConflictEvidencePorts,
  { kind, slot, entries }: Conflict,
): Promise<Uint8Array> {
  const head = ports.main.published();
  const statements = [
    statementAt(ports, head, entries[0]),
    statementAt(ports, head, entries[1]),
  ] as const;
  if (slot.type !== "verdict-by") return formatEvidence({ kind, slot, statements });
  const lookup = await ports.lookup(
    statements.map(({ entry }) => supersededKey(nameOf(ports, entry.leafBytes))),
  );
  if (lookup.answers.some((answer) => answer.kind !== "absent"))
    throw gone("The signer has resolved this contradiction since.");
  return formatEvidence({ kind, slot, statements, lookup });
}

function statementAt(
  { sha256, logId, main }: ConflictEvidencePorts,
  head: PublishedHead,
  index: number,
): LoggedStatement {
  const [leaf] = main.reader.leaves(index, index + 1);
  const [content] = main.reader.contents(index, index + 1);
  if (leaf === undefined || content?.state !== "held")
    throw gone("The content of an entry was erased.");
  const entry = {
    index,
    size: head.size,
    root: head.root,
    hashes: main.inclusion(index, head, leafHash(sha256, leaf)),
    checkpoint: fromUtf8(head.checkpoint) ?? "",
    leafBytes: leaf,
    logId,
  };
  const key = keyOf(main, leaf);
  return { entry, content: content.bytes, ...(key === undefined ? {} : { key }) };
}

function nameOf(
  { sha256 }: ConflictEvidencePorts,
  leaf: Uint8Array,
): { readonly signer: Hash; readonly content: Hash } {
  const parsed = parseLeaf(leaf);
  const signer = parsed.ok ? signerOf(sha256, parsed.value) : undefined;
  if (!parsed.ok || signer === undefined)
    throw new LogError("INTERNAL", "an entry with a claim has a signer");
  return { signer, content: leafContentDigest(parsed.value) };
}

function gone(message: string): LogError {
  return new LogError("NOT_FOUND", message, { field: "conflict" });
}
