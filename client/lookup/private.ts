/**
 * A look-up bundle that the client puts together itself, out of files that are the same for
 * everybody: heads, tiles of both logs, and pieces of the map.
 *
 * It is the bundle that the log would have given, and is checked as one. But nobody was told the
 * key: whoever serves the files sees which page of the map was read, of some dozens of keys, and
 * which tiles of 256 entries. What that still tells is in docs/formats.md §Index.
 *
 * @module
 */
import { fromUtf8, utf8 } from "../../schema/bytes.ts";
import { parseLeaf } from "../../schema/entry/leaf.ts";
import { LogError, unwrap } from "../../schema/error.ts";
import type { LookupRequest } from "../../schema/http/lookup-request.ts";
import { mapPath } from "../../schema/http/map-paths.ts";
import { indexPrefix } from "../../schema/index/generation.ts";
import { type IndexLeaf, parseIndexLeaf } from "../../schema/index/index-leaf.ts";
import {
  formatLookup,
  type LookupAnswer,
  type LookupEntry,
  type LookupKey,
  MAX_BROUGHT,
  MAX_BROUGHT_BYTES,
  MAX_LISTED,
  type PlacedLeaf,
} from "../../schema/index/lookup.ts";
import { mapKey } from "../../schema/index/map-key.ts";
import { parseMapList } from "../../schema/index/map-tile.ts";
import { summaryOf } from "../../schema/index/record.ts";
import { MAX_CONTENT_TILE_BYTES } from "../../schema/limits.ts";
import { decodeContentTile } from "../../schema/tlog/bundle.ts";
import type { Hash } from "../../schema/tlog/hash.ts";
import { contentPath, TILE_WIDTH, tileWidth } from "../../schema/tlog/tile.ts";
import { openSigned, type SignedHead } from "../head.ts";
import { LogReader, type ReadPorts } from "../log.ts";
import { fetchSigned } from "../update.ts";
import { below, type IndexReadPorts, indexLogOf } from "./index-log.ts";
import { type FetchPiece, type WalkedMap, walkMap } from "./map-walk.ts";

/** Bytes of an item of a list, with its claim. */
const ITEM_BYTES = 41;

/**
 * The bundle for a request about the newest leaf of the index.
 *
 * @throws {LogError} `NOT_FOUND` where nothing is indexed yet, or where the index went on so fast
 *   that its pieces are gone; `RESPONSE_INVALID` for a file that is not what it must be
 */
export async function assembleLookup(
  ports: IndexReadPorts,
  { keys, entries, summaries }: LookupRequest,
): Promise<Uint8Array> {
  const { crypto, log, transport } = ports;
  const { sha256 } = crypto;
  const { index, leaf, main, note } = await newestHeads(ports);
  const mapKeys = keys.map(({ type, fields }) => mapKey(sha256, log.origin, type, fields));
  const fetch: FetchPiece = async (path, maxBytes) => transport.get(path, maxBytes);
  const walked = await walkMap(sha256, ports.generation, leaf.mapRoot, mapKeys, fetch);
  const answers: LookupAnswer[] = [];
  for (const [i, key] of keys.entries()) {
    const wanted = mapKeys[i];
    if (wanted !== undefined) answers.push(await answerOf(ports, walked, key, wanted, summaries));
  }
  return formatLookup({
    index,
    main: note,
    tree: walked.tree.encode(mapKeys),
    answers,
    entries: entries ? await broughtEntries(new LogReader(ports, main), answers) : [],
  });
}

interface Heads {
  readonly index: PlacedLeaf;
  readonly leaf: IndexLeaf;
  readonly main: SignedHead;
  readonly note: string;
}

/** The newest leaf of the index log, and the signed main head that stands beside it. */
async function newestHeads(ports: IndexReadPorts): Promise<Heads> {
  const { crypto, log } = ports;
  const indexPorts: ReadPorts = {
    crypto,
    log: indexLogOf(crypto.sha256, log, ports.generation, []),
    transport: below(ports.transport, indexPrefix(ports.generation)),
  };
  const head = await fetchSigned(indexPorts);
  const leafIndex = head.tree.size - 1;
  const reader = new LogReader(indexPorts, head);
  const { leafBytes } = await reader.entry(leafIndex);
  const leaf = unwrap(parseIndexLeaf(leafBytes));
  if (leaf.main.size === 0)
    throw new LogError("NOT_FOUND", "The index has no leaf of a signed head yet.", {
      field: "index",
      hint: "try again in a few seconds",
    });
  const { note, main } = await mainHead(ports, indexPorts, head, leaf);
  const hashes = await reader.inclusionProof(leafIndex);
  const checkpoint = fromUtf8(head.note) ?? "";
  return { index: { checkpoint, leafIndex, leaf: leafBytes, hashes }, leaf, main, note };
}

