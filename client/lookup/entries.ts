/**
 * The entries of a look-up bundle as receipts: who signed them, and whether they still stand.
 *
 * A bundle proves that an entry is in the log and under its keys. That its signature is good is
 * another question, and an index never asks it (index verifiers check none). So each entry goes
 * through the same check as any receipt; one that fails is shown with its reason, and counts for
 * nothing.
 *
 * Spec: docs/formats.md §Index.
 *
 * @module
 */
import { equal, fromUtf8, toHex } from "../../schema/bytes.ts";
import { leafSignerId } from "../../schema/entry/check.ts";
import { leafContentDigest, parseLeaf } from "../../schema/entry/leaf.ts";
import { LogError } from "../../schema/error.ts";
import { supersededKey } from "../../schema/index/contradiction.ts";
import type { LookupEntry, LookupKey } from "../../schema/index/lookup.ts";
import { formatReceipt, type LogEntry } from "../../schema/receipt.ts";
import type { Hash } from "../../schema/tlog/hash.ts";
import { keyHash } from "../../schema/tlog/note.ts";
import type { Crypto } from "../crypto/crypto.ts";
import type { Head } from "../head.ts";
import { personOf } from "../trust.ts";
import { checkReceipt, type ReceiptFile, type VerifyPorts } from "../verify/receipt.ts";
import type { CheckedReceipt, ReceiptRefusal } from "../verify/verdict.ts";
import type { Gone, ShownGone } from "./gone.ts";
import type { Found, LookupYes } from "./verdict.ts";

/** One entry of an answer. */
export interface LookedUp {
  readonly index: number;
  /** Absent where the leaf is of no kind that this program knows. */
  readonly signerId?: Hash;
  readonly person?: string;
  readonly contentDigest?: Hash;
  /** Everything about it, where its content is there and its signature good. */
  readonly receipt?: CheckedReceipt;
  /** Else why not; `CONTENT_MISSING` for what nobody can read. */
  readonly refusal?: ReceiptRefusal;
  /** Why nobody can read it: by what the log says, or what the answer shows by itself. */
  readonly gone?: Gone | ShownGone;
  /** Entries of its signer that withdraw or replace it; absent where that was not asked. */
  readonly supersededBy?: readonly number[];
}

/** An entry as a receipt file, which stands by itself under the head that was indexed. */
export function entryReceipt(crypto: Crypto, main: Head, entry: LookupEntry): ReceiptFile {
  const { content, key } = entry;
  const bytes = formatReceipt({
    entry: logEntryOf(crypto, main, entry),
    ...(content === undefined ? {} : { content }),
    ...(key === undefined ? {} : { key }),
  });
  return { name: `entry ${entry.index} of ${main.log.origin}`, bytes };
}

/** An entry with its place under the head that was indexed. */
export function logEntryOf(
  crypto: Crypto,
  main: Head,
  { index, leaf: leafBytes, hashes }: LookupEntry,
): LogEntry {
  const checkpoint = fromUtf8(main.note);
  const [vkey] = main.signedBy;
  if (checkpoint === undefined || vkey === undefined)
    throw new LogError("INTERNAL", "a head that was opened has a signature");
  const { size, root } = main.tree;
  const logId = keyHash(crypto.sha256, vkey.name, vkey.type, vkey.publicKey);
  return { index, size, root, hashes, checkpoint, leafBytes, logId };
}

/** Every entry that a bundle brings, in log order. */
export async function readEntries(ports: VerifyPorts, answer: LookupYes): Promise<LookedUp[]> {
  const entries: LookedUp[] = [];
  for (const entry of answer.entries) {
    const one = await lookUpEntry(ports, answer.main, entry);
    const { signerId, contentDigest } = one;
    const by =
      signerId === undefined || contentDigest === undefined
        ? undefined
        : foundOf(answer, supersededKey({ signer: signerId, content: contentDigest }));
    entries.push(by === undefined ? one : { ...one, supersededBy: indexesOf(by) });
  }
  return entries.toSorted((a, b) => a.index - b.index);
}

/** An entry under a head, checked as a receipt; whether it still stands is not asked. */
export async function lookUpEntry(
  ports: VerifyPorts,
  main: Head,
  entry: LookupEntry,
): Promise<LookedUp> {
  const { sha256 } = ports.crypto;
  const checked = await checkReceipt(ports, entryReceipt(ports.crypto, main, entry));
  const leaf = parseLeaf(entry.leaf);
  const signer = leaf.ok ? leafSignerId(sha256, leaf.value, entry.key) : leaf;
  const known = checked.ok ? { receipt: checked.receipt } : { refusal: checked.refusal };
  if (!leaf.ok || !signer.ok) return { index: entry.index, ...known };
  const person = personOf(ports.trust, signer.value)?.name;
  return {
    index: entry.index,
    signerId: signer.value,
    ...(person === undefined ? {} : { person }),
    contentDigest: leafContentDigest(leaf.value),
    ...known,
  };
}

/** What a bundle proves of a key; `undefined` where it was not asked. */
export function foundOf(answer: LookupYes, { type, fields }: LookupKey): Found | undefined {
  return answer.found.find(
    ({ key }) =>
      key.type === type && fields.every((field, i) => sameField(field, key.fields[i] ?? "")),
  );
}

function sameField(a: string | Uint8Array, b: string | Uint8Array): boolean {
  if (typeof a === "string" || typeof b === "string") return a === b;
  return equal(a, b);
}

/** Indexes under a key, as far as they are known: a summary has the newest one. */
export function indexesOf(found: Found): readonly number[] {
  if (found.kind === "absent") return [];
  return found.list?.map(({ index }) => index) ?? [found.summary.last];
}

/**
 * What has to be asked besides, to know whether these entries still stand and what else their
 * signers signed that nobody can read.
 */
export function furtherKeys(
  entries: readonly LookedUp[],
  asked: readonly LookupKey[],
): LookupKey[] {
  const names = new Set(asked.map(nameOf));
  const further: LookupKey[] = [];
  for (const { signerId, contentDigest } of entries) {
    if (signerId === undefined || contentDigest === undefined) continue;
    const keys: LookupKey[] = [
      { type: "opaque-by", fields: [signerId] },
      supersededKey({ signer: signerId, content: contentDigest }),
    ];
    for (const key of keys) {
      if (names.has(nameOf(key))) continue;
      names.add(nameOf(key));
      further.push(key);
    }
  }
  return further;
}

/** One text for one key. */
export function nameOf({ type, fields }: LookupKey): string {
  return JSON.stringify([
    type,
    ...fields.map((field) => (typeof field === "string" ? field : { hex: toHex(field) })),
  ]);
}
