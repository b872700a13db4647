/**
 * Logs for the tests of the witness: trees by RFC 6962's own recursions, notes signed with whatever
 * key a log may have, and forks. And a witness over a folder of its own.
 */
import { createPublicKey, type KeyObject, sign } from "node:crypto";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { generateKey } from "../../../client/keys/key-file.ts";
import { concat, utf8 } from "../../../schema/bytes.ts";
import { type LogError, unwrap } from "../../../schema/error.ts";
import type { Evidence } from "../../../schema/evidence.ts";
import { formatCheckpoint } from "../../../schema/tlog/checkpoint.ts";
import { cosignedMessage, formatCosignature } from "../../../schema/tlog/cosignature.ts";
import { asHash, type Hash } from "../../../schema/tlog/hash.ts";
import {
  formatSignatures,
  formatVkey,
  keyId,
  type NoteSignature,
  SIGNATURE_TYPES,
  type SignatureType,
} from "../../../schema/tlog/note.ts";
import { formatAddCheckpoint } from "../../../schema/tlog/tlog-witness.ts";
import { silentLogger } from "../../../server/observe/log.ts";
import { witnessClock } from "../../../server/witness/clock.ts";
import { loadWitnessConfig } from "../../../server/witness/config.ts";
import { initWitness, openCosigners } from "../../../server/witness/init.ts";
import { parseLogList } from "../../../server/witness/logs.ts";
import { type RunningWitness, serveWitness } from "../../../server/witness/serve.ts";
import { WitnessState } from "../../../server/witness/state.ts";
import { Witness } from "../../../server/witness/witness.ts";
import { NaiveTree } from "../../schema/tlog/support.ts";
import { temporaryFolder } from "../fixture.ts";

export const { sha256 } = nodeCrypto;
export const NAME = "witness.example.test/w1";
/** What `witness serve` says when it listens. */
export const WITNESS_PORT = / at http:\/\/127\.0\.0\.1:(\d+)/;

/** A key as a log or a stranger has it. */
export interface NoteKey {
  readonly name: string;
  readonly type: SignatureType;
  readonly vkey: string;
  readonly line: (text: string) => NoteSignature;
}

/** `ed25519` (Tessera, Rekor, Countersign), `ecdsa` (Rekor), `mlDsa44` (what the specification asks for next). */
export async function noteKey(
  name: string,
  kind: keyof typeof SIGNATURE_TYPES = "ed25519",
): Promise<NoteKey> {
  const type = SIGNATURE_TYPES[kind];
  const form = { ed25519: "ed25519", ecdsa: "p256", cosignature: "ed25519", mlDsa44: "ml-dsa-44" };
  const key = await generateKey(unwrapForm(form[kind]));
  const publicKey = publicBytes(key, type);
  const id = keyId(sha256, name, type, publicKey);
  const digest = type === SIGNATURE_TYPES.ecdsa ? "sha256" : null;
  return {
    name,
    type,
    vkey: formatVkey(sha256, name, type, publicKey),
    line(text) {
      if (type !== 4 && type !== 6)
        return { name, keyId: id, signature: sign(digest, utf8(text), key) };
      const timestamp = 1_700_000_000;
      const message = unwrap(cosignedMessage(type, name, timestamp, text));
      const signature = formatCosignature({ timestamp, signature: sign(null, message, key) });
      return { name, keyId: id, signature };
    },
  };
}

function unwrapForm(form: string): "ed25519" | "p256" | "ml-dsa-44" {
  if (form === "ed25519" || form === "p256" || form === "ml-dsa-44") return form;
  throw new Error(form);
}

function publicBytes(key: KeyObject, type: SignatureType): Uint8Array {
  const spki = new Uint8Array(createPublicKey(key).export({ type: "spki", format: "der" }));
  if (type === SIGNATURE_TYPES.ecdsa) return spki;
  return spki.slice(type === SIGNATURE_TYPES.mlDsa44 ? -1_312 : -32);
}

export interface NoteOptions {
  readonly extensions?: readonly string[];
  /** Lines before that of the log. */
  readonly before?: readonly NoteSignature[];
  readonly after?: readonly NoteSignature[];
  readonly keys?: readonly NoteKey[];
  readonly root?: Hash;
  readonly origin?: string;
}

/** A log of as many entries as a test asks for. `salt` makes another history. */
export class FakeLog {
  readonly origin: string;
  readonly keys: readonly NoteKey[];
  readonly #salt: string;
  readonly #forkedAt: number;
  readonly #entries: number;
  readonly #tree: NaiveTree;

  private constructor(
    origin: string,
    keys: readonly NoteKey[],
    entries: number,
    salt: string,
    forkedAt: number,
  ) {
    this.origin = origin;
    this.keys = keys;
    this.#entries = entries;
    this.#salt = salt;
    this.#forkedAt = forkedAt;
    const leaf = (i: number): Hash =>
      sha256(concat(Uint8Array.of(0), utf8(`${i < forkedAt ? "" : salt}entry ${i}`)));
    this.#tree = new NaiveTree(Array.from({ length: entries }, (_, i) => leaf(i)));
  }

