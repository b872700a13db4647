/**
 * What a client remembers of a log: the newest head it has verified, for each of the log's keys.
 *
 * It is the one check that a log cannot pass by signing: whoever was shown one history can never
 * be shown another. A memory is only written with heads whose signature was checked and that were
 * found to extend the one before (`update.ts`); whoever implements this port need check nothing.
 *
 * Spec: docs/formats.md §Memory file.
 *
 * @module
 */

/** The newest verified head of a log: its whole signed note, so that it can convict. */
export interface RememberedHead {
  readonly size: number;
  /** The signed note, as it was served. */
  readonly checkpoint: Uint8Array;
}

/**
 * Keeps heads. Read-after-write for every process that uses the same memory; a `replace` that has
 * answered `true` survives a crash of the machine.
 */
export interface Memory {
  /** The largest head that is remembered under any of these verifier keys. */
  load(vkeys: readonly string[]): Promise<RememberedHead | undefined>;
  /**
   * Remember `next` under each of `vkeys`, if the answer of `load(vkeys)` is still `expected`.
   * `false` when somebody else was faster: nothing was written, and the caller has to look again.
   */
  replace(
    vkeys: readonly string[],
    expected: RememberedHead | undefined,
    next: RememberedHead,
  ): Promise<boolean>;
}

/** A memory for one run: tests, and callers that keep state elsewhere. */
export function volatileMemory(): Memory {
  const heads = new Map<string, RememberedHead>();
  return {
    load: async (vkeys) => newest(vkeys.map((vkey) => heads.get(vkey))),
    replace: async (vkeys, expected, next) => {
      if (!sameHead(newest(vkeys.map((vkey) => heads.get(vkey))), expected)) return false;
      for (const vkey of vkeys) heads.set(vkey, next);
      return true;
    },
  };
}

/** The largest of the heads that are there. */
export function newest(heads: readonly (RememberedHead | undefined)[]): RememberedHead | undefined {
  let best: RememberedHead | undefined;
  for (const head of heads)
    if (head !== undefined && (best === undefined || head.size > best.size)) best = head;
  return best;
}

/** Whether two remembered heads are the same bytes. */
export function sameHead(a: RememberedHead | undefined, b: RememberedHead | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    a.size === b.size &&
    a.checkpoint.length === b.checkpoint.length &&
    a.checkpoint.every((byte, i) => byte === b.checkpoint[i])
  );
}
