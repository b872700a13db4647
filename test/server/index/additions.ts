/**
 * What may come later, added to the tables that it has to be in: OpenPGP, CMS and passkeys as kinds of
 * signatures, principals as a statement (key events are in second.ts). Each kind of signature is over
 * something else than the content, as the real ones are, and is really checked; the layouts are this
 * test's own, for the real ones have no vectors yet. So are the names: files of tests share a process,
 * and elsewhere `openpgp` is still what nobody can check.
 */
import type { SignatureAlgorithm } from "../../../client/crypto/crypto.ts";
import { refuse, type SignatureKind } from "../../../client/signature/kind.ts";
import { signatureKinds } from "../../../client/signature/registry.ts";
import { concat, equal, fromUtf8, toBase64, utf8 } from "../../../schema/bytes.ts";
import { signatureForms } from "../../../schema/entry/signature-form.ts";
import type { FormSubmission } from "../../../schema/http/messages.ts";
import { keyTypes } from "../../../schema/index/map-key.ts";
import { encodeSpki, parseSpki } from "../../../schema/key/spki.ts";
import { readCommon } from "../../../schema/predicate/common.ts";
import { addedPredicates } from "../../../schema/predicate/registry.ts";
import * as made from "../../vectors/signers.ts";
import { sha256 } from "../entries.ts";

/** Somebody's key speaks for a name. */
export const PRINCIPAL = "urn:example:principal:v1";

keyTypes.add("principal", ["principal"]);
keyTypes.add("principal-by", ["signer id", "principal"]);
addedPredicates.add(PRINCIPAL, ({ fields }) => {
  const name = fields.string("principal", { min: 1, max: 255 });
  return {
    ...readCommon(fields),
    says: `speaks for ${name}`,
    keys: [
      { type: "principal", fields: [name], bySigner: false },
      { type: "principal-by", fields: [name], bySigner: true, claim: name },
    ],
  };
});

interface Layout {
  readonly format: string;
  readonly algorithm: SignatureAlgorithm;
  readonly signer: made.PlainSigner;
  /** What is carried beside the signature, for a content. */
  readonly carries: (content: Uint8Array) => readonly Uint8Array[];
  /** What is signed; nothing where the parts are not about the content. */
  readonly signed: (parts: readonly Uint8Array[], content: Uint8Array) => Uint8Array | undefined;
}

/** The trailer that an OpenPGP signature hashes behind the data. */
const openpgp: Layout = {
  format: "added-openpgp",
  algorithm: "ed25519",
  signer: made.ed25519Signer("openpgp"),
  carries: () => [Uint8Array.of(4, 0, 22, 8, 0, 0)],
  signed: ([hashed = new Uint8Array(0)], content) =>
    hashed[0] === 4
      ? sha256(concat(content, hashed, Uint8Array.of(4, 255, 0, 0, 0, hashed.length)))
      : undefined,
};

/** Signed attributes, with the digest of the content as the last of them. */
const cms: Layout = {
  format: "added-cms",
  algorithm: "ecdsa-p256-sha256",
  signer: made.p256Signer("cms"),
  carries: (content) => [concat(Uint8Array.of(0x31, 34, 4, 32), sha256(content))],
  signed: ([attributes = new Uint8Array(0)], content) =>
    equal(attributes.subarray(-32), sha256(content)) ? attributes : undefined,
};

/** A challenge that is the digest of the content, and what the authenticator says of itself. */
const webauthn: Layout = {
  format: "added-webauthn",
  algorithm: "ecdsa-p256-sha256",
  signer: made.p256Signer("passkey"),
  carries: (content) => [
    concat(sha256(utf8("example.test")), Uint8Array.of(5, 0, 0, 0, 1)),
    utf8(JSON.stringify({ type: "webauthn.get", challenge: challenge(content) })),
  ],
  signed: ([authenticator = new Uint8Array(0), client = new Uint8Array(0)], content) =>
    fromUtf8(client)?.includes(`"challenge":"${challenge(content)}"`)
      ? concat(authenticator, sha256(client))
      : undefined,
};

export const LAYOUTS: readonly Layout[] = [openpgp, cms, webauthn];

function challenge(content: Uint8Array): string {
  return Buffer.from(sha256(content)).toString("base64url");
}

/** Each part behind its length, and the signature last. */
function join(parts: readonly Uint8Array[]): Uint8Array {
  return concat(...parts.flatMap((part) => [Uint8Array.of(part.length), part]));
}

function split(value: Uint8Array): readonly Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < value.length; at += 1 + (value[at] ?? 0))
    parts.push(value.subarray(at + 1, at + 1 + (value[at] ?? 0)));
  return parts;
}

for (const { format, algorithm, signed } of LAYOUTS) {
  signatureForms.add(format, { by: "form", readKey: ({ key }) => parseSpki(key) });
  const kind: SignatureKind = {
    format,
    verify: async (crypto, { key, signature, content }) => {
      const parts = split(signature);
      const publicKey = parseSpki(key);
      const message = signed(parts.slice(0, -1), content);
      const bytes = parts.at(-1);
      if (!publicKey.ok || message === undefined || bytes === undefined)
        return refuse("signature is malformed", "signature.value", `no ${format} of this content`);
      const spki = encodeSpki(publicKey.value);
      if (!(await crypto.verify(algorithm, spki, message, bytes)))
        return refuse("signature does not verify", "signature.value", `no good ${format}`);
      const signerId = crypto.sha256(spki);
      return {
        ok: true,
        evidence: { signerId, publicKey: publicKey.value, keyType: algorithm, algorithm },
      };
    },
  };
  signatureKinds.add(format, kind);
}

/** A content with a signature of this kind, as it is submitted. */
export function submissionOf(layout: Layout, content: Uint8Array): FormSubmission {
  const { carries, format, signed, signer } = layout;
  const parts = carries(content);
  const message = signed(parts, content);
  if (message === undefined) throw new Error("a layout must sign what it carries");
  return {
    kind: "form",
    format,
    content: toBase64(content),
    key: toBase64(signer.spki),
    signature: toBase64(join([...parts, signer.sign(message)])),
  };
}
