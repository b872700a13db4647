/**
 * Logging a signature whose message stays at home: an opaque entry, of which the log holds the
 * digest alone. It goes through Rekor's door, which is the one that takes a digest, and is
 * believed as little as any other answer (`submit.ts`).
 *
 * Spec: docs/formats.md §Rekor's write interface.
 *
 * @module
 */
import { equal, toBase64, utf8 } from "../../schema/bytes.ts";
import type { HashedrekordLeaf } from "../../schema/entry/hashedrekord.ts";
import { encodeLeaf } from "../../schema/entry/leaf.ts";
import { LogError } from "../../schema/error.ts";
import { JSON_TYPE, REKOR_ENTRIES_PATH } from "../../schema/http/paths.ts";
import { parseJson } from "../../schema/json.ts";
import { MAX_BODY_BYTES } from "../../schema/limits.ts";
import { parseLogEntry, type Receipt } from "../../schema/receipt.ts";
import { checkAnswer } from "../submit.ts";
import type { LogPorts } from "../update.ts";

/** Throws as `submit` does. The receipt has no content. */
export async function submitDigest(
  ports: LogPorts,
  leaf: Omit<HashedrekordLeaf, "kind">,
): Promise<Receipt> {
  const { container, bytes } = leaf.verifier;
  const request = {
    hashedRekordRequestV002: {
      digest: toBase64(leaf.digest),
      signature: {
        content: toBase64(leaf.signature),
        verifier: {
          [container]: { rawBytes: toBase64(bytes) },
          keyDetails: leaf.keyDetails,
        },
      },
    },
  };
  const answer = await ports.transport.post(REKOR_ENTRIES_PATH, utf8(JSON.stringify(request)), {
    contentType: JSON_TYPE,
    maxBytes: MAX_BODY_BYTES,
  });
  const json = parseJson(answer);
  const entry = json.ok ? parseLogEntry(json.value, "entry") : json;
  if (!entry.ok)
    throw new LogError("RESPONSE_INVALID", `The log's answer is malformed: ${entry.message}`, {
      field: "entry",
    });
  if (!equal(entry.value.leafBytes, encodeLeaf({ kind: "hashedrekord", ...leaf })))
    throw new LogError("RESPONSE_INVALID", "The log's answer has another entry than was sent.", {
      field: "entry.canonicalizedBody",
      expected: "the leaf that the request becomes",
    });
  await checkAnswer(ports, entry.value, "entry");
  return { entry: entry.value };
}
