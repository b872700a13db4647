/**
 * A log's own statements among its entries (L1): which leaves may be one, so that only their
 * contents are read, and what they say.
 *
 * @module
 */
import { equal, latin1, toBase64 } from "../bytes.ts";
import { ed25519Spki } from "../key/spki.ts";
import type { Hash, Sha256 } from "../tlog/hash.ts";
import { parseVkey, SIGNATURE_TYPES } from "../tlog/note.ts";
import { parsePae } from "./dsse.ts";
import { type Leaf, parseLeaf } from "./leaf.ts";
import {
  type Erase,
  type IndexEnd,
  LOG_PAYLOAD_TYPE,
  type LogStatement,
  parseLogStatement,
} from "./log-statement.ts";

export class OwnStatements {
  /** Signer ids of the log's Ed25519 keys. */
  readonly signers: readonly Hash[];
  readonly #sha256: Sha256;
  readonly #vkeys: readonly string[];
  /** As they stand in a leaf. */
  readonly #names: readonly string[];

  /** Of the log that signs under these verifier keys. */
  constructor(sha256: Sha256, vkeys: readonly string[]) {
    this.#sha256 = sha256;
    this.#vkeys = vkeys;
    this.signers = vkeys.flatMap((text) => {
      const vkey = parseVkey(sha256, text);
      return vkey.ok && vkey.value.type === SIGNATURE_TYPES.ed25519
        ? [sha256(ed25519Spki(vkey.value.publicKey))]
        : [];
    });
    this.#names = this.signers.map((id) => toBase64(id));
  }

  /** A leaf that {@link mayBe} one. Most are other people's: parsing each of a long log takes minutes. */
  find(leafBytes: Uint8Array): Leaf | undefined {
    const text = latin1(leafBytes);
    if (!this.#names.some((name) => text.includes(name))) return undefined;
    const leaf = parseLeaf(leafBytes);
    return leaf.ok && this.mayBe(leaf.value) ? leaf.value : undefined;
  }

  /** Whether a leaf is of a kind and key that a statement of the log has. */
  mayBe(leaf: Leaf): boolean {
    if (leaf.kind !== "countersign" || leaf.content.mediaType !== LOG_PAYLOAD_TYPE) return false;
    const { format, key } = leaf.signature;
    return format === "dsse" && this.signers.some((id) => equal(id, key.id));
  }

  /** What the log says in an entry, whose content has the digest in its leaf. */
  read(leaf: Leaf, content: Uint8Array): LogStatement | undefined {
    if (!this.mayBe(leaf)) return undefined;
    const message = parsePae(content);
    if (!message.ok || message.value.payloadType !== LOG_PAYLOAD_TYPE) return undefined;
    const statement = parseLogStatement(this.#sha256, message.value.payload);
    return statement.ok && this.#vkeys.includes(statement.value.log) ? statement.value : undefined;
  }

  /** Of those, the ones that end an index. */
  indexEnd(leaf: Leaf, content: Uint8Array): IndexEnd | undefined {
    const statement = this.read(leaf, content);
    return statement?.type === "index-end" ? statement : undefined;
  }

  /** Of those, the ones that erase a content. */
  erasure(leaf: Leaf, content: Uint8Array): Erase | undefined {
    const statement = this.read(leaf, content);
    return statement?.type === "erase" ? statement : undefined;
  }
}
