/** Witnessing between programs: others' witnesses cosign our log, and ours cosigns others' logs. */
import { createHash, createPublicKey, sign } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openCheckpoint } from "../../client/cosignature.ts";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { unwrap } from "../../schema/error.ts";
import { parseVkey } from "../../schema/tlog/note.ts";
import { command } from "../bench/ours.ts";
import { newNoteKey, startRekor } from "../bench/peers.ts";
import { findProgram } from "../peers/go.ts";
import { startOurWitness } from "../peers/our-witness.ts";
import { lastWords, type Ran, runProgram } from "../peers/process.ts";
import {
  type KnownLog,
  type PeerWitness,
  startLitewitness,
  startOmniwitness,
} from "../peers/witnesses.ts";
import { grow, OURS, tesseraFsck } from "./fsck.ts";
import { startLiveLog } from "./live-log.ts";
import { newKeyPair } from "./sigstore-js.ts";
import { type Client, passes, type Row, refuses, skipped } from "./table.ts";

const { sha256 } = nodeCrypto;

/** All of them must cosign: what is published has every line. */
function policyOf(witnesses: readonly PeerWitness[]): string {
  const names = witnesses.map((_, i) => `w${i}`);
  const lines = witnesses.map(({ vkey, url }, i) => `witness ${names[i]} ${vkey} ${url}\n`);
  return `${lines.join("")}group everybody all ${names.join(" ")}\nquorum everybody\n`;
}

/** Whose cosignatures are on a checkpoint, of those that are known. */
async function cosignersOf(
  checkpoint: Uint8Array,
  log: KnownLog,
  witnesses: readonly PeerWitness[],
): Promise<string[]> {
  const keys = witnesses.map(({ vkey }) => unwrap(parseVkey(sha256, vkey)));
  const logKey = unwrap(parseVkey(sha256, log.vkey));
  const opened = unwrap(await openCheckpoint(nodeCrypto, checkpoint, logKey, keys, log.origin));
  return opened.cosignatures.map(({ key }) => key.name);
}

export interface Witnesses {
  readonly running: readonly PeerWitness[];
  readonly rows: Row[];
  /** Path of a policy that all of them must satisfy. */
  readonly policy: string;
  readonly stop: () => Promise<void>;
}

/** litewitness, omniwitness and ours, each told of one log. */
export async function startWitnesses(folder: string, log: KnownLog): Promise<Witnesses> {
  mkdirSync(folder, { recursive: true });
  const running = [await startOurs(join(folder, "ours"), [log])];
  const rows: Row[] = [];
  for (const started of [
    await startLitewitness(join(folder, "litewitness"), [log]),
    await startOmniwitness(join(folder, "omniwitness"), [log]),
  ])
    if ("missing" in started)
      rows.push(skipped({ client: started.name, version: "" }, COSIGN_OURS, started.missing));
    else running.push(started);
  const policy = join(folder, "policy");
  writeFileSync(policy, policyOf(running));
  const stop = async (): Promise<void> => {
    for (const witness of running) await witness.stop();
  };
  return { running, rows, policy, stop };
}

const COSIGN_OURS = "cosign our log as it grows";

async function startOurs(folder: string, logs: readonly KnownLog[]): Promise<PeerWitness> {
  return startOurWitness(folder, logs, "witness.example.test/w1", command);
}

/** Three witnesses cosign our log, which publishes nothing without all of them. */
async function othersWitnessUs(): Promise<Row[]> {
  let witnesses: Witnesses | undefined;
  const log = await startLiveLog({
    flags: async ({ folder, origin, vkey }) => {
      witnesses = await startWitnesses(join(folder, "witnesses"), { origin, vkey });
      return ["--witness-policy", witnesses.policy];
    },
  });
  try {
    if (witnesses === undefined) throw new Error("no witness was started");
    const rows = [...witnesses.rows];
    // Growth: the second request to each witness has a consistency proof.
    await grow(log, 301);
    await grow(log, 601);
    const { text, size } = await log.head();
    const names = await cosignersOf(Buffer.from(text), log, witnesses.running);
    for (const { name, version, vkey } of witnesses.running) {
      const good = names.includes(vkey.split("+")[0] ?? "");
      const client = version === OURS.version ? "countersign witness" : name;
      rows.push(passes({ client, version }, COSIGN_OURS, good, `size ${size}`));
    }
    return [...rows, await tesseraFsck(log, "check the log with cosigned checkpoints")];
  } finally {
    await log.remove();
    await witnesses?.stop();
  }
}

