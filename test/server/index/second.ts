/**
 * A second mapfn, as a program that has one would bring it: the first one, and one more kind of key.
 * What it reads is the statement of a key's owner that the key begins, is replaced, or ends, which the
 * first mapfn knows as a statement without a meaning.
 */
import { fromHex, utf8 } from "../../../schema/bytes.ts";
import { parseLeaf } from "../../../schema/entry/leaf.ts";
import { type Generation, INDEX_V1 } from "../../../schema/index/generation.ts";
import { keyTypes } from "../../../schema/index/map-key.ts";
import {
  type IndexedLog,
  type MapHashes,
  namedPostings,
  readLogged,
} from "../../../schema/index/mapfn.ts";
import { sortPostings } from "../../../schema/index/posting.ts";
import { type NamedPosting, PostingSet } from "../../../schema/index/posting-set.ts";
import { sha256 } from "../entries.ts";

/** Payload of the statement: its subject is the SHA-256 of the key. */
export const KEY_EVENT = "urn:example:key-event:v1";

// In every thread that imports this.
keyTypes.add("key-event", ["signer id"]);

function named(
  hashes: MapHashes,
  log: IndexedLog,
  leaf: Uint8Array,
  content: Uint8Array | undefined,
): readonly NamedPosting[] {
  const more = new PostingSet(hashes.sha256, log.origin);
  const parsed = parseLeaf(leaf);
  const reading = parsed.ok && content && readLogged(hashes.sha256, parsed.value, content);
  if (reading && reading.kind === "statement" && reading.statement.predicateType === KEY_EVENT)
    for (const { digest } of reading.statement.subject) {
      const key = fromHex(digest["sha256"] ?? "");
      if (key !== undefined) more.post("key-event", [key], reading.mediaType);
    }
  return [...namedPostings(hashes, log, leaf, content), ...more.named()];
}

export const INDEX_V2: Generation = {
  number: INDEX_V1.number + 1,
  id: sha256(utf8("mapfn, version 2: as version 1, and `key-event`")),
  mapfn: (...entry) => sortPostings(named(...entry)),
  namedPostings: named,
};

export const BOTH: readonly Generation[] = [INDEX_V1, INDEX_V2];
