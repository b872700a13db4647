/**
 * May this checkpoint be cosigned, after that one? Pure; W1 is kept by state.ts, which replaces
 * exactly the head that was judged here.
 *
 * The order of the questions is that of the specification, so that one request has one answer.
 *
 * Spec: C2SP tlog-witness §add-checkpoint.
 *
 * @module
 */
import { equal } from "../../schema/bytes.ts";
import { emptyRoot, type Hash, type Sha256 } from "../../schema/tlog/hash.ts";
import { type TreeHead, verifyConsistency } from "../../schema/tlog/proof.ts";

/** A "no", with the status that the specification gives it. */
export type Refusal =
  /** The log should prove from the size that was cosigned. */
  | { readonly status: 409; readonly size: number }
  | { readonly status: 400 | 403 | 404 | 422; readonly reason: string };

/** `undefined` where `next` may be cosigned. `last` is what was cosigned last, if anything was. */
export function judge(
  sha256: Sha256,
  last: TreeHead | undefined,
  oldSize: number,
  proof: readonly Hash[],
  next: TreeHead,
): Refusal | undefined {
  const { size, root } = last ?? { size: 0, root: emptyRoot(sha256) };
  if (oldSize > next.size)
    return no(400, `the old size ${oldSize} is larger than that of the checkpoint, ${next.size}`);
  if (oldSize !== size) return { status: 409, size };
  if (next.size === 0 && !equal(next.root, emptyRoot(sha256)))
    return no(422, "the root of size 0 is not that of the empty tree");
  if (oldSize === 0 && proof.length > 0)
    return no(422, "from size 0 there is nothing to prove, and a proof is given");
  if (next.size === size && !equal(next.root, root))
    return no(422, `another root was cosigned for size ${size}: the log has signed both`);
  if (!verifyConsistency(sha256, { size, root }, next, proof))
    return no(422, `the proof does not lead from size ${size} to this checkpoint`);
  return undefined;
}

function no(status: 400 | 422, reason: string): Refusal {
  return { status, reason };
}
