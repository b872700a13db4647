import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../client/crypto/node.ts";
import {
  CLOCK_TOLERANCE_SECONDS,
  type Cosigned,
  countWitnesses,
  FRESH_SECONDS,
  freshness,
  type WitnessPolicy,
} from "../../client/quorum.ts";
import { unwrap } from "../../schema/error.ts";
import { parseVkey } from "../../schema/tlog/note.ts";
import {
  hasQuorum,
  type Policy,
  type PolicyWitness,
  quorumWitnesses,
} from "../../schema/tlog/quorum.ts";
import { policyOf, policyText, TestWitness } from "./test-witness.ts";

const NOW = 1_800_000_000;
const witnesses = ["a", "b", "c", "d", "e"].map((name) => new TestWitness(`${name}.example`));
const [a, b, c, d, e] = witnesses.map((witness) => ({
  witness,
  key: unwrap(parseVkey(nodeCrypto.sha256, witness.vkey)),
}));
if (!a || !b || !c || !d || !e) throw new Error("there are five");
const keys = [a, b, c, d, e].map(({ key }) => key);

const twoOfThree = policyOf(policyText(2, witnesses.slice(0, 3)));
const nested = policyOf(
  [
    ...witnesses.map(({ vkey }, i) => `witness w${i} ${vkey}`),
    "group left 2 w0 w1 w2",
    "group right any w3 w4",
    "group both all left right",
    "quorum both",
    "",
  ].join("\n"),
);
const lone = policyOf(`witness only ${witnesses[0]?.vkey}\nquorum only\n`);

const cosigned = (...times: readonly (number | undefined)[]): Cosigned[] =>
  times.flatMap((time, i) => {
    const key = keys[i];
    return time === undefined || key === undefined ? [] : [{ key, times: [time] }];
  });

describe("N2 a head counts only with a whole quorum of distinct operators", () => {
  test("one signature less than the quorum is too few, and says who is there and who is asked for", () => {
    const trust = { witnesses: [twoOfThree] };
    expect(countWitnesses(trust, 5, cosigned(NOW))).toEqual({
      state: "too few",
      have: ["a.example"],
      need: "2 of (a.example, b.example, c.example)",
    });
    expect(countWitnesses(trust, 5, [])).toMatchObject({ state: "too few", have: [] });
    expect(countWitnesses(trust, 5, cosigned(NOW, undefined, NOW))).toMatchObject({
      state: "quorum",
      by: ["a.example", "c.example"],
    });
  });

  test("connaisseur PR#2150 the same key any number of times is one witness", () => {
    const many = Array.from({ length: 9 }, () => ({ key: a.key, times: [NOW, NOW + 1, NOW + 2] }));
    expect(countWitnesses({ witnesses: [twoOfThree] }, 5, many).state).toBe("too few");
  });

  test("GHSA-9vcr-p3rj-q5q6 two keys of one operator are one witness", () => {
    const second = new TestWitness("a.example", 6);
    const text = [
      `witness a1 ${a.witness.vkey}`,
      `witness a2 ${second.vkey}`,
      `witness b ${b.witness.vkey}`,
      `witness c ${c.witness.vkey}`,
      "group a any a1 a2",
      "group all-of-them 2 a b c",
      "quorum all-of-them",
      "",
    ].join("\n");
    const secondKey = unwrap(parseVkey(nodeCrypto.sha256, second.vkey));
    const both = [...cosigned(NOW), { key: secondKey, times: [NOW] }];
    expect(countWitnesses({ witnesses: [policyOf(text)] }, 5, both)).toMatchObject({
      state: "too few",
      have: ["a.example"],
    });
    const withB = [...both, ...cosigned(undefined, NOW)];
    expect(countWitnesses({ witnesses: [policyOf(text)] }, 5, withB).state).toBe("quorum");
  });

  test("the witnesses of two policies together are nobody's quorum", () => {
    const other = policyOf(policyText(2, witnesses.slice(2)), 100);
    const trust = { witnesses: [twoOfThree, other] };
    expect(countWitnesses(trust, 5, cosigned(NOW, undefined, undefined, NOW)).state).toBe(
      "too few",
    );
    expect(
      countWitnesses(trust, 5, cosigned(undefined, undefined, undefined, NOW, NOW)).state,
    ).toBe("quorum");
  });

  test("a retired policy counts up to its size, and not for one entry more", () => {
    const trust = { witnesses: [{ ...twoOfThree, until: 100 }, lone] };
    const bc = cosigned(undefined, NOW, NOW);
    expect(countWitnesses(trust, 100, bc).state).toBe("quorum");
    expect(countWitnesses(trust, 101, bc)).toEqual({
      state: "too few",
      have: [],
      need: "a.example",
    });
    const onlyRetired = { witnesses: [{ ...twoOfThree, until: 100 }] };
    expect(countWitnesses(onlyRetired, 101, bc)).toMatchObject({ state: "too few", have: [] });
  });

  test("where nobody is asked for, nobody is missing, and it is said so", () => {
    expect(countWitnesses({}, 5, [])).toEqual({ state: "not asked" });
    expect(freshness({}, 5, [], NOW)).toEqual({ state: "not asked" });
  });
});

describe("existed before", () => {
  test("is the latest stamp of the quorum that makes it earliest", () => {
    const trust = { witnesses: [twoOfThree] };
    expect(countWitnesses(trust, 5, cosigned(NOW + 9, NOW, NOW + 5))).toEqual({
      state: "quorum",
      by: ["b.example", "c.example"],
      existedBefore: NOW + 5,
    });
  });

  test("takes the first of several stamps of one witness", () => {
    const lines = [{ key: a.key, times: [NOW + 9, NOW, NOW + 5] }];
    expect(countWitnesses({ witnesses: [lone] }, 5, lines)).toMatchObject({ existedBefore: NOW });
  });

  test("is not known where too few state a time: time 0 is none", () => {
    const trust = { witnesses: [twoOfThree] };
    const counted = countWitnesses(trust, 5, cosigned(NOW, 0));
    expect(counted).toEqual({ state: "quorum", by: ["a.example", "b.example"] });
  });
});

