import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { gitHashOf } from "../../../client/git/hash.ts";
import { concat, fromHex, toHex, utf8 } from "../../../schema/bytes.ts";
import { pae } from "../../../schema/entry/dsse.ts";
import { countPostings } from "../../../schema/entry/postings.ts";
import { type PreparedEntry, prepareSubmission } from "../../../schema/entry/prepare.ts";
import { unwrap } from "../../../schema/error.ts";
import { canonicalPurl, canonicalRepository } from "../../../schema/index/canonical.ts";
import { claimValue, type KeyField, type KeyType, mapKey } from "../../../schema/index/map-key.ts";
import { MAPFN_V1, mapfn } from "../../../schema/index/mapfn.ts";
import type { Posting } from "../../../schema/index/posting.ts";
import type { JsonObject } from "../../../schema/json.ts";
import { asHash, type Hash } from "../../../schema/tlog/hash.ts";
import { files, PURLS, REPOSITORIES } from "../../vectors/make-index.ts";
import { SUBMISSIONS, vectorLog } from "../../vectors/make-leaf.ts";
import * as made from "../../vectors/signers.ts";
import * as say from "../../vectors/statements.ts";
import { sha256 } from "../tlog/support.ts";

const hashes = { sha256, git: gitHashOf(nodeCrypto) };
const log = { origin: vectorLog.origin, vkeys: [vectorLog.vkey] };
const IN_TOTO = "application/vnd.in-toto+json";
const ada = made.ed25519Signer("ada");

const entriesOf = (submission: Parameters<typeof prepareSubmission>[1]): readonly PreparedEntry[] =>
  unwrap(prepareSubmission(sha256, submission));
const postingsOf = ({ leafBytes, content }: PreparedEntry): readonly Posting[] =>
  mapfn(hashes, log, leafBytes, content);
function entryOf(statement: say.StatementParts): PreparedEntry {
  const [entry] = entriesOf(made.dsseSubmission(IN_TOTO, say.payload(statement), ada));
  return entry ?? expect.fail("no entry");
}
/** What an entry claims under a key: `undefined` where it does not post it, `null` for no claim. */
function claimOf(
  postings: readonly Posting[],
  type: KeyType,
  ...fields: readonly KeyField[]
): string | null | undefined {
  const key = toHex(mapKey(sha256, log.origin, type, fields));
  const posting = postings.find((one) => toHex(one.key) === key);
  return posting === undefined
    ? undefined
    : posting.claim === undefined
      ? null
      : toHex(posting.claim);
}
const value = (...values: readonly KeyField[]): string => toHex(claimValue(sha256, values));
const bytes = (hex: string): Uint8Array => fromHex(hex) ?? expect.fail("not hex");

describe("mapfn, version 1", () => {
  test("is named by its document and an empty CA list", () => {
    const document = readFileSync(new URL("../../../docs/mapfn-v1.md", import.meta.url));
    expect(toHex(MAPFN_V1)).toBe(toHex(sha256(concat(document, new Uint8Array(2)))));
  });

  test("gives the golden postings", () => {
    for (const [path, text] of files())
      expect(readFileSync(new URL(`../../vectors/${path}`, import.meta.url), "utf8")).toBe(text);
  });

  test("posts four keys for every entry, and never more than admission counted", () => {
    for (const [, , submission] of SUBMISSIONS)
      for (const entry of entriesOf(submission)) {
        const postings = postingsOf(entry);
        const { signerId, contentDigest, leafHash } = entry;
        expect(claimOf(postings, "leaf", leafHash)).toBeNull();
        expect(claimOf(postings, "statement", signerId, contentDigest)).toBeNull();
        expect(claimOf(postings, "signer", signerId)).toBeNull();
        expect(claimOf(postings, "artifact", contentDigest)).toBeNull();
        expect(claimOf(postings, "opaque")).toBeUndefined();
        expect(postings.length).toBeLessThanOrEqual(countPostings(entry.reading));
        const keys = postings.map(({ key }) => toHex(key));
        expect(keys).toEqual([...new Set(keys)].toSorted());
      }
  });

  test("X2 lets an entry whose content was not held claim nothing", () => {
    for (const [, , submission] of SUBMISSIONS)
      for (const { leafBytes, signerId } of entriesOf(submission)) {
        const postings = mapfn(hashes, log, leafBytes, undefined);
        expect(postings).toHaveLength(6);
        expect(postings.every(({ claim }) => claim === undefined)).toBe(true);
        expect(claimOf(postings, "opaque")).toBeNull();
        expect(claimOf(postings, "opaque-by", signerId)).toBeNull();
      }
  });

  test("answers for any bytes at all, and alike each time", () => {
    const [real] = entriesOf(made.rawSubmission(say.CHECKSUMS, ada));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 400 }),
          fc.constant(real?.leafBytes ?? new Uint8Array()),
        ),
        fc.option(fc.uint8Array({ maxLength: 400 }), { nil: undefined }),
        (leaf, content) => {
          const postings = mapfn(hashes, log, leaf, content);
          expect(postings.length).toBeGreaterThan(0);
          expect(mapfn(hashes, log, leaf, content)).toEqual(postings);
        },
      ),
    );
  });

  test("answers for in-toto payloads of any JSON", () => {
    const { leafBytes } = entryOf(say.review());
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), (text) => {
        const content = pae(IN_TOTO, utf8(text));
        expect(mapfn(hashes, log, leafBytes, content).length).toBeGreaterThanOrEqual(4);
      }),
    );
  });
});

