/**
 * The `countersign` 0.0.1 leaf: every signature that a `hashedrekord` cannot hold.
 *
 * The layout is closed. What each format puts into `value` and `key` is in `signer.ts` and
 * `derive.ts`; here are only its fields. Digests, ids and values are standard base64.
 *
 * Spec: docs/formats.md §Leaf. Vectors: test/vectors/leaf/.
 *
 * @module
 */
import { toBase64 } from "../bytes.ts";
import { type Fields, refuse } from "../fields.ts";
import { detailsFor, isKeyDetailsName, type KeyDetailsName } from "../key/key-details.ts";
import { MAX_CONTENT_BYTES, MAX_INLINE_KEY_BYTES } from "../limits.ts";
import type { Hash } from "../tlog/hash.ts";
import { readHash } from "./hashedrekord.ts";
import { signatureForms } from "./signature-form.ts";

export const COUNTERSIGN_VERSION = "0.0.1";

export interface LeafContent {
  /** SHA-256 of the exact signed bytes. */
  readonly digest: Hash;
  /** What the reading table says the content is. */
  readonly mediaType: string;
  /** Bytes. */
  readonly size: number;
}

/** How the signature was put into a git object, so that the object can be rebuilt. */
export interface LeafGit {
  /** Header name (`gpgsig`), or empty for a signature at the end (tag, push certificate). */
  readonly header: string;
  /** Byte offset of `value` in the rebuilt object. */
  readonly at: number;
  /** The exact bytes from the header name to the final LF. */
  readonly value: Uint8Array;
}

export interface LeafKey {
  /** The signer id. */
  readonly id: Hash;
  /** The key itself: SPKI or certificate in DER, or the SSH wire form for `sshsig`. Exactly one of the two is there. */
  readonly value?: Uint8Array;
  /** SHA-256 of a key that is stored beside the leaf. */
  readonly digest?: Hash;
}

export interface CountersignLeaf {
  readonly kind: "countersign";
  readonly content: LeafContent;
  readonly git?: LeafGit;
  readonly signature: {
    /** Sigstore's keyDetails name, for `dsse` and `raw`. */
    readonly algorithm?: KeyDetailsName;
    /** A name of the table of signature-form.ts. */
    readonly format: string;
    readonly key: LeafKey;
    /** The raw signature (ECDSA as DER), or the binary SSHSIG blob. */
    readonly value: Uint8Array;
  };
}

/** Whether a text may be a media type or DSSE payload type: it must fit a leaf and a log line. */
export function isMediaType(text: string): boolean {
  return /^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/.test(text);
}

export const MEDIA_TYPE_FORM =
  "1 to 255 printable ASCII characters, without a space at either end" as const;

/** The leaf's text. Members in the order of RFC 8785. */
export function encodeCountersign(leaf: CountersignLeaf): string {
  const { content, git, signature } = leaf;
  const { algorithm, format, key } = signature;
  return (
    `{"apiVersion":"${COUNTERSIGN_VERSION}","kind":"countersign","spec":{` +
    `"content":{"digest":"${toBase64(content.digest)}",` +
    `"mediaType":${JSON.stringify(content.mediaType)},"size":${content.size}},` +
    (git === undefined
      ? ""
      : `"git":{"at":${git.at},"header":${JSON.stringify(git.header)},` +
        `"value":"${toBase64(git.value)}"},`) +
    `"signature":{` +
    (algorithm === undefined ? "" : `"algorithm":"${algorithm}",`) +
    `"format":"${format}","key":{` +
    (key.digest === undefined ? "" : `"digest":"${toBase64(key.digest)}",`) +
    `"id":"${toBase64(key.id)}"` +
    (key.value === undefined ? "" : `,"value":"${toBase64(key.value)}"`) +
    `},"value":"${toBase64(signature.value)}"}}}`
  );
}

/** Inside `readFields`: the leaf out of its parsed JSON. */
export function readCountersign(root: Fields): CountersignLeaf {
  root.oneOf("apiVersion", [COUNTERSIGN_VERSION]);
  const spec = root.object("spec");
  const git = spec.optional("git", (name) => readGit(spec.object(name)));
  const signature = spec.object("signature");
  const algorithm = signature.optional("algorithm", () => readAlgorithm(signature));
  return {
    kind: "countersign",
    content: readContent(spec.object("content")),
    ...(git === undefined ? {} : { git }),
    signature: {
      ...(algorithm === undefined ? {} : { algorithm }),
      format: readFormat(signature),
      key: readKey(signature.object("key")),
      value: signature.bytes("value", { min: 1 }),
    },
  };
}

function readContent(content: Fields): LeafContent {
  const mediaType = content.string("mediaType");
  if (!isMediaType(mediaType)) content.refuse("mediaType", MEDIA_TYPE_FORM);
  const size = content.integer("size");
  if (size > MAX_CONTENT_BYTES)
    refuse("TOO_LARGE", `a content has at most ${MAX_CONTENT_BYTES} bytes`, {
      field: content.name("size"),
      limit: MAX_CONTENT_BYTES,
    });
  return { digest: readHash(content, "digest"), mediaType, size };
}

function readGit(git: Fields): LeafGit {
  const header = git.string("header");
  if (!/^[\x21-\x7e]{0,64}$/.test(header)) git.refuse("header", "a header name, or nothing");
  return { header, at: git.integer("at"), value: git.bytes("value", { min: 1 }) };
}

function readAlgorithm(signature: Fields): KeyDetailsName {
  const name = signature.string("algorithm", { max: 64 });
  if (isKeyDetailsName(name)) return name;
  const reason = detailsFor(name);
  return refuse("KIND_UNSUPPORTED", "unsupported kind of key", {
    ...(reason.ok ? {} : reason.detail),
    field: signature.name("algorithm"),
  });
}

/** Formats whose layout is settled. Others are refused as unsupported until they have vectors. */
function readFormat(signature: Fields): string {
  const format = signature.string("format", { max: 64 });
  if (signatureForms.get(format) !== undefined) return format;
  return refuse("KIND_UNSUPPORTED", "unsupported kind of signature", {
    field: signature.name("format"),
    expected: signatureForms.names.join(" | "),
  });
}

function readKey(key: Fields): LeafKey {
  const id = readHash(key, "id");
  if (key.has("value") === key.has("digest")) key.refuse("value", "value or digest, not both");
  return key.has("value")
    ? { id, value: key.bytes("value", { min: 1, max: MAX_INLINE_KEY_BYTES }) }
    : { id, digest: readHash(key, "digest") };
}
