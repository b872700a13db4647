/**
 * What signed an object of a repository: the table that `import git` counts by.
 *
 * @module
 */
import { dearmor, parseSshsig } from "../../schema/entry/sshsig.ts";
import { type GitHash, gitObjectId, parseGitObject } from "../../schema/git/object.ts";
import type { RawObject } from "./objects.ts";

export type Classified =
  | { readonly state: "unsigned" }
  /** A signature of a kind that this client can log. `kind` is the algorithm of its key. */
  | { readonly state: "signed"; readonly kind: string; readonly bytes: Uint8Array }
  /** A signature of a kind that no log of this version takes. */
  | { readonly state: "unsupported"; readonly kind: string }
  /** Something that no log would take, for this reason. */
  | { readonly state: "broken"; readonly reason: string };

/**
 * Look at an object without checking its signature: the log does that, and so does the client
 * with the receipt it gets. The id is recomputed, so that the table speaks of real objects.
 */
export function classify(object: RawObject, hash: GitHash): Classified {
  const { bytes } = object;
  if (bytes === undefined) return { state: "broken", reason: "larger than a content may be" };
  const parsed = parseGitObject(bytes);
  if (!parsed.ok) return { state: "broken", reason: parsed.message };
  if (gitObjectId(hash, parsed.value, bytes) !== object.id)
    return { state: "broken", reason: "its bytes do not have its id" };
  const { signature } = parsed.value;
  if (signature === undefined) return { state: "unsigned" };
  if (signature.kind !== "ssh") return { state: "unsupported", kind: signature.kind };
  const blob = dearmor(signature.armored);
  const sshsig = blob.ok ? parseSshsig(blob.value) : blob;
  if (sshsig.ok) return { state: "signed", kind: sshsig.value.publicKey.algorithm, bytes };
  return sshsig.code === "KIND_UNSUPPORTED"
    ? { state: "unsupported", kind: "ssh (certificate or newer key)" }
    : { state: "broken", reason: sshsig.message };
}
