/**
 * One witness: an address, its keys in the policy, and what it has said so far.
 *
 * It is asked one thing at a time. A size that it names (409) is tried once; a size that we do not
 * have, or a refusal of our proof (422), is an alarm: then it is asked what it shows to everybody.
 * Only a note under *our own* key counts as proof there; whatever else it says, it is one witness
 * that is out until it cosigns again, because its word alone must not be able to stop a log.
 *
 * Spec: C2SP tlog-witness.
 *
 * @module
 */
import { equal, fromUtf8, utf8 } from "../../schema/bytes.ts";
import type { LogError } from "../../schema/error.ts";
import { readFields } from "../../schema/fields.ts";
import { PROBLEM_TYPE } from "../../schema/http/paths.ts";
import { parseJson } from "../../schema/json.ts";
import type { PolicyWitness } from "../../schema/tlog/quorum.ts";
import {
  ADD_CHECKPOINT_PATH,
  formatAddCheckpoint,
  parseTlogSize,
  TLOG_SIZE_TYPE,
  witnessedCheckpointPath,
} from "../../schema/tlog/tlog-witness.ts";
import type { CommittedTree, SignedHead } from "../sequencer/ports.ts";
import { contradictionOf, openOwnNote } from "../sequencer/published.ts";
import { type Cosigned, checkLines } from "./cosignatures.ts";
import type { FailureKind, WitnessAnswer, WitnessPorts, WitnessTiming } from "./ports.ts";

/** Bytes of a problem document that are read, and characters of its reason that are shown. */
const MAX_PROBLEM_BYTES = 8_192;
const MAX_REASON = 300;

/** What a witness says to one head. */
export type Said =
  | { readonly state: "cosigned"; readonly lines: readonly Cosigned[] }
  | { readonly state: "failed"; readonly kind: FailureKind; readonly reason: string }
  /** A note under the log's own key contradicts its tree. */
  | { readonly state: "contradicted"; readonly reason: LogError };

/** A head as it is sent: the text that is cosigned, and the whole note. */
export interface AskedHead extends SignedHead {
  readonly text: string;
}

/** What is known about a witness, for people. */
export interface WitnessStatus {
  readonly name: string;
  readonly url: string;
  /** `out`: an alarm stands; `silent`: it did not answer the last time; `new`: never asked. */
  readonly state: "ok" | "silent" | "out" | "new";
  /** The size it has cosigned last, as it says. */
  readonly size: number;
  readonly detail: string;
}

export class Witness {
  readonly url: string;
  /** Its keys in the policy. */
  keys: readonly PolicyWitness[];
  readonly #ports: WitnessPorts;
  readonly #timing: WitnessTiming;
  #failures = 0;
  #problem: { readonly kind: FailureKind; readonly reason: string } | undefined;
  #retryAt = Number.NEGATIVE_INFINITY;
  /** A question is under way. */
  busy = false;
  /** It has cosigned a head in this process's life: it agrees with what we last signed (I6). */
  confirmed = false;
  /** It was still to answer when the last round ended. */
  isSlow = false;

  constructor(
    url: string,
    keys: readonly PolicyWitness[],
    ports: WitnessPorts,
    timing: WitnessTiming,
  ) {
    this.url = url;
    this.keys = keys;
    this.#ports = ports;
    this.#timing = timing;
  }

  /** Its names in the policy. */
  get name(): string {
    return this.keys.map(({ name }) => name).join(", ");
  }

  /** When it may be asked again, by the clock of the ports. */
  get retryAt(): number {
    return this.#retryAt;
  }

  /** It contradicts us without proof: its word is not counted on. */
  get isOut(): boolean {
    return this.#problem?.kind === "alarm";
  }

