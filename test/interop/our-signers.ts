/**
 * What our own side makes for Sigstore's clients: `sign --bundle` of the command line, and `KeySigner` with
 * `CountersignWitness` under the bundle builders of `@sigstore/sign`.
 */
import { createPublicKey, type KeyObject } from "node:crypto";
import { TSAWitness, type Witness } from "@sigstore/sign";
import { generateKey, type KeyType } from "../../client/keys/key-file.ts";
import { privateKeySigner } from "../../client/keys/private-key.ts";
import { CountersignWitness, KeySigner } from "../../client/sigstore/index.ts";
import { lastWords } from "../peers/process.ts";
import { OURS } from "./fsck.ts";
import { ours } from "./live-log.ts";
import type { BundleJson, Sample } from "./sample.ts";
import { readBundle, Scratch, type Services } from "./services.ts";
import { buildBundle } from "./sigstore-js.ts";
import { passes, type Row } from "./table.ts";

export interface OurKeys {
  readonly p256: KeyObject;
  readonly "rsa-3072": KeyObject;
}

export async function newOurKeys(): Promise<OurKeys> {
  return { p256: await generateKey("p256"), "rsa-3072": await generateKey("rsa-3072") };
}

interface Order {
  readonly operation: string;
  readonly form: Sample["form"];
  readonly key: keyof OurKeys & KeyType;
  readonly make: (services: Services, key: KeyObject, artifact: Uint8Array) => Promise<BundleJson>;
}

const ORDERS: readonly Order[] = [
  { operation: "sign --bundle, P-256", form: "blob", key: "p256", make: byCommand },
  { operation: "sign --bundle, RSA", form: "blob", key: "rsa-3072", make: byCommand },
  {
    operation: "CountersignWitness, DSSE, P-256",
    form: "attestation",
    key: "p256",
    make: byBuilder("attestation"),
  },
  {
    operation: "CountersignWitness, DSSE, RSA",
    form: "attestation",
    key: "rsa-3072",
    make: byBuilder("attestation"),
  },
  {
    operation: "CountersignWitness, message, P-256",
    form: "blob",
    key: "p256",
    make: byBuilder("blob"),
  },
];

/** Signs one artifact in every way, into the log. */
export async function weSign(
  services: Services,
  keys: OurKeys,
  artifact: Uint8Array,
): Promise<{ readonly rows: Row[]; readonly samples: Sample[] }> {
  const rows: Row[] = [];
  const samples: Sample[] = [];
  for (const { operation, form, key, make } of ORDERS) {
    try {
      const bundle = await make(services, keys[key], artifact);
      const pem = createPublicKey(privatePem(keys[key])).export({ type: "spki", format: "pem" });
      samples.push({
        name: `countersign ${operation}`,
        form,
        bundle,
        artifact,
        expected: { kind: "key", pem: pem.toString() },
        trustedRoot: services.trustedRoot,
      });
      rows.push(passes(OURS, operation, true, ""));
    } catch (error) {
      const words = error instanceof Error ? error.message.slice(0, 240) : "an unknown error";
      rows.push(passes(OURS, operation, false, words));
    }
  }
  return { rows, samples };
}

function privatePem(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}

async function byCommand(
  services: Services,
  key: KeyObject,
  artifact: Uint8Array,
): Promise<BundleJson> {
  const scratch = new Scratch(services.folder);
  const bundle = scratch.path("bundle.json");
  const ran = await ours(
    "sign",
    scratch.file("artifact", artifact),
    "--key",
    scratch.file("key.pem", privatePem(key), 0o600),
    "--log",
    services.url,
    "--vkey",
    services.vkey,
    "--bundle",
    bundle,
    "--receipts",
    scratch.path("receipts"),
    "--memory",
    scratch.path("memory.json"),
  );
  if (ran.status !== 0) throw new Error(lastWords(ran));
  return readBundle(bundle);
}

function byBuilder(form: Sample["form"]): Order["make"] {
  return async (services, key, artifact) => {
    const signer = new KeySigner(privateKeySigner(key, "a key of this run"));
    const { url, vkey: log, timestamps } = services;
    const witnesses: Witness[] = [new CountersignWitness({ url, log, artifact })];
    if (timestamps !== undefined) witnesses.push(new TSAWitness({ tsaBaseURL: timestamps }));
    return buildBundle(form, { signer, witnesses }, artifact);
  };
}