  static async make(
    origin: string,
    entries = 40,
    kinds: readonly (keyof typeof SIGNATURE_TYPES)[] = ["ed25519"],
  ): Promise<FakeLog> {
    const keys = await Promise.all(kinds.map((kind) => noteKey(origin, kind)));
    return new FakeLog(origin, keys, entries, "", entries);
  }

  /** The same log with the same keys, in which everything from entry `at` on is different. */
  fork(at: number, salt = "other "): FakeLog {
    return new FakeLog(
      this.origin,
      this.keys,
      this.#entries,
      this.#salt + salt,
      Math.min(at, this.#forkedAt),
    );
  }

  get lines(): string {
    return this.keys.map(({ vkey }) => `log ${vkey}\n`).join("");
  }

  root(size: number): Hash {
    return this.#tree.root(0, size);
  }

  proof(from: number, to: number): readonly Hash[] {
    return from === 0 || from === to ? [] : this.#tree.proof(from, to);
  }

  text(size: number, options: NoteOptions = {}): string {
    const { extensions = [], root = this.root(size), origin = this.origin } = options;
    return formatCheckpoint({ origin, size, root, extensions });
  }

  note(size: number, options: NoteOptions = {}): Uint8Array {
    const { before = [], after = [], keys = this.keys } = options;
    const text = this.text(size, options);
    const lines = [...before, ...keys.map((key) => key.line(text)), ...after];
    return utf8(`${text}\n${formatSignatures(lines)}`);
  }

  /** The body of a request with an honest proof, as far as `from` and `to` have one. */
  body(from: number, to: number, options: NoteOptions = {}): Uint8Array<ArrayBuffer> {
    const proof = from < to ? this.proof(from, to) : [];
    return formatAddCheckpoint({ oldSize: from, proof, checkpoint: this.note(to, options) });
  }
}

/** 32 bytes that are the hash of nothing that matters. */
export function someHash(fill = 7): Hash {
  const hash = asHash(new Uint8Array(32).fill(fill));
  if (hash === undefined) throw new Error("not 32 bytes");
  return hash;
}

export interface TestWitness extends RunningWitness {
  readonly port: number;
  readonly folder: string;
}

/** 2026-09-21, in milliseconds: where the clock of the tests stands. */
export const NOW = 1_790_000_000_000;

/** A new witness, not started, in a folder that is gone after the test unless another is given. */
export async function newWitness(
  logs: readonly FakeLog[],
  base: string = temporaryFolder(),
  name: string = NAME,
): Promise<string> {
  const folder = join(base, "witness");
  await initWitness(nodeCrypto, folder, name, ["ed25519", "ml-dsa-44"]);
  writeLogs(folder, logs);
  return folder;
}

export function writeLogs(folder: string, logs: readonly FakeLog[]): void {
  writeFileSync(join(folder, "logs.txt"), logs.map(({ lines }) => lines).join(""));
}

export async function startWitness(
  folder: string,
  flags: Readonly<Record<string, string>> = {},
  now: () => number = () => NOW,
): Promise<TestWitness> {
  const config = loadWitnessConfig({
    flags: { folder, listen: "127.0.0.1:0", metrics: "off", ...flags },
  });
  const witness = await serveWitness(config, {
    crypto: nodeCrypto,
    logger: silentLogger,
    now,
    cwd: folder,
  });
  return { ...witness, folder, port: Number(new URL(witness.url).port) };
}

/** A witness without HTTP: the same state, keys and judgement. One key, for speed. */
export interface Engine {
  readonly witness: Witness;
  readonly state: WitnessState;
  /** What it reported of logs that convicted themselves. */
  readonly contradictions: Evidence[];
  readonly fatal: LogError[];
}

/** A copy of one that is made once for a process: making one waits for the disk a dozen times. */
export async function newEngineFolder(): Promise<string> {
  const folder = join(temporaryFolder(), "witness");
  template ??= makeTemplate();
  cpSync(await template, folder, { recursive: true });
  return folder;
}

let template: Promise<string> | undefined;

async function makeTemplate(): Promise<string> {
  const base = mkdtempSync(join(tmpdir(), "countersign-template-"));
  process.once("exit", () => rmSync(base, { recursive: true, force: true }));
  await initWitness(nodeCrypto, base, NAME, ["ed25519"]);
  return base;
}

export async function openEngine(
  folder: string,
  logs: readonly FakeLog[],
  now: () => number = () => NOW,
): Promise<Engine> {
  const state = WitnessState.open(folder);
  const cosigners = await openCosigners(nodeCrypto, folder, state.vkeys);
  const list = unwrap(parseLogList(nodeCrypto, utf8(logs.map(({ lines }) => lines).join("")), []));
  const contradictions: Evidence[] = [];
  const fatal: LogError[] = [];
  const witness = new Witness({
    crypto: nodeCrypto,
    state,
    cosigners,
    logs: () => list,
    clock: witnessClock({ wall: now, monotonic: () => 0, newest: () => state.newestTime }),
    admit: async () => {},
    onFatal: (reason) => void fatal.push(reason),
    onContradiction: (_, evidence) => void contradictions.push(evidence),
  });
  return { witness, state, contradictions, fatal };
}
