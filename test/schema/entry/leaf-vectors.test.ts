import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { verifyEntrySignature } from "../../../client/signature/registry.ts";
import { fromBase64, toHex, utf8 } from "../../../schema/bytes.ts";
import { checkLeaf } from "../../../schema/entry/check.ts";
import { encodeLeaf, parseLeaf } from "../../../schema/entry/leaf.ts";
import { prepareSubmission } from "../../../schema/entry/prepare.ts";
import { unwrap } from "../../../schema/error.ts";
import type { Submission } from "../../../schema/http/messages.ts";
import { parseSubmission } from "../../../schema/http/submission.ts";
import { leafHash } from "../../../schema/tlog/hash.ts";
import { vectorJson } from "../../data.ts";
import refusals from "../../vectors/leaf/refusals.json" with { type: "json" };
import { files } from "../../vectors/make-leaf.ts";
import { sha256 } from "../support.ts";
import { ENTRIES, reason, SUBMISSIONS } from "./support.ts";

const path = (file: string): URL => new URL(`../../vectors/${file}`, import.meta.url);

interface Vector {
  readonly submission: Submission;
  readonly entries: readonly {
    readonly leaf: string;
    readonly leafHash: string;
    readonly contentDigest: string;
    readonly content: string;
    readonly signerId: string;
    readonly mediaType: string;
    readonly keyObject?: string;
  }[];
}

test.each([...files()])("%s is what its generator makes", (file, text) => {
  expect(readFileSync(path(file), "utf8")).toBe(text);
});

describe.each(SUBMISSIONS.map(([name]) => name))("%s", (name) => {
  const vector = vectorJson<Vector>(`leaf/${name}.json`);

  test("its submission gives its leaves", () => {
    const submission = unwrap(parseSubmission(utf8(JSON.stringify(vector.submission))));
    const entries = unwrap(prepareSubmission(sha256, submission));
    expect(entries.map(({ leafBytes }) => new TextDecoder().decode(leafBytes))).toEqual(
      vector.entries.map(({ leaf }) => leaf),
    );
    expect(entries.map((entry) => toHex(entry.leafHash))).toEqual(
      vector.entries.map((entry) => entry.leafHash),
    );
  });

  test("its leaves and contents pass the check of a client, and their signatures verify", async () => {
    for (const entry of vector.entries) {
      const leaf = unwrap(parseLeaf(utf8(entry.leaf)));
      const content = fromBase64(entry.content) ?? new Uint8Array();
      const key = entry.keyObject === undefined ? undefined : fromBase64(entry.keyObject);
      const checked = unwrap(checkLeaf(sha256, leaf, content, key));
      expect(toHex(checked.signerId)).toBe(entry.signerId);
      expect(toHex(checked.contentDigest)).toBe(entry.contentDigest);
      expect(checked.reading?.mediaType).toBe(entry.mediaType);
      expect(toHex(leafHash(sha256, encodeLeaf(leaf)))).toBe(entry.leafHash);
      expect(await verifyEntrySignature(nodeCrypto, leaf, content, key)).toMatchObject({
        ok: true,
      });
    }
  });
});

test("every kind of leaf, format and reading has a vector", () => {
  const formats = ENTRIES.map(([, { leaf }]) =>
    leaf.kind === "countersign" ? leaf.signature.format : leaf.kind,
  );
  expect([...new Set(formats)].sort()).toEqual(["dsse", "hashedrekord", "raw", "sshsig"]);
  const readings = ENTRIES.map(([, { reading }]) => reading.kind);
  expect([...new Set(readings)].sort()).toEqual([
    "checksum-file",
    "git-commit",
    "git-tag",
    "log-statement",
    "opaque",
    "pae",
    "push-certificate",
    "simple-signing",
    "statement",
  ]);
});

describe("a refused submission", () => {
  test.each(refusals.map((refusal) => [refusal.why, refusal] as const))("%s", (_, refusal) => {
    const submission = unwrap(parseSubmission(utf8(JSON.stringify(refusal.submission))));
    const [code, field] = reason(prepareSubmission(sha256, submission));
    expect([code, field ?? null]).toEqual([refusal.code, refusal.field]);
  });
});
