/**
 * Which of several statements still stand, and which their signers have replaced or withdrawn.
 *
 * A statement names at most one other by its content digest. It takes that one's place for good:
 * what is replaced does not come back when its successor is withdrawn. Only the same signer
 * supersedes; what somebody else says of a statement changes nothing. The order in a log says
 * nothing either: a successor may be logged first.
 *
 * Statements that name each other in a circle are malformed: none of them stands. Nobody can make
 * one out of real digests.
 *
 * Spec: docs/formats.md §Contradictions.
 *
 * @module
 */
import { toHex } from "../bytes.ts";

export interface Superseding {
  /** Signer id. */
  readonly signer: Uint8Array;
  /** Content digest: with the signer the statement's name. */
  readonly content: Uint8Array;
  /** Content digest of the statement that this one replaces or withdraws. */
  readonly supersedes?: Uint8Array | undefined;
}

export interface Standing<T> {
  /** Nobody's successor has taken their place. */
  readonly standing: readonly T[];
  /** Part of a circle. */
  readonly malformed: readonly T[];
}

/** Sort statements, in any order, signed by anybody, and each as often as one likes. */
export function whatStands<T extends Superseding>(statements: readonly T[]): Standing<T> {
  const named = new Map(statements.map((one) => [nameOf(one), one]));
  const circles = findCircles(named);
  const replaced = new Set(statements.map(nameOfSuperseded));
  const names = [...named.keys()];
  const pick = (wanted: (name: string) => boolean): readonly T[] =>
    names.filter(wanted).flatMap((name) => named.get(name) ?? []);
  return {
    standing: pick((name) => !circles.has(name) && !replaced.has(name)),
    malformed: pick((name) => circles.has(name)),
  };
}

/** Whether one of two statements takes the other's place. */
export function supersedesOther(a: Superseding, b: Superseding): boolean {
  return nameOfSuperseded(a) === nameOf(b) || nameOfSuperseded(b) === nameOf(a);
}

/** Each statement has one predecessor at most, so that a walk ends or meets itself. */
function findCircles(named: ReadonlyMap<string, Superseding>): ReadonlySet<string> {
  const circles = new Set<string>();
  const done = new Set<string>();
  for (const start of named.keys()) {
    const walk = new Set<string>();
    let at: string | undefined = start;
    while (at !== undefined && !done.has(at) && !walk.has(at)) {
      walk.add(at);
      at = predecessor(named, at);
    }
    if (at !== undefined && walk.has(at)) {
      const path = [...walk];
      for (const name of path.slice(path.indexOf(at))) circles.add(name);
    }
    for (const name of walk) done.add(name);
  }
  return circles;
}

function predecessor(named: ReadonlyMap<string, Superseding>, name: string): string | undefined {
  const one = named.get(name);
  const before = one && nameOfSuperseded(one);
  return before !== undefined && named.has(before) ? before : undefined;
}

function nameOf({ signer, content }: Superseding): string {
  return `${toHex(signer)} ${toHex(content)}`;
}

function nameOfSuperseded({ signer, supersedes }: Superseding): string | undefined {
  return supersedes === undefined ? undefined : nameOf({ signer, content: supersedes });
}
