/**
 * The cosignatures of one head, as they come in: which of them count, and the note they make.
 *
 * @module
 */
import { LogError, unwrap } from "../../schema/error.ts";
import { formatNote, type NoteSignature, parseNote } from "../../schema/tlog/note.ts";
import { hasQuorum, type Policy, type PolicyWitness } from "../../schema/tlog/quorum.ts";
import type { SignedHead } from "../sequencer/ports.ts";
import type { Cosigned } from "./cosignatures.ts";
import type { AskedHead } from "./witness.ts";

interface Line extends Cosigned {
  /** When its witness was asked, by the clock of the ports. */
  readonly askedAt: number;
}

export class Gathered {
  readonly head: AskedHead & { readonly signatures: readonly NoteSignature[] };
  /** By verifier key: a policy that is read again has the same keys under other objects. */
  readonly #lines = new Map<string, Line>();

  constructor(head: SignedHead) {
    const { text, signatures } = unwrap(parseNote(head.checkpoint));
    this.head = { ...head, text, signatures };
  }

  add(lines: readonly Cosigned[], askedAt: number): void {
    for (const line of lines) this.#lines.set(line.witness.vkeyText, { ...line, askedAt });
  }

  /** Whether there is a line by this key that was asked for at `since` or later. */
  has({ vkeyText }: PolicyWitness, since: number = Number.NEGATIVE_INFINITY): boolean {
    const line = this.#lines.get(vkeyText);
    return line !== undefined && line.askedAt >= since;
  }

  hasQuorum(policy: Policy, since: number): boolean {
    return hasQuorum(policy, (witness) => this.has(witness, since));
  }

  /**
   * The time (seconds since 1970) that a whole quorum has reached: the newest for which those who
   * cosigned then or later are one. `undefined` without a quorum, or where the policy asks for none.
   */
  quorumTime(policy: Policy): number | undefined {
    if (policy.quorum === undefined) return undefined;
    const times = Array.from(this.#lines.values(), ({ timestamp }) => timestamp);
    return times
      .toSorted((a, b) => b - a)
      .find((time) =>
        hasQuorum(policy, ({ vkeyText }) => {
          const line = this.#lines.get(vkeyText);
          return line !== undefined && line.timestamp >= time;
        }),
      );
  }

  /** The log's lines, then those of the policy's witnesses in its order. */
  note({ witnesses }: Policy): SignedHead {
    const { text, size, root, signatures } = this.head;
    const lines = witnesses.flatMap(({ vkeyText }) => this.#lines.get(vkeyText)?.line ?? []);
    if (size === 0) throw new LogError("INTERNAL", "a log without entries has no checkpoint");
    return {
      size,
      root,
      checkpoint: formatNote({ text, signatures: [...signatures, ...lines] }),
    };
  }
}
