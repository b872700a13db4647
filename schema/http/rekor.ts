/**
 * The write interface of Rekor v2: its requests as they come, and its errors.
 *
 * Requests are protobuf JSON: a field has its camelCase or its snake_case name, `null` is an absent
 * field, bytes are base64 of either alphabet with or without padding, an enum is a name or a
 * number, and a field that is not known refuses the request. The answer is a
 * TransparencyLogEntry, as in `receipt.ts`.
 *
 * What the bytes in a request mean is `entry/prepare-rekor.ts`.
 *
 * Spec: protobuf-specs `rekor/v2/*.proto`, docs/formats.md §Rekor's write interface.
 *
 * @module
 */
import { eitherBase64 } from "../entry/dsse.ts";
import { failure, type Result } from "../error.ts";
import { type Fields, readFields, refuse } from "../fields.ts";
import { parseJson } from "../json.ts";
import type { CarriedKey } from "../key/certificate.ts";
import { MAX_BODY_BYTES, MAX_ENVELOPE_SIGNATURES } from "../limits.ts";
import { ENTRIES_PATH } from "./paths.ts";

/** Whose signature it is said to be. */
export interface RekorVerifier {
  readonly key: CarriedKey;
  /** Path of the bytes, for refusals. */
  readonly field: string;
  /** Sigstore's name, or number, of key and hash. A claim: what counts follows from the key. */
  readonly claimedDetails: string;
}

export type RekorRequest =
  | {
      readonly kind: "hashedrekord";
      /** Of whatever length it came. */
      readonly digest: Uint8Array;
      readonly signature: Uint8Array;
      readonly verifier: RekorVerifier;
    }
  | {
      readonly kind: "dsse";
      readonly payloadType: string;
      readonly payload: Uint8Array;
      readonly signature: Uint8Array;
      readonly verifier: RekorVerifier;
    };

/** google.rpc.Status, as every refusal of Rekor's interface is answered. */
export interface RekorStatus {
  readonly code: number;
  readonly message: string;
  readonly details: readonly never[];
}

/** One request. At most MAX_BODY_BYTES; one signature by one key. */
export function parseRekorRequest(attackerBytes: Uint8Array): Result<RekorRequest> {
  if (attackerBytes.length > MAX_BODY_BYTES)
    return failure("TOO_LARGE", `a request has at most ${MAX_BODY_BYTES} bytes`, {
      field: "body",
      limit: MAX_BODY_BYTES,
    });
  const json = parseJson(attackerBytes);
  return json.ok ? readFields(json.value, "", readRequest) : json;
}

/** The refusal of something that only the log's own interface takes. */
function takenElsewhere(what: string, field: string): never {
  return refuse("KIND_UNSUPPORTED", elsewhere(what), { field, expected: elsewhereExpected });
}

/** The words of that refusal. */
export function elsewhere(what: string): string {
  return `${what}: no Sigstore client would verify this entry; hand it in at POST ${ENTRIES_PATH}`;
}

export const elsewhereExpected =
  "one signature by an ECDSA P-256 or RSA 2048, 3072 or 4096 (PKCS #1 v1.5) key, with SHA-256";

/** gRPC's codes, as far as they are answered. */
const GRPC = {
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const;

/** HTTP status and gRPC code on this interface for an error whose own status is `http`. */
export function rekorCode(http: number): { readonly http: number; readonly grpc: number } {
  switch (http) {
    case 422:
      // Rekor's clients know 400 for whatever is wrong with a request.
      return { http: 400, grpc: GRPC.invalidArgument };
    case 400:
    case 413:
    case 415:
      return { http, grpc: GRPC.invalidArgument };
    case 403:
      return { http, grpc: GRPC.permissionDenied };
    case 404:
      return { http, grpc: GRPC.notFound };
    case 405:
      // A gateway of gRPC knows no other methods of a path.
      return { http: 501, grpc: GRPC.unimplemented };
    case 408:
      return { http, grpc: GRPC.deadlineExceeded };
    case 429:
    case 507:
      return { http, grpc: GRPC.resourceExhausted };
    case 503:
      return { http, grpc: GRPC.unavailable };
    default:
      return { http, grpc: GRPC.internal };
  }
}

/** Every field that a request can have, with its second name. */
const SNAKE_NAMES: ReadonlyMap<string, string> = new Map(
  [
    "hashedRekordRequestV002",
    "dsseRequestV002",
    "digest",
    "signature",
    "content",
    "verifier",
    "verifiers",
    "publicKey",
    "x509Certificate",
    "keyDetails",
    "rawBytes",
    "envelope",
    "payload",
    "payloadType",
    "signatures",
    "sig",
    "keyid",
  ].map((camel) => [camel, camel.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)]),
);

