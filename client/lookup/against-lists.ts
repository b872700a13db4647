/**
 * The entries of a look-up bundle against its lists: mapfn is executed over each of them again.
 *
 * A list that stands in the signed map can still be false, where whoever made the map did not
 * follow mapfn. The entries beside it show that: each must be in the log as it is given, and its
 * own postings must be just what the lists say of it. What differs convicts the index.
 *
 * Spec: docs/formats.md §Index.
 *
 * @module
 */
import { equal } from "../../schema/bytes.ts";
import { leafContentDigest, parseLeaf } from "../../schema/entry/leaf.ts";
import type { LookupEntry, LookupKey } from "../../schema/index/lookup.ts";
import { ALWAYS_POSTED, mapKey } from "../../schema/index/map-key.ts";
import type { Posting } from "../../schema/index/posting.ts";
import { leafHash } from "../../schema/tlog/hash.ts";
import { verifyInclusion } from "../../schema/tlog/proof.ts";
import { gitHashOf } from "../git/hash.ts";
import type { Head } from "../head.ts";
import type { FalsePosting, Found, LookupList, LookupPorts, LookupRefusal } from "./verdict.ts";

/** mapfn over an entry, with its content where it is given. */
export function postingsBy({
  crypto,
  generation,
  log,
}: LookupPorts): (entry: LookupEntry) => readonly Posting[] {
  const hashes = { sha256: crypto.sha256, git: gitHashOf(crypto) };
  const indexed = { origin: log.origin, vkeys: log.vkeyTexts };
  return ({ leaf, content }) => generation.mapfn(hashes, indexed, leaf, content);
}

/** Each entry under the main head, and its own postings against every list that was given. */
export function checkEntries(
  ports: LookupPorts,
  main: Head,
  found: readonly Found[],
  entries: readonly LookupEntry[],
): LookupRefusal | undefined {
  const { sha256 } = ports.crypto;
  const postingsOf = postingsBy(ports);
  for (const entry of entries) {
    const { index, leaf, hashes: proof, content } = entry;
    const bad = (message: string): LookupRefusal => ({ code: "ENTRY_REFUSED", index, message });
    if (!verifyInclusion(sha256, main.tree, index, leafHash(sha256, leaf), proof))
      return bad("The entry is not in the log at this index.");
    const parsed = parseLeaf(leaf);
    if (!parsed.ok) return bad(parsed.message);
    if (content !== undefined && !equal(sha256(content), leafContentDigest(parsed.value)))
      return bad("The content is not the one that the leaf names.");
    // An opaque entry makes no claims; with its content at hand it still makes none in the index.
    const postings = postingsOf(entry);
    for (const one of found) {
      const list = one.kind === "absent" ? [] : one.list;
      if (list === undefined) continue;
      const how = disagrees(ports, one.key, list, index, postings, content !== undefined);
      if (how !== undefined) return { code: "FALSE_POSTING", key: one.key, index, how };
    }
  }
  return undefined;
}

/**
 * How a list and an entry's own postings say different things of it. Without the content only
 * what every entry posts can be told; a key that needs the content is left open then.
 */
function disagrees(
  { crypto, log }: LookupPorts,
  key: LookupKey,
  list: LookupList,
  index: number,
  postings: readonly Posting[],
  isWhole: boolean,
): FalsePosting["how"] | undefined {
  const wanted = mapKey(crypto.sha256, log.origin, key.type, key.fields);
  const listed = list.find((one) => one.index === index);
  const posted = postings.find((one) => equal(one.key, wanted));
  if (posted === undefined) return listed !== undefined && isWhole ? "adds" : undefined;
  if (listed === undefined) return isWhole || ALWAYS_POSTED.has(key.type) ? "omits" : undefined;
  const [a, b] = [listed.claim, posted.claim];
  const same = a === undefined || b === undefined ? a === b : equal(a, b);
  return same ? undefined : "alters";
}
