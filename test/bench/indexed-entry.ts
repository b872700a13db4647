/**
 * What the entries of the index bench are, by their number: SLSA provenance of artifacts that five
 * machines of one builder have built each, and signed with keys of their own. Most keys of the map
 * have one entry, those of an artifact five, those of a signer a thousandth of all, and that of the
 * builder all.
 *
 * @module
 */
import { createPrivateKey, createPublicKey, hash, type KeyObject, sign } from "node:crypto";
import { fromHex, toBase64, utf8 } from "../../schema/bytes.ts";
import { pae } from "../../schema/entry/dsse.ts";
import type { LookupKey } from "../../schema/index/lookup.ts";
import type { JsonObject } from "../../schema/json.ts";

const IN_TOTO = "application/vnd.in-toto+json";
const SIGNERS = 1_000;
export const BUILDS_OF_ARTIFACT = 5;
const BUILDER = "https://build.example.test/builder";
/** PKCS #8 of an Ed25519 key without the 32 bytes of its seed (RFC 8410). */
const PKCS8_HEAD = "302e020100300506032b657004220420";

interface Key {
  readonly secret: KeyObject;
  readonly spki: Buffer;
}

const keys = new Map<number, Key>();

/** The same key for the same signer in every thread and run. */
function keyOf(signer: number): Key {
  const known = keys.get(signer);
  if (known !== undefined) return known;
  const bytes = Buffer.from(`${PKCS8_HEAD}${digestOf(`signer/${signer}`)}`, "hex");
  const secret = createPrivateKey({ key: bytes, format: "der", type: "pkcs8" });
  const key = { secret, spki: createPublicKey(secret).export({ type: "spki", format: "der" }) };
  keys.set(signer, key);
  return key;
}

/** The id of a signer, hex. Signer `s` has signed entries `s`, `s + 1,000` and so on. */
export function signerId(signer: number): string {
  return hash("sha256", keyOf(signer).spki, "hex");
}

/** Entry `n` as it is submitted. */
export function submissionOf(n: number): Uint8Array<ArrayBuffer> {
  const { secret, spki } = keyOf(n % SIGNERS);
  const payload = utf8(JSON.stringify(statementOf(n)));
  return utf8(
    JSON.stringify({
      kind: "dsse",
      envelope: {
        payloadType: IN_TOTO,
        payload: toBase64(payload),
        signatures: [{ sig: toBase64(sign(null, pae(IN_TOTO, payload), secret)) }],
      },
      verifiers: [{ publicKey: toBase64(spki), keyDetails: "PKIX_ED25519" }],
    }),
  );
}

function statementOf(n: number): JsonObject {
  const artifact = Math.floor(n / BUILDS_OF_ARTIFACT);
  const commit = hash("sha1", `commit/${artifact}`, "hex");
  const file = { name: `package-${artifact}.tar.gz`, digest: { sha256: fileOf(artifact) } };
  return {
    _type: "https://in-toto.io/Statement/v1",
    subject: [file],
    predicateType: "https://slsa.dev/provenance/v1",
    predicate: {
      buildDefinition: {
        buildType: "https://build.example.test/package/v1",
        externalParameters: { package: artifact },
        resolvedDependencies: [
          { uri: "git+https://git.example.test/packages.git", digest: { gitCommit: commit } },
        ],
      },
      runDetails: { builder: { id: BUILDER }, metadata: { invocationId: `run-${n}` } },
    },
  };
}

/** The key of an artifact's file: five entries. */
export function artifactKey(artifact: number): LookupKey {
  const digest = fromHex(fileOf(artifact)) ?? new Uint8Array(0);
  return { type: "subject", fields: ["sha256", digest] };
}

/** Every entry but the log's first is under this one. */
export const builderKey: LookupKey = { type: "builder", fields: [BUILDER] };

function fileOf(artifact: number): string {
  return digestOf(`file/${artifact}`);
}

function digestOf(text: string): string {
  return hash("sha256", text, "hex");
}
