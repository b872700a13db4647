/**
 * Real processes of the log, what they acknowledged, and the judgement over everything that left them:
 * one history that has every witnessed head and every acknowledged entry in it.
 */
import { cpSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openCheckpoint } from "../../client/cosignature.ts";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { fileSubmission, type Signer } from "../../client/keys/signer.ts";
import { fromBase64, toBase64, toHex } from "../../schema/bytes.ts";
import { unwrap } from "../../schema/error.ts";
import type { SubmitAnswer } from "../../schema/http/messages.ts";
import { decodeBundle } from "../../schema/tlog/bundle.ts";
import { leafHash } from "../../schema/tlog/hash.ts";
import { parseNote } from "../../schema/tlog/note.ts";
import { type PromiseParts, parsePromise } from "../../schema/tlog/promise.ts";
import { hasQuorum } from "../../schema/tlog/quorum.ts";
import { entriesPath, TILE_WIDTH } from "../../schema/tlog/tile.ts";
import { parsePolicy } from "../../schema/tlog/tlog-policy.ts";
import { CompactRange } from "../../schema/tlog/tree.ts";
import { place } from "../bench/ours.ts";
import { freePort, Measured } from "../bench/process.ts";
import { runProgram } from "../peers/process.ts";
import type { WitnessDoor, WitnessedHead } from "./witness-door.ts";

const { sha256 } = nodeCrypto;
const main = join(import.meta.dirname, "../../client/cli/main.ts");

export const ORIGIN = "witnessed.example.test";

/** `init`; the answer is the verifier key. */
export async function initLog(folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const args = [main, "init", "--log-origin", ORIGIN, ...place(folder)];
  const made = await runProgram(process.execPath, args);
  const vkey = /^vkey\s+(\S+)$/m.exec(made.text)?.[1];
  if (vkey === undefined) throw new Error(made.text);
  return vkey;
}

/** A second copy of all that a log has on disk, as a backup would be. */
export function copyLog(from: string, to: string): void {
  cpSync(from, to, { recursive: true });
}

interface Acknowledged {
  readonly index: number;
  readonly leafHash: string;
  /** The checkpoint of the answer. */
  readonly checkpoint: string;
}

/** What the log has promised, verbatim. */
interface Promised {
  readonly index: number;
  readonly leafHash: string;
  readonly note: string;
}

export interface Posted {
  /** 201 is a receipt, 202 a promise. */
  readonly status: number;
  readonly index: number | undefined;
}

/** One process of the log on a port of its own. */
export class LogProcess {
  readonly acknowledged: Acknowledged[] = [];
  readonly promised: Promised[] = [];
  readonly folder: string;
  readonly #policy: string;
  #server: Measured | undefined;
  #port = 0;

  constructor(folder: string, policy: string) {
    this.folder = folder;
    this.#policy = policy;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Starts it, and waits until it answers reads at all; whether it may sign is another question. */
  async start(): Promise<void> {
    this.#port = await freePort();
    const listen = ["--http-listen", `127.0.0.1:${this.#port}`, "--metrics-listen", "off"];
    this.#server = new Measured(
      process.execPath,
      [
        main,
        "serve",
        ...place(this.folder),
        ...listen,
        "--witness-policy",
        this.#policy,
        "--witness-timeout-ms",
        "1000",
        "--logging-level",
        "warn",
      ],
      this.#port,
    );
    await this.#server.listens();
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
    this.#server = undefined;
  }

  async ready(): Promise<{ readonly ok: boolean; readonly text: string }> {
    const answer = await fetch(`${this.url}/readyz`);
    return { ok: answer.ok, text: await answer.text() };
  }

  /** SIGKILL, at once. */
  async kill(): Promise<void> {
    await this.#server?.kill();
    this.#server = undefined;
  }

  /** Hands one file in; a yes is remembered, and so is a promise. */
  async post(
    signer: Signer,
    text: string,
    more: Readonly<Record<string, string>> = {},
  ): Promise<Posted> {
    const submission = await fileSubmission(signer, Buffer.from(text));
    const answer = await fetch(`${this.url}/v1/entries`, {
      method: "POST",
      headers: { "content-type": "application/json", ...more },
      body: JSON.stringify(submission),
    });
    const body = await answer.text();
    if (!answer.ok) {
      const problem: { index?: number | string } = JSON.parse(body);
      const index = problem.index === undefined ? undefined : Number(problem.index);
      return { status: answer.status, index };
    }
    const { entries, promises = [] }: SubmitAnswer & { promises?: string[] } = JSON.parse(body);
    const [note] = promises;
    if (note !== undefined) {
      const { index, leafHash: hash } = partsOf(note);
      this.promised.push({ index, leafHash: toHex(hash), note });
      return { status: answer.status, index };
    }
    const [entry] = entries;
    if (entry === undefined) throw new Error("an answer without an entry");
    const leaf = fromBase64(entry.canonicalizedBody) ?? new Uint8Array();
    const index = Number(entry.logIndex);
    const checkpoint = entry.inclusionProof.checkpoint.envelope;
    this.acknowledged.push({ index, leafHash: toHex(leafHash(sha256, leaf)), checkpoint });
    return { status: answer.status, index };
  }

