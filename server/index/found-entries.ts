/**
 * The entries that a look-up bundle brings: those of its lists, each with its proof.
 *
 * @module
 */
import { parseLeaf } from "../../schema/entry/leaf.ts";
import { type LookupEntry, MAX_BROUGHT, MAX_BROUGHT_BYTES } from "../../schema/index/lookup.ts";
import { leafHash, type Sha256 } from "../../schema/tlog/hash.ts";
import type { TreeHead } from "../../schema/tlog/proof.ts";
import type { PublishedHead } from "../sequencer/ports.ts";
import type { FoundKeys } from "./find-keys.ts";
import type { FollowedLog } from "./ports.ts";

/** From the start of the log, as far as they fit; `head` is the main head that was indexed. */
export function foundEntries(
  sha256: Sha256,
  main: FollowedLog,
  { size, root }: TreeHead,
  found: FoundKeys,
): LookupEntry[] {
  const indexes = new Set(
    found.answers.flatMap((one) => (one.kind === "list" ? one.list.map((at) => at.index) : [])),
  );
  const sorted = [...indexes].toSorted((a, b) => a - b).slice(0, MAX_BROUGHT);
  const head = { size, root, checkpoint: new Uint8Array(0) };
  return main.reader.together(() => bringEntries(sha256, main, head, sorted));
}

function bringEntries(
  sha256: Sha256,
  main: FollowedLog,
  head: PublishedHead,
  sorted: readonly number[],
): LookupEntry[] {
  const entries: LookupEntry[] = [];
  let bytes = 0;
  for (const index of sorted) {
    const [leaf] = main.reader.leaves(index, index + 1);
    const [content] = main.reader.contents(index, index + 1);
    if (leaf === undefined) break;
    const held = content?.state === "held" ? content.bytes : undefined;
    bytes += leaf.length + (held?.length ?? 0);
    if (bytes > MAX_BROUGHT_BYTES) break;
    const key = keyOf(main, leaf);
    entries.push({
      index,
      leaf,
      hashes: main.inclusion(index, head, leafHash(sha256, leaf)),
      ...(held === undefined ? {} : { content: held }),
      ...(key === undefined ? {} : { key }),
    });
  }
  return entries;
}

/** How a key that stands by its digest begins in a leaf. */
const BY_DIGEST = Buffer.from('"key":{"digest":"');

/** The key object, where a leaf only names its digest. Most do not: reading each takes as long as its proof. */
export function keyOf(main: FollowedLog, leaf: Uint8Array): Uint8Array | undefined {
  if (!Buffer.from(leaf.buffer, leaf.byteOffset, leaf.length).includes(BY_DIGEST)) return undefined;
  const parsed = parseLeaf(leaf);
  if (!parsed.ok || parsed.value.kind !== "countersign") return undefined;
  const { digest } = parsed.value.signature.key;
  return digest === undefined ? undefined : main.reader.key(digest);
}
