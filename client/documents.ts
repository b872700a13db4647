/**
 * What a log serves for clients to pin: `/trusted_root.json` and `/signing_config.json`, read only
 * as far as a person has to see what is in them.
 *
 * A trusted root is stored as it was served, so whatever stands in it would be trusted by the
 * Sigstore clients that read it. Therefore it is read closed: one log, timestamp authorities, and
 * nothing that is not shown. Certificate authorities and further logs have operators of their own,
 * who are asked for their fingerprints.
 *
 * Spec: sigstore_trustroot.proto (media types below); docs/formats.md §Documents for clients.
 *
 * @module
 */
import { equal, toHex } from "../schema/bytes.ts";
import { failure, type Result } from "../schema/error.ts";
import { type Fields, readFields, refuse, required } from "../schema/fields.ts";
import { type JsonValue, parseJson } from "../schema/json.ts";
import { parseSpki } from "../schema/key/spki.ts";
import type { Sha256 } from "../schema/tlog/hash.ts";
import { isKeyName, keyHash, makeVkey, SIGNATURE_TYPES, type Vkey } from "../schema/tlog/note.ts";

/** Bytes of either document. */
export const MAX_DOCUMENT_BYTES = 262_144;
const ROOT_TYPE = "application/vnd.dev.sigstore.trustedroot+json;version=0.1";
const CONFIG_TYPE = "application/vnd.dev.sigstore.signingconfig.v0.2+json";
const MAX_SERVICES = 16;
const MAX_CERTIFICATES = 16;
const MAX_URL = 2_048;

/** A timestamp authority as a person compares it. */
export interface ShownAuthority {
  readonly name: string;
  /** SHA-256 of each certificate in DER, hex, leaf first. */
  readonly chain: readonly [string, ...string[]];
}

export interface ShownRoot {
  /** The one log's key, under the name that its checkpoint has. */
  readonly vkey: Vkey;
  readonly authorities: readonly ShownAuthority[];
}

/** Read a trusted root for the log `origin`. */
export function readTrustedRoot(
  sha256: Sha256,
  origin: string,
  strangersBytes: Uint8Array,
): Result<ShownRoot> {
  const json = readDocument(strangersBytes);
  return json.ok ? readFields(json.value, "", (root) => readRoot(sha256, origin, root)) : json;
}

/** The addresses that a signing configuration sends things to. */
export function readSigningConfig(strangersBytes: Uint8Array): Result<readonly string[]> {
  const json = readDocument(strangersBytes);
  return json.ok ? readFields(json.value, "", readConfig) : json;
}

function readDocument(strangersBytes: Uint8Array): Result<JsonValue> {
  if (strangersBytes.length > MAX_DOCUMENT_BYTES)
    return failure("TOO_LARGE", `the document has more than ${MAX_DOCUMENT_BYTES} bytes`, {
      limit: MAX_DOCUMENT_BYTES,
    });
  return parseJson(strangersBytes);
}

function readRoot(sha256: Sha256, origin: string, root: Fields): ShownRoot {
  root.only("mediaType", "tlogs", "certificateAuthorities", "ctlogs", "timestampAuthorities");
  root.oneOf("mediaType", [ROOT_TYPE]);
  for (const others of ["certificateAuthorities", "ctlogs"])
    root.optional(others, (name) => root.array(name, { max: 0 }));
  const [log] = root.objects("tlogs", { min: 1, max: 1 });
  if (log === undefined) return root.refuse("tlogs", "one log");
  const authorities = root.optional("timestampAuthorities", (name) =>
    root.objects(name, { max: MAX_SERVICES }).map((one) => readAuthority(sha256, one)),
  );
  return { vkey: readLog(sha256, origin, log), authorities: authorities ?? [] };
}

function readLog(sha256: Sha256, origin: string, log: Fields): Vkey {
  log.only("baseUrl", "hashAlgorithm", "publicKey", "logId", "operator");
  log.oneOf("hashAlgorithm", ["SHA2_256"]);
  log.string("baseUrl", { min: 1, max: MAX_URL });
  const bytes = log.object("publicKey").bytes("rawBytes", { max: 1_024 });
  const spki = required(parseSpki(bytes));
  const field = log.name("publicKey.rawBytes");
  if (!isKeyName(origin))
    return refuse("FIELD_INVALID", "the origin of the checkpoint can be the name of no key");
  const vkey =
    spki.type === "ed25519"
      ? makeVkey(sha256, origin, SIGNATURE_TYPES.ed25519, spki.raw)
      : spki.type === "ecdsa"
        ? makeVkey(sha256, origin, SIGNATURE_TYPES.ecdsa, bytes)
        : refuse("KEY_REFUSED", "the log's key is of a type that signs no checkpoints", { field });
  const id = log.object("logId").bytes("keyId");
  if (!equal(id, keyHash(sha256, vkey.name, vkey.type, vkey.publicKey)))
    return log.refuse("logId", `the id of this key under the name ${origin}`);
  return vkey;
}

function readAuthority(sha256: Sha256, authority: Fields): ShownAuthority {
  authority.only("subject", "uri", "certChain", "validFor", "operator");
  const subject = authority.object("subject");
  const name = [subject.value("organization"), subject.value("commonName")]
    .filter((part) => typeof part === "string")
    .join(" ");
  const certificates = authority
    .object("certChain")
    .objects("certificates", { min: 1, max: MAX_CERTIFICATES });
  const [leaf, ...rest] = certificates.map((one) => toHex(sha256(one.bytes("rawBytes"))));
  if (leaf === undefined) return authority.refuse("certChain", "a certificate");
  return { name, chain: [leaf, ...rest] };
}

function readConfig(config: Fields): readonly string[] {
  config.oneOf("mediaType", [CONFIG_TYPE]);
  return ["caUrls", "oidcUrls", "rekorTlogUrls", "tsaUrls"].flatMap(
    (kind) =>
      config.optional(kind, (name) =>
        config
          .objects(name, { max: MAX_SERVICES })
          .map((service) => service.string("url", { min: 1, max: MAX_URL })),
      ) ?? [],
  );
}
