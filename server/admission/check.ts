/**
 * From a stranger's bytes to entries that may be sequenced: whole or not at all.
 *
 * What is checked, from cheap to dear: the JSON, the limits and rules of every part (the same
 * function a client runs over a leaf it receives), then each signature by the client's own
 * verifiers. The log can therefore never accept what a verifier would refuse.
 *
 * The answer depends on the bytes alone. So it may be worked out in any thread (check-pool.ts);
 * who may append, and how often, is admit.ts.
 *
 * @module
 */
import type { Crypto } from "../../client/crypto/crypto.ts";
import type { SignatureReason, SignatureRefusal } from "../../client/signature/kind.ts";
import { verifyDigestSignature, verifyEntrySignature } from "../../client/signature/registry.ts";
import type { Leaf } from "../../schema/entry/leaf.ts";
import { type PreparedLeaf, prepareSubmission } from "../../schema/entry/prepare.ts";
import { prepareRekor } from "../../schema/entry/prepare-rekor.ts";
import { type ErrorCode, LogError, unwrap } from "../../schema/error.ts";
import { parseRekorRequest } from "../../schema/http/rekor.ts";
import { parseSubmission } from "../../schema/http/submission.ts";
import type { Hash } from "../../schema/tlog/hash.ts";
import type { NewEntry } from "../storage/storage.ts";

/** An entry whose signature was checked. */
export interface CheckedEntry extends NewEntry {
  readonly kind: Leaf["kind"];
  /** Proved, not claimed. */
  readonly signerId: Hash;
}

/**
 * The door that bytes came by, and what is asked about them: the entries they become, or the twins
 * that carry a content to entries which are in the log without theirs.
 */
export const DOORS = ["native", "rekor", "native twins", "rekor twins"] as const;
export type Door = (typeof DOORS)[number];

/** At least one entry. Rejects with the `LogError` of the first thing that is wrong. */
export type Check = (untrusted: Uint8Array, door?: Door) => Promise<readonly CheckedEntry[]>;

export function makeCheck(crypto: Crypto): Check {
  return async (untrusted, door = "native") => {
    const prepared = prepare(crypto, untrusted, door);
    await checkSignatures(crypto, prepared);
    return prepared.map(checked);
  };
}

function prepare(crypto: Crypto, untrusted: Uint8Array, door: Door): readonly PreparedLeaf[] {
  const kind = door.endsWith("twins") ? "countersign" : undefined;
  if (door.startsWith("rekor"))
    return [unwrap(prepareRekor(crypto.sha256, unwrap(parseRekorRequest(untrusted)), kind))];
  return unwrap(prepareSubmission(crypto.sha256, unwrap(parseSubmission(untrusted)), kind));
}

async function checkSignatures(crypto: Crypto, prepared: readonly PreparedLeaf[]): Promise<void> {
  const results = await Promise.all(
    prepared.map(({ leaf, content, keyObject }) =>
      content === undefined && leaf.kind === "hashedrekord"
        ? verifyDigestSignature(crypto, leaf)
        : verifyEntrySignature(crypto, leaf, content, keyObject?.bytes),
    ),
  );
  for (const [index, result] of results.entries())
    if (!result.ok) throw refused(result, prepared.length === 1 ? undefined : index);
}

/** Which row of the error table a verifier's "no" is. */
const CODES: Record<SignatureReason, ErrorCode> = {
  "unsupported kind": "KIND_UNSUPPORTED",
  "unsupported by this platform": "KIND_UNSUPPORTED",
  "content is not held": "FIELD_INVALID",
  "content has another digest": "FIELD_INVALID",
  "key is not given": "FIELD_INVALID",
  "key is refused": "KEY_REFUSED",
  "key has another id": "KEY_REFUSED",
  "signature is malformed": "SIGNATURE_INVALID",
  "signature does not verify": "SIGNATURE_INVALID",
};

function refused(refusal: SignatureRefusal, index: number | undefined): LogError {
  const which = index === undefined ? "" : `Signature ${index}: `;
  return new LogError(CODES[refusal.reason], `${which}${refusal.message}`, {
    field: index === undefined ? refusal.field : `signatures[${index}]`,
    expected: "a signature that verifies over exactly these bytes",
  });
}

/** A leaf as the sequencer takes it, once it has been checked. */
export function checked(entry: PreparedLeaf): CheckedEntry {
  return {
    kind: entry.leaf.kind,
    signerId: entry.signerId,
    leaf: entry.leafBytes,
    leafHash: entry.leafHash,
    contentDigest: entry.contentDigest,
    content: entry.content,
    key: entry.keyObject,
  };
}
