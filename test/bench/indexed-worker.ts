/**
 * A thread that makes entries of the index bench: signed statements, parsed and ruled on by the
 * code of the log's door. The signatures are made here and not verified again: what that costs is
 * measured by the other benches.
 *
 * @module
 */
import { nodeCryptoInPlace } from "../../client/crypto/node.ts";
import { prepareSubmission } from "../../schema/entry/prepare.ts";
import { unwrap } from "../../schema/error.ts";
import { parseSubmission } from "../../schema/http/submission.ts";
import { type CheckedEntry, checked } from "../../server/admission/check.ts";
import {
  type PackedOutcomes,
  packOutcomes,
  transferable,
} from "../../server/admission/check-packing.ts";
import { answerRequests, type Handled } from "../../server/thread.ts";
import { submissionOf } from "./indexed-entry.ts";

/** Entries from one number up to, not including, another. */
export interface EntryOrder {
  readonly from: number;
  readonly to: number;
}

function handle({ from, to }: EntryOrder): Handled<PackedOutcomes> {
  const outcomes = Array.from({ length: to - from }, (_, i) => ({ entries: entriesOf(from + i) }));
  const answer = packOutcomes(outcomes);
  return { answer, transfer: transferable(answer) };
}

function entriesOf(n: number): readonly CheckedEntry[] {
  const parsed = unwrap(parseSubmission(submissionOf(n)));
  return unwrap(prepareSubmission(nodeCryptoInPlace.sha256, parsed)).map(checked);
}

answerRequests(handle);
