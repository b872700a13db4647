import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concat, utf8 } from "../../../schema/bytes.ts";
import { pae } from "../../../schema/entry/dsse.ts";
import {
  isPaeReading,
  MEDIA_TYPES,
  type ReadingContext,
  readContent,
} from "../../../schema/entry/reading.ts";
import { unwrap } from "../../../schema/error.ts";
import * as say from "../../vectors/statements.ts";
import { sha256 } from "../support.ts";
import { reason } from "./support.ts";

const KEY: ReadingContext = { signedBy: "key" };
const ssh = (namespace: string): ReadingContext => ({ signedBy: "sshsig", namespace });
const IN_TOTO = "application/vnd.in-toto+json";
const statement = pae(IN_TOTO, say.payload(say.review()));

const CONTENTS = {
  statement,
  "an older statement": pae(
    IN_TOTO,
    say.payload({ ...say.unknownStatement(), _type: "https://in-toto.io/Statement/v0.1" }),
  ),
  "another payload type": pae("text/plain", utf8("hello")),
  commit: utf8(say.UNSIGNED_COMMIT),
  tag: utf8(say.UNSIGNED_TAG),
  "push certificate": utf8(say.UNSIGNED_PUSH),
  "checksum file": say.CHECKSUMS,
  "simple signing": say.SIMPLE_SIGNING,
  "any bytes": utf8("any bytes"),
  "no bytes": new Uint8Array(0),
  "a PAE and a byte more": concat(statement, utf8("\n")),
  "a commit without an author": utf8(say.UNSIGNED_COMMIT.replace(/author.*\n/, "")),
  "a statement without its PAE": say.payload(say.review()),
} as const;

type Name = keyof typeof CONTENTS;

const BY_BYTES: Readonly<Record<Name, readonly [string, string]>> = {
  statement: ["statement", IN_TOTO],
  "an older statement": ["pae", IN_TOTO],
  "another payload type": ["pae", "text/plain"],
  commit: ["git-commit", MEDIA_TYPES.commit],
  tag: ["git-tag", MEDIA_TYPES.tag],
  "push certificate": ["push-certificate", MEDIA_TYPES["push-certificate"]],
  "checksum file": ["checksum-file", MEDIA_TYPES.checksums],
  "simple signing": ["simple-signing", MEDIA_TYPES.simpleSigning],
  "any bytes": ["opaque", MEDIA_TYPES.opaque],
  "no bytes": ["opaque", MEDIA_TYPES.opaque],
  "a PAE and a byte more": ["opaque", MEDIA_TYPES.opaque],
  "a commit without an author": ["opaque", MEDIA_TYPES.opaque],
  "a statement without its PAE": ["opaque", MEDIA_TYPES.opaque],
};

const NAMES = Object.keys(CONTENTS).filter((name): name is Name => name in BY_BYTES);

describe.each(NAMES)("%s", (name) => {
  test("is read by its bytes where a key or the namespace file signed it", () => {
    for (const context of [KEY, ssh("file")]) {
      const reading = unwrap(readContent(sha256, context, CONTENTS[name]));
      expect([reading.kind, reading.mediaType]).toEqual(BY_BYTES[name]);
    }
  });

  test("is read in the namespace git only as a git object", () => {
    const reading = readContent(sha256, ssh("git"), CONTENTS[name]);
    const isGit = ["commit", "tag", "push certificate"].includes(name);
    expect(reading.ok).toBe(isGit);
    if (reading.ok) expect([reading.value.kind, reading.value.mediaType]).toEqual(BY_BYTES[name]);
  });

  test("is read in the namespace dsse@countersign only as a PAE", () => {
    const reading = readContent(sha256, ssh("dsse@countersign"), CONTENTS[name]);
    const [kind] = BY_BYTES[name];
    expect(reading.ok).toBe(kind === "statement" || kind === "pae");
    if (reading.ok) expect(isPaeReading(reading.value)).toBe(true);
  });

  test("is refused in any other namespace", () => {
    for (const namespace of ["", "email", "File", "git ", "dsse@example"])
      expect(reason(readContent(sha256, ssh(namespace), CONTENTS[name]))).toEqual([
        "KIND_UNSUPPORTED",
        "namespace",
      ]);
  });
});

test("an in-toto payload that is no Statement is refused wherever a PAE is read", () => {
  for (const payload of ["", "{", "[]", "{}", '{"_type":1}', '{"_type":"x"}', '"\\ud800"'])
    for (const context of [KEY, ssh("file"), ssh("dsse@countersign")]) {
      const [code] = reason(readContent(sha256, context, pae(IN_TOTO, utf8(payload))));
      expect(["JSON_MALFORMED", "STATEMENT_INVALID"]).toContain(code);
    }
});

test("a payload type is 1 to 255 printable ASCII characters", () => {
  for (const type of ["a", "application/json; charset=utf-8", "x".repeat(255)])
    expect(unwrap(readContent(sha256, KEY, pae(type, utf8("{}")))).mediaType).toBe(type);
  for (const type of ["", " a", "a ", "a\nb", "é", "x".repeat(256), "a\u007f"])
    expect(reason(readContent(sha256, KEY, pae(type, utf8("{}"))))).toEqual([
      "FIELD_INVALID",
      "payloadType",
    ]);
});

test("reading any bytes never throws", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc
      .tuple(fc.constantFrom(...NAMES), fc.nat(), fc.uint8Array({ maxLength: 4 }))
      .map(([name, at, insert]) => {
        const content = CONTENTS[name];
        const start = at % (content.length + 1);
        return concat(content.slice(0, start), insert, content.slice(start + 1));
      }),
  );
  const context = fc.constantFrom(KEY, ssh("git"), ssh("file"), ssh("dsse@countersign"));
  fc.assert(
    fc.property(context, bytes, (where, content) => {
      const reading = readContent(sha256, where, content);
      if (reading.ok) expect(reading.value.mediaType).not.toBe("");
    }),
    { numRuns: 2000 },
  );
});
