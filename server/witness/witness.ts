/**
 * The witness itself: from the bytes of a request to what may be answered.
 *
 * signature of the log → judgement against what was cosigned last → the new head made durable →
 * cosignatures over what is durable, and only then. Who asks does not matter: the log's signature is
 * the only thing that is believed, and lines of other keys are neither checked nor kept.
 *
 * A checkpoint that was cosigned within this second already is answered out of what is durable;
 * a later second is a new time in the cosignature, and written down before it is signed.
 *
 * Spec: C2SP tlog-witness, tlog-cosignature.
 *
 * @module
 */
import type { Crypto } from "../../client/crypto/crypto.ts";
import { openNote } from "../../client/note.ts";
import { concat, toHex, utf8 } from "../../schema/bytes.ts";
import { GenerationCache } from "../../schema/cache.ts";
import { type LogError, unwrap } from "../../schema/error.ts";
import type { Evidence } from "../../schema/evidence.ts";
import { type Checkpoint, parseCheckpoint } from "../../schema/tlog/checkpoint.ts";
import {
  formatNote,
  formatSignatures,
  type Note,
  type NoteSignature,
  names,
  parseNote,
} from "../../schema/tlog/note.ts";
import { type AddCheckpoint, parseAddCheckpoint } from "../../schema/tlog/tlog-witness.ts";
import type { WitnessClock } from "./clock.ts";
import type { Cosigner } from "./cosigner.ts";
import { evidenceOf } from "./evidence.ts";
import { StepGroup } from "./group.ts";
import { judge, type Refusal } from "./judge.ts";
import type { LogList } from "./logs.ts";
import { forgotten } from "./recall.ts";
import type { WitnessState } from "./state.ts";
import { headDigest, originId, type WitnessedHead } from "./state-file.ts";

/** Cosignatures kept, so that asking again for a durable head signs nothing again. */
const CACHED_HEADS = 1_024;

export interface WitnessPorts {
  readonly crypto: Crypto;
  readonly state: WitnessState;
  readonly cosigners: readonly Cosigner[];
  /** The list in force at this moment. */
  readonly logs: () => LogList;
  readonly clock: WitnessClock;
  /**
   * What an index verifier does before it cosigns: everything from the head that it cosigned last up to
   * this one is executed again, or refused. Left out by a witness. @throws LogError NOT_EXECUTED
   */
  readonly execute?: (last: WitnessedHead | undefined, next: Checkpoint) => Promise<Executed>;
  /** Whether this log may have one more cosignature now. @throws LogError RATE_LIMITED */
  readonly admit: (origin: string) => Promise<void>;
  /** I5, W2: the process must end. Called at most once. */
  readonly onFatal: (reason: LogError) => void;
  /** A log has signed two histories, and here is what proves it. */
  readonly onContradiction: (origin: string, evidence: Evidence) => void;
  readonly onCommitted?: (steps: number, seconds: number) => void;
}

/** What an index verifier keeps beside a head that follows, or why it does not follow. */
export type Executed = { readonly state: Uint8Array } | Refusal;

/** `lines` are the witness's own signature lines, and nothing else. */
export type AddAnswer = { readonly status: 200; readonly lines: string } | Refusal;

/** A request whose checkpoint a trusted key of its log has signed. */
interface Signed {
  readonly request: AddCheckpoint;
  readonly checkpoint: Checkpoint;
  readonly text: string;
  /** The checkpoint with the verified lines of its log, and no others. */
  readonly note: Uint8Array;
}

export class Witness {
  readonly #ports: WitnessPorts;
  readonly #group: StepGroup;
  readonly #lines = new GenerationCache<string>(CACHED_HEADS);
  /** Why nothing is signed any more. */
  #fatal: LogError | undefined;

