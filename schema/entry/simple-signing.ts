/**
 * "Simple signing": the JSON that containers/image and cosign sign for a container image.
 *
 * Strict, so that nothing else is taken for it: I-JSON, `critical` with exactly its three
 * members, one of the two known types, a SHA-256 manifest digest. Anything else is opaque bytes.
 *
 * Spec: containers/image, docs/containers-signature.5.md.
 *
 * @module
 */
import { type Fields, readFields } from "../fields.ts";
import { parseJson } from "../json.ts";

export interface SimpleSigning {
  /** The name the image was signed under. */
  readonly dockerReference: string;
  /** SHA-256 (hex) of the image manifest. */
  readonly manifestDigest: string;
}

const TYPES = ["atomic container signature", "cosign container image signature"] as const;

/** What a simple signing says; `undefined` where the bytes are not one. */
export function parseSimpleSigning(attackerBytes: Uint8Array): SimpleSigning | undefined {
  // A brace before the parser: every opaque content passes here.
  if (attackerBytes[0] !== 0x7b) return undefined;
  const json = parseJson(attackerBytes);
  if (!json.ok) return undefined;
  const signing = readFields(json.value, "", read);
  return signing.ok ? signing.value : undefined;
}

function read(root: Fields): SimpleSigning {
  root.only("critical", "optional");
  if (root.has("optional") && root.value("optional") !== null) root.object("optional");
  const critical = root.object("critical");
  critical.only("identity", "image", "type");
  critical.oneOf("type", TYPES);
  const identity = critical.object("identity");
  identity.only("docker-reference");
  const image = critical.object("image");
  image.only("docker-manifest-digest");
  const digest = image.string("docker-manifest-digest");
  if (!/^sha256:[0-9a-f]{64}$/.test(digest))
    image.refuse("docker-manifest-digest", "sha256: and 64 lower-case hexadecimal digits");
  return {
    dockerReference: identity.string("docker-reference"),
    manifestDigest: digest.slice("sha256:".length),
  };
}