  /** What is wrong with the checkpoints of its answers: too few witnesses, or a line of nobody's. */
  async badCheckpoints(): Promise<string[]> {
    const policy = unwrap(parsePolicy(sha256, readFileSync(this.#policy)));
    const [log] = policy.logs;
    if (log === undefined) throw new Error("the policy names no log");
    const keys = policy.witnesses.map(({ vkey }) => vkey);
    const trouble: string[] = [];
    for (const { index, checkpoint } of this.acknowledged) {
      const opened = await openCheckpoint(nodeCrypto, Buffer.from(checkpoint), log.vkey, keys);
      if (!opened.ok) {
        trouble.push(`entry ${index}: ${opened.message}`);
        continue;
      }
      const { note, cosignatures } = opened.value;
      const seen = new Set(cosignatures.map(({ key }) => key));
      if (!hasQuorum(policy, ({ vkey }) => seen.has(vkey)))
        trouble.push(`entry ${index} was given as final without a quorum`);
      if (note.signatures.length !== seen.size + 1)
        trouble.push(`the checkpoint of entry ${index} has a line of nobody's`);
    }
    return trouble;
  }

  /** The published size. */
  async size(): Promise<number> {
    const text = await (await fetch(`${this.url}/checkpoint`)).text();
    return Number(text.split("\n")[1]);
  }
}

/** Promises of several processes of one log that give one index twice: none, or it is no log. */
export function twice(promised: readonly Promised[]): string[] {
  const byIndex = new Map<number, string>();
  const trouble: string[] = [];
  for (const { index, note } of promised) {
    if ((byIndex.get(index) ?? note) !== note) trouble.push(`index ${index} was promised twice`);
    byIndex.set(index, note);
  }
  return trouble;
}

function partsOf(note: string): PromiseParts {
  return unwrap(parsePromise(unwrap(parseNote(Buffer.from(note))).text));
}

/** The published tree: its leaf hashes, and the root of each size. */
export async function historyOf(log: LogProcess): Promise<{
  readonly leaves: readonly string[];
  readonly roots: readonly string[];
}> {
  const size = await log.size();
  const range = CompactRange.empty(sha256);
  const leaves: string[] = [];
  const roots = [toBase64(range.root())];
  for (let begin = 0; begin < size; begin += TILE_WIDTH) {
    const width = Math.min(TILE_WIDTH, size - begin);
    const answer = await fetch(`${log.url}/${entriesPath(begin / TILE_WIDTH, width)}`);
    const bytes = new Uint8Array(await answer.arrayBuffer());
    for (const leaf of unwrap(decodeBundle(bytes, width))) {
      const hash = leafHash(sha256, leaf);
      range.append(hash);
      leaves.push(toHex(hash));
      roots.push(toBase64(range.root()));
    }
  }
  return { leaves, roots };
}

export interface Judgement {
  readonly heads: number;
  readonly acknowledged: number;
  readonly trouble: readonly string[];
}

/**
 * Every witnessed head is a prefix of the log's tree; every acknowledged entry is where it was said to be,
 * and was acknowledged under a checkpoint with its quorum and no line of anybody else; every promise
 * that could be kept was.
 */
export async function judgeHistory(
  log: LogProcess,
  doors: readonly WitnessDoor[],
  all: readonly LogProcess[] = [log],
): Promise<Judgement> {
  const { leaves, roots } = await historyOf(log);
  const heads: WitnessedHead[] = doors.flatMap((door) => door.heads);
  const acknowledged = all.flatMap((one) => one.acknowledged);
  const trouble: string[] = [];
  // A head beyond what is published is not yet in this tree; heads of one size are compared below.
  for (const { size, root } of heads)
    if (size < roots.length && roots[size] !== root)
      trouble.push(`a witnessed head of size ${size} has another root`);
  const bySize = new Map<number, string>();
  for (const { size, root } of heads) {
    const before = bySize.get(size);
    if (before !== undefined && before !== root)
      trouble.push(`two witnessed heads of size ${size} disagree`);
    bySize.set(size, root);
  }
  for (const { index, leafHash: wanted } of acknowledged)
    if (leaves[index] !== wanted) trouble.push(`the acknowledged entry ${index} is not in the log`);
  const promised = all.flatMap((one) => one.promised);
  trouble.push(...twice(promised));
  for (const { index, leafHash: wanted } of promised)
    if (index < leaves.length && leaves[index] !== wanted)
      trouble.push(`the promised entry ${index} is lost`);
  for (const one of all) trouble.push(...(await one.badCheckpoints()));
  return { heads: heads.length, acknowledged: acknowledged.length, trouble };
}
