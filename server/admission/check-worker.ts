/**
 * A thread that checks submissions.
 *
 * @module
 */
import { nodeCryptoInPlace } from "../../client/crypto/node.ts";
import { answerRequests, type Handled, plainError } from "../thread.ts";
import { makeCheck } from "./check.ts";
import {
  type Asked,
  type PackedGroup,
  type PackedOutcomes,
  type PlainOutcome,
  packOutcomes,
  transferable,
  unpackGroup,
} from "./check-packing.ts";

const check = makeCheck(nodeCryptoInPlace);

/** One after the other, so that what one submission needs is free again before the next. */
async function handle(group: PackedGroup): Promise<Handled<PackedOutcomes>> {
  const outcomes: PlainOutcome[] = [];
  for (const asked of unpackGroup(group)) outcomes.push(await outcomeOf(asked));
  const answer = packOutcomes(outcomes);
  return { answer, transfer: transferable(answer) };
}

async function outcomeOf({ untrusted, door }: Asked): Promise<PlainOutcome> {
  try {
    return { entries: await check(untrusted, door) };
  } catch (error) {
    return { error: plainError(error) };
  }
}

answerRequests(handle);
