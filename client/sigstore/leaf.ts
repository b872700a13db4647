/**
 * Whether a logged leaf is of this very signature, digest and key.
 *
 * A proof shows that *some* entry is in the log. That it is the bundle's own is shown here: the
 * leaf of Rekor v2 is written anew from the bundle and compared byte for byte, so that nothing in
 * it is left unread; of the older kinds, which hold more than a bundle knows, every field that
 * names the signature, the digest or the key is compared. Sigstore's JavaScript verifier compares
 * no key, and a leaf by another key would pass it.
 *
 * Spec: docs/formats.md §Leaf; Rekor's `hashedrekord` 0.0.1, `dsse` 0.0.1, `intoto` 0.0.2.
 *
 * @module
 */
import { equal, fromBase64, fromUtf8, toHex } from "../../schema/bytes.ts";
import { HASHEDREKORD_VERSION } from "../../schema/entry/hashedrekord.ts";
import { encodeLeaf } from "../../schema/entry/leaf.ts";
import { type Fields, readFields } from "../../schema/fields.ts";
import { parseJson } from "../../schema/json.ts";
import type { Sha256 } from "../../schema/tlog/hash.ts";
import type { Signed, SignerKey } from "./bundle.ts";
import { pemDer } from "./pem.ts";
import { pass, refuse, type Step } from "./verdict.ts";

/** What an entry has to be of. */
export interface Expected {
  readonly signed: Signed;
  readonly signer: SignerKey;
}

export interface ClaimedKind {
  readonly kind: string;
  readonly version: string;
}

/** Kinds of the first Rekor, which also states a time for an entry. */
export function isFirstRekor({ kind, version }: ClaimedKind): boolean {
  return Object.hasOwn(FIRST_REKOR, `${kind} ${version}`);
}

/** Refuses with `OTHER_ENTRY`, or `ENTRY_UNSUPPORTED` for a kind that is not known. */
export function checkBody(
  sha256: Sha256,
  expected: Expected,
  attackerKind: ClaimedKind,
  attackerBody: Uint8Array,
): Step<true> {
  const { kind, version } = attackerKind;
  if (kind === "hashedrekord" && version === HASHEDREKORD_VERSION)
    return equal(attackerBody, recomputed(expected))
      ? pass(true)
      : otherEntry("canonicalizedBody", "the leaf is not what the bundle becomes");
  const name = `${kind} ${version}`;
  const read = Object.hasOwn(FIRST_REKOR, name) ? FIRST_REKOR[name] : undefined;
  if (read === undefined) return refuse({ code: "ENTRY_UNSUPPORTED", kind, version });
  const json = parseJson(attackerBody);
  const body = json.ok
    ? readFields(json.value, "body", (root) => readBody(root, kind, version, read))
    : json;
  if (!body.ok) return otherEntry(body.detail.field ?? "canonicalizedBody", body.message);
  return compare(sha256, expected, body.value);
}

/** The leaf that the bundle becomes, from nothing but the bundle and the key. */
function recomputed({ signed, signer }: Expected): Uint8Array {
  return encodeLeaf({
    kind: "hashedrekord",
    digest: signed.digest,
    keyDetails: signer.keyDetails,
    verifier: signer.carried,
    signature: signed.signature,
  });
}

/** What a leaf of the first Rekor says, whatever its kind. */
interface Body {
  readonly signature: Uint8Array;
  /** Hex; of the payload for an envelope, else of the message. */
  readonly digest: string;
  /** A certificate or public key, PEM. */
  readonly verifier: Uint8Array;
}

type ReadBody = (spec: Fields) => Body;

const FIRST_REKOR: Readonly<Record<string, ReadBody>> = {
  "hashedrekord 0.0.1": (spec) => {
    const signature = spec.object("signature");
    return {
      signature: signature.bytes("content"),
      digest: readDigest(spec.object("data").object("hash")),
      verifier: signature.object("publicKey").bytes("content"),
    };
  },
  "dsse 0.0.1": (spec) => {
    const only = onlySignature(spec);
    return {
      signature: only.bytes("signature"),
      digest: readDigest(spec.object("payloadHash")),
      verifier: only.bytes("verifier"),
    };
  },
  "intoto 0.0.2": (spec) => {
    const content = spec.object("content");
    const only = onlySignature(content.object("envelope"));
    // Base64 of base64: so it was logged.
    const inner = fromBase64(fromUtf8(only.bytes("sig")) ?? "");
    return {
      signature: inner ?? only.refuse("sig", "base64 of base64"),
      digest: readDigest(content.object("payloadHash")),
      verifier: only.bytes("publicKey"),
    };
  },
};

function readBody(root: Fields, kind: string, version: string, read: ReadBody): Body {
  root.oneOf("kind", [kind]);
  root.oneOf("apiVersion", [version]);
  return read(root.object("spec"));
}

function onlySignature(fields: Fields): Fields {
  const [only] = fields.objects("signatures", { min: 1, max: 1 });
  return only ?? fields.refuse("signatures", "one signature");
}

function readDigest(hash: Fields): string {
  hash.oneOf("algorithm", ["sha256"]);
  return hash.string("value", { min: 64, max: 64 });
}

function compare(sha256: Sha256, { signed, signer }: Expected, body: Body): Step<true> {
  if (!equal(body.signature, signed.signature))
    return otherEntry("signature", "it holds another signature");
  const digest = signed.envelope === undefined ? signed.digest : sha256(signed.envelope.payload);
  if (body.digest !== toHex(digest)) return otherEntry("digest", "it names another digest");
  const { container, bytes } = signer.carried;
  const der = pemDer(container === "publicKey" ? "PUBLIC KEY" : "CERTIFICATE", body.verifier);
  return der !== undefined && equal(der, bytes)
    ? pass(true)
    : otherEntry("key", "it names another key or certificate");
}

function otherEntry(field: string, message: string): ReturnType<typeof refuse> {
  return refuse({ code: "OTHER_ENTRY", field, message });
}
