/**
 * Rekor's requests and refusals as schemas for the OpenAPI document. Names are the camelCase ones;
 * the parser takes the snake_case names of protobuf as well.
 *
 * @module
 */
import { z } from "zod";
import { JSON_TYPE } from "../../schema/http/paths.ts";
import type { RekorStatus } from "../../schema/http/rekor.ts";
import { MAX_BODY_BYTES } from "../../schema/limits.ts";
import { answer, type Json, of } from "./openapi-parts.ts";

const base64 = z.string().describe("Base64.");

const verifier = z.strictObject({
  publicKey: z.exactOptional(z.strictObject({ rawBytes: base64.describe("SPKI in DER.") })),
  x509Certificate: z.exactOptional(
    z.strictObject({ rawBytes: base64.describe("Certificate in DER, or an SPKI.") }),
  ),
  keyDetails: z
    .exactOptional(z.union([z.string(), z.number().int()]))
    .describe("Read and not believed: it follows from the key."),
});

export const rekorRequest: z.ZodType = z.union([
  z.strictObject({
    hashedRekordRequestV002: z.strictObject({
      digest: base64.describe("SHA-256 of what was signed."),
      signature: z.strictObject({ content: base64, verifier }),
    }),
  }),
  z.strictObject({
    dsseRequestV002: z.strictObject({
      envelope: z.strictObject({
        payload: base64,
        payloadType: z.string(),
        signatures: z
          .array(z.strictObject({ sig: base64, keyid: z.exactOptional(z.string()) }))
          .length(1),
      }),
      verifiers: z.array(verifier).length(1),
    }),
  }),
]);

export const rekorStatus: z.ZodType<RekorStatus> = z.strictObject({
  code: z.number().int().min(1).max(16).describe("A status code of gRPC."),
  message: z.string(),
  details: z.array(z.never()),
});

/** What the path of Rekor's write interface takes and answers. */
export function rekorPath(): Json {
  return {
    post: {
      operationId: "rekorCreateEntry",
      summary: "Log one signature as Sigstore's clients hand it over (Rekor v2).",
      description: `The body has at most ${MAX_BODY_BYTES} bytes. A duplicate gets 201 with its entry and a fresh proof.`,
      security: [{}, { token: [] }],
      requestBody: { required: true, content: { [JSON_TYPE]: of("RekorRequest") } },
      responses: {
        201: answer("Logged", JSON_TYPE, of("TransparencyLogEntry")),
        default: answer("Refused", JSON_TYPE, of("RekorStatus")),
      },
    },
  };
}