describe("age", () => {
  const trust = { witnesses: [twoOfThree], freshSeconds: 100 };
  test("one fresh stamp beside an old one is an old quorum", () => {
    expect(freshness(trust, 5, cosigned(NOW, NOW - 101), NOW)).toEqual({
      state: "too old",
      seenAt: NOW - 101,
      boundSeconds: 100,
    });
    expect(freshness(trust, 5, cosigned(NOW, NOW - 101, NOW - 100), NOW)).toEqual({
      state: "fresh",
      seenAt: NOW - 100,
      boundSeconds: 100,
    });
  });

  test("a stamp from the future is dropped, a clock a little ahead is not", () => {
    const ahead = NOW + CLOCK_TOLERANCE_SECONDS;
    expect(freshness(trust, 5, cosigned(NOW, ahead), NOW).state).toBe("fresh");
    expect(freshness(trust, 5, cosigned(NOW, ahead + 1), NOW)).toEqual({
      state: "too old",
      boundSeconds: 100,
    });
    const twice = [...cosigned(NOW), { key: b.key, times: [ahead + 1, NOW - 3] }];
    expect(freshness(trust, 5, twice, NOW)).toMatchObject({ state: "fresh", seenAt: NOW - 3 });
  });

  test("time 0 is no time, and the newest of several stamps of one witness counts", () => {
    expect(freshness(trust, 5, cosigned(NOW, 0), NOW).state).toBe("too old");
    const lines = [...cosigned(NOW), { key: b.key, times: [1, NOW - 5, 2] }];
    expect(freshness(trust, 5, lines, NOW)).toMatchObject({ state: "fresh", seenAt: NOW - 5 });
  });

  test("has a default bound of a day", () => {
    const dayOld = cosigned(NOW - FRESH_SECONDS, NOW - FRESH_SECONDS);
    expect(freshness({ witnesses: [twoOfThree] }, 5, dayOld, NOW).state).toBe("fresh");
    expect(freshness({ witnesses: [twoOfThree] }, 5, dayOld, NOW + 1).state).toBe("too old");
  });
});

describe("over every subset of witnesses", () => {
  const time = fc.oneof(
    fc.constant(0),
    fc.integer({ min: NOW - 50, max: NOW + 50 }),
    fc.integer({ min: NOW + CLOCK_TOLERANCE_SECONDS - 2, max: NOW + CLOCK_TOLERANCE_SECONDS + 2 }),
  );
  const lines = fc
    .array(fc.option(fc.array(time, { minLength: 1, maxLength: 3 }), { nil: undefined }), {
      minLength: 5,
      maxLength: 5,
    })
    .map((all) =>
      all.flatMap((times, i) => {
        const key = keys[i];
        return times === undefined || key === undefined ? [] : [{ key, times }];
      }),
    );
  const policy = fc.constantFrom(twoOfThree, nested, lone);

  /** Every quorum there is, by trying all subsets. */
  const quorums = ({ policy: asked }: WitnessPolicy): PolicyWitness[][] => {
    const all = quorumWitnesses(asked);
    return Array.from({ length: 2 ** all.length }, (_, bits) =>
      all.filter((__, i) => (bits & (1 << i)) !== 0),
    ).filter((some) => hasQuorum(asked, (witness) => some.includes(witness)));
  };
  const timesOf = (
    some: readonly Cosigned[],
    { vkey }: PolicyWitness,
  ): readonly number[] | undefined => some.find(({ key }) => key.name === vkey.name)?.times;

  test("N2 a quorum is found when there is one, and its time is the least that any has", () => {
    fc.assert(
      fc.property(policy, lines, (asked, some) => {
        const there = quorums(asked).filter((quorum) =>
          quorum.every((witness) => timesOf(some, witness) !== undefined),
        );
        const latest = there.map((quorum) =>
          Math.max(
            ...quorum.map((witness) =>
              Math.min(Infinity, ...(timesOf(some, witness) ?? []).filter((at) => at > 0)),
            ),
          ),
        );
        const counted = countWitnesses({ witnesses: [asked] }, 5, some);
        expect(counted.state).toBe(there.length > 0 ? "quorum" : "too few");
        if (counted.state !== "quorum") return;
        expect(counted.existedBefore ?? Infinity).toBe(Math.min(...latest));
        expect(isQuorum(asked.policy, counted.by)).toBe(true);
      }),
    );
  });

  test("a head is fresh exactly when some quorum has all of its stamps within the bound", () => {
    fc.assert(
      fc.property(policy, lines, fc.integer({ min: 0, max: 80 }), (asked, some, bound) => {
        const within = (at: number): boolean =>
          at > 0 && at >= NOW - bound && at <= NOW + CLOCK_TOLERANCE_SECONDS;
        const fresh = quorums(asked).some((quorum) =>
          quorum.every((witness) => timesOf(some, witness)?.some(within) === true),
        );
        const trust = { witnesses: [asked], freshSeconds: bound };
        expect(freshness(trust, 5, some, NOW).state).toBe(fresh ? "fresh" : "too old");
      }),
    );
  });
});

function isQuorum(policy: Policy, by: readonly string[]): boolean {
  return hasQuorum(policy, ({ vkey }) => by.includes(vkey.name));
}
