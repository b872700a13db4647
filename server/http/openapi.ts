/**
 * OpenAPI 3.1 of the HTTP interface, from one zod schema for each message. Each schema is held
 * to the TypeScript type of `schema/http/messages.ts` by the compiler.
 *
 * The schemas describe; they do not admit. What is admitted is `schema/http/submission.ts`,
 * which needs no library and says more when it refuses.
 *
 * @module
 */
import { z } from "zod";
import { ERRORS } from "../../schema/error.ts";
import type {
  BatchEnd,
  BatchLine,
  EntryAnswer,
  Problem,
  PromiseAnswer,
  Submission,
  SubmitAnswer,
  TransparencyLogEntry,
} from "../../schema/http/messages.ts";
import {
  BATCH_PATH,
  ENTRIES_PATH,
  HEALTH_PATH,
  JSON_TYPE,
  NDJSON_TYPE,
  OCTETS_TYPE,
  READY_PATH,
  REKOR_ENTRIES_PATH,
} from "../../schema/http/paths.ts";
import { MAX_BATCH_LINES, MAX_BODY_BYTES, MAX_ENVELOPE_SIGNATURES } from "../../schema/limits.ts";
import { IMPRINTS } from "../tsa/query.ts";
import type { Readings } from "./health.ts";
import { indexPaths } from "./openapi-index.ts";
import {
  answer,
  bytesPath,
  type Json,
  type MessageName,
  of,
  PREFER,
  parameter,
  REFUSED,
} from "./openapi-parts.ts";
import { rekorPath, rekorRequest, rekorStatus } from "./openapi-rekor.ts";
import { tilePaths } from "./openapi-tiles.ts";
import { timestampPaths } from "./openapi-timestamp.ts";

const base64 = z.string().describe("Standard base64 with padding (RFC 4648 §4).");
const decimal = z.string().regex(/^(0|[1-9]\d*)$/);
const index = z.number().int().min(0);

const keyDetails = z.string().describe("Sigstore's name, e.g. PKIX_ECDSA_P256_SHA_256.");
const publicKey = z.strictObject({ publicKey: base64.describe("SPKI in DER."), keyDetails });
const certificate = z.strictObject({
  x509Certificate: base64.describe("X.509 certificate in DER; its key signed."),
  keyDetails,
});

const submission: z.ZodType<Submission> = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("dsse"),
    envelope: z.object({
      payloadType: z.string(),
      payload: base64,
      signatures: z
        .array(z.object({ sig: base64, keyid: z.exactOptional(z.string()) }))
        .min(1)
        .max(MAX_ENVELOPE_SIGNATURES),
    }),
    verifiers: z
      .array(z.union([publicKey, certificate, z.strictObject({ sshsig: z.literal(true) })]))
      .describe("verifiers[i] belongs to envelope.signatures[i]."),
  }),
  z.strictObject({ kind: z.literal("git"), object: base64.describe("The raw git object.") }),
  z.strictObject({
    kind: z.literal("sshsig"),
    content: base64,
    signature: z.string().describe("Armored SSHSIG, or the binary blob in base64."),
  }),
  z.strictObject({
    kind: z.literal("raw"),
    content: base64,
    signature: base64,
    verifier: z.union([publicKey, certificate]),
  }),
]);

const entry: z.ZodType<TransparencyLogEntry> = z.object({
  logIndex: decimal,
  logId: z.object({ keyId: base64.describe("SHA-256 of the log's note key, 32 bytes.") }),
  kindVersion: z.object({ kind: z.string(), version: z.string() }),
  integratedTime: z.literal("0"),
  inclusionPromise: z.null(),
  inclusionProof: z.object({
    logIndex: decimal,
    rootHash: base64,
    treeSize: decimal,
    hashes: z.array(base64).describe("Leaf to root (RFC 6962 §2.1.1)."),
    checkpoint: z.object({ envelope: z.string().describe("C2SP signed note.") }),
  }),
  canonicalizedBody: base64.describe("The leaf."),
});

const problem: z.ZodType<Problem> = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  code: z.enum(Object.keys(ERRORS)),
  field: z.exactOptional(z.string()),
  limit: z.exactOptional(z.number()),
  expected: z.exactOptional(z.string()),
  at: z.exactOptional(z.string()),
  index: z.exactOptional(z.number().int().describe("Of an entry that is durable already.")),
  hint: z.exactOptional(z.string()),
  retryAfter: z.exactOptional(z.number().describe("Seconds.")),
});

const submitAnswerShape = {
  entries: z.array(entry),
  conflictHint: z.exactOptional(
    z
      .array(
        z.object({
          type: z.string(),
          fields: z.array(z.union([z.string(), z.object({ hex: z.string() })])),
        }),
      )
      .describe(
        "Slots of the index in which an entry says something else than one before it. Unproven; absent where there is none, or the index was not asked in time.",
      ),
  ),
};
const submitAnswer: z.ZodType<SubmitAnswer> = z.object(submitAnswerShape);
const promises = z
  .array(z.string().describe("C2SP signed note, countersign-promise/v1."))
  .describe("For the entries that are not published yet, in their order.");
const promiseAnswer: z.ZodType<PromiseAnswer> = z.object({ ...submitAnswerShape, promises });
const entryAnswer: z.ZodType<EntryAnswer> = z.object({ entry });
const batchLine: z.ZodType<BatchLine> = z.union([
  z.object({ entries: z.array(z.object({ index, leafHash: z.string().describe("Hex.") })) }),
  z.object({ problem }),
]);
const batchEnd: z.ZodType<BatchEnd> = z.object({
  checkpoint: z.string().describe("C2SP signed note."),
  proofs: z.array(z.object({ index, hashes: z.array(base64) })),
  promises: z.exactOptional(promises),
});
const readiness: z.ZodType<Readings> = z.object({
  ready: z.boolean(),
  checks: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string() })),
  notes: z.array(z.string()),
});

