/**
 * Requests that follow one another, each made while what the one before brought is worked on: a
 * log a continent away, or a core that checks signatures, is not waited for twice.
 *
 * One request is open at most, so memory is bounded by two answers.
 *
 * @module
 */

/** What a request asked for, and what it brought. */
export interface Brought<At, Answer> {
  readonly at: At;
  readonly answer: Answer;
}

/**
 * The answers in their order. `next` says what follows an answer; `undefined` is the end. Whoever
 * stops early waits for the one request that is still open, so that none is left behind.
 */
export async function* askAhead<At, Answer>(
  first: At | undefined,
  ask: (at: At) => Promise<Answer>,
  next: (at: At, answer: Answer) => At | undefined,
): AsyncGenerator<Brought<At, Answer>> {
  let open = first === undefined ? undefined : begin(first, ask);
  try {
    while (open !== undefined) {
      const { at } = open;
      const answer = await open.answer;
      const following = next(at, answer);
      open = following === undefined ? undefined : begin(following, ask);
      yield { at, answer };
    }
  } finally {
    await open?.answer.catch(() => undefined);
  }
}

function begin<At, Answer>(
  at: At,
  ask: (at: At) => Promise<Answer>,
): { readonly at: At; readonly answer: Promise<Answer> } {
  const answer = ask(at);
  // It is told when its turn comes; until then nobody waits for it.
  answer.catch(() => undefined);
  return { at, answer };
}