const TESSERA: Client = { client: "Tessera posix-oneshot", version: "1.0.4" };
const REKOR: Client = { client: "Rekor", version: "2.3.0" };

/** Tessera's and Rekor's own logs ask our witness for cosignatures. */
async function weWitnessOthers(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), "countersign-witnessed-"));
  const tessera = newNoteKey(folder, "tessera.example.test", "note");
  const rekor = newNoteKey(folder, "rekor.example.test", "pem");
  const witness = await startOurs(join(folder, "witness"), [tessera, rekor]);
  try {
    writeFileSync(join(folder, "policy"), policyOf([witness]));
    return [
      ...(await tesseraWitnessed(folder, tessera, witness)),
      await rekorWitnessed(folder, rekor, witness),
    ];
  } finally {
    await witness.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function witnesses(): Promise<Row[]> {
  return [...(await othersWitnessUs()), ...(await weWitnessOthers())];
}

type NoteKey = ReturnType<typeof newNoteKey>;

async function tesseraWitnessed(
  folder: string,
  key: NoteKey,
  witness: PeerWitness,
): Promise<Row[]> {
  const operation = "publish with our witness's cosignature";
  const program = findProgram("tesseraOneshot");
  if (!program.found) return [skipped(TESSERA, operation, program.why)];
  const add = async (storage: string, text: string): Promise<Ran> => {
    const entries = join(folder, `${storage}-entries`);
    mkdirSync(entries, { recursive: true });
    for (const n of [1, 2, 3]) writeFileSync(join(entries, `${n}`), `${text} ${n}`);
    const args = [`--storage_dir=${join(folder, storage)}`, `--entries=${entries}/*`];
    const keys = [`--private_key=${key.file}`, `--witness_policy_file=${join(folder, "policy")}`];
    return runProgram(program.path, [...args, ...keys], { patience: 20_000 });
  };
  const first = await add("tessera", "an entry");
  const second = await add("tessera", "one more");
  const head = readFileSync(join(folder, "tessera/checkpoint"));
  const names = await cosignersOf(head, key, [witness]);
  const size = head.toString().split("\n")[1] ?? "";
  const good = first.status === 0 && second.status === 0 && names.length === 1 && size === "6";
  const detail = good ? `size ${size}, grown once` : lastWords(second);
  const forked = await add("tessera-again", "another history");
  return [
    passes(TESSERA, operation, good, detail),
    refuses(
      { client: "countersign witness", version: "this tree" },
      "serve",
      "a log begun anew under its key, with other entries",
      forked.status !== 0,
    ),
  ];
}

async function rekorWitnessed(folder: string, key: NoteKey, witness: PeerWitness): Promise<Row> {
  const operation = "answer with our witness's cosignature";
  const started = await startRekor(folder, key, [
    `--witness-policy-path=${join(folder, "policy")}`,
  ]);
  if ("missing" in started) return skipped(REKOR, operation, started.missing);
  const { server, path } = started.peer;
  try {
    const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(hashedrekordRequest(Buffer.from("something signed"))),
    });
    const entry: { inclusionProof?: { checkpoint: { envelope: string } } } = JSON.parse(
      await answer.text(),
    );
    const envelope = entry.inclusionProof?.checkpoint.envelope ?? "";
    const names = await cosignersOf(Buffer.from(envelope), key, [witness]);
    return passes(REKOR, operation, names.length === 1, `HTTP ${answer.status}`);
  } finally {
    await server.stop();
  }
}

/** What Rekor v2 takes for a signature over `artifact` by a new key. */
function hashedrekordRequest(artifact: Uint8Array): object {
  const { privateKey, pem } = newKeyPair();
  const spki = createPublicKey(pem).export({ type: "spki", format: "der" });
  return {
    hashedRekordRequestV002: {
      digest: createHash("sha256").update(artifact).digest("base64"),
      signature: {
        content: sign("sha256", artifact, privateKey).toString("base64"),
        verifier: {
          keyDetails: "PKIX_ECDSA_P256_SHA_256",
          publicKey: { rawBytes: spki.toString("base64") },
        },
      },
    },
  };
}
