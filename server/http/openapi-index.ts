/**
 * What the OpenAPI document says of look-ups and of the index log.
 *
 * @module
 */

import { EVIDENCE_MEDIA_TYPE } from "../../schema/evidence.ts";
import {
  ATOM_TYPE,
  CONFLICTS_ATOM_PATH,
  CONFLICTS_PATH,
  conflictEvidencePath,
  MAX_CONFLICT_ITEMS,
} from "../../schema/http/conflicts.ts";
import {
  CLAIMS_PATH,
  LOOKUP_PATH,
  MAX_LOOKUP_REQUEST_BYTES,
  POSTINGS_PREFIX,
  verifierPolicyPath,
} from "../../schema/http/lookup-request.ts";
import { mapPrefix } from "../../schema/http/map-paths.ts";
import { CHECKPOINT_PATH, JSON_TYPE, OCTETS_TYPE } from "../../schema/http/paths.ts";
import { INDEX_HEAD_MEDIA_TYPE } from "../../schema/index/claims.ts";
import { GENERATIONS, type Generation, indexPrefix } from "../../schema/index/generation.ts";
import { LOOKUP_MEDIA_TYPE, MAX_LOOKUP_KEYS } from "../../schema/index/lookup.ts";
import { KEY_TYPES } from "../../schema/index/map-key.ts";
import { answer, bytesPath, type Json, parameter, REFUSED } from "./openapi-parts.ts";

const BUNDLE = answer("A look-up bundle (docs/formats.md)", LOOKUP_MEDIA_TYPE, {
  schema: { type: "object" },
});

const TYPES = Object.entries(KEY_TYPES).map(
  ([type, fields]) => `\`${type}\` (${fields.join(", ") || "no fields"})`,
);

export function indexPaths(): Json {
  const query = [
    { ...parameter("type", "query", `One of ${TYPES.join("; ")}.`), required: true },
    parameter("field", "query", "A field that is text; may be repeated, in the order of the key."),
    parameter("hex", "query", "A field that is bytes, in hex; may be repeated likewise."),
    parameter("entries", "query", "true: with the entries of the lists and their proofs."),
    parameter("index", "query", "Another index of the log than the first, by its number."),
    parameter("at", "query", "A recent leaf of the index log; the newest where it is absent."),
  ];
  const get = (summary: string, more: readonly Json[] = []): Json => ({
    summary,
    parameters: [...query, ...more],
    responses: { 200: BUNDLE, default: REFUSED },
  });
  return {
    [LOOKUP_PATH]: {
      get: { operationId: "lookup", ...get("Everything under one key, and nothing else.") },
      post: {
        operationId: "lookupMany",
        summary: "The same for many keys, under one proof.",
        description:
          `At most ${MAX_LOOKUP_KEYS} keys and ${MAX_LOOKUP_REQUEST_BYTES} bytes: ` +
          '`{"keys": [{"type", "fields": [text or {"hex"}]}], "entries", "summaries", "index", "at"}`.',
        requestBody: { required: true, content: { [JSON_TYPE]: { schema: { type: "object" } } } },
        responses: { 200: BUNDLE, default: REFUSED },
      },
    },
    [CLAIMS_PATH]: {
      get: {
        operationId: "claims",
        ...get("How many entries, and which values they claim.", [
          parameter("form", "query", "bytes: without its head, at most a kilobyte (octets)."),
        ]),
      },
    },
    ...conflictPaths(),
    [`${POSTINGS_PREFIX}/{index}`]: bytesPath(
      "The postings of an entry whose content was erased.",
      OCTETS_TYPE,
      [parameter("index", "path", "The entry's index in the log.")],
    ),
    ...Object.fromEntries(GENERATIONS.flatMap((one) => Object.entries(indexLogPaths(one)))),
  };
}

function indexLogPaths(generation: Generation): Json {
  const prefix = indexPrefix(generation);
  return {
    [`${prefix}${CHECKPOINT_PATH}`]: bytesPath(
      "The newest signed checkpoint of the index log.",
      "text/plain",
      [],
    ),
    [verifierPolicyPath(generation)]: bytesPath(
      "C2SP tlog-policy: who must have executed the index.",
      "text/plain",
      [],
    ),
    [`${prefix}/tile/{tile}`]: bytesPath("Tiles of the index log.", OCTETS_TYPE, [
      parameter("tile", "path", "As C2SP tlog-tiles writes it."),
    ]),
    [`${prefix}/edge/{leaf}`]: bytesPath(
      "The right edge of the postings tree behind a leaf of the index log.",
      OCTETS_TYPE,
      [parameter("leaf", "path", "The leaf's index in the index log.")],
    ),
    [`${prefix}/head/{leaf}`]: bytesPath(
      "The signed heads that answers from a recent leaf of the index log are under.",
      INDEX_HEAD_MEDIA_TYPE,
      [parameter("leaf", "path", "The leaf's index in the index log.")],
    ),
    [`${mapPrefix(generation)}/{piece}`]: bytesPath(
      "A piece of the map, named by its hash: a tile of nodes, a page of keys, or a long list.",
      OCTETS_TYPE,
      [
        parameter("piece", "path", "`<subtree hash>`, or `<page's hash>.<place of its key>`."),
        parameter("at", "query", "The turns to it from the root: 0 left, 1 right."),
      ],
    ),
    [`${prefix}/update/{range}`]: bytesPath(
      "What an index verifier needs besides the entries, for some leaves of the index log.",
      OCTETS_TYPE,
      [parameter("range", "path", "`<old>-<new>`: the leaves [old, new), 0 < old.")],
    ),
  };
}

function conflictPaths(): Json {
  const get = (operationId: string, summary: string, parameters: Json[], type: string): Json => ({
    get: {
      operationId,
      summary,
      parameters,
      responses: { 200: answer(summary, type, { schema: {} }), default: REFUSED },
    },
  });
  const after = parameter("after", "query", "The `next` of the answer before; 0 from the start.");
  const feed = `Contradictions that were found, oldest first, at most ${MAX_CONFLICT_ITEMS}.`;
  return {
    [CONFLICTS_PATH]: get("conflicts", feed, [after], JSON_TYPE),
    [CONFLICTS_ATOM_PATH]: get("conflictsAtom", "The newest of them as Atom.", [], ATOM_TYPE),
    [conflictEvidencePath("{id}")]: get(
      "conflictEvidence",
      "The evidence file of one; 404 where it was resolved or erased since.",
      [parameter("id", "path", "The `id` of a conflict.")],
      EVIDENCE_MEDIA_TYPE,
    ),
  };
}
