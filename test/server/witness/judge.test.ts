/** The judgement, exhaustively over small trees, against RFC 6962 written down word for word. */
import { expect, test } from "vitest";
import { equal } from "../../../schema/bytes.ts";
import { type Hash, leafHash } from "../../../schema/tlog/hash.ts";
import { judge } from "../../../server/witness/judge.ts";
import { entry, NaiveTree } from "../../schema/tlog/support.ts";
import { sha256, someHash } from "./support.ts";

const N = 9;
const tree = new NaiveTree(Array.from({ length: N }, (_, i) => leafHash(sha256, entry(i))));
const root = (size: number): Hash => tree.root(0, size);
const proof = (from: number, to: number): readonly Hash[] =>
  from === 0 || from >= to ? [] : tree.proof(from, to);

test("W1 what is cosigned continues what was: every last size, old size, new size and proof", () => {
  let yes = 0;
  for (let last = -1; last <= N; last++)
    for (let old = 0; old <= N; old++)
      for (let next = 0; next <= N; next++)
        for (const [from, to] of [
          [old, next],
          [0, 0],
          [Math.max(0, old - 1), next],
        ] as const) {
          const stored = Math.max(0, last);
          const head = last < 0 ? undefined : { size: last, root: root(last) };
          const given = proof(from, to);
          const answer = judge(sha256, head, old, given, { size: next, root: root(next) });
          const good = proof(old, next);
          const fits =
            given.length === good.length && given.every((hash, i) => equal(hash, good[i] ?? hash));
          const wanted = old > next ? 400 : old !== stored ? 409 : fits ? undefined : 422;
          expect(answer?.status, `${last} ${old} ${next} ${from}`).toBe(wanted);
          if (answer?.status === 409) expect(answer.size).toBe(stored);
          if (answer === undefined) yes++;
        }
  expect(yes).toBeGreaterThan(N * N);
});

test("W1 another root is refused at every size", () => {
  for (let last = 0; last <= N; last++)
    for (let next = last; next <= N; next++) {
      const head = { size: last, root: root(last) };
      const other = { size: next, root: someHash() };
      const answer = judge(sha256, head, last, proof(last, next), other);
      // From size 0 on any tree is a beginning.
      if (last === 0 && next > 0) expect(answer).toBeUndefined();
      else expect(answer?.status, `${last} ${next}`).toBe(422);
    }
});
