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

/** How the contents begin that can claim something under their signer's name. */
const CLAIMING = [
  utf8(`DSSEv1 ${IN_TOTO_PAYLOAD_TYPE.length} ${IN_TOTO_PAYLOAD_TYPE} `),
  utf8("certificate version "),
];

function mayClaim(content: Uint8Array): boolean {
  return CLAIMING.some((start) => equal(content.subarray(0, start.length), start));
}
