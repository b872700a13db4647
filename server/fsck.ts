/**
 * The whole store, derived anew and compared with what is stored.
 *
 * Leaves are hashed; from the hashes the tree grows; every tile, dedup row, content digest, key
 * object and the head must be what comes out. What is wrong is named exactly: where leaf and tile
 * contradict each other, the dedup row is the third witness, and the root decides whether the
 * verdicts are right.
 *
 * It reads one snapshot in constant memory, 256 entries at a time, and may run beside the server.
 * `repairable` findings are in derived data: `repairDerived` writes that anew.
 *
 * @module
 */
import type { Crypto } from "../client/crypto/crypto.ts";
import { openNote } from "../client/note.ts";
import { equal, toHex } from "../schema/bytes.ts";
import { leafContentDigest, parseLeaf } from "../schema/entry/leaf.ts";
import { LogError, type Result, success, unwrap } from "../schema/error.ts";
import type { Hash } from "../schema/tlog/hash.ts";
import { parseVkey } from "../schema/tlog/note.ts";
import { EntryCheck } from "./fsck-entries.ts";
import { ErasureCheck } from "./fsck-erased.ts";
import { states } from "./sequencer/commit.ts";
import type { Counts, StoreAudit } from "./storage/sqlite/audit.ts";
import type { StoredHead } from "./storage/storage.ts";

/** What a leaf says must be stored beside it. */
export interface LeafFacts {
  readonly contentDigest: Hash;
  /** Digest of a key object. */
  readonly keyDigest?: Hash;
  /** Whether the content may have been left out, for ever. */
  readonly mayBeOpaque: boolean;
}

export interface FsckPorts {
  readonly audit: StoreAudit;
  readonly crypto: Crypto;
  /** Verifier keys of the log; without them the checkpoint's signature is not checked. */
  readonly vkeys?: readonly string[];
  /** Reads a leaf; for the tests of this file, which have simpler leaves. */
  readonly factsOf?: (leaf: Uint8Array) => Result<LeafFacts>;
  readonly progress?: (done: number, total: number) => void;
}

export interface Finding {
  /** `entry 17`, `tile 0/3`, `leaf_hash of entry 17`, `content 5`, `key object …`, `head`, … */
  readonly place: string;
  readonly message: string;
  /** In derived data, which can be written anew out of the leaves. */
  readonly repairable: boolean;
}

export interface FsckReport {
  readonly size: number;
  /** Hex; empty where the head could not be read. */
  readonly root: string;
  readonly counts: Counts;
  /** Contents that were erased. */
  readonly erased: number;
  /** At most {@link MAX_FINDINGS}. */
  readonly findings: readonly Finding[];
  /** There were more. */
  readonly truncated: boolean;
}

const MAX_FINDINGS = 1_000;

/** Collects findings, a bounded number of them. */
export class Findings {
  readonly list: Finding[] = [];
  truncated = false;

  add(place: string, message: string, repairable = false): void {
    if (this.list.length < MAX_FINDINGS) this.list.push({ place, message, repairable });
    else this.truncated = true;
  }
}

/** A damaged store is a report with findings. Throws only where nothing could be asked. */
export async function fsck(ports: FsckPorts): Promise<FsckReport> {
  const { audit } = ports;
  const findings = new Findings();
  const counts = guarded(findings, "log.db", () => audit.counts());
  for (const line of guarded(findings, "log.db", () => audit.structure()) ?? [])
    findings.add("log.db", `SQLite says: ${line}`);
  const meta = guarded(findings, "meta", () => audit.meta());
  const head = guarded(findings, "head", () => audit.head());
  const erasures = new ErasureCheck(ports, findings);
  if (head !== undefined) {
    guarded(findings, "log.db", () => {
      new EntryCheck(ports, head, ports.factsOf ?? factsOf, findings, erasures).run(counts);
    });
    if (meta !== undefined) await checkCheckpoint(ports, meta.origin, head, findings);
  }
  guarded(findings, "content", () => erasures.end(checkContents(ports, counts, findings)));
  guarded(findings, "key_object", () => checkKeys(ports, findings));
  return {
    size: head?.size ?? 0,
    root: head === undefined ? "" : toHex(head.root),
    counts: counts ?? NO_COUNTS,
    erased: erasures.count,
    findings: findings.list,
    truncated: findings.truncated,
  };
}

const NO_COUNTS: Counts = {
  leaf: 0,
  leaf_hash: 0,
  content: 0,
  content_digest: 0,
  key_object: 0,
  tile: 0,
};

/** Rows that SQLite itself cannot read become a finding. */
function guarded<T>(findings: Findings, place: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const known = error instanceof LogError ? error.detail.field : undefined;
    findings.add(known ?? place, error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

/** What a leaf of this log names. Fails where it is no leaf of a known kind. */
export function factsOf(bytes: Uint8Array): Result<LeafFacts> {
  const leaf = parseLeaf(bytes);
  if (!leaf.ok) return leaf;
  const contentDigest = leafContentDigest(leaf.value);
  if (leaf.value.kind === "hashedrekord") return success({ contentDigest, mayBeOpaque: true });
  const { digest } = leaf.value.signature.key;
  const keyDigest = digest === undefined ? {} : { keyDigest: digest };
  return success({ contentDigest, mayBeOpaque: false, ...keyDigest });
}

async function checkCheckpoint(
  { crypto, vkeys }: FsckPorts,
  origin: string,
  head: StoredHead,
  findings: Findings,
): Promise<void> {
  if (head.size === 0) return;
  if (!states(head.checkpoint, origin, head))
    findings.add("head.checkpoint", "it does not state the head it stands beside");
  if (vkeys === undefined) return;
  const keys = vkeys.map((text) => unwrap(parseVkey(crypto.sha256, text)));
  const opened = await openNote(crypto, head.checkpoint, keys);
  if (!opened.ok) findings.add("head.checkpoint", opened.message);
}

/** Few at a time: a content may have a mebibyte. */
const CONTENTS_AT_ONCE = 16;

/** The ids of those that are gone. */
function checkContents(
  { audit, crypto }: FsckPorts,
  counts: Counts | undefined,
  findings: Findings,
): ReadonlySet<number> {
  const erased = new Set<number>();
  let after = 0;
  for (;;) {
    const rows = audit.contents(after, CONTENTS_AT_ONCE);
    for (const row of rows) {
      after = row.id;
      // An erased content is found by the digests of its leaves alone.
      if (row.bytes === null) erased.add(row.id);
      else if (audit.contentId(crypto.sha256(row.bytes)) !== row.id)
        findings.add(`content ${row.id}`, "its bytes are not what its digest says");
    }
    if (rows.length < CONTENTS_AT_ONCE) break;
  }
  if (counts !== undefined && counts.content !== counts.content_digest)
    findings.add("content_digest", `${counts.content_digest} rows for ${counts.content} contents`);
  return erased;
}

function checkKeys({ audit, crypto }: FsckPorts, findings: Findings): void {
  let after = 0;
  for (;;) {
    const rows = audit.keys(after, CONTENTS_AT_ONCE);
    for (const row of rows) {
      after = row.id;
      if (!equal(crypto.sha256(row.bytes), row.digest))
        findings.add(`key object ${toHex(row.digest)}`, "its bytes are not what its digest says");
    }
    if (rows.length < CONTENTS_AT_ONCE) break;
  }
}
