/**
 * Look-ups with proof at a running log: the server's time for each, and the bytes of the bundle.
 *
 * The bundle is what an offline client is handed when there are three witnesses and three index
 * verifiers: the answer of the log with three Ed25519 cosignatures put under both of its notes.
 * Each measured answer is verified by the client's own code.
 */

import { generateKeyPairSync, sign } from "node:crypto";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { httpTransport, type Transport } from "../../client/fetch.ts";
import { verifyLookup } from "../../client/lookup/verify.ts";
import { pinnedLog } from "../../client/trust.ts";
import { fromUtf8, utf8 } from "../../schema/bytes.ts";
import { unwrap } from "../../schema/error.ts";
import { type LookupRequest, lookupPath } from "../../schema/http/lookup-request.ts";
import { formatIndexHead, MAX_CLAIMS_BYTES } from "../../schema/index/claims.ts";
import { INDEX_V1 } from "../../schema/index/generation.ts";
import {
  formatLookup,
  type Lookup,
  type LookupKey,
  MAX_LOOKUP_BYTES,
  parseLookup,
} from "../../schema/index/lookup.ts";
import { cosignatureMessage, formatCosignature } from "../../schema/tlog/cosignature.ts";
import { formatNote, makeVkey, parseNote, SIGNATURE_TYPES } from "../../schema/tlog/note.ts";
import { type Measured, measureLoad, middle, report, rounds, seconds } from "./bench.ts";
import { artifactKey, BUILDS_OF_ARTIFACT, builderKey } from "./indexed-entry.ts";
import type { Ours } from "./ours.ts";

/** Different keys that are asked for in turn. */
const ASKED = 400;
const COSIGNERS = 3;
const TIME = 1_795_341_600;
const { sha256 } = nodeCrypto;

export async function benchLookups(ours: Ours, vkey: string, size: number): Promise<void> {
  const at = `at ${size.toLocaleString("en")}`;
  const artifacts = Math.floor((size - 1) / BUILDS_OF_ARTIFACT) - 1;
  const keys = Array.from({ length: ASKED }, (_, i) =>
    artifactKey(1 + Math.floor((i * artifacts) / ASKED)),
  );
  await timed(ours, `look-up with proof ${at}`, keys, { entries: false });
  await timed(ours, `look-up with proof and ${BUILDS_OF_ARTIFACT} entries ${at}`, keys, {
    entries: true,
  });
  const listed = (size - 1).toLocaleString("en");
  const name = `summary of ${listed} entries ${at}`;
  await timed(ours, name, [builderKey], { claims: true });
  const [key] = keys;
  if (key === undefined) return;
  const short = await bundle(ours, vkey, key, { entries: true });
  const kept = { ...short, entries: [] };
  report.figure(`bundle ${at}, entries apart`, sized(kept), "B");
  report.ratio(`bundle ${at}, entries apart ÷ 4,096 B (reach ≤ 1)`, sized(kept), 4096);
  const proofs = short.entries.map(({ index, hashes }) => ({ index, hashes, leaf: utf8("") }));
  const proved = sized({ ...short, entries: proofs });
  report.figure(`bundle ${at}, with the inclusion of ${proofs.length} entries`, proved, "B");
  const summary = await bundle(ours, vkey, builderKey, { claims: true });
  report.figure(`${name}, whole bundle`, sized(summary), "B");
  report.figure(`${name}, the head alone`, formatIndexHead(summary).length, "B");
  const path = pathOf(builderKey, { claims: true, form: "bytes" });
  const answered = (await transportTo(ours).get(path, MAX_CLAIMS_BYTES)).length;
  report.figure(`${name}, as answered to form=bytes`, answered, "B");
  report.ratio(`${name}, as answered ÷ 1,024 B (reach ≤ 1)`, answered, 1024);
}

interface Form {
  readonly entries?: boolean;
  readonly claims?: boolean;
  readonly form?: "bytes";
}

function pathOf(key: LookupKey, { entries = false, claims = false, ...form }: Form): string {
  const request: LookupRequest = { keys: [key], entries, summaries: claims, ...form };
  return lookupPath(request, claims);
}

/** One client for the time of an answer, sixteen for the CPU that one costs. */
async function timed(
  ours: Ours,
  name: string,
  keys: readonly LookupKey[],
  form: Form,
): Promise<void> {
  const paths = keys.map((key) => pathOf(key, form));
  for (const clients of [1, 16]) {
    const order = { port: ours.server.port, clients, seconds, method: "GET", paths } as const;
    const all: Measured[] = [];
    for (let round = 0; round < rounds; round++) all.push(await measureLoad(ours.server, order));
    const one = middle(all);
    report.load(name, clients, one);
    if (clients === 1) report.ratio(`${name}: p50 ÷ 1 ms (reach ≤ 1)`, one.p50, 1);
    else report.ratio(`${name}: CPU ÷ 1 ms (reach ≤ 1)`, one.cpuPerEntry, 1);
  }
}

/** An answer of the log, cosigned as a quorum of three would, and verified. */
async function bundle(ours: Ours, vkey: string, key: LookupKey, form: Form): Promise<Lookup> {
  const lookup = unwrap(
    parseLookup(await transportTo(ours).get(pathOf(key, form), MAX_LOOKUP_BYTES)),
  );
  const { index, main } = lookup;
  const whole: Lookup = {
    ...lookup,
    index: { ...index, checkpoint: cosigned("verifier", index.checkpoint) },
    main: cosigned("witness", main),
  };
  const log = unwrap(pinnedLog(sha256, vkey));
  const ports = { crypto: nodeCrypto, log, verifiers: [], generation: INDEX_V1 };
  const verdict = await verifyLookup(ports, formatLookup(whole), [key]);
  if (!verdict.ok) throw new Error(`a bundle was refused: ${JSON.stringify(verdict.refusal)}`);
  return whole;
}

function transportTo(ours: Ours): Transport {
  return httpTransport(`http://127.0.0.1:${ours.server.port}`);
}

function sized(lookup: Lookup): number {
  return formatLookup(lookup).length;
}

function cosigned(role: string, text: string): string {
  const note = unwrap(parseNote(utf8(text)));
  const lines = Array.from({ length: COSIGNERS }, (_, i) => {
    const name = `${role}-${i}.example.test`;
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-32);
    const { keyId } = makeVkey(sha256, name, SIGNATURE_TYPES.cosignature, raw);
    const signature = sign(null, cosignatureMessage(TIME, note.text), privateKey);
    return { name, keyId, signature: formatCosignature({ timestamp: TIME, signature }) };
  });
  return fromUtf8(formatNote({ ...note, signatures: [...note.signatures, ...lines] })) ?? "";
}
