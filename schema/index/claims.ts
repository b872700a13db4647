/**
 * The answer to one summary without the head that it is under: at most a kilobyte, where a bundle
 * (lookup.ts) is three.
 *
 *     countersign-claims/v1\n
 *     u64be leaf of the index log
 *     u8    0 the key is absent, 1 its summary follows:
 *           u64be n ‖ u64be last ‖ root of the list (32 bytes) ‖ u8 d ‖ (u64be index ‖ claim)…
 *     the part of the map that shows the key (a pruned tree), up to the end
 *
 * The head of that leaf is the same for every key and asked for once: {@link IndexHead}. Both are
 * put together to the bundle that the log would have given, and checked as one.
 *
 * Spec: docs/formats.md §Look-up bundle. Vectors: test/schema/index/claims.test.ts makes its own.
 *
 * @module
 */
import { concat, equal, utf8 } from "../bytes.ts";
import { failure, LogError, type Result, success } from "../error.ts";
import { type Fields, readFields } from "../fields.ts";
import { parseJson } from "../json.ts";
import { MAX_NOTE_BYTES } from "../limits.ts";
import { sizeToBytes } from "../tlog/size.ts";
import { ByteReader, formatValues } from "./byte-reader.ts";
import {
  type Lookup,
  type LookupAnswer,
  type LookupKey,
  type PlacedLeaf,
  placedLeafJson,
  readPlacedLeaf,
} from "./lookup.ts";
import { MAX_MAP_PROOF_BYTES } from "./map.ts";
import { MAX_VALUES, type Summary } from "./record.ts";

const MAGIC = utf8("countersign-claims/v1\n");
/** Everything but the tree, with all values that a record has. */
const MAX_SUMMARY_BYTES = MAGIC.length + 8 + 1 + 8 + 8 + 32 + 1 + MAX_VALUES * 40;
/** A pruned tree for one key: its proof, two more bytes for each level, and the leaf. */
export const MAX_CLAIMS_BYTES: number = MAX_SUMMARY_BYTES + MAX_MAP_PROOF_BYTES + 2 * 256 + 65;

export const INDEX_HEAD_MEDIA_TYPE = "application/vnd.countersign.index-head+json;version=1";
/** Two signed notes and a leaf, in JSON. */
export const MAX_INDEX_HEAD_BYTES: number = 4 * MAX_NOTE_BYTES;

/** What every answer from one leaf of the index has in common. */
export type IndexHead = Pick<Lookup, "index" | "main">;

/** An answer that waits for its head. */
export interface Claims {
  readonly leafIndex: number;
  readonly answer: LookupAnswer;
  readonly tree: Uint8Array;
}

/** The bytes of a look-up of one summary. Throws `INTERNAL` for any other. */
export function formatClaims({ index, answers, tree }: Lookup): Uint8Array {
  const [answer] = answers;
  if (answer === undefined || answers.length > 1 || answer.kind === "list")
    throw new LogError("INTERNAL", "claims are the summary of one key");
  const summary = answer.kind === "absent" ? Uint8Array.of(0) : formatSummary(answer.summary);
  return concat(MAGIC, sizeToBytes(index.leafIndex), summary, tree);
}

function formatSummary({ n, last, listRoot, values, saturated }: Summary): Uint8Array {
  const claimed = formatValues({ values, saturated });
  return concat(Uint8Array.of(1), sizeToBytes(n), sizeToBytes(last), listRoot, claimed);
}

/** What was answered about `key`. Its form is checked; nothing in it is believed. */
export function parseClaims(strangersBytes: Uint8Array, key: LookupKey): Result<Claims> {
  const reader = new ByteReader(strangersBytes);
  const isOurs = equal(reader.bytes(MAGIC.length), MAGIC);
  const leafIndex = reader.size();
  const answer = readAnswer(reader, key);
  const tree = strangersBytes.subarray(reader.at);
  if (isOurs && leafIndex !== undefined && answer !== undefined && tree.length > 0)
    return success({ leafIndex, answer, tree });
  return failure("FIELD_INVALID", "the answer is not a summary with its part of the map", {
    field: "claims",
    at: `byte ${Math.min(reader.at, strangersBytes.length)}`,
  });
}

function readAnswer(reader: ByteReader, key: LookupKey): LookupAnswer | undefined {
  const kind = reader.u8();
  if (kind === 0) return { key, kind: "absent" };
  const [n, last, listRoot, claimed] = [
    reader.size(),
    reader.size(),
    reader.hash(),
    reader.values(),
  ];
  if (kind !== 1 || !n || last === undefined || !listRoot || !claimed) return undefined;
  return { key, kind: "summary", summary: { n, last, listRoot, ...claimed } };
}

/** The JSON text of a head. */
export function formatIndexHead({ index, main }: IndexHead): Uint8Array {
  const json = { mediaType: INDEX_HEAD_MEDIA_TYPE, index: placedLeafJson(index), main };
  return utf8(`${JSON.stringify(json)}\n`);
}

export function parseIndexHead(strangersBytes: Uint8Array): Result<IndexHead> {
  const json = parseJson(strangersBytes);
  return json.ok ? readFields(json.value, "", readHead) : json;
}

function readHead(root: Fields): { readonly index: PlacedLeaf; readonly main: string } {
  root.oneOf("mediaType", [INDEX_HEAD_MEDIA_TYPE]);
  root.only("mediaType", "index", "main");
  return {
    index: readPlacedLeaf(root.object("index")),
    main: root.string("main", { max: MAX_NOTE_BYTES }),
  };
}
