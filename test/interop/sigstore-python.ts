/**
 * sigstore-python, the program, unmodified. It takes certificates only, and a timestamp with every
 * entry of a log of this kind.
 */
import { lastWords, type Ran, runProgram } from "../peers/process.ts";
import { findSigstorePython, SIGSTORE_PYTHON } from "../peers/python.ts";
import { ISSUER, identityToken, SUBJECT } from "./fulcio.ts";
import type { BundleJson, Sample, Verdict, Verifier } from "./sample.ts";
import { readBundle, Scratch, type Services } from "./services.ts";
import { type Client, passes, type Row } from "./table.ts";

export const PYTHON: Client = { client: "sigstore-python", version: SIGSTORE_PYTHON };

export interface SigstorePython {
  readonly path: string;
  readonly scratch: Scratch;
  readonly services: Services;
}

export function openPython(services: Services): SigstorePython | { readonly why: string } {
  if (services.timestamps === undefined) return { why: "it needs a timestamp authority" };
  const program = findSigstorePython();
  if (!program.found) return { why: program.why };
  return { path: program.path, scratch: new Scratch(services.folder), services };
}

function trustConfig({ scratch, services }: SigstorePython, trustedRoot: string): string {
  const text = `{"mediaType":"application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
    "trustedRoot":${trustedRoot},"signingConfig":${services.signingConfig}}`;
  return scratch.file("trust-config.json", text);
}

async function run(
  python: SigstorePython,
  trustedRoot: string,
  args: readonly string[],
): Promise<Ran> {
  return runProgram(
    python.path,
    ["-m", "sigstore", "--trust-config", trustConfig(python, trustedRoot), ...args],
    { cwd: python.services.folder, env: { HOME: python.services.folder } },
  );
}

/** The least of SLSA provenance that it takes for a predicate. */
const PREDICATE = JSON.stringify({
  buildDefinition: { buildType: "https://example.test/build/v1", externalParameters: {} },
  runDetails: { builder: { id: "https://example.test/builder" } },
});

export async function pythonSigns(
  python: SigstorePython,
  artifact: Uint8Array,
): Promise<{ readonly rows: Row[]; readonly samples: Sample[] }> {
  const { scratch, services } = python;
  const rows: Row[] = [];
  const samples: Sample[] = [];
  for (const form of ["blob", "attestation"] as const) {
    const operation = form === "blob" ? "sign" : "attest";
    const bundle = scratch.path("bundle.json");
    const ran = await run(python, services.trustedRoot, [
      operation,
      ...(form === "blob"
        ? []
        : [
            "--predicate",
            scratch.file("predicate.json", PREDICATE),
            "--predicate-type",
            "https://slsa.dev/provenance/v1",
          ]),
      "--identity-token",
      identityToken(),
      "--bundle",
      bundle,
      scratch.file("artifact", artifact),
    ]);
    const good = ran.status === 0;
    rows.push(passes(PYTHON, `${operation}, certificate`, good, good ? "" : lastWords(ran)));
    if (!good) continue;
    samples.push({
      name: `sigstore-python ${operation}`,
      form,
      bundle: readBundle(bundle),
      artifact,
      expected: { kind: "certificate", subject: SUBJECT, issuer: ISSUER },
      trustedRoot: services.trustedRoot,
    });
  }
  return { rows, samples };
}

export function pythonVerifier(python: SigstorePython): Verifier {
  return {
    ...PYTHON,
    operation: "verify identity",
    family: "sigstore-python",
    takes: ({ expected }) => expected.kind === "certificate",
    limit: ({ bundle }) =>
      statementType(bundle) === "https://in-toto.io/Statement/v0.1"
        ? "it reads in-toto statements of version 1 only, and this client writes 0.1"
        : undefined,
    verify: async (sample) => verify(python, sample),
  };
}

function statementType({ dsseEnvelope }: BundleJson): string | undefined {
  const payload = Buffer.from(dsseEnvelope?.payload ?? "", "base64").toString() || "{}";
  const { _type }: { _type?: string } = JSON.parse(payload);
  return _type;
}

async function verify(python: SigstorePython, sample: Sample): Promise<Verdict> {
  const { expected } = sample;
  if (expected.kind !== "certificate") return { accepted: false, words: "it takes no plain keys" };
  const ran = await run(python, sample.trustedRoot, [
    "verify",
    "identity",
    "--bundle",
    python.scratch.file("bundle.json", JSON.stringify(sample.bundle)),
    "--cert-identity",
    expected.subject,
    "--cert-oidc-issuer",
    expected.issuer,
    python.scratch.file("artifact", sample.artifact),
  ]);
  return { accepted: ran.status === 0, words: lastWords(ran) };
}
