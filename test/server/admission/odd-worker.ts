/**
 * A thread for the tests of the pool: each submission says in a word what becomes of its group.
 * Anything else is refused, and the refusal repeats the word.
 */
import {
  type PackedGroup,
  type PackedOutcomes,
  packOutcomes,
  unpackGroup,
} from "../../../server/admission/check-packing.ts";
import { answerRequests, type Handled } from "../../../server/thread.ts";

async function handle(group: PackedGroup): Promise<Handled<PackedOutcomes>> {
  const words = unpackGroup(group).map(({ untrusted }) => Buffer.from(untrusted).toString());
  if (words.includes("exit")) process.exit(1);
  if (words.includes("throw"))
    setImmediate(() => {
      throw new Error("a defect");
    });
  if (words.includes("hang") || words.includes("throw")) await new Promise(() => {});
  if (words.includes("exhaust")) exhaust();
  const outcomes = words.map((word) => ({
    error: { code: "FIELD_INVALID", message: word } as const,
  }));
  if (words.includes("forget")) outcomes.pop();
  const after = words.includes("leave") ? { after: () => setImmediate(() => process.exit(0)) } : {};
  return { answer: packOutcomes(outcomes), ...after };
}

function exhaust(): void {
  const held: number[][] = [];
  for (;;) held.push(Array.from({ length: 100_000 }, (_, i) => i + 0.5));
}

answerRequests(handle);
