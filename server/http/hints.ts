/**
 * `conflictHint` of a receipt's answer: slots in which an entry says something else than an entry
 * that is indexed already. Fast and unproven; the proof is in the feed of conflicts.
 *
 * Asked while the entry is being logged, only for entries that may claim something under their
 * signer's name, and with a deadline: an index that is busy is not waited for.
 *
 * @module
 */

import { equal, utf8 } from "../../schema/bytes.ts";
import { IN_TOTO_PAYLOAD_TYPE } from "../../schema/entry/statement.ts";
import type { LookupKey } from "../../schema/index/lookup.ts";
import { KNOWN_PREDICATE_TYPES } from "../../schema/predicate/registry.ts";
import type { AdmittedEntry } from "../admission/admit.ts";

/** From the question on; the entry is being written meanwhile. */
const DEADLINE_MS = 20;
/** Questions that may be open at one time. */
const MAX_OPEN = 64;

export type AskHints = (leaf: Uint8Array, content: Uint8Array) => Promise<readonly LookupKey[]>;

export class Hints {
  readonly #ask: AskHints;
  #open = 0;

  constructor(ask: AskHints) {
    this.#ask = ask;
  }

  /** `undefined` where nothing is asked, or was answered in time. Never rejects. */
  async of(entries: readonly AdmittedEntry[]): Promise<readonly LookupKey[] | undefined> {
    const questions = entries.flatMap(({ leaf, content }) =>
      content !== undefined && mayClaim(content) ? [{ leaf, content }] : [],
    );
    if (questions.length === 0 || this.#open + questions.length > MAX_OPEN) return undefined;
    const { promise: late, resolve } = Promise.withResolvers<undefined>();
    const timer = setTimeout(resolve, DEADLINE_MS);
    const answers = Promise.all(questions.map(({ leaf, content }) => this.#one(leaf, content)));
    const found = await Promise.race([answers.catch(() => undefined), late]);
    clearTimeout(timer);
    return found?.flat();
  }

  async #one(leaf: Uint8Array, content: Uint8Array): Promise<readonly LookupKey[]> {
    this.#open++;
    try {
      return await this.#ask(leaf, content);
    } finally {
      this.#open--;
    }
  }
}

const STATEMENT = utf8(`DSSEv1 ${IN_TOTO_PAYLOAD_TYPE.length} ${IN_TOTO_PAYLOAD_TYPE} `);
const PUSH = utf8("certificate version ");

/** Whether it could say something under its signer's name: asked on the write path, so no more. */
function mayClaim(content: Uint8Array): boolean {
  const begins = (start: Uint8Array): boolean => equal(content.subarray(0, start.length), start);
  if (!begins(STATEMENT)) return begins(PUSH);
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  return KNOWN_PREDICATE_TYPES.some((type) => bytes.includes(type));
}
