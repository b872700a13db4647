/**
 * Where the execution of an index may begin: the state behind any of its leaves, put together from what
 * is signed.
 *
 * The leaf and the right edge of the index log come from tiles under the signed head of the index log;
 * the right edge of the main log from tiles under a head of the log; that of the postings tree from
 * the log's word. Each edge must give the root that the leaf has, so that there is one such state and
 * no other. Whether the leaf is right is for whoever executes the leaves before it: who ends there
 * must end in this very state.
 *
 * Spec: docs/formats.md §Index.
 *
 * @module
 */
import { equal } from "../../schema/bytes.ts";
import { LogError, unwrap } from "../../schema/error.ts";
import { edgePath } from "../../schema/http/lookup-request.ts";
import { parseIndexLeaf } from "../../schema/index/index-leaf.ts";
import { hashAt } from "../../schema/index/map.ts";
import { type IndexState, initialState } from "../../schema/index/re-execute.ts";
import { HASH_BYTES, type Hash } from "../../schema/tlog/hash.ts";
import { CompactRange, rangeNodes } from "../../schema/tlog/tree.ts";
import type { SignedHead } from "../head.ts";
import { LogReader } from "../log.ts";
import { fetchHead } from "../update.ts";
import { type IndexedLogPorts, indexPorts } from "./ask.ts";

/** Right edges have at most so many nodes. */
const MAX_EDGE_BYTES = 53 * HASH_BYTES;

/**
 * The state behind the first `leaves` leaves under `head`, the signed head of the index log.
 *
 * @throws LogError `LOG_MISBEHAVED` where a signed leaf is none of this log's, `RESPONSE_INVALID`
 *   where the log offers another edge, and what asking throws
 */
export async function stateBehind(
  ports: IndexedLogPorts,
  head: SignedHead,
  leaves: number,
): Promise<IndexState> {
  const { crypto, generation, log } = ports;
  const { sha256 } = crypto;
  if (leaves === 1) return initialState(sha256, generation.id, log.origin);
  const indexLog = new LogReader(indexPorts(ports), head);
  const { leafBytes } = await indexLog.entry(leaves - 1);
  const leaf = unwrap(parseIndexLeaf(leafBytes));
  const { size, root } = leaf.main;
  if (leaf.origin !== log.origin || !equal(leaf.mapfn, generation.id))
    throw misbehaved(leaves - 1, "it is of another log, or another mapfn");
  const index = await edgeOf(ports, indexLog, leaves);
  const newest = await fetchHead(ports);
  if (newest.tree.size < size)
    throw new LogError("RESPONSE_INVALID", "The log shows an older head than its index names.", {
      field: "checkpoint",
      expected: `at least ${size} entries`,
    });
  const main = await edgeOf(ports, new LogReader(ports, newest), size);
  if (!equal(main.root(), root)) throw misbehaved(leaves - 1, "its main head is not the log's");
  const path = edgePath(generation, leaves - 1);
  const edge = hashesOf(await ports.transport.get(path, MAX_EDGE_BYTES));
  const postings =
    edge.length === rangeNodes(0, size).length ? CompactRange.from(sha256, size, edge) : undefined;
  if (postings === undefined || !equal(postings.root(), leaf.postingsRoot))
    throw new LogError(
      "RESPONSE_INVALID",
      "The log offers another edge than its leaf commits to.",
      {
        field: path,
      },
    );
  return { sha256, leaf, index, main, postings };
}

async function edgeOf(
  { crypto }: IndexedLogPorts,
  reader: LogReader,
  size: number,
): Promise<CompactRange> {
  const nodes = rangeNodes(0, size);
  const get = await reader.nodes(nodes);
  const hashes = nodes.flatMap(({ level, index }) => get(level, index) ?? []);
  return CompactRange.from(crypto.sha256, size, hashes);
}

function hashesOf(bytes: Uint8Array): readonly Hash[] {
  return Array.from(
    { length: Math.floor(bytes.length / HASH_BYTES) },
    (_, i) => hashAt(bytes, i * HASH_BYTES) ?? [],
  ).flat();
}

function misbehaved(leaf: number, what: string): LogError {
  return new LogError("LOG_MISBEHAVED", `Leaf ${leaf} of the index is wrong: ${what}.`, {
    field: `index leaf ${leaf}`,
  });
}
