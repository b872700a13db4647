/**
 * What the entries of the index bench are, by their number: SLSA provenance of artifacts that five
 * builders have built, so that most keys have one entry, those of an artifact five, and those of a
 * builder and a signer many thousands.
 *
 * @module
 */
import { createPrivateKey, createPublicKey, hash } from "node:crypto";
import { fromHex } from "../../schema/bytes.ts";
import type { LookupKey } from "../../schema/index/lookup.ts";

export const IN_TOTO = "application/vnd.in-toto+json";
/** Entries by the one key that signs the beginning of the log: its list is the longest. */
export const LONG_LIST = 100_000;
/** Keys that sign what comes behind. */
const SIGNERS = 1_000;
export const BUILDS_OF_ARTIFACT = 5;
/** PKCS #8 of an Ed25519 key without the 32 bytes of its seed (RFC 8410). */
const PKCS8_HEAD = "302e020100300506032b657004220420";

export function signerOf(n: number): number {
  return n <= LONG_LIST ? 0 : 1 + (n % SIGNERS);
}

export function artifactOf(n: number): number {
  return Math.floor(n / BUILDS_OF_ARTIFACT);
}

/** The same private key for the same signer in every thread and run. */
export function secretOf(signer: number): Uint8Array {
  return fromHex(`${PKCS8_HEAD}${digestOf(`signer/${signer}`)}`) ?? new Uint8Array(0);
}

/** Statement `n`: one builder's provenance of an artifact. */
export function statementOf(artifact: number, n: number) {
  const commit = hash("sha1", `commit/${artifact}`, "hex");
  return {
    _type: "https://in-toto.io/Statement/v1",
    subject: [
      { name: `package-${artifact}.tar.gz`, digest: { sha256: digestOf(`file/${artifact}`) } },
    ],
    predicateType: "https://slsa.dev/provenance/v1",
    predicate: {
      buildDefinition: {
        buildType: "https://build.example.test/package/v1",
        externalParameters: { package: artifact },
        resolvedDependencies: [
          { uri: "git+https://git.example.test/packages.git", digest: { gitCommit: commit } },
        ],
      },
      runDetails: {
        builder: { id: `https://build.example.test/builders/${n % BUILDS_OF_ARTIFACT}` },
        metadata: { invocationId: `run-${n}` },
      },
    },
  };
}

/** The key of an artifact's file: five entries. */
export function artifactKey(artifact: number): LookupKey {
  const digest = fromHex(digestOf(`file/${artifact}`)) ?? new Uint8Array(0);
  return { type: "subject", fields: ["sha256", digest] };
}

/** All that one signer has signed. */
export function signerKey(signer: number): LookupKey {
  const secret = createPrivateKey({
    key: Buffer.from(secretOf(signer)),
    format: "der",
    type: "pkcs8",
  });
  const spki = createPublicKey(secret).export({ type: "spki", format: "der" });
  return { type: "signer", fields: [new Uint8Array(hash("sha256", spki, "buffer"))] };
}

function digestOf(text: string): string {
  return hash("sha256", text, "hex");
}
