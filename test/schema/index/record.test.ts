import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHex, utf8 } from "../../../schema/bytes.ts";
import { INDEX_V1, indexOrigin } from "../../../schema/index/generation.ts";
import {
  encodeIndexLeaf,
  firstIndexLeaf,
  parseIndexLeaf,
} from "../../../schema/index/index-leaf.ts";
import { MAPFN_V1 } from "../../../schema/index/mapfn.ts";
import {
  encodePostings,
  MAX_POSTINGS_BYTES,
  type Posting,
  parsePostings,
  postingsLeafHash,
  sortPostings,
} from "../../../schema/index/posting.ts";
import {
  KeyRecord,
  type Listed,
  listRoot,
  MAX_VALUES,
  recordHash,
  summaryOf,
} from "../../../schema/index/record.ts";
import { MAX_SIZE } from "../../../schema/tlog/size.ts";
import { failureOf, flipped, joined, NaiveTree, sha256, valueOf } from "../tlog/support.ts";

const claimOf = (n: number): ReturnType<typeof sha256> => sha256(utf8(`claim ${n}`));
const list = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 1_000 }), fc.option(fc.integer({ min: 0, max: 30 }))), {
    maxLength: 60,
  })
  .map((steps) => {
    let index = 0;
    return steps.map(([step, claim]): Listed => {
      index += step;
      return claim === null ? { index } : { index, claim: claimOf(claim) };
    });
  });

const u64 = (n: number | bigint): Uint8Array => {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(n));
  return bytes;
};
/** MTH of RFC 6962, by its own recursion. */
const mth = (leaves: readonly Uint8Array[]): Uint8Array =>
  new NaiveTree(leaves.map((leaf) => sha256(joined(Uint8Array.of(0), leaf)))).root(
    0,
    leaves.length,
  );

describe("the record of a key", () => {
  test("is what the definition says, word for word", () => {
    fc.assert(
      fc.property(list, (entries) => {
        const values = new Map<string, Uint8Array>();
        for (const { index, claim } of entries)
          if (claim !== undefined && !values.has(toHex(claim)))
            values.set(toHex(claim), joined(u64(index), claim));
        const kept = [...values.values()].slice(0, 16);
        const d = values.size > 16 ? 2n ** 64n - 1n : BigInt(values.size);
        const leaves = entries.map(({ index, claim }) =>
          joined(u64(index), claim ?? new Uint8Array(0)),
        );
        const expected = sha256(
          joined(
            utf8("tlog-index/v1/rec\0"),
            u64(entries.length),
            u64(entries.at(-1)?.index ?? 0),
            mth(leaves),
            u64(d),
            mth(kept),
          ),
        );
        expect(recordHash(sha256, summaryOf(sha256, entries))).toEqual(expected);
        expect(listRoot(sha256, entries)).toEqual(mth(leaves));
      }),
    );
  });

  test("grows from what was kept of it as it grows from nothing", () => {
    fc.assert(
      fc.property(list, fc.nat(60), (entries, cut) => {
        const grown = KeyRecord.empty(sha256);
        for (const one of entries.slice(0, cut)) grown.append(one);
        const again = KeyRecord.from(sha256, grown.summary(), grown.edge);
        for (const one of entries.slice(cut)) again.append(one);
        expect(again.summary()).toEqual(summaryOf(sha256, entries));
        expect(again.hash()).toEqual(recordHash(sha256, summaryOf(sha256, entries)));
      }),
    );
  });

  test("says more than 16 for ever, once a 17th value came", () => {
    const record = KeyRecord.empty(sha256);
    for (let n = 0; n < MAX_VALUES; n++) record.append({ index: n, claim: claimOf(n) });
    expect(record.summary().saturated).toBe(false);
    record.append({ index: 100, claim: claimOf(100) });
    record.append({ index: 101, claim: claimOf(0) });
    expect(record.summary()).toMatchObject({ n: 18, last: 101, saturated: true });
    expect(record.summary().values).toHaveLength(MAX_VALUES);
  });

  test("takes no index twice and none from before", () => {
    const record = KeyRecord.empty(sha256);
    record.append({ index: 5 });
    expect(() => record.append({ index: 5 })).toThrow("listed behind");
    expect(() => record.append({ index: 4 })).toThrow("listed behind");
  });
});

describe("postings", () => {
  const postings = fc
    .uniqueArray(fc.tuple(fc.nat(5_000), fc.option(fc.nat(9))), {
      selector: ([n]) => n,
      maxLength: 30,
    })
    .map((pairs) =>
      pairs.map(
        ([n, claim]): Posting =>
          claim === null ? { key: claimOf(n) } : { key: claimOf(n), claim: claimOf(claim) },
      ),
    );

  test("are read back as they were written, in one order only", () => {
    fc.assert(
      fc.property(postings, (some) => {
        const sorted = sortPostings(some);
        expect(valueOf(parsePostings(encodePostings(sorted)))).toEqual(sorted);
        if (some.length > 1)
          expect(parsePostings(encodePostings(sorted.toReversed())).ok).toBe(false);
      }),
    );
  });

  test("are refused with a key twice, another tag, a byte too few or too many, or too long", () => {
    const [one, two] = sortPostings([{ key: claimOf(1) }, { key: claimOf(2), claim: claimOf(3) }]);
    if (one === undefined || two === undefined) expect.fail("no postings");
    const bytes = encodePostings([one, two]);
    expect(parsePostings(joined(encodePostings([one]), encodePostings([one]))).ok).toBe(false);
    expect(parsePostings(bytes.subarray(0, -1)).ok).toBe(false);
    expect(parsePostings(joined(bytes, Uint8Array.of(0))).ok).toBe(false);
    const tag = encodePostings([one]);
    tag[32] = 2;
    expect(parsePostings(tag).ok).toBe(false);
    expect(failureOf(parsePostings(new Uint8Array(MAX_POSTINGS_BYTES + 1))).code).toBe("TOO_LARGE");
    expect(() => sortPostings([one, one])).toThrow("each key once");
    expect(postingsLeafHash(sha256, bytes)).toEqual(
      sha256(joined(Uint8Array.of(0), sha256(bytes))),
    );
  });
});

describe("a leaf of the index log", () => {
  const size = fc.integer({ min: 0, max: MAX_SIZE });
  const hash = fc.nat().map(claimOf);

  test("is read back as it was written", () => {
    fc.assert(
      fc.property(size, size, size, hash, hash, hash, (main, keys, postings, a, b, c) => {
        const leaf = {
          mapfn: MAPFN_V1,
          origin: "log.example.org",
          main: { size: main, root: a },
          mapRoot: b,
          keys,
          postings,
          postingsRoot: c,
        };
        expect(valueOf(parseIndexLeaf(encodeIndexLeaf(leaf)))).toEqual(leaf);
      }),
    );
  });

  test("has one form: with any bit changed it is refused or says something else", () => {
    const bytes = encodeIndexLeaf(firstIndexLeaf(sha256, MAPFN_V1, "log.example.org"));
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = flipped(bytes, bit);
      const parsed = parseIndexLeaf(changed);
      if (parsed.ok) expect(encodeIndexLeaf(parsed.value)).toEqual(changed);
    }
    for (const wrong of [bytes.subarray(0, -1), joined(bytes, utf8("x\n")), new Uint8Array(2_000)])
      expect(parseIndexLeaf(wrong).ok).toBe(false);
  });

  test("is in a log of its own name", () => {
    expect(indexOrigin("log.example.org", INDEX_V1)).toBe("log.example.org/index/v1");
  });
});