describe("a statement", () => {
  const repository = canonicalRepository("https://example.org/project.git");

  test("that reviews a commit claims its verdict in its signer's slot", () => {
    const entry = entryOf(say.review());
    const known = entry.reading.kind === "statement" ? entry.reading.statement.known : undefined;
    if (known?.kind !== "commit-review") expect.fail("not a review");
    const { repo, targetRef, base, head, verdict } = known.value;
    const where = canonicalRepository(repo.uri);
    const slot = [entry.signerId, where, targetRef, bytes(base.gitCommit), bytes(head.gitTree)];
    const postings = postingsOf(entry);
    expect(claimOf(postings, "verdict-by", ...slot)).toBe(value(verdict));
    expect(claimOf(postings, "repo", where)).toBeNull();
    expect(claimOf(postings, "ref", where, targetRef)).toBeNull();
    expect(claimOf(postings, "subject", "gitCommit", bytes(head.gitCommit))).toBeNull();
    expect(
      claimOf(postings, "subject-by", entry.signerId, "gitTree", bytes(head.gitTree)),
    ).toBeNull();
  });

  test("that withdraws posts the slot without a value, and what it supersedes", () => {
    const earlier = toHex(sha256(utf8("earlier")));
    const entry = entryOf(
      say.review({ verdict: "withdraw", supersedes: earlier, seq: 4, prev: earlier }),
    );
    const known = entry.reading.kind === "statement" ? entry.reading.statement.known : undefined;
    if (known?.kind !== "commit-review") expect.fail("not a review");
    const { repo, targetRef, base, head } = known.value;
    const slot = [
      canonicalRepository(repo.uri),
      targetRef,
      bytes(base.gitCommit),
      bytes(head.gitTree),
    ];
    const postings = postingsOf(entry);
    expect(claimOf(postings, "verdict-by", entry.signerId, ...slot)).toBeNull();
    expect(claimOf(postings, "superseded", entry.signerId, bytes(earlier))).toBeNull();
    expect(claimOf(postings, "signer-seq", entry.signerId, "4")).toBe(value(entry.contentDigest));
  });

  test("that is meant for another log claims nothing in this one", () => {
    const mine = entryOf(say.review({ log: vectorLog.vkey }));
    expect(postingsOf(mine).length).toBeGreaterThan(4);
    const elsewhere = { origin: log.origin, vkeys: ["another"] };
    expect(mapfn(hashes, elsewhere, mine.leafBytes, mine.content)).toHaveLength(4);
  });

  test("that names one output twice claims a set, and not two values", () => {
    const both = [
      { name: "tool.tar", digest: { sha256: say.FILE_SHA256 } },
      { name: "tool.tar", digest: { sha256: say.OTHER_SHA256 } },
    ];
    const entry = entryOf({ ...say.build({ output: both }), subject: both });
    const known = entry.reading.kind === "statement" ? entry.reading.statement.known : undefined;
    if (known?.kind !== "build-result") expect.fail("not a build");
    const { inputsDigest, system } = known.value;
    const slot = ["sha256", bytes(inputsDigest), system, "tool.tar"];
    const set = value(bytes(say.OTHER_SHA256), bytes(say.FILE_SHA256));
    const postings = postingsOf(entry);
    expect(claimOf(postings, "output", ...slot)).toBe(set);
    expect(claimOf(postings, "output-by", entry.signerId, ...slot)).toBe(set);
  });

  test("of SLSA has the same inputs however its dependencies are ordered", () => {
    const definition = (order: (list: JsonObject[]) => JsonObject[]): JsonObject => ({
      buildType: "https://example.org/build",
      externalParameters: { b: 1, a: 2 },
      resolvedDependencies: order([{ uri: "a" }, { uri: "b", digest: { sha256: "00" } }]),
    });
    const outputs = [(list: JsonObject[]) => list, (list: JsonObject[]) => list.toReversed()].map(
      (order) => {
        const entry = entryOf(say.provenance({ buildDefinition: definition(order) }));
        return postingsOf(entry)
          .filter(({ claim }) => claim !== undefined)
          .map(({ key }) => toHex(key));
      },
    );
    expect(outputs[0]?.length).toBeGreaterThan(1);
    expect(outputs[0]).toEqual(outputs[1]);
  });

  test("with a field too long for a key leaves that posting out", () => {
    const long = "x".repeat(30_000);
    const entry = entryOf({
      ...say.unknownStatement(),
      subject: [{ name: "a", digest: { strange: long, sha256: say.FILE_SHA256 } }],
    });
    const postings = postingsOf(entry);
    expect(claimOf(postings, "subject", "sha256", bytes(say.FILE_SHA256))).toBeNull();
    expect(postings).toHaveLength(6);
  });

  test("about a repository is found under every spelling of it", () => {
    expect(repository).toBe("https://example.org/project");
    for (const uri of ["git+https://example.org/project@v1", "ssh://git@example.org/project/"])
      expect(canonicalRepository(uri)).toBe(repository);
  });
});

