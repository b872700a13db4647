/**
 * What the OpenAPI document says of time stamps and of the documents for clients.
 *
 * @module
 */
import {
  JSON_TYPE,
  SIGNING_CONFIG_PATH,
  TIMESTAMP_PATH,
  TIMESTAMP_QUERY_TYPE,
  TIMESTAMP_REPLY_TYPE,
  TRUSTED_ROOT_PATH,
  WITNESS_POLICY_PATH,
} from "../../schema/http/paths.ts";
import { MAX_TIMESTAMP_QUERY_BYTES } from "../tsa/query.ts";
import { answer, type Json, of, REFUSED } from "./openapi-parts.ts";

export function timestampPaths(): Json {
  const binary = { schema: { type: "string", format: "binary" } };
  const document = (summary: string, type: string): Json => ({
    get: {
      summary,
      description: "Made from the running configuration. Not to be believed because it was served.",
      responses: { 200: answer("The document", type, { schema: { type: "string" } }) },
    },
  });
  return {
    [TIMESTAMP_PATH]: {
      post: {
        operationId: "timestamp",
        summary: "A time stamp (RFC 3161) by the log's own authority; 404 where it is off.",
        description:
          `The query has at most ${MAX_TIMESTAMP_QUERY_BYTES} bytes. One in DER is answered in DER, ` +
          "also where it is refused; one in JSON is refused by a Problem.",
        security: [{}, { token: [] }],
        requestBody: {
          required: true,
          content: { [TIMESTAMP_QUERY_TYPE]: binary, [JSON_TYPE]: of("TimestampQuery") },
        },
        responses: {
          200: answer("TimeStampResp in DER", TIMESTAMP_REPLY_TYPE, binary),
          default: REFUSED,
        },
      },
    },
    [TRUSTED_ROOT_PATH]: document("What Sigstore's clients pin.", JSON_TYPE),
    [SIGNING_CONFIG_PATH]: document("Where Sigstore's clients send what they sign.", JSON_TYPE),
    [WITNESS_POLICY_PATH]: document("C2SP tlog-policy of this log.", "text/plain"),
  };
}