/** What the index log holds beside its newest leaf: a file host may give the whole tile of them. */
async function mainHead(
  { crypto, log }: ReadPorts,
  { transport }: ReadPorts,
  { tree }: SignedHead,
  leaf: IndexLeaf,
): Promise<Pick<Heads, "main" | "note">> {
  const at = tree.size - 1;
  const tile = Math.floor(at / TILE_WIDTH);
  const width = tileWidth(tree.size, 0, tile);
  const from = at % TILE_WIDTH;
  const path = `${contentPath(tile, width)}${from === 0 ? "" : `?from=${from}`}`;
  const bytes = await transport.get(path, MAX_CONTENT_TILE_BYTES);
  for (const slot of unwrap(decodeContentTile(bytes, width)).toReversed()) {
    const note = slot.state === "held" ? fromUtf8(slot.bytes) : undefined;
    const head = note === undefined ? undefined : await openSigned(crypto, log, utf8(note));
    if (note !== undefined && head?.ok === true && head.value.tree.size === leaf.main.size)
      return { note, main: head.value };
  }
  throw new LogError("RESPONSE_INVALID", "The index does not show the head that its leaf names.", {
    field: path,
    expected: `a signed head of ${leaf.main.size} entries`,
  });
}

async function answerOf(
  { crypto, generation, transport }: IndexReadPorts,
  walked: WalkedMap,
  key: LookupKey,
  wanted: Hash,
  summaries: boolean,
): Promise<LookupAnswer> {
  const { sha256 } = crypto;
  const behind = walked.tree.find(wanted).state === "present" ? walked.behind(wanted) : undefined;
  if (behind === undefined) return { key, kind: "absent" };
  const { record, piece } = behind;
  if (record.kind === "list")
    return summaries
      ? { key, kind: "summary", summary: summaryOf(sha256, record.list) }
      : { key, ...record };
  const { summary } = record;
  if (summaries || summary.n > MAX_LISTED) return { key, kind: "summary", summary };
  const bytes = await transport.get(mapPath(generation, piece), summary.n * ITEM_BYTES);
  return { key, kind: "list", list: unwrap(parseMapList(sha256, summary, bytes)) };
}

/** The entries of the lists, as the log itself would choose them, out of whole tiles. */
async function broughtEntries(
  reader: LogReader,
  answers: readonly LookupAnswer[],
): Promise<LookupEntry[]> {
  const indexes = answers.flatMap((one) =>
    one.kind === "list" ? one.list.map(({ index }) => index) : [],
  );
  const sorted = [...new Set(indexes)].toSorted((a, b) => a - b).slice(0, MAX_BROUGHT);
  const tiles = Map.groupBy(sorted, (index) => Math.floor(index / TILE_WIDTH));
  const brought: LookupEntry[] = [];
  let bytes = 0;
  for (const [tile, wanted] of tiles) {
    const first = tile * TILE_WIDTH;
    // To its end, wherever the wanted ones are: nobody is to see which they are.
    const entries = reader.contents(first, first + TILE_WIDTH, (index) => wanted.includes(index));
    for await (const { index, leafBytes, content } of entries) {
      const held = content.state === "held" ? content.bytes : undefined;
      bytes += leafBytes.length + (held?.length ?? 0);
      if (bytes > MAX_BROUGHT_BYTES) continue;
      const key = await keyObject(reader, leafBytes);
      brought.push({
        index,
        leaf: leafBytes,
        hashes: await reader.inclusionProof(index),
        ...(held === undefined ? {} : { content: held }),
        ...(key === undefined ? {} : { key }),
      });
    }
    if (bytes > MAX_BROUGHT_BYTES) break;
  }
  return brought;
}

async function keyObject(reader: LogReader, leaf: Uint8Array): Promise<Uint8Array | undefined> {
  const parsed = parseLeaf(leaf);
  if (!parsed.ok || parsed.value.kind !== "countersign") return undefined;
  const { digest } = parsed.value.signature.key;
  return digest === undefined ? undefined : reader.key(digest);
}