describe("a git object", () => {
  test("is found by its id in both hashes, and a collision would show", () => {
    const [entry] = entriesOf(
      made.gitSubmission(made.gitCommit(made.sshSigner("bob"), say.UNSIGNED_COMMIT)),
    );
    if (entry?.gitObject === undefined) expect.fail("no object");
    const object = entry.gitObject;
    const framed = concat(utf8(`commit ${object.length}\0`), object);
    const postings = postingsOf(entry);
    expect(claimOf(postings, "git-commit", nodeCrypto.sha1(framed))).toBeNull();
    expect(claimOf(postings, "git-commit", sha256(framed))).toBeNull();
    expect(claimOf(postings, "git-content", nodeCrypto.sha1(framed))).toBe(value(sha256(object)));
  });

  test("that is a push certificate names refs of the repository it was pushed to", () => {
    const [entry] = entriesOf(
      made.gitSubmission(made.gitTrailing(made.sshSigner("bob"), say.UNSIGNED_PUSH)),
    );
    if (entry?.reading.kind !== "push-certificate") expect.fail("no certificate");
    const { object } = entry.reading;
    if (object.type !== "push-certificate" || object.pushee === undefined) expect.fail("no pushee");
    const where = canonicalRepository(object.pushee);
    const postings = postingsOf(entry);
    for (const { ref, newId } of object.updates) {
      expect(claimOf(postings, "ref-by", entry.signerId, where, ref)).toBe(value(bytes(newId)));
      expect(claimOf(postings, "ref-value", where, ref)).toBe(value(bytes(newId)));
    }
  });
});

describe("canonical forms", () => {
  test("are fixed points, for any text", () => {
    const texts = fc.oneof(
      fc.string(),
      fc.constantFrom(...REPOSITORIES, ...PURLS),
      fc.webUrl({ withQueryParameters: true, withFragments: true }),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const repository = canonicalRepository(text);
        expect(canonicalRepository(repository)).toBe(repository);
        const purl = canonicalPurl(text);
        expect(canonicalPurl(purl)).toBe(purl);
      }),
      { numRuns: 1_000 },
    );
  });
});

test("a key depends on origin, type, and every field by itself", () => {
  const base = mapKey(sha256, "o", "ref", ["ab", "c"]);
  const others: Hash[] = [
    mapKey(sha256, "p", "ref", ["ab", "c"]),
    mapKey(sha256, "o", "ref-value", ["ab", "c"]),
    mapKey(sha256, "o", "ref", ["a", "bc"]),
    mapKey(sha256, "o", "ref", ["ab", ""]),
  ];
  for (const other of others) expect(toHex(other)).not.toBe(toHex(base));
  expect(asHash(base)).toBeDefined();
  expect(() => mapKey(sha256, "o", "ref", ["ab"])).toThrow("2 fields");
  expect(() => claimValue(sha256, [])).toThrow("at least one");
});
