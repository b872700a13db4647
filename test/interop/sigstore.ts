/**
 * Sigstore's clients against a live log: each signs into it, each verifies what all of them signed, and
 * each is given every bundle tampered with.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { COSIGN, cosignSigns, cosignVerifiers, openCosign } from "./cosign.ts";
import { type Fulcio, startFulcio } from "./fulcio.ts";
import { type Judged, judge } from "./judge.ts";
import { type LiveLog, startLiveLog } from "./live-log.ts";
import { newOurKeys, weSign } from "./our-signers.ts";
import type { Sample, Verifier } from "./sample.ts";
import { addFulcio, type Services } from "./services.ts";
import { newKeyPair, sigstoreSigns, sigstoreVerifiers } from "./sigstore-js.ts";
import { openPython, PYTHON, pythonSigns, pythonVerifier } from "./sigstore-python.ts";
import { type Row, skipped } from "./table.ts";
import { tamper } from "./tamper.ts";
import { ourVerifier } from "./verify-bundle.ts";
import { startWitnesses, type Witnesses } from "./witnesses.ts";

const ARTIFACT = Buffer.from("an artifact of this run\n");
const SECOND = Buffer.from("another artifact of this run\n");

export async function sigstoreClients(): Promise<Row[]> {
  const fulcio = await startFulcio();
  const elsewhere = await startLiveLog({ origin: "elsewhere.example.test" });
  let witnesses: Witnesses | undefined;
  const log = await startLiveLog({
    flags: async ({ folder, origin, port, vkey }) => {
      witnesses = await startWitnesses(join(folder, "witnesses"), { origin, vkey });
      const url = `http://127.0.0.1:${port}`;
      return ["--witness-policy", witnesses.policy, "--http-public-url", url];
    },
  });
  try {
    const services = await servicesOf(log, fulcio);
    if (services !== undefined) return await withServices(services, elsewhere);
    const why = "the log gives no trusted_root.json";
    return [COSIGN, PYTHON].map((client) => skipped(client, "sign, verify", why));
  } finally {
    await log.remove();
    await elsewhere.remove();
    await witnesses?.stop();
    await fulcio.close();
  }
}

async function servicesOf(log: LiveLog, fulcio: Fulcio): Promise<Services | undefined> {
  const [trustedRoot, signingConfig] = [
    await log.file("/trusted_root.json"),
    await log.file("/signing_config.json"),
  ];
  if (trustedRoot === undefined || signingConfig === undefined) return undefined;
  const { tsaUrls: [first] = [] }: { tsaUrls?: { url: string }[] } = JSON.parse(signingConfig);
  return {
    url: log.url,
    origin: log.origin,
    vkey: log.vkey,
    logKey: log.key,
    ...addFulcio({ trustedRoot, signingConfig }, fulcio),
    timestamps: first?.url,
    policy: await log.file("/witness_policy"),
    fulcio,
    folder: log.folder,
  };
}

interface Signed {
  readonly rows: Row[];
  readonly samples: Sample[];
}

/** Whoever signs, and whoever verifies; a program that cannot be had is a row that says why. */
interface Cast {
  readonly rows: Row[];
  readonly signers: ((artifact: Uint8Array) => Promise<Signed>)[];
  readonly verifiers: Verifier[];
}

async function castOf(services: Services): Promise<Cast> {
  const [keys, ourKeys] = [newKeyPair(), await newOurKeys()];
  const cast: Cast = {
    rows: [],
    signers: [
      async (artifact) => sigstoreSigns(services, keys, artifact),
      async (artifact) => weSign(services, ourKeys, artifact),
    ],
    verifiers: [...sigstoreVerifiers(), ourVerifier(services)],
  };
  const cosign = await openCosign(services.folder);
  if ("why" in cosign) cast.rows.push(skipped(COSIGN, "everything", cosign.why));
  else {
    cast.signers.push(async (artifact) => cosignSigns(cosign, services, artifact));
    cast.verifiers.push(...cosignVerifiers(cosign, services.timestamps !== undefined));
  }
  const python = openPython(services);
  if ("why" in python) cast.rows.push(skipped(PYTHON, "everything", python.why));
  else {
    cast.signers.push(async (artifact) => pythonSigns(python, artifact));
    cast.verifiers.push(pythonVerifier(python));
  }
  return cast;
}

async function withServices(services: Services, elsewhere: LiveLog): Promise<Row[]> {
  const { rows, signers, verifiers } = await castOf(services);
  const judged: Judged[] = [];
  const common = {
    origin: services.origin,
    logKey: services.logKey,
    strangersKey: newKeyPair().pem,
    witnessed: services.policy !== undefined,
    foreignTimestamp: async (signature: string): Promise<string> => stampOf(elsewhere, signature),
  };
  for (const signs of signers) {
    const [made, others] = [await signs(ARTIFACT), await signs(SECOND)];
    rows.push(...made.rows);
    for (const sample of made.samples) {
      const other = others.samples.find(({ name }) => name === sample.name);
      if (other === undefined) continue;
      judged.push({ sample, tampered: await tamper(sample, { ...common, other }) });
    }
  }
  for (const verifier of verifiers) rows.push(...(await judge(verifier, judged)));
  return rows;
}

/** A timestamp by the authority of another log: base64 of a signature in, base64 of the reply out. */
async function stampOf(elsewhere: LiveLog, signature: string): Promise<string> {
  const bytes = Buffer.from(signature, "base64");
  const answer = await fetch(`${elsewhere.url}/api/v1/timestamp`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      artifactHash: createHash("sha256").update(bytes).digest("base64"),
      hashAlgorithm: "sha256",
      certificates: true,
    }),
  });
  if (!answer.ok) throw new Error(`no timestamp from elsewhere: ${answer.status}`);
  return Buffer.from(await answer.arrayBuffer()).toString("base64");
}
