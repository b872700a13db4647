/** cosign, the program, unmodified: it signs into the log and verifies what anybody signed into it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "../peers/go.ts";
import { lastWords, type Ran, runProgram } from "../peers/process.ts";
import { ISSUER, identityToken, SUBJECT } from "./fulcio.ts";
import {
  hasTimestamp,
  ORDERS,
  type Order,
  type Sample,
  type Verdict,
  type Verifier,
} from "./sample.ts";
import { readBundle, Scratch, type Services } from "./services.ts";
import { type Client, passes, type Row, skipped } from "./table.ts";

export const COSIGN: Client = { client: "cosign", version: "3.1.3" };
const PREDICATE_TYPE = "https://example.test/predicate/v1";

export interface Cosign {
  readonly run: (args: readonly string[]) => Promise<Ran>;
  readonly scratch: Scratch;
  /** Path of the private key, and the text of its public key. */
  readonly key: string;
  readonly pem: string;
}

/** cosign with a home and a key of its own, or why there is none. */
export async function openCosign(folder: string): Promise<Cosign | { readonly why: string }> {
  const program = findProgram("cosign");
  if (!program.found) return { why: program.why };
  const env = { HOME: folder, TUF_ROOT: join(folder, "tuf"), COSIGN_PASSWORD: "" };
  const run = async (args: readonly string[]): Promise<Ran> =>
    runProgram(program.path, args, { cwd: folder, env });
  const made = await run(["generate-key-pair"]);
  if (made.status !== 0) return { why: `it made no key: ${lastWords(made)}` };
  const scratch = new Scratch(folder);
  const pem = readFileSync(join(folder, "cosign.pub"), "utf8");
  return { run, scratch, key: join(folder, "cosign.key"), pem };
}

function operationOf({ form, kind }: Order): string {
  const command = form === "blob" ? "sign-blob" : "attest-blob";
  return `${command} ${kind === "key" ? "--key" : "with a certificate"}`;
}

/** Signs one artifact in every way, into the log. */
export async function cosignSigns(
  cosign: Cosign,
  services: Services,
  artifact: Uint8Array,
): Promise<{ readonly rows: Row[]; readonly samples: Sample[] }> {
  const rows: Row[] = [];
  const samples: Sample[] = [];
  for (const order of ORDERS) {
    const operation = operationOf(order);
    if (order.kind === "certificate" && services.timestamps === undefined) {
      rows.push(skipped(COSIGN, operation, "certificates need a timestamp authority"));
      continue;
    }
    const bundle = cosign.scratch.path("bundle.json");
    const ran = await cosign.run(signArguments(cosign, services, order, artifact, bundle));
    rows.push(passes(COSIGN, operation, ran.status === 0, ran.status === 0 ? "" : lastWords(ran)));
    if (ran.status !== 0) continue;
    samples.push({
      name: `cosign ${operation}`,
      form: order.form,
      bundle: readBundle(bundle),
      artifact,
      expected:
        order.kind === "key"
          ? { kind: "key", pem: cosign.pem }
          : { kind: "certificate", subject: SUBJECT, issuer: ISSUER },
      trustedRoot: services.trustedRoot,
    });
  }
  return { rows, samples };
}

function signArguments(
  { scratch, key }: Cosign,
  services: Services,
  { form, kind }: Order,
  artifact: Uint8Array,
  bundle: string,
): string[] {
  const command =
    form === "blob"
      ? ["sign-blob"]
      : [
          "attest-blob",
          "--predicate",
          scratch.file("predicate.json", '{"made":"for this test"}'),
          "--type",
          PREDICATE_TYPE,
        ];
  return [
    ...command,
    "--yes",
    ...(kind === "key" ? ["--key", key] : ["--identity-token", identityToken()]),
    "--signing-config",
    scratch.file("signing-config.json", services.signingConfig),
    "--trusted-root",
    scratch.file("trusted-root.json", services.trustedRoot),
    "--bundle",
    bundle,
    scratch.file("artifact", artifact),
  ];
}

/** Two verifiers: cosign as it is, and with `--use-signed-timestamps`. */
export function cosignVerifiers(cosign: Cosign, timestamps: boolean): Verifier[] {
  const plain: Verifier = {
    ...COSIGN,
    operation: "verify-blob, verify-blob-attestation",
    family: "cosign",
    takes: () => true,
    verify: async (sample) => verify(cosign, sample, []),
  };
  if (!timestamps) return [plain];
  return [
    plain,
    {
      ...plain,
      operation: "verify-… --use-signed-timestamps",
      family: "cosign-stamps",
      takes: ({ bundle }) => hasTimestamp(bundle),
      verify: async (sample) => verify(cosign, sample, ["--use-signed-timestamps"]),
    },
  ];
}

async function verify(
  { run, scratch }: Cosign,
  sample: Sample,
  more: readonly string[],
): Promise<Verdict> {
  const { expected } = sample;
  const command =
    sample.form === "blob"
      ? ["verify-blob"]
      : ["verify-blob-attestation", "--type", predicateTypeOf(sample)];
  const ran = await run([
    ...command,
    ...(expected.kind === "key"
      ? ["--key", scratch.file("key.pub", expected.pem)]
      : ["--certificate-identity", expected.subject, "--certificate-oidc-issuer", expected.issuer]),
    "--bundle",
    scratch.file("bundle.json", JSON.stringify(sample.bundle)),
    "--trusted-root",
    scratch.file("trusted-root.json", sample.trustedRoot),
    ...more,
    scratch.file("artifact", sample.artifact),
  ]);
  return { accepted: ran.status === 0, words: lastWords(ran) };
}

function predicateTypeOf({ bundle }: Sample): string {
  const statement: { predicateType?: string } = JSON.parse(
    Buffer.from(bundle.dsseEnvelope?.payload ?? "e30=", "base64").toString(),
  );
  return statement.predicateType ?? "";
}
