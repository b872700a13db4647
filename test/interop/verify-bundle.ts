/** Our own `verify-bundle` over everybody's bundles; with the log's policy it counts witnesses too. */
import { lastWords } from "../peers/process.ts";
import { OURS } from "./fsck.ts";
import { ours } from "./live-log.ts";
import type { Sample, Verdict, Verifier } from "./sample.ts";
import { Scratch, type Services } from "./services.ts";

export function ourVerifier(services: Services): Verifier {
  const scratch = new Scratch(services.folder);
  return {
    ...OURS,
    operation: "verify-bundle",
    family: "countersign",
    takes: () => true,
    verify: async (sample) => verify(scratch, services, sample),
  };
}

async function verify(
  scratch: Scratch,
  { policy }: Services,
  { expected, bundle, trustedRoot, artifact }: Sample,
): Promise<Verdict> {
  const ran = await ours(
    "verify-bundle",
    "--bundle",
    scratch.file("bundle.json", JSON.stringify(bundle)),
    "--trusted-root",
    scratch.file("trusted-root.json", trustedRoot),
    ...(policy === undefined ? [] : ["--witness-policy", scratch.file("policy", policy)]),
    ...(expected.kind === "key"
      ? ["--key", scratch.file("key.pub", expected.pem)]
      : ["--certificate-identity", expected.subject, "--certificate-oidc-issuer", expected.issuer]),
    scratch.file("artifact", artifact),
  );
  return { accepted: ran.status === 0, words: lastWords(ran) };
}
