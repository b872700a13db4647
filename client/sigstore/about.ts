/**
 * Whether what a bundle signs is what somebody asks about.
 *
 * A message signature is about its message. An envelope with an in-toto statement is about the
 * subjects of the statement, and not about whatever lies beside it; any other envelope is about
 * its payload. Sigstore's JavaScript verifier leaves this to its caller.
 *
 * @module
 */
import { equal, toHex } from "../../schema/bytes.ts";
import { IN_TOTO_PAYLOAD_TYPE } from "../../schema/entry/statement.ts";
import { type Fields, readFields } from "../../schema/fields.ts";
import { parseJson } from "../../schema/json.ts";
import type { Hash } from "../../schema/tlog/hash.ts";
import type { Crypto } from "../crypto/crypto.ts";
import type { Signed } from "./bundle.ts";
import { pass, refuse, type Step } from "./verdict.ts";

/** What is asked about: the bytes themselves, or their SHA-256 alone. */
export type Asked = { readonly artifact: Uint8Array } | { readonly digest: Hash };

function askedDigest(crypto: Pick<Crypto, "sha256">, asked: Asked): Hash {
  return "digest" in asked ? asked.digest : crypto.sha256(asked.artifact);
}

/** Refuses with `OTHER_ARTIFACT`, or `BUNDLE_MALFORMED` for a statement that is none. */
export function checkAbout(
  crypto: Pick<Crypto, "sha256" | "sha512">,
  signed: Signed,
  asked: Asked,
): Step<Hash> {
  const digest = askedDigest(crypto, asked);
  const other = (field: string): Step<Hash> =>
    refuse({ code: "OTHER_ARTIFACT", asked: digest, field });
  const { envelope } = signed;
  if (envelope === undefined)
    return equal(signed.digest, digest) ? pass(digest) : other("messageSignature.messageDigest");
  if (envelope.payloadType !== IN_TOTO_PAYLOAD_TYPE)
    return equal(crypto.sha256(envelope.payload), digest)
      ? pass(digest)
      : other("dsseEnvelope.payload");
  const json = parseJson(envelope.payload);
  const subjects = json.ok ? readFields(json.value, "payload", readSubjects) : json;
  if (!subjects.ok)
    return refuse({
      code: "BUNDLE_MALFORMED",
      message: subjects.message,
      field: "payload.subject",
    });
  const wanted: Record<string, string> = { sha256: toHex(digest) };
  if ("artifact" in asked) wanted["sha512"] = toHex(crypto.sha512(asked.artifact));
  return subjects.value.some((digests) => agrees(digests, wanted))
    ? pass(digest)
    : other("payload.subject");
}

/** One digest that can be compared must be there, and none of those may differ. */
function agrees(
  attackerDigests: ReadonlyMap<string, string>,
  wanted: Readonly<Record<string, string>>,
): boolean {
  const compared = Object.entries(wanted).filter(([name]) => attackerDigests.has(name));
  return compared.length > 0 && compared.every(([name, hex]) => attackerDigests.get(name) === hex);
}

function readSubjects(root: Fields): ReadonlyMap<string, string>[] {
  return root.objects("subject", { min: 1 }).map((subject) => {
    const digest = subject.object("digest");
    const pairs = Object.keys(digest.raw).map((name): [string, string] => [
      name,
      digest.string(name),
    ]);
    return new Map(pairs);
  });
}
