/**
 * A submission out of its JSON: shape and names only.
 *
 * What the bytes in it mean is `entry/prepare.ts`. Unknown members are refused, so that nobody
 * believes to have said something that was dropped; inside a DSSE envelope they are ignored, as
 * DSSE asks.
 *
 * Spec: docs/formats.md §Submission.
 *
 * @module
 */
import { signatureForms } from "../entry/signature-form.ts";
import { failure, type Result } from "../error.ts";
import { type Fields, readFields, refuse } from "../fields.ts";
import { type JsonValue, parseJson } from "../json.ts";
import { MAX_BODY_BYTES, MAX_ENVELOPE_SIGNATURES } from "../limits.ts";
import type {
  DsseSubmission,
  FormSubmission,
  PlainVerifier,
  SshsigVerifier,
  Submission,
} from "./messages.ts";

const KINDS = "dsse | git | sshsig | raw";

/** At most MAX_BODY_BYTES are read; the JSON is I-JSON of depth ≤ MAX_JSON_DEPTH. */
export function parseSubmission(attackerBytes: Uint8Array): Result<Submission> {
  if (attackerBytes.length > MAX_BODY_BYTES)
    return failure("TOO_LARGE", `a submission has at most ${MAX_BODY_BYTES} bytes`, {
      field: "body",
      limit: MAX_BODY_BYTES,
    });
  const json = parseJson(attackerBytes);
  return json.ok ? readSubmission(json.value) : json;
}

/** The same out of JSON that was parsed already. */
export function readSubmission(attackerJson: JsonValue): Result<Submission> {
  return readFields(attackerJson, "", read);
}

function read(root: Fields): Submission {
  const kind = root.string("kind");
  switch (kind) {
    case "dsse":
      return readDsse(root);
    case "git":
      root.only("kind", "object");
      return { kind, object: root.string("object") };
    case "sshsig":
      root.only("kind", "content", "signature");
      return { kind, content: content(root), signature: root.string("signature") };
    case "raw":
      root.only("kind", "content", "signature", "verifier");
      return {
        kind,
        content: content(root),
        signature: root.string("signature"),
        verifier: readPlainVerifier(root.object("verifier")),
      };
    case "form":
      return readForm(root);
    default:
      return refuse("KIND_UNSUPPORTED", "unsupported kind of submission", {
        field: "kind",
        expected: KINDS,
      });
  }
}

/** No such kind where the table of this program has none. */
function readForm(root: Fields): FormSubmission {
  root.only("kind", "format", "content", "key", "signature");
  const format = root.string("format");
  if (signatureForms.get(format)?.by !== "form")
    refuse("KIND_UNSUPPORTED", "unsupported kind of signature", { field: "format" });
  return {
    kind: "form",
    format,
    content: content(root),
    key: root.string("key"),
    signature: root.string("signature"),
  };
}

function readDsse(root: Fields): DsseSubmission {
  root.only("kind", "envelope", "verifiers");
  const envelope = root.object("envelope");
  const signatures = envelope.objects("signatures", { min: 1, max: MAX_ENVELOPE_SIGNATURES });
  const verifiers = root.objects("verifiers");
  if (verifiers.length !== signatures.length)
    root.refuse("verifiers", "one verifier for each signature of the envelope");
  return {
    kind: "dsse",
    envelope: {
      payloadType: envelope.string("payloadType"),
      payload: envelope.string("payload"),
      signatures: signatures.map((signature) => {
        const keyid = signature.optional("keyid", (name) => signature.string(name));
        return { sig: signature.string("sig"), ...(keyid === undefined ? {} : { keyid }) };
      }),
    },
    verifiers: verifiers.map(readVerifier),
  };
}

function readVerifier(verifier: Fields): PlainVerifier | SshsigVerifier {
  if (!verifier.has("sshsig")) return readPlainVerifier(verifier);
  verifier.only("sshsig");
  if (!verifier.boolean("sshsig")) verifier.refuse("sshsig", "true, or no such field");
  return { sshsig: true };
}

function readPlainVerifier(verifier: Fields): PlainVerifier {
  const keyDetails = (): string => verifier.string("keyDetails");
  if (verifier.has("x509Certificate")) {
    verifier.only("x509Certificate", "keyDetails");
    return { x509Certificate: verifier.string("x509Certificate"), keyDetails: keyDetails() };
  }
  verifier.only("publicKey", "keyDetails");
  return { publicKey: verifier.string("publicKey"), keyDetails: keyDetails() };
}

/** An empty content is a content. */
function content(root: Fields): string {
  return root.string("content");
}