const timestampQuery = z.object({
  artifactHash: base64.describe("The digest of what is stamped."),
  hashAlgorithm: z.enum(IMPRINTS.map(({ name }) => name)),
  certificates: z.exactOptional(z.boolean().describe("Whether the chain is sent along.")),
  nonce: z.exactOptional(index.describe("Echoed.")),
  tsaPolicyOID: z.exactOptional(z.string()),
});

const MESSAGES: Readonly<Record<MessageName, z.ZodType>> = {
  Submission: submission,
  TransparencyLogEntry: entry,
  SubmitAnswer: submitAnswer,
  PromiseAnswer: promiseAnswer,
  EntryAnswer: entryAnswer,
  TimestampQuery: timestampQuery,
  BatchLine: batchLine,
  BatchEnd: batchEnd,
  Readiness: readiness,
  RekorRequest: rekorRequest,
  RekorStatus: rekorStatus,
  Problem: problem,
};

/** Whether a value is a message of this name: for tests of what the server really sends. */
export function isMessage(name: MessageName, value: unknown): boolean {
  return MESSAGES[name].safeParse(value).success;
}

/** The document at `/openapi.json`; made at the first call. */
export function openapiText(): Buffer {
  text ??= Buffer.from(`${JSON.stringify(openapiDocument(), undefined, 2)}\n`);
  return text;
}

let text: Buffer | undefined;

export function openapiDocument(): Json {
  return {
    openapi: "3.1.0",
    info: {
      title: "Countersign",
      version: "1",
      description:
        "A transparency log for signed commits, reviews and builds. Bytes are standard base64, " +
        "64-bit numbers are decimal strings. The tiles are C2SP tlog-tiles.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    paths: {
      ...writePaths(),
      ...timestampPaths(),
      ...indexPaths(),
      ...tilePaths(),
      ...otherPaths(),
    },
    components: { schemas: componentSchemas(), securitySchemes: TOKEN },
  };
}

const TOKEN = {
  token: {
    type: "http",
    scheme: "bearer",
    description: "Needed only where the operator says so (admission.who = token).",
  },
};

function componentSchemas(): Json {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(MESSAGES)) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, {
    io: "input",
    uri: (id) => `#/components/schemas/${id}`,
  });
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [
      name,
      Object.fromEntries(
        Object.entries(schema).filter(([key]) => key !== "$schema" && key !== "$id"),
      ),
    ]),
  );
}

function writePaths(): Json {
  return {
    [ENTRIES_PATH]: {
      post: {
        operationId: "submit",
        summary: "Log one submission; answered when it is durable, and published or promised.",
        description: `The body has at most ${MAX_BODY_BYTES} bytes. A duplicate gets the original's index and a fresh proof, or where it is not published the same promise.`,
        security: [{}, { token: [] }],
        parameters: [PREFER],
        requestBody: { required: true, content: { [JSON_TYPE]: of("Submission") } },
        responses: {
          201: answer("Logged", JSON_TYPE, of("SubmitAnswer")),
          202: answer("Durable, and promised", JSON_TYPE, of("PromiseAnswer")),
          default: REFUSED,
        },
      },
    },
    [REKOR_ENTRIES_PATH]: rekorPath(),
    [BATCH_PATH]: {
      post: {
        operationId: "submitBatch",
        summary: "Log many submissions, a line each; answered line by line, in order.",
        description:
          `At most ${MAX_BATCH_LINES} lines of at most ${MAX_BODY_BYTES} bytes. Each line is answered by a ` +
          "BatchLine as it is committed; after publication one last line is a BatchEnd. What is not published by then has a promise in it.",
        security: [{}, { token: [] }],
        parameters: [PREFER],
        requestBody: { required: true, content: { [NDJSON_TYPE]: of("Submission") } },
        responses: {
          200: answer("Lines", NDJSON_TYPE, {
            schema: { anyOf: [of("BatchLine").schema, of("BatchEnd").schema] },
          }),
          default: REFUSED,
        },
      },
    },
    [`${ENTRIES_PATH}/{entry}`]: {
      get: {
        operationId: "entry",
        summary: "An entry by its index or leaf hash, with a fresh proof.",
        parameters: [parameter("entry", "path", "A decimal index, or the leaf hash in hex.")],
        responses: { 200: answer("The entry", JSON_TYPE, of("EntryAnswer")), default: REFUSED },
      },
    },
  };
}

function otherPaths(): Json {
  const digest = [parameter("digest", "path", "SHA-256 in lower-case hex.")];
  const ready = of("Readiness");
  return {
    "/content/sha256/{digest}": bytesPath("Exactly the signed bytes.", OCTETS_TYPE, digest),
    "/key/sha256/{digest}": bytesPath(
      "A key that was too large for its leaf.",
      OCTETS_TYPE,
      digest,
    ),
    [HEALTH_PATH]: {
      get: {
        summary: "Whether the process is up.",
        responses: { 200: answer("Up", JSON_TYPE, { schema: { type: "object" } }) },
      },
    },
    [READY_PATH]: {
      get: {
        summary: "Whether the log can sign, and if not, why.",
        responses: {
          200: answer("Ready", JSON_TYPE, ready),
          503: answer("Not ready", JSON_TYPE, ready),
        },
      },
    },
  };
}
