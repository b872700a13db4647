/**
 * Sigstore's trusted root: which logs, certificate authorities and timestamp authorities count.
 *
 * It comes from a file that its owner trusts, and never from the network or a bundle. What each
 * log's key may be called in a checkpoint is settled here: its host name (with or without port or
 * path) as its `baseUrl` has it. An Ed25519 log id is the hash of that name and the key, so that
 * it pins the name.
 *
 * Spec: Sigstore protobuf-specs, trustroot; interoperability of names: docs/formats.md §Bundles.
 *
 * @module
 */
import type { TrustedRoot } from "@sigstore/protobuf-specs";
import { equal, toBase64, utf8 } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import { isJsonObject, parseJson } from "../../schema/json.ts";
import { encodeSpki, parseSpki } from "../../schema/key/spki.ts";
import type { Sha256 } from "../../schema/tlog/hash.ts";
import {
  isKeyName,
  keyHash,
  makeVkey,
  type NoteSignature,
  names,
  SIGNATURE_TYPES,
  type Vkey,
} from "../../schema/tlog/note.ts";
import type { TrustedLog } from "../trust.ts";
import type { SigstoreSpecs } from "./packages.ts";

/** Bytes of a trusted root. That of the public instance has 7,000. */
export const MAX_ROOT_BYTES = 1_048_576;
/** The one form that every Sigstore client reads. */
const MEDIA_TYPE = "application/vnd.dev.sigstore.trustedroot+json;version=0.1";

/** A log as the trusted root has it. */
export interface RootLog {
  readonly logId: Uint8Array;
  /** For texts: where the log is. */
  readonly baseUrl: string;
  /** Host of `baseUrl`. */
  readonly host: string;
  /** Who runs it, where the root says so. Two logs of one operator are one voice. */
  readonly operator: string;
  /** What its note key may be called, as keys; empty where the key cannot sign notes here. */
  readonly vkeys: readonly Vkey[];
  /** Seconds since 1970, both included; no `start` is a fault of the root. */
  readonly start?: number;
  readonly end?: number;
}

export interface Root {
  readonly specs: TrustedRoot;
  readonly logs: readonly RootLog[];
}

/** Read a trusted root. Throws `TRUST_INVALID`, for then nothing can be asked. */
export function readRoot(specs: SigstoreSpecs, sha256: Sha256, bytes: Uint8Array): Root {
  if (bytes.length > MAX_ROOT_BYTES)
    throw invalid(`has more than ${MAX_ROOT_BYTES} bytes`, { limit: MAX_ROOT_BYTES });
  const json = parseJson(bytes);
  if (!json.ok) throw invalid(`is not JSON: ${json.message}`, json.detail);
  if (!isJsonObject(json.value) || json.value["mediaType"] !== MEDIA_TYPE)
    throw invalid("is of another media type", { field: "mediaType", expected: MEDIA_TYPE });
  try {
    const root = specs.TrustedRoot.fromJSON(json.value);
    return { specs: root, logs: root.tlogs.map((log) => rootLog(specs, sha256, log)) };
  } catch (cause) {
    if (cause instanceof LogError) throw cause;
    throw invalid(`is malformed: ${cause instanceof Error ? cause.message : "no reason"}`, {
      cause,
    });
  }
}

/**
 * A trusted root that has the logs of a trust file and nothing else: no certificate and no
 * timestamp counts under it. A trust file has no dates, so that its keys count at any time.
 */
export function rootOfLogs(sha256: Sha256, logs: readonly TrustedLog[]): Uint8Array {
  const tlogs = logs.flatMap((log) =>
    log.vkeys
      .filter(({ type }) => type === SIGNATURE_TYPES.ed25519 || type === SIGNATURE_TYPES.ecdsa)
      .map((vkey) => {
        const plain = vkey.type === SIGNATURE_TYPES.ed25519;
        return {
          baseUrl: `https://${vkey.name}`,
          hashAlgorithm: "SHA2_256",
          publicKey: {
            rawBytes: toBase64(
              plain ? encodeSpki({ type: "ed25519", raw: vkey.publicKey }) : vkey.publicKey,
            ),
            keyDetails: plain ? "PKIX_ED25519" : "PKIX_ECDSA_P256_SHA_256",
            validFor: { start: "1970-01-01T00:00:00Z" },
          },
          logId: { keyId: toBase64(keyHash(sha256, vkey.name, vkey.type, vkey.publicKey)) },
        };
      }),
  );
  const none = { certificateAuthorities: [], ctlogs: [], timestampAuthorities: [] };
  return utf8(JSON.stringify({ mediaType: MEDIA_TYPE, tlogs, ...none }));
}

/** The key by which a note's lines can be signed, if a line names one of the log's. */
export function noteKey(
  log: RootLog,
  strangersSignatures: readonly NoteSignature[],
): Vkey | undefined {
  return log.vkeys.find((key) => strangersSignatures.some((line) => names(line, key)));
}

/** Who runs a log, as far as it is known: two logs with one name count once. */
export function voiceOf(log: RootLog): string {
  return log.operator || log.host || log.baseUrl;
}

function rootLog(specs: SigstoreSpecs, sha256: Sha256, log: TrustedRoot["tlogs"][number]): RootLog {
  const spki = log.publicKey?.rawBytes;
  const logId = log.logId?.keyId;
  if (spki === undefined || logId === undefined || logId.length === 0)
    throw invalid(`has a log without key or id: ${log.baseUrl}`, { field: "tlogs" });
  if (log.hashAlgorithm !== specs.HashAlgorithm.SHA2_256)
    throw invalid(`has a log that does not hash with SHA2_256: ${log.baseUrl}`, { field: "tlogs" });
  const { start, end } = log.publicKey?.validFor ?? {};
  return {
    logId,
    baseUrl: log.baseUrl,
    host: hostOf(log.baseUrl),
    operator: log.operator,
    vkeys: vkeysOf(sha256, log.baseUrl, logId, spki),
    ...(start === undefined ? {} : { start: secondsOf(start) }),
    ...(end === undefined ? {} : { end: secondsOf(end) }),
  };
}

function vkeysOf(
  sha256: Sha256,
  baseUrl: string,
  logId: Uint8Array,
  spki: Uint8Array,
): readonly Vkey[] {
  const key = parseSpki(spki);
  if (!key.ok) return [];
  const keys: Vkey[] = [];
  for (const name of noteNames(baseUrl)) {
    if (key.value.type === "ed25519")
      keys.push(makeVkey(sha256, name, SIGNATURE_TYPES.ed25519, key.value.raw));
    if (key.value.type === "ecdsa" && key.value.curve === "p256")
      keys.push(makeVkey(sha256, name, SIGNATURE_TYPES.ecdsa, new Uint8Array(spki)));
  }
  return keys.filter((vkey) => equal(keyHash(sha256, vkey.name, vkey.type, vkey.publicKey), logId));
}

function noteNames(baseUrl: string): readonly string[] {
  if (!URL.canParse(baseUrl)) return isKeyName(baseUrl) ? [baseUrl] : [];
  const { hostname, host, pathname } = new URL(baseUrl);
  const path = pathname.replace(/\/$/, "");
  return [...new Set([hostname, host, `${host}${path}`])].filter(isKeyName);
}

/** Host of a URL; `""` where it is none. */
export function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : "";
}

function secondsOf(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}

function invalid(message: string, detail: LogError["detail"]): LogError {
  return new LogError("TRUST_INVALID", `The trusted root ${message}.`, detail);
}
