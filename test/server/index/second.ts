/**
 * A second mapfn, as a program that has one would bring it: the first one, and the keys of predicates
 * that were added. One is added here: what the owner of a key says of it, that it begins or ends. The
 * first mapfn knows it as a statement without a meaning.
 */
import { fromHex, utf8 } from "../../../schema/bytes.ts";
import { type Generation, INDEX_V1 } from "../../../schema/index/generation.ts";
import { keyTypes } from "../../../schema/index/map-key.ts";
import {
  type IndexedLog,
  type KnownLeaf,
  knownLeaf,
  type MapHashes,
  namedPostings,
  readLogged,
  signerOf,
} from "../../../schema/index/mapfn.ts";
import { sortPostings } from "../../../schema/index/posting.ts";
import { type NamedPosting, PostingSet } from "../../../schema/index/posting-set.ts";
import { readCommon } from "../../../schema/predicate/common.ts";
import { addedPredicates } from "../../../schema/predicate/registry.ts";
import { sha256 } from "../entries.ts";

/** Its subject is the SHA-256 of the key. */
export const KEY_EVENT = "urn:example:key-event:v1";

// In every thread that imports this.
keyTypes.add("key-event", ["signer id"]);
addedPredicates.add(KEY_EVENT, ({ fields, subject }) => {
  const event = fields.oneOf("event", ["begins", "ends"]);
  return {
    ...readCommon(fields),
    says: `says that a key ${event}`,
    keys: subject.map(({ digest }) => ({
      type: "key-event",
      fields: [fromHex(digest["sha256"] ?? "") ?? ""],
      bySigner: false,
      claim: event,
    })),
  };
});

function named(
  hashes: MapHashes,
  log: IndexedLog,
  entry: Uint8Array | KnownLeaf,
  content: Uint8Array | undefined,
): readonly NamedPosting[] {
  const first = namedPostings(hashes, log, entry, content);
  const { leaf } = knownLeaf(hashes.sha256, entry);
  const signer = leaf && signerOf(hashes.sha256, leaf);
  const reading = leaf && content && readLogged(hashes.sha256, leaf, content);
  const known = reading && reading.kind === "statement" ? reading.statement.known : undefined;
  if (signer === undefined || known?.kind !== "added") return first;
  const more = new PostingSet(hashes.sha256, log.origin);
  for (const { type, fields, bySigner, claim } of known.value.keys)
    more.post(type, bySigner ? [signer, ...fields] : fields, claim);
  return [...first, ...more.named()];
}

export const INDEX_V2: Generation = {
  number: INDEX_V1.number + 1,
  id: sha256(utf8("mapfn, version 2: as version 1, and the keys of what was added")),
  mapfn: (...entry) => sortPostings(named(...entry)),
  namedPostings: named,
};

export const BOTH: readonly Generation[] = [INDEX_V1, INDEX_V2];
