/**
 * An entry with its proof, as JSON text.
 *
 * - I8  Before an entry is answered its leaf hash is recomputed from the bytes that go out, and
 *       the sequencer verifies its inclusion proof against the root that goes out with it. A
 *       proof that does not hold never leaves the process; a duplicate passes the same lines.
 *
 * The text is put together by hand, in ASCII: every value in it is base64 or decimal but the
 * checkpoint, which is quoted once for each head.
 *
 * @module
 */
import { equal } from "../../schema/bytes.ts";
import { COUNTERSIGN_VERSION } from "../../schema/entry/countersign.ts";
import { HASHEDREKORD_VERSION } from "../../schema/entry/hashedrekord.ts";
import type { Leaf } from "../../schema/entry/leaf.ts";
import { LogError } from "../../schema/error.ts";
import type { JsonValue } from "../../schema/json.ts";
import { type Hash, leafHash, type Sha256 } from "../../schema/tlog/hash.ts";
import type { PublishedHead } from "../sequencer/ports.ts";
import type { LogPort } from "./ports.ts";

/** What is answered about one entry. */
export interface AnsweredEntry {
  readonly index: number;
  readonly leaf: Uint8Array;
  readonly leafHash: Hash;
  readonly kind: Leaf["kind"];
}

const KIND_VERSIONS: Record<Leaf["kind"], string> = {
  hashedrekord: JSON.stringify({ kind: "hashedrekord", version: HASHEDREKORD_VERSION }),
  countersign: JSON.stringify({ kind: "countersign", version: COUNTERSIGN_VERSION }),
};

/** The parts of an answer that are equal for all entries under one head. */
interface QuotedHead {
  readonly head: PublishedHead;
  readonly root: string;
  readonly checkpoint: string;
}

export class Answers {
  readonly #sha256: Sha256;
  readonly #log: LogPort;
  readonly #before: string;
  #head: QuotedHead | undefined;

  constructor(sha256: Sha256, log: LogPort, logId: Hash) {
    this.#sha256 = sha256;
    this.#log = log;
    this.#before = `,"logId":{"keyId":"${base64(logId)}"},"kindVersion":`;
  }

  /** A `TransparencyLogEntry` under `head`. @throws LogError STORE_CORRUPT where I8 forbids it */
  entry(entry: AnsweredEntry, head: PublishedHead): string {
    const { index, leaf } = entry;
    const hashes = hashList(this.proof(entry, head));
    const { root, checkpoint } = this.#quoted(head);
    return (
      `{"logIndex":"${index}"${this.#before}${KIND_VERSIONS[entry.kind]},` +
      `"integratedTime":"0","inclusionPromise":null,"inclusionProof":{"logIndex":"${index}",` +
      `${root},"hashes":${hashes},${checkpoint}},"canonicalizedBody":"${base64(leaf)}"}`
    );
  }

  /** The inclusion proof. @throws LogError STORE_CORRUPT where I8 forbids it */
  proof(entry: AnsweredEntry, head: PublishedHead): readonly Hash[] {
    if (!equal(leafHash(this.#sha256, entry.leaf), entry.leafHash))
      throw new LogError("STORE_CORRUPT", `The leaf of entry ${entry.index} has another hash.`, {
        field: `entries[${entry.index}]`,
        hint: "the operator should run fsck",
      });
    return this.#log.inclusion(entry.index, head, entry.leafHash);
  }

  #quoted(head: PublishedHead): QuotedHead {
    if (this.#head?.head === head) return this.#head;
    const envelope = asciiJson(Buffer.from(head.checkpoint).toString("utf8"));
    this.#head = {
      head,
      root: `"rootHash":"${base64(head.root)}","treeSize":"${head.size}"`,
      checkpoint: `"checkpoint":{"envelope":${envelope}}`,
    };
    return this.#head;
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

/** JSON in ASCII alone. */
export function asciiJson(value: JsonValue): string {
  return JSON.stringify(value).replace(
    /[\u0080-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** A JSON array of hashes in base64. */
export function hashList(hashes: readonly Hash[]): string {
  let list = "";
  for (const hash of hashes) list += list === "" ? `"${base64(hash)}"` : `,"${base64(hash)}"`;
  return `[${list}]`;
}
