/**
 * A leaf of the index log and, beside it, the signed head of the main log that it names.
 *
 * @module
 */
import { LogError } from "../../schema/error.ts";
import { parseIndexLeaf } from "../../schema/index/index-leaf.ts";
import type { TreeHead } from "../../schema/tlog/proof.ts";
import type { FollowedLog } from "./ports.ts";

/** A leaf of the index log as it was logged. Throws `STORE_CORRUPT` where it is not whole. */
export function loggedLeaf(
  { reader }: Pick<FollowedLog, "reader">,
  leafIndex: number,
): TreeHead & { readonly leaf: Uint8Array; readonly main: Uint8Array } {
  const [leaf] = reader.leaves(leafIndex, leafIndex + 1);
  const [content] = reader.contents(leafIndex, leafIndex + 1);
  const parsed = leaf === undefined ? undefined : parseIndexLeaf(leaf);
  if (leaf === undefined || parsed?.ok !== true || content?.state !== "held")
    throw new LogError("STORE_CORRUPT", `leaf ${leafIndex} of the index log is not whole`, {
      field: `index leaf ${leafIndex}`,
    });
  return { leaf, main: content.bytes, ...parsed.value.main };
}

/** A step came out as another leaf than the one that was signed for it. */
export function notAsLogged(leafIndex: number): LogError {
  return new LogError(
    "STORE_CORRUPT",
    `leaf ${leafIndex} of the index log is not the one that the log gives`,
    { field: `index leaf ${leafIndex}`, hint: "run `countersign fsck` on the log" },
  );
}