  constructor(ports: WitnessPorts) {
    this.#ports = ports;
    this.#group = new StepGroup({
      ...ports,
      onFatal: (reason) => this.#stop(reason),
      onCommitted: ports.onCommitted ?? (() => undefined),
    });
  }

  /**
   * `add-checkpoint`.
   * @throws LogError where it could not be decided: RATE_LIMITED, CLOCK_REFUSED, STORAGE_FULL, …
   */
  async addCheckpoint(strangersBody: Uint8Array): Promise<AddAnswer> {
    const signed = await this.#open(strangersBody);
    if ("status" in signed) return signed;
    const { request, checkpoint, note } = signed;
    const { sha256 } = this.#ports.crypto;
    const { origin } = checkpoint;
    const id = originId(origin);
    let admitted = false;
    // Round again only where another request moved the head in between; the judge sees the new one.
    for (;;) {
      const last = this.#ports.state.head(id);
      const refusal = judge(sha256, last, request.oldSize, request.proof, checkpoint);
      if (refusal !== undefined) {
        if (refusal.status === 422 && last !== undefined) this.#convict(last, signed);
        return refusal;
      }
      if (last !== undefined && this.#isDurable(last, signed.text))
        return { status: 200, lines: await this.#cosign(last) };
      if (!admitted) await this.#ports.admit(origin);
      admitted = true;
      const executed = await this.#ports.execute?.(last, checkpoint);
      if (executed !== undefined && "status" in executed) return executed;
      const head = await this.#group.take({
        origin,
        from: last,
        to: checkpoint,
        note,
        ...(executed === undefined ? {} : { executed: executed.state }),
      });
      if (head !== undefined) return { status: 200, lines: await this.#cosign(head) };
    }
  }

  /**
   * What was cosigned last of the log whose origin has this SHA-256: its checkpoint with its own
   * signatures and ours.
   */
  async shown(id: Uint8Array): Promise<Uint8Array | undefined> {
    const head = this.#ports.state.head(id);
    return head === undefined ? undefined : concat(head.note, utf8(await this.#cosign(head)));
  }

  async #open(strangersBody: Uint8Array): Promise<Signed | Refusal> {
    const request = parseAddCheckpoint(strangersBody);
    if (!request.ok) return { status: 400, reason: request.message };
    const parsed = parseNote(request.value.checkpoint);
    if (!parsed.ok) return { status: 400, reason: parsed.message };
    const checkpoint = parseCheckpoint(parsed.value.text);
    if (!checkpoint.ok) return { status: 400, reason: checkpoint.message };
    const keys = this.#ports.logs().keysOf(checkpoint.value.origin);
    if (keys === undefined) return { status: 404, reason: "this log is not known here" };
    const opened = await openNote(this.#ports.crypto, request.value.checkpoint, keys);
    if (!opened.ok) {
      if (opened.code !== "SIGNATURE_INVALID") unwrap(opened);
      return { status: 403, reason: opened.message };
    }
    const { note, verified } = opened.value;
    await this.#recall(note);
    const lines: NoteSignature[] = [];
    for (const key of verified) {
      const line = note.signatures.find((signature) => names(signature, key));
      if (line !== undefined) lines.push(line);
    }
    return {
      request: request.value,
      checkpoint: checkpoint.value,
      text: note.text,
      note: formatNote({ text: note.text, signatures: lines }),
    };
  }

  /** W2. */
  async #recall(note: Note): Promise<void> {
    const { crypto, state, cosigners } = this.#ports;
    const own = cosigners.map(({ vkey }) => vkey);
    const reason = await forgotten({ crypto, state, own }, note);
    if (reason === undefined) return;
    this.#stop(reason);
    throw reason;
  }

  #stop(reason: LogError): void {
    if (this.#fatal !== undefined) return;
    this.#fatal = reason;
    this.#ports.onFatal(reason);
  }

  #convict(last: WitnessedHead, { request, checkpoint, note }: Signed): void {
    const { crypto, onContradiction } = this.#ports;
    const evidence = evidenceOf(crypto.sha256, last, checkpoint, request.proof, note);
    if (evidence !== undefined) onContradiction(last.origin, evidence);
  }

  /**
   * Whether the state says already all that a cosignature of this moment would say. So whoever repeats
   * the newest checkpoint makes the witness write once in a second, and no log is held up by it.
   */
  #isDurable(last: WitnessedHead, text: string): boolean {
    return last.time === this.#ports.clock.now() && textOf(last) === text;
  }

  /** Signature lines over a head that is durable. */
  async #cosign(head: WitnessedHead): Promise<string> {
    if (this.#fatal !== undefined) throw this.#fatal;
    const name = toHex(headDigest(head));
    const known = this.#lines.get(name);
    if (known !== undefined) return known;
    const text = textOf(head);
    const lines = formatSignatures(
      await Promise.all(this.#ports.cosigners.map(({ cosign }) => cosign(head.time, text))),
    );
    this.#lines.set(name, lines);
    return lines;
  }
}

function textOf({ note }: WitnessedHead): string {
  return unwrap(parseNote(note)).text;
}
