/**
 * Sigstore's JavaScript clients, unmodified, against a log in this process: what `@sigstore/sign` signs into
 * it, with a plain key and with a certificate, passes `@sigstore/verify` at its default thresholds; and
 * no tampered bundle passes, but for what that verifier is known not to look at.
 *
 * The long form, with cosign, sigstore-python and our own verifier, is `npm run interop`.
 */
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Fulcio, startFulcio } from "../interop/fulcio.ts";
import { type Judged, judge } from "../interop/judge.ts";
import { addFulcio, type Services } from "../interop/services.ts";
import { newKeyPair, sigstoreSigns, sigstoreVerifiers } from "../interop/sigstore-js.ts";
import { disagreements, type Row } from "../interop/table.ts";
import { tamper } from "../interop/tamper.ts";
import { startTestLog, type TestLog } from "../server/http/harness.ts";

let log: TestLog;
let fulcio: Fulcio;
let services: Services;
let folder: string;

beforeAll(async () => {
  [log, fulcio] = [await startTestLog("memory", { now: Date.now }), await startFulcio()];
  folder = mkdtempSync(join(tmpdir(), "countersign-sigstore-"));
  const get = async (path: string): Promise<string> => (await fetch(`${log.url}${path}`)).text();
  const trustedRoot = await get("/trusted_root.json");
  const signingConfig = await get("/signing_config.json");
  const { tsaUrls = [] }: { tsaUrls?: { url: string }[] } = JSON.parse(signingConfig);
  services = {
    url: log.url,
    origin: log.parts.key.origin,
    vkey: log.parts.key.vkey,
    logKey: generateKeyPairSync("ed25519").privateKey,
    ...addFulcio({ trustedRoot, signingConfig }, fulcio),
    timestamps: `${log.url}${new URL(tsaUrls[0]?.url ?? "").pathname}`,
    policy: undefined,
    fulcio,
    folder,
  };
});

afterAll(async () => {
  await log.end();
  await fulcio.close();
  rmSync(folder, { recursive: true, force: true });
});

test("what they sign into the log passes at default thresholds, and tampered it does not", async () => {
  const keys = newKeyPair();
  const made = await sigstoreSigns(services, keys, Buffer.from("an artifact\n"));
  const others = await sigstoreSigns(services, keys, Buffer.from("another artifact\n"));
  const strangersKey = newKeyPair().pem;
  const judged: Judged[] = [];
  for (const [i, sample] of made.samples.entries()) {
    const other = others.samples[i];
    if (other === undefined) throw new Error("one of the two was not signed");
    const { origin, logKey } = services;
    const parts = { origin, logKey, strangersKey, other, witnessed: false };
    judged.push({ sample, tampered: await tamper(sample, parts) });
  }
  const [verifier] = sigstoreVerifiers();
  if (verifier === undefined) throw new Error("there is no verifier");
  const rows: Row[] = [...made.rows, ...(await judge(verifier, judged))];
  expect(disagreements(rows)).toEqual([]);
  expect(made.samples).toHaveLength(4);
  expect(rows.filter(({ result }) => result === "refuses").length).toBeGreaterThan(15);
});
