/** Leaves around a signature, as admission would make them; for the tests of this folder. */
import { nodeCrypto } from "../../../client/crypto/node.ts";
import type { CountersignLeaf, LeafKey } from "../../../schema/entry/leaf.ts";
import { parseSshsig } from "../../../schema/entry/sshsig.ts";
import { unwrap } from "../../../schema/error.ts";
import type { KeyDetailsName } from "../../../schema/key/key-details.ts";
import { signerId } from "../../../schema/key/signer-id.ts";
import { parseSpki } from "../../../schema/key/spki.ts";

export interface Entry {
  readonly leaf: CountersignLeaf;
  readonly content: Uint8Array;
}

/** A leaf of kind `sshsig`, with the key that the blob brings. */
export function sshEntry(content: Uint8Array, blob: Uint8Array): Entry {
  const { publicKey } = unwrap(parseSshsig(blob));
  const id = signerId(nodeCrypto.sha256, publicKey.key);
  return entry(content, {
    format: "sshsig",
    key: { id, value: publicKey.wire },
    value: blob,
  });
}

/** A leaf of kind `dsse` or `raw`. */
export function plainEntry(
  format: "dsse" | "raw",
  algorithm: KeyDetailsName,
  spki: Uint8Array,
  content: Uint8Array,
  value: Uint8Array,
): Entry {
  const id = signerId(nodeCrypto.sha256, unwrap(parseSpki(spki)));
  return entry(content, { algorithm, format, key: { id, value: spki }, value });
}

/** The same entry with another signature field. */
export function withSignature(
  { leaf, content }: Entry,
  change: Partial<CountersignLeaf["signature"]>,
): Entry {
  return { content, leaf: { ...leaf, signature: { ...leaf.signature, ...change } } };
}

export function withKey(entry: Entry, key: Partial<LeafKey>): Entry {
  return withSignature(entry, { key: { ...entry.leaf.signature.key, ...key } });
}

/** The same signature over other bytes, with their own digest in the leaf. */
export function withContent({ leaf }: Entry, content: Uint8Array): Entry {
  return entry(content, leaf.signature);
}

function entry(content: Uint8Array, signature: CountersignLeaf["signature"]): Entry {
  const digest = nodeCrypto.sha256(content);
  return {
    content,
    leaf: {
      kind: "countersign",
      content: { digest, mediaType: "application/octet-stream", size: content.length },
      signature,
    },
  };
}
