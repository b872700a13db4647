/**
 * Sigstore's JavaScript clients, `@sigstore/sign` and `@sigstore/verify`, unmodified and in this process.
 * The signer is as small as their interface allows: what it signs into is the log's Rekor door.
 */
import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from "node:crypto";
import { createRequire } from "node:module";
import { bundleFromJSON, bundleToJSON } from "@sigstore/bundle";
import { TrustedRoot } from "@sigstore/protobuf-specs";
import {
  DSSEBundleBuilder,
  FulcioSigner,
  MessageSignatureBundleBuilder,
  RekorWitness,
  type Signer,
  TSAWitness,
  type Witness,
} from "@sigstore/sign";
import { Verifier as SigstoreVerifier, toSignedEntity, toTrustMaterial } from "@sigstore/verify";
import { ISSUER, identityToken, SUBJECT } from "./fulcio.ts";
import {
  type BundleJson,
  hasTimestamp,
  ORDERS,
  type Order,
  type Sample,
  type Verdict,
  type Verifier,
} from "./sample.ts";
import type { Services } from "./services.ts";
import { type Client, passes, type Row } from "./table.ts";

const require = createRequire(import.meta.url);

function versionOf(name: string): string {
  const { version }: { version: string } = require(`${name}/package.json`);
  return version;
}

const SIGN: Client = { client: "@sigstore/sign", version: versionOf("@sigstore/sign") };
const VERIFY: Client = { client: "@sigstore/verify", version: versionOf("@sigstore/verify") };
const STATEMENT_TYPE = "application/vnd.in-toto+json";

export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly pem: string;
}

export function newKeyPair(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { privateKey, pem: publicKey.export({ type: "spki", format: "pem" }).toString() };
}

function keySigner({ privateKey, pem }: KeyPair): Signer {
  return {
    sign: async (data) => ({
      signature: sign("sha256", data, privateKey),
      // An empty hint is one that every client lets pass.
      key: { $case: "publicKey", publicKey: pem, hint: "" },
    }),
  };
}

function statementOver(artifact: Uint8Array): Buffer {
  const sha256 = createHash("sha256").update(artifact).digest("hex");
  return Buffer.from(
    JSON.stringify({
      _type: "https://in-toto.io/Statement/v1",
      subject: [{ name: "artifact", digest: { sha256 } }],
      predicateType: "https://example.test/predicate/v1",
      predicate: { made: "for this test" },
    }),
  );
}

/** Signs one artifact in every way, into the log. */
export async function sigstoreSigns(
  services: Services,
  keys: KeyPair,
  artifact: Uint8Array,
): Promise<{ readonly rows: Row[]; readonly samples: Sample[] }> {
  const rows: Row[] = [];
  const samples: Sample[] = [];
  for (const order of ORDERS) {
    const builder = order.form === "blob" ? "MessageSignatureBundleBuilder" : "DSSEBundleBuilder";
    const operation = `${builder}, ${order.kind === "key" ? "plain key" : "Fulcio certificate"}`;
    try {
      const bundle = await signOne(services, order, keys, artifact);
      samples.push({
        name: `${SIGN.client} ${operation}`,
        form: order.form,
        bundle,
        artifact,
        expected:
          order.kind === "key"
            ? { kind: "key", pem: keys.pem }
            : { kind: "certificate", subject: SUBJECT, issuer: ISSUER },
        trustedRoot: services.trustedRoot,
      });
      rows.push(passes(SIGN, operation, true, ""));
    } catch (error) {
      rows.push(passes(SIGN, operation, false, wordsOf(error)));
    }
  }
  return { rows, samples };
}

async function signOne(
  services: Services,
  { form, kind }: Order,
  keys: KeyPair,
  artifact: Uint8Array,
): Promise<BundleJson> {
  const witnesses: Witness[] = [
    new RekorWitness({ rekorBaseURL: services.url, majorApiVersion: 2 }),
  ];
  if (services.timestamps !== undefined)
    witnesses.push(new TSAWitness({ tsaBaseURL: services.timestamps }));
  const signer =
    kind === "key"
      ? keySigner(keys)
      : new FulcioSigner({
          fulcioBaseURL: services.fulcio.url,
          identityProvider: { getToken: async () => identityToken() },
        });
  return buildBundle(form, { signer, witnesses }, artifact);
}

/** Through the bundle builders of `@sigstore/sign`, whoever signs and witnesses. */
export async function buildBundle(
  form: Sample["form"],
  by: { readonly signer: Signer; readonly witnesses: Witness[] },
  artifact: Uint8Array,
): Promise<BundleJson> {
  const made =
    form === "blob"
      ? await new MessageSignatureBundleBuilder(by).create({ data: Buffer.from(artifact) })
      : await new DSSEBundleBuilder(by).create({
          data: statementOver(artifact),
          type: STATEMENT_TYPE,
        });
  const bundle: BundleJson = JSON.parse(JSON.stringify(bundleToJSON(made)));
  return bundle;
}

/** At its own thresholds, which ask for a timestamp; and without, for bundles that have none. */
export function sigstoreVerifiers(): Verifier[] {
  const verifier = (stamped: boolean): Verifier => ({
    ...VERIFY,
    operation: stamped ? "at its default thresholds" : "without timestamps",
    family: "sigstore-js",
    takes: ({ bundle }) => hasTimestamp(bundle) === stamped,
    verify: async (sample) => verify(sample, stamped ? 1 : 0),
  });
  return [verifier(true), verifier(false)];
}

async function verify(sample: Sample, timestampThreshold: number): Promise<Verdict> {
  const { expected, form } = sample;
  try {
    const root = TrustedRoot.fromJSON(JSON.parse(sample.trustedRoot));
    const key = expected.kind === "key" ? createPublicKey(expected.pem) : undefined;
    const material =
      key === undefined
        ? toTrustMaterial(root)
        : toTrustMaterial(root, () => ({ publicKey: key, validFor: () => true }));
    const bundle = bundleFromJSON(sample.bundle);
    const artifact = form === "blob" ? Buffer.from(sample.artifact) : undefined;
    const policy =
      expected.kind === "certificate"
        ? { subjectAlternativeName: expected.subject, extensions: { issuer: expected.issuer } }
        : undefined;
    new SigstoreVerifier(material, {
      tlogThreshold: 1,
      ctlogThreshold: expected.kind === "key" ? 0 : 1,
      timestampThreshold,
    }).verify(toSignedEntity(bundle, artifact), policy);
    return { accepted: true, words: "" };
  } catch (error) {
    return { accepted: false, words: wordsOf(error) };
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 240) : "an unknown error";
}
