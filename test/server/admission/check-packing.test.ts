import fc from "fast-check";
import { expect, test } from "vitest";
import { LogError } from "../../../schema/error.ts";
import { asHash, type Hash } from "../../../schema/tlog/hash.ts";
import { type CheckedEntry, DOORS } from "../../../server/admission/check.ts";
import {
  type PlainOutcome,
  packGroup,
  packOutcomes,
  unpackGroup,
  unpackOutcomes,
} from "../../../server/admission/check-packing.ts";
import { plainError } from "../../../server/thread.ts";

const bytes = fc.uint8Array({ maxLength: 100 });
const door = fc.constantFrom(...DOORS);
const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((raw): Hash => {
  const known = asHash(raw);
  if (known === undefined) throw new Error("not a hash");
  return known;
});
const entry: fc.Arbitrary<CheckedEntry> = fc.record({
  kind: fc.constantFrom("hashedrekord", "countersign"),
  signerId: hash,
  leaf: bytes,
  leafHash: hash,
  contentDigest: hash,
  content: fc.option(bytes, { nil: undefined }),
  key: fc.option(fc.record({ digest: hash, bytes }), { nil: undefined }),
});
/** The entries of one envelope share one content. */
const envelope = fc
  .tuple(fc.array(entry, { minLength: 1, maxLength: 64 }), bytes)
  .map(([entries, content]) => entries.map((one) => ({ ...one, content })));
const refusal = fc
  .tuple(fc.string(), fc.string())
  .map(([message, field]) => new LogError("FIELD_INVALID", message, { field }));
const outcome: fc.Arbitrary<readonly CheckedEntry[] | LogError> = fc.oneof(
  fc.array(entry, { minLength: 1, maxLength: 3 }),
  envelope,
  refusal,
);

test("submissions come out of a group as they went in", () => {
  fc.assert(
    fc.property(fc.array(fc.record({ untrusted: bytes, door })), (submissions) => {
      expect(unpackGroup(packGroup(submissions))).toEqual(submissions);
    }),
  );
});

test("outcomes come out as they went in, refusals with code, message and detail", () => {
  fc.assert(
    fc.property(fc.array(outcome, { maxLength: 10 }), (all) => {
      const packed = packOutcomes(
        all.map(
          (one): PlainOutcome =>
            one instanceof LogError ? { error: plainError(one) } : { entries: one },
        ),
      );
      const unpacked = unpackOutcomes(packed);
      expect(unpacked.length).toBe(all.length);
      for (const [i, one] of all.entries()) {
        const out = unpacked[i];
        if (out === undefined) throw new Error("an outcome is missing");
        if (one instanceof LogError) {
          const error = "error" in out ? out.error : undefined;
          expect(error).toBeInstanceOf(LogError);
          expect(error).toMatchObject({ code: one.code, message: one.message, detail: one.detail });
        } else expect("entries" in out ? out.entries : undefined).toEqual(one);
      }
    }),
  );
});

test("one content of several entries crosses once, and is one object again", () => {
  fc.assert(
    fc.property(envelope, (entries) => {
      const packed = packOutcomes([{ entries }]);
      const [out] = unpackOutcomes(packed);
      const contents =
        out !== undefined && "entries" in out ? out.entries.map((one) => one.content) : [];
      expect(new Set(contents).size).toBe(1);
      const rest = entries.reduce(
        (sum, one) => sum + one.leaf.length + (one.key?.bytes.length ?? 0),
        0,
      );
      expect(packed.data.length).toBe(rest + (entries[0]?.content.length ?? 0));
    }),
  );
});
