/**
 * The fields of a git tag object: object, type, tag and (but for the oldest) tagger in git's
 * order, then any other header, an empty line, and the message.
 *
 * @module
 */
import { latin1 } from "../bytes.ts";
import { type Result, success } from "../error.ts";
import {
  displayText,
  type GitHashAlgorithm,
  type GitHeader,
  type GitIdentity,
  idAlgorithm,
  isLine,
  malformed,
  parseHeaders,
  parseIdentity,
} from "./lines.ts";

export interface GitTag {
  readonly type: "tag";
  readonly hashAlgorithm: GitHashAlgorithm;
  /** The id of what is tagged. */
  readonly object: string;
  readonly objectType: "commit" | "tree" | "blob" | "tag";
  /** The tag's name, without `refs/tags/`. */
  readonly tag: string;
  readonly tagger?: GitIdentity;
  /** Every header behind the tagger, in order. */
  readonly headers: readonly GitHeader[];
  readonly message: Uint8Array;
}

const OBJECT_TYPES = ["commit", "tree", "blob", "tag"] as const;

/** Read signed bytes that begin with `object `. Fails with `FIELD_INVALID`. */
export function parseTag(payload: Uint8Array): Result<GitTag> {
  const parsed = parseHeaders(payload);
  if (!parsed.ok) return parsed;
  const { headers, message } = parsed.value;
  const [object, kind, tag, ...rest] = headers;
  if (!isLine(object, "object") || !isLine(kind, "type") || !isLine(tag, "tag"))
    return malformed(0, "object, type and tag must come first, a line each");
  const id = latin1(object.value);
  const hashAlgorithm = idAlgorithm(id);
  if (hashAlgorithm === undefined) return malformed(0, "object must be a lower-case object id");
  const objectType = OBJECT_TYPES.find((name) => name === latin1(kind.value));
  if (objectType === undefined) return malformed(0, "type must be commit, tree, blob or tag");
  const tagger = isLine(rest[0], "tagger") ? rest.shift() : undefined;
  return success({
    type: "tag",
    hashAlgorithm,
    object: id,
    objectType,
    tag: displayText(tag.value),
    ...(tagger && { tagger: parseIdentity(tagger.value) }),
    headers: rest,
    message,
  });
}
