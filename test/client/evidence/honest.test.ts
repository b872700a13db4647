/**
 * Honest people, an honest log and an honest index, at random: whatever anybody puts together out
 * of what they have signed, nobody is accused.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { toHex } from "../../../schema/bytes.ts";
import type { LoggedStatement } from "../../../schema/evidence/claims.ts";
import type { LookupKey } from "../../../schema/index/lookup.ts";
import type * as made from "../../vectors/signers.ts";
import * as say from "../../vectors/statements.ts";
import {
  ada,
  bob,
  build,
  OPAQUE,
  OTHER_COMMIT,
  outcome,
  refUpdate,
  release,
  Scene,
} from "./scene.ts";

const { sha256 } = nodeCrypto;
const people = [ada, bob];
const digests = [say.FILE_SHA256, say.OTHER_SHA256];

/** What an honest person may do next. */
type Act = readonly [
  what: "review" | "withdraw" | "build" | "ref" | "release" | "again" | "digest only",
  who: number,
  which: number,
];
const acts: fc.Arbitrary<Act> = fc.tuple(
  fc.constantFrom<Act[0][]>(
    "review",
    "withdraw",
    "build",
    "ref",
    "release",
    "again",
    "digest only",
  ),
  fc.nat({ max: 1 }),
  fc.nat({ max: 1 }),
);

/** Everybody supersedes what they have said before, and promises only what they keep. */
class Honest extends Scene {
  readonly statements: LoggedStatement[] = [];
  readonly #last = new Map<number, string>();
  #count = 0;

  act([what, who, which]: Act): void {
    const by = people[who] ?? ada;
    // A number of a signer's own sequence is never used twice.
    const number = { number: this.#count, seq: this.#count++ };
    const verdict = which === 0 ? "approve" : "reject";
    switch (what) {
      case "review":
        return this.#verdict(verdict, who, by);
      case "withdraw":
        return this.#last.has(who) ? this.#verdict("withdraw", who, by) : undefined;
      case "build":
        return this.#say(build(digests[which] ?? "", { deterministic: false }), by);
      case "ref":
        return this.#say(
          refUpdate(which === 0 ? say.COMMIT : OTHER_COMMIT, { immutable: false, ...number }),
          by,
        );
      case "release":
        return this.#say(release(who === 0 ? say.COMMIT : OTHER_COMMIT), by);
      case "again":
        return this.#say(
          build(say.FILE_SHA256, { system: "other", builder: { operator: `${which}` } }),
          by,
        );
      case "digest only": {
        this.main.append(this.#unlogged(say.release({ ref: "refs/tags/unheld" }), by));
        return;
      }
    }
  }

  #verdict(verdict: string, who: number, by: made.PlainSigner): void {
    const supersedes = this.#last.get(who);
    const changes = supersedes === undefined ? {} : { supersedes };
    const statement = say.review({ verdict, comment: `${this.#count}`, ...changes });
    this.#say(statement, by);
    const content = this.statements.at(-1)?.content ?? new Uint8Array(0);
    this.#last.set(who, toHex(sha256(content)));
  }

  #say(statement: say.StatementParts, by: made.PlainSigner): void {
    this.statements.push(this.sign(statement, by));
  }

  /** A leaf whose content the log never gets. */
  #unlogged(statement: say.StatementParts, by: made.PlainSigner): Uint8Array {
    const elsewhere = new Scene();
    return elsewhere.sign(statement, by).entry.leafBytes;
  }
}

describe("an honest history", () => {
  test("accuses no signer, whichever two statements are put together", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(acts, { minLength: 2, maxLength: 7 }), async (list) => {
        const scene = new Honest();
        for (const act of list) scene.act(act);
        scene.index.grow();
        const all = scene.statements.map(({ entry }) => scene.statement(entry.index));
        for (const [i, a] of all.entries())
          for (const b of all.slice(i + 1))
            for (const { type, fields, claim } of scene.named(a)) {
              if (claim === undefined) continue;
              const slot: LookupKey = { type, fields };
              const [signer] = fields;
              const keys = [a, b].map(
                ({ content }): LookupKey => ({
                  type: "superseded",
                  fields: [signer ?? "", sha256(content)],
                }),
              );
              const lookup =
                type === "verdict-by" ? { lookup: scene.index.lookup(keys, "lists") } : {};
              const evidence = {
                kind: "equivocation",
                slot,
                statements: [a, b],
                ...lookup,
              } as const;
              expect(await outcome(scene.main.trusted, evidence)).toBe("PROVES_NOTHING");
            }
      }),
      { numRuns: 12 },
    );
  });

  test("accuses no index, for any key of any entry", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(acts, { minLength: 1, maxLength: 5 }), async (list) => {
        const scene = new Honest();
        for (const act of list) scene.act(act);
        scene.index.grow();
        const keys = scene.statements.flatMap((one) =>
          scene.named(one).map(({ type, fields }): LookupKey => ({ type, fields })),
        );
        for (const key of keys.filter((_, i) => i % 3 === 0))
          for (let index = 3; index < scene.main.size; index++) {
            const lookup = scene.about([key, OPAQUE], index);
            for (const evidence of [
              { kind: "omission", key, lookup, gaps: [] },
              { kind: "false-posting", key, lookup },
            ] as const)
              expect(await outcome(scene.main.trusted, evidence)).toBe("PROVES_NOTHING");
          }
      }),
      { numRuns: 8 },
    );
  });
});
