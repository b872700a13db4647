/** What a client does with an entry that a log gives: everything against the vkey it knew before. */
import { expect } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { openNote } from "../../../client/note.ts";
import { utf8 } from "../../../schema/bytes.ts";
import { unwrap } from "../../../schema/error.ts";
import type { LogEntry } from "../../../schema/receipt.ts";
import { parseCheckpoint } from "../../../schema/tlog/checkpoint.ts";
import { leafHash } from "../../../schema/tlog/hash.ts";
import { parseVkey } from "../../../schema/tlog/note.ts";
import { verifyInclusion } from "../../../schema/tlog/proof.ts";
import type { TestLog } from "./harness.ts";

const { sha256 } = nodeCrypto;

export async function expectLogged(log: TestLog, entry: LogEntry): Promise<void> {
  const vkey = unwrap(parseVkey(sha256, log.vkey));
  const { note } = unwrap(await openNote(nodeCrypto, utf8(entry.checkpoint), [vkey]));
  const head = unwrap(parseCheckpoint(note.text));
  expect(head.size).toBe(entry.size);
  const hash = leafHash(sha256, entry.leafBytes);
  expect(verifyInclusion(sha256, head, entry.index, hash, entry.hashes)).toBe(true);
}
