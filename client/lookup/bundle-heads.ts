/**
 * The two heads of a look-up bundle: the one of the index log, and the one of the log that it is of.
 *
 * Between them stands the newest leaf of the index log, which names the main head and the map. An
 * older leaf would show an older map as the newest, and another head would let "complete up to
 * here" be said of entries that the map has not seen; so each must be just the one that is named.
 *
 * Spec: docs/formats.md §Index.
 *
 * @module
 */
import { equal, utf8 } from "../../schema/bytes.ts";
import type { Result } from "../../schema/error.ts";
import { beyondEnd } from "../../schema/index/index-end.ts";
import { type IndexLeaf, parseIndexLeaf } from "../../schema/index/index-leaf.ts";
import type { Lookup } from "../../schema/index/lookup.ts";
import { leafHash } from "../../schema/tlog/hash.ts";
import { verifyInclusion } from "../../schema/tlog/proof.ts";
import { type Head, openHead } from "../head.ts";
import { endOf, indexLogOf } from "./index-log.ts";
import { type LookupPorts, type Refused, refuse } from "./verdict.ts";

type Opened =
  | { readonly ok: true; readonly index: Head; readonly main: Head; readonly leaf: IndexLeaf }
  | Refused;

/** Both heads, each with its quorum, and the leaf between them. */
export async function openHeads(ports: LookupPorts, lookup: Lookup): Promise<Opened> {
  const { crypto, generation, log, verifiers } = ports;
  const { sha256 } = crypto;
  const indexLog = indexLogOf(sha256, log, generation, verifiers);
  const index = await openHead(crypto, indexLog, utf8(lookup.index.checkpoint));
  if (!index.ok) {
    const lacks = index.code === "WITNESSES_TOO_FEW";
    const code = lacks ? "VERIFIERS_TOO_FEW" : "INDEX_HEAD_REFUSED";
    return refuse({ code, message: index.message });
  }
  const leaf = newestLeaf(ports, index.value, lookup);
  if (!leaf.ok) return refuse({ code: "INDEX_LEAF_REFUSED", message: leaf.message });
  const end = endOf(log, generation);
  const beyond = end && beyondEnd(end, shownBy(leaf.value, lookup));
  if (beyond !== undefined) return refuse({ code: "INDEX_ENDED", message: beyond });
  const main = await openHead(crypto, log, utf8(lookup.main));
  if (!main.ok) {
    const lacks = main.code === "WITNESSES_TOO_FEW";
    const code = lacks ? "WITNESSES_TOO_FEW" : "MAIN_HEAD_REFUSED";
    return refuse({ code, message: main.message });
  }
  const { tree } = main.value;
  const named = leaf.value.main;
  if (tree.size !== named.size || !equal(tree.root, named.root))
    return refuse({ code: "OTHER_HEAD", size: tree.size });
  return { ok: true, index: index.value, main: main.value, leaf: leaf.value };
}

function shownBy(
  { main }: IndexLeaf,
  { index }: Lookup,
): { readonly leafIndex: number; readonly entries: number } {
  return { leafIndex: index.leafIndex, entries: main.size };
}

/** The last leaf under the head; an older one would show an older map as the newest. */
function newestLeaf(ports: LookupPorts, head: Head, { index }: Lookup): Result<IndexLeaf> {
  const { crypto, log } = ports;
  const bad = (message: string): Result<IndexLeaf> => ({
    ok: false,
    code: "RESPONSE_INVALID",
    message,
    detail: {},
  });
  const parsed = parseIndexLeaf(index.leaf);
  if (!parsed.ok) return parsed;
  if (index.leafIndex !== head.tree.size - 1) return bad("The leaf is not the newest one.");
  const hash = leafHash(crypto.sha256, index.leaf);
  if (!verifyInclusion(crypto.sha256, head.tree, index.leafIndex, hash, index.hashes))
    return bad("The leaf is not in the index log.");
  if (parsed.value.origin !== log.origin) return bad("The index is of another log.");
  return parsed;
}
