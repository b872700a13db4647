import { describe, expect, test } from "vitest";
import { toHex, utf8 } from "../../../schema/bytes.ts";
import { countPostings } from "../../../schema/entry/postings.ts";
import { prepareSubmission } from "../../../schema/entry/prepare.ts";
import type { Submission } from "../../../schema/http/messages.ts";
import { MAX_POSTINGS } from "../../../schema/limits.ts";
import * as made from "../../vectors/signers.ts";
import * as say from "../../vectors/statements.ts";
import { sha256 } from "../support.ts";
import { ENTRIES, entryOf, only, refusalOf } from "./support.ts";

const ada = made.ed25519Signer("ada");
const digestOf = (i: number): string => toHex(sha256(utf8(`file ${i}`)));
const times = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));

const inToto = (statement: say.StatementParts): Submission =>
  made.dsseSubmission("application/vnd.in-toto+json", say.payload(statement), ada);

const GROWING: readonly (readonly [string, (count: number) => Submission])[] = [
  [
    "subjects",
    (count) =>
      inToto({
        ...say.unknownStatement(),
        subject: times(count, (i) => ({ name: `f${i}`, digest: { sha256: digestOf(i) } })),
      }),
  ],
  [
    "digests of one subject",
    (count) =>
      inToto({
        ...say.unknownStatement(),
        subject: [{ digest: Object.fromEntries(times(count, (i) => [`own-${i}`, "x"])) }],
      }),
  ],
  [
    "outputs",
    (count) => {
      const output = times(count, (i) => ({ name: `f${i}`, digest: { sha256: digestOf(i) } }));
      return inToto({ ...say.build({ output }), subject: output });
    },
  ],
  [
    "lines of a checksum file",
    (count) =>
      made.rawSubmission(utf8(times(count, (i) => `${digestOf(i)}  f${i}\n`).join("")), ada),
  ],
  [
    "refs of a push certificate",
    (count) =>
      made.gitSubmission(
        made.gitTrailing(
          made.sshSigner("bob"),
          say.UNSIGNED_PUSH +
            times(count - 1, (i) => `${say.PARENT} ${say.COMMIT} refs/heads/b${i}\n`).join(""),
        ),
      ),
  ],
];

describe.each(GROWING)("%s", (_, make) => {
  test("are counted, and refused above 1,000 postings, naming the limit", () => {
    const one = countPostings(only(make(1)).reading);
    const each = countPostings(only(make(2)).reading) - one;
    expect(each).toBeGreaterThan(0);
    const most = Math.floor((MAX_POSTINGS - one) / each) + 1;
    expect(countPostings(only(make(most)).reading)).toBeLessThanOrEqual(MAX_POSTINGS);
    const failure = refusalOf(prepareSubmission(sha256, make(most + 1)));
    expect(failure).toMatchObject({
      code: "TOO_LARGE",
      detail: { field: "content", limit: MAX_POSTINGS },
    });
    expect(failure.message).toContain("1000");
  });
});

test.each(ENTRIES)("%s has its four postings and few more", (_, { reading }) => {
  expect(countPostings(reading)).toBeGreaterThanOrEqual(4);
  expect(countPostings(reading)).toBeLessThanOrEqual(24);
});

test("bytes that are not read have the four postings of every entry", () => {
  for (const name of ["raw-ed25519-empty", "sshsig-file-fido", "dsse-ml-dsa-44", "log-genesis"])
    expect(countPostings(entryOf(name).reading)).toBe(4);
});