  get status(): WitnessStatus {
    const { name, url } = this;
    const size = this.#ports.sizes.get(url);
    if (this.#problem === undefined)
      return { name, url, size, state: this.confirmed ? "ok" : "new", detail: `at ${size}` };
    return { name, url, size, state: this.isOut ? "out" : "silent", detail: this.#problem.reason };
  }

  /** Asks for cosignatures of `head`. Never throws; the next question waits for the answer. */
  async ask(head: AskedHead, tree: CommittedTree): Promise<Said> {
    this.busy = true;
    const said = await this.#ask(head, tree).catch(
      (error: unknown): Said => failed("unreachable", messageOf(error)),
    );
    this.busy = false;
    this.#remember(said);
    return said;
  }

  async #ask(head: AskedHead, tree: CommittedTree): Promise<Said> {
    const { sizes } = this.#ports;
    const known = sizes.get(this.url);
    // More than we have: it is asked afresh, and will say so itself.
    let old = known > head.size ? 0 : known;
    let answer = await this.#submit(head, tree, old);
    if (answer.status === 409) {
      const size = sizeIn(answer);
      if (size === undefined) return this.#alarm(tree, "it answers 409 without a size");
      if (size > head.size)
        return this.#alarm(
          tree,
          `it says that it has seen ${size} entries, more than ${head.size}`,
        );
      if (size === old) return failed("invalid", `it refuses the size ${size} that it names`);
      sizes.set(this.url, size);
      old = size;
      answer = await this.#submit(head, tree, old);
    }
    if (answer.status === 422)
      return this.#alarm(tree, `it refuses the way from ${old} to ${head.size}${reasonIn(answer)}`);
    if (answer.status !== 200)
      return failed("refused", `it answers ${answer.status}${reasonIn(answer)}`);
    const { cosigned, complaints } = await checkLines(
      this.#ports,
      head.text,
      this.keys,
      answer.body,
    );
    if (cosigned.length === 0) return failed("invalid", complaints.join("; "));
    sizes.set(this.url, head.size);
    return { state: "cosigned", lines: cosigned };
  }

  async #submit(head: AskedHead, tree: CommittedTree, oldSize: number): Promise<WitnessAnswer> {
    const proof =
      oldSize === 0 || oldSize === head.size ? [] : tree.consistency(oldSize, head.size);
    const body = formatAddCheckpoint({ oldSize, proof, checkpoint: head.checkpoint });
    return this.#ports.transport.post(`${this.url}${ADD_CHECKPOINT_PATH}`, body);
  }

  /** Its word against ours: what does it show under our own key? */
  async #alarm(tree: CommittedTree, reason: string): Promise<Said> {
    const shown = await this.shown(tree).catch(
      (error: unknown) => `it does not show what it has seen: ${messageOf(error)}`,
    );
    if (typeof shown !== "string") return { state: "contradicted", reason: shown };
    return failed("alarm", `${reason}; ${shown}`);
  }

  /** The contradiction that its monitoring endpoint proves, or what it shows instead. */
  async shown(tree: CommittedTree): Promise<LogError | string> {
    const { crypto, signer, transport } = this.#ports;
    const url = `${this.url}${witnessedCheckpointPath(crypto.sha256, signer.origin)}`;
    const answer = await transport.get(url);
    if (answer.status === 404) return "it shows no head of this log";
    if (answer.status !== 200) return `it answers ${answer.status} when asked what it has seen`;
    const own = await openOwnNote(crypto, signer, answer.body);
    if (!own.ok) return "what it shows is not signed by this log";
    const contradiction = contradictionOf(own.value, tree, url);
    return contradiction ?? `what it shows agrees with this log up to ${own.value.size}`;
  }

  #remember(said: Said): void {
    const { observer, clock } = this.#ports;
    const wasOut = this.isOut;
    if (said.state === "cosigned") {
      this.#failures = 0;
      this.#problem = undefined;
      this.#retryAt = Number.NEGATIVE_INFINITY;
      this.confirmed = true;
      observer.cosigned(this.name);
      if (wasOut) observer.alarm(this.name, undefined);
      return;
    }
    if (said.state === "contradicted") {
      observer.alarm(this.name, said.reason.message);
      return;
    }
    const { backoffMs, maxBackoffMs, alarmMs } = this.#timing;
    this.#failures++;
    observer.failed(this.name, said.kind, said.reason);
    if (said.kind === "alarm") {
      this.#problem = said;
      this.#retryAt = clock() + alarmMs;
      if (!wasOut) observer.alarm(this.name, said.reason);
      return;
    }
    // An alarm stands until the witness cosigns again; silence does not lift it.
    if (!wasOut) this.#problem = said;
    const pause = Math.min(maxBackoffMs, backoffMs * 2 ** Math.min(20, this.#failures - 1));
    this.#retryAt = clock() + (wasOut ? alarmMs : pause);
  }
}

/** The same head: one text, whatever lines stand below it. */
export function isSameHead(a: SignedHead, b: SignedHead): boolean {
  return a.size === b.size && equal(a.root, b.root);
}

function failed(kind: FailureKind, reason: string): Said {
  return { state: "failed", kind, reason };
}

function sizeIn({ contentType, body }: WitnessAnswer): number | undefined {
  if (contentType.split(";")[0]?.trim().toLowerCase() !== TLOG_SIZE_TYPE) return undefined;
  const size = parseTlogSize(body);
  return size.ok ? size.value : undefined;
}

/** A stranger's explanation, short and without control characters. */
function reasonIn({ body, contentType }: WitnessAnswer): string {
  const text = fromUtf8(body.subarray(0, MAX_PROBLEM_BYTES)) ?? "";
  const said = contentType.startsWith(PROBLEM_TYPE) ? detailOf(text) : text.split("\n", 1)[0];
  const shown = (said ?? "").replace(/[^\x20-\x7e]/g, "").slice(0, MAX_REASON);
  return shown === "" ? "" : `: ${shown}`;
}

/** What a problem document (RFC 9457) says in words. */
function detailOf(problem: string): string | undefined {
  const json = parseJson(utf8(problem));
  const detail = json.ok ? readFields(json.value, "", (fields) => fields.string("detail")) : json;
  return detail.ok ? detail.value : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
