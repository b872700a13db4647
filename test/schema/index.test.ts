import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import * as schema from "../../schema/index.ts";
import { vector } from "../data.ts";

test("a receipt is checked with this room and a SHA-256, and nothing else", () => {
  const sha256: schema.Sha256 = (data) => {
    const hash = schema.asHash(new Uint8Array(createHash("sha256").update(data).digest()));
    if (hash === undefined) throw new Error("SHA-256 has 32 bytes");
    return hash;
  };
  const file = vector("leaf/sshsig-git-commit.receipt.json");
  const { entry, content } = schema.unwrap(schema.parseReceipt(file));
  const leaf = schema.unwrap(schema.parseLeaf(entry.leafBytes));
  const checked = schema.unwrap(schema.checkLeaf(sha256, leaf, content));
  expect(checked.reading?.kind).toBe("git-commit");
  const note = schema.unwrap(schema.parseNote(new TextEncoder().encode(entry.checkpoint)));
  const head = schema.unwrap(schema.parseCheckpoint(note.text));
  const hash = schema.leafHash(sha256, entry.leafBytes);
  expect(schema.verifyInclusion(sha256, head, entry.index, hash, entry.hashes)).toBe(true);
});

test("the limits have their names and the paths are there", () => {
  expect(schema.limits.MAX_LEAF_BYTES).toBe(65_535);
  expect(schema.paths.ENTRIES_PATH).toBe("/v1/entries");
});