/** A field under either of its names; the same field twice is refused, as protobuf JSON asks. */
function named(fields: Fields, camel: string): string {
  const snake = SNAKE_NAMES.get(camel) ?? camel;
  if (snake === camel || !fields.has(snake)) return camel;
  if (fields.has(camel)) fields.refuse(snake, `either ${camel} or ${snake}`);
  return snake;
}

/** Every name that these fields can have. */
function only(fields: Fields, ...camel: readonly string[]): void {
  fields.only(...camel.map((name) => named(fields, name)));
}

/** `null` is absence. */
function isThere(fields: Fields, camel: string): boolean {
  return (fields.value(named(fields, camel)) ?? null) !== null;
}

function object(fields: Fields, camel: string): Fields {
  return fields.object(named(fields, camel));
}

function bytes(fields: Fields, camel: string): Uint8Array {
  const name = named(fields, camel);
  const value = eitherBase64(fields, name);
  return value.length > 0 ? value : fields.refuse(name, "at least one byte in base64");
}

function readRequest(root: Fields): RekorRequest {
  only(root, "hashedRekordRequestV002", "dsseRequestV002");
  const [hashed, dsse] = [
    isThere(root, "hashedRekordRequestV002"),
    isThere(root, "dsseRequestV002"),
  ];
  if (hashed === dsse)
    root.refuse("hashedRekordRequestV002", "hashedRekordRequestV002 or dsseRequestV002, and one");
  return hashed
    ? readHashedrekord(object(root, "hashedRekordRequestV002"))
    : readDsse(object(root, "dsseRequestV002"));
}

function readHashedrekord(request: Fields): RekorRequest {
  only(request, "digest", "signature");
  const signature = object(request, "signature");
  only(signature, "content", "verifier");
  return {
    kind: "hashedrekord",
    digest: bytes(request, "digest"),
    signature: bytes(signature, "content"),
    verifier: readVerifier(object(signature, "verifier")),
  };
}

function readDsse(request: Fields): RekorRequest {
  only(request, "envelope", "verifiers");
  const envelope = object(request, "envelope");
  only(envelope, "payload", "payloadType", "signatures");
  const limits = { min: 1, max: MAX_ENVELOPE_SIGNATURES };
  const [signature, ...more] = envelope.objects("signatures", limits);
  const [verifier, ...others] = request.objects("verifiers", limits);
  if (more.length > 0) takenElsewhere("several signatures", envelope.name("signatures"));
  if (others.length > 0) takenElsewhere("several verifiers", request.name("verifiers"));
  if (signature === undefined || verifier === undefined)
    return envelope.refuse("signatures", "one signature and one verifier");
  only(signature, "sig", "keyid");
  if (isThere(signature, "keyid")) signature.string("keyid");
  const payloadType = envelope.string(named(envelope, "payloadType"), { min: 1 });
  if (!payloadType.isWellFormed()) envelope.refuse("payloadType", "well-formed text");
  return {
    kind: "dsse",
    payloadType,
    payload: isThere(envelope, "payload") ? eitherBase64(envelope, "payload") : new Uint8Array(0),
    signature: bytes(signature, "sig"),
    verifier: readVerifier(verifier),
  };
}

function readVerifier(verifier: Fields): RekorVerifier {
  only(verifier, "publicKey", "x509Certificate", "keyDetails");
  const certified = isThere(verifier, "x509Certificate");
  if (certified === isThere(verifier, "publicKey"))
    verifier.refuse(named(verifier, "publicKey"), "publicKey or x509Certificate, and one");
  const container = certified ? "x509Certificate" : "publicKey";
  const holder = object(verifier, container);
  only(holder, "rawBytes");
  return {
    key: { container, bytes: bytes(holder, "rawBytes") },
    field: holder.name(named(holder, "rawBytes")),
    claimedDetails: readDetails(verifier),
  };
}

function readDetails(verifier: Fields): string {
  if (!isThere(verifier, "keyDetails")) return "";
  const name = named(verifier, "keyDetails");
  return typeof verifier.value(name) === "number"
    ? String(verifier.integer(name, { max: 0x7fffffff }))
    : verifier.string(name, { max: 64 });
}
