/**
 * Sigstore's clients against a live log: each signs into it, each verifies what all of them signed, and
 * each is given every bundle tampered with.
 */
import { join } from "node:path";
import { COSIGN, cosignSigns, cosignVerifiers, openCosign } from "./cosign.ts";
import { type Fulcio, startFulcio } from "./fulcio.ts";
import { type Judged, judge } from "./judge.ts";
import { type LiveLog, startLiveLog } from "./live-log.ts";
import type { Sample, Verifier } from "./sample.ts";
import { addFulcio, type Services } from "./services.ts";
import { newKeyPair, sigstoreSigns, sigstoreVerifier } from "./sigstore-js.ts";
import { openPython, PYTHON, pythonSigns, pythonVerifier } from "./sigstore-python.ts";
import { type Row, skipped } from "./table.ts";
import { tamper } from "./tamper.ts";
import { ourVerifier } from "./verify-bundle.ts";
import { startWitnesses, type Witnesses } from "./witnesses.ts";

const ARTIFACT = Buffer.from("an artifact of this run\n");
const SECOND = Buffer.from("another artifact of this run\n");

export async function sigstoreClients(): Promise<Row[]> {
  const fulcio = await startFulcio();
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
    if (services !== undefined) return await withServices(services);
    const why = "the log gives no trusted_root.json";
    return [COSIGN, PYTHON].map((client) => skipped(client, "sign, verify", why));
  } finally {
    await log.remove();
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

async function withServices(services: Services): Promise<Row[]> {
  const rows: Row[] = [];
  const judged: Judged[] = [];
  const verifiers: Verifier[] = [];
  const strangersKey = newKeyPair().pem;
  const take = (made: Signed, others: Signed): void => {
    rows.push(...made.rows);
    for (const sample of made.samples) {
      const other = others.samples.find(({ name }) => name === sample.name);
      if (other === undefined) continue;
      const { origin, logKey } = services;
      const witnessed = services.policy !== undefined;
      const tampered = tamper(sample, { origin, logKey, strangersKey, other, witnessed });
      judged.push({ sample, tampered });
    }
  };
  const stamps = services.timestamps !== undefined;
  const keys = newKeyPair();
  take(await sigstoreSigns(services, keys, ARTIFACT), await sigstoreSigns(services, keys, SECOND));
  verifiers.push(sigstoreVerifier(stamps), ourVerifier(services));
  const cosign = await openCosign(services.folder);
  if ("why" in cosign) rows.push(skipped(COSIGN, "everything", cosign.why));
  else {
    take(
      await cosignSigns(cosign, services, ARTIFACT),
      await cosignSigns(cosign, services, SECOND),
    );
    verifiers.push(...cosignVerifiers(cosign, stamps));
  }
  const python = openPython(services);
  if ("why" in python) rows.push(skipped(PYTHON, "everything", python.why));
  else {
    take(await pythonSigns(python, ARTIFACT), await pythonSigns(python, SECOND));
    verifiers.push(pythonVerifier(python));
  }
  for (const verifier of verifiers) rows.push(...(await judge(verifier, judged)));
  return rows;
}
