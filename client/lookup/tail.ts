/**
 * What the log has that its index does not have yet: the entries behind the indexed head, read one
 * by one and asked what they say.
 *
 * The tail is no part of the answer's proof. Its entries are in the log, under its newest head; that
 * there are no others is known because all of them were read, up to a limit of bytes. It is reported
 * apart, and up to where it was read.
 *
 * Spec: docs/formats.md §Index.
 *
 * @module
 */
import { toHex } from "../../schema/bytes.ts";
import type { LookupKey } from "../../schema/index/lookup.ts";
import { mapKey } from "../../schema/index/map-key.ts";
import { gitHashOf } from "../git/hash.ts";
import type { Head } from "../head.ts";
import { LogReader } from "../log.ts";
import type { VerifyPorts } from "../verify/receipt.ts";
import { type LookedUp, lookUpEntry } from "./entries.ts";
import { keptPostings } from "./erased.ts";
import type { IndexReadPorts } from "./index-log.ts";

/** Bytes of leaves and contents that are read. */
const MAX_TAIL_BYTES = 8_388_608;

export interface Tail {
  /** The first entry that is not indexed. */
  readonly from: number;
  /** The first that was not read: the size of the newest head, or where the limit was. */
  readonly to: number;
  readonly newest: number;
  /** Those that are about one of the keys. */
  readonly entries: readonly LookedUp[];
}

/** Read the entries from `from` to the newest head for what they say under these keys. */
export async function scanTail(
  ports: IndexReadPorts & VerifyPorts,
  newest: Head,
  from: number,
  keys: readonly LookupKey[],
): Promise<Tail> {
  const { crypto, generation, log } = ports;
  const hashes = { sha256: crypto.sha256, git: gitHashOf(crypto) };
  const indexed = { origin: log.origin, vkeys: log.vkeyTexts };
  const wanted = new Set(
    keys.map(({ type, fields }) => toHex(mapKey(crypto.sha256, log.origin, type, fields))),
  );
  const reader = new LogReader(ports, newest);
  const entries: LookedUp[] = [];
  let [to, bytes] = [from, 0];
  for await (const read of reader.contents(from)) {
    const { index, leafBytes, content } = read;
    const held = content.state === "held" ? content.bytes : undefined;
    bytes += leafBytes.length + (held?.length ?? 0);
    if (bytes > MAX_TAIL_BYTES) break;
    to = index + 1;
    const postings =
      content.state === "erased"
        ? ((await keptPostings(ports.transport, index)) ?? [])
        : generation.mapfn(hashes, indexed, read, held);
    if (!postings.some(({ key }) => wanted.has(toHex(key)))) continue;
    const { entry, ...more } = await reader.receipt(index);
    const found = { index, leaf: entry.leafBytes, hashes: entry.hashes, ...more };
    entries.push(await lookUpEntry(ports, newest, found));
  }
  return { from, to, newest: newest.tree.size, entries };
}
