/**
 * An answer to a look-up, as the data that is shown: complete up to which entry, at which time, by
 * whose word; what stands under each key; what each entry says.
 *
 * - *Complete at* is the time when a whole quorum of the log's witnesses had last seen the head that
 *   was indexed. Without witnesses nobody but the log says that there was nothing more.
 * - *Map unverified*: the trust file names no index verifier, so nobody but the log says that the
 *   map is what its entries give.
 *
 * Spec: docs/formats.md §Index.
 *
 * @module
 */
import type { LookupKey } from "../../schema/index/lookup.ts";
import { MAX_VALUES } from "../../schema/index/record.ts";
import { asHash, type Hash } from "../../schema/tlog/hash.ts";
import type { Head } from "../head.ts";
import { freshness, type Witnessed } from "../quorum.ts";
import { personOf, type Trust } from "../trust.ts";
import type { VerifyPorts } from "../verify/receipt.ts";
import { foundOf, type LookedUp, readEntries } from "./entries.ts";
import type { Found, LookupYes } from "./verdict.ts";

/** Up to where an answer is complete, and who says so. */
export interface Complete {
  readonly origin: string;
  /** Entries that are indexed: everything below this index. */
  readonly size: number;
  /** Seconds since 1970; absent where no witness tells the time. */
  readonly at?: number;
  /** Who has seen the head that was indexed. */
  readonly witnessed: Witnessed;
  /** Who has executed the index: `not asked` is *map unverified*. */
  readonly verified: Witnessed;
  /** Entries of the newest head that is known; those behind `size` are not indexed yet. */
  readonly newest?: number;
  /** The index has ended, and this one goes on. */
  readonly successor?: string;
}

/** What is known of one key. */
export interface KeyReport {
  readonly key: LookupKey;
  /** Entries under it. */
  readonly n: number;
  /** Different values that they claim; above 16 it is only known that there are more. */
  readonly d: number;
  readonly saturated: boolean;
  /** Where it is no summary: the entries. */
  readonly indexes?: readonly number[];
}

/** How much of a signer nobody can read. */
export interface OpaqueReport {
  readonly signerId: Hash;
  readonly person?: string;
  readonly n: number;
}

export interface LookupReport {
  readonly complete: Complete;
  readonly keys: readonly KeyReport[];
  readonly entries: readonly LookedUp[];
  /** Entries of the lists that the answer had no room for, or that were not asked for. */
  readonly notBrought: readonly number[];
  /** Signers whose opaque entries were asked for, and have some. */
  readonly opaque: readonly OpaqueReport[];
}

/**
 * @param asked keys that are shown; others of the bundle only serve to explain these.
 * @param newest the newest head of the log, where it was fetched.
 * @param now seconds since 1970, by a clock of the caller.
 */
export async function reportLookup(
  ports: VerifyPorts,
  answer: LookupYes,
  { asked, newest, now }: ReportOptions,
): Promise<LookupReport> {
  const shown = asked.flatMap((key) => foundOf(answer, key) ?? []);
  const wanted = new Set(
    shown.flatMap((one) => (one.kind === "present" ? (one.list ?? []) : [])).map((at) => at.index),
  );
  const entries = await readEntries(ports, answer);
  const brought = new Set(entries.map(({ index }) => index));
  return {
    complete: completeOf(answer, newest, now),
    keys: shown.map(keyReport),
    entries: entries.filter(({ index }) => wanted.has(index)),
    notBrought: [...wanted].filter((index) => !brought.has(index)).toSorted((a, b) => a - b),
    opaque: opaqueReports(ports.trust, answer.found),
  };
}

export interface ReportOptions {
  readonly asked: readonly LookupKey[];
  readonly newest?: Head | undefined;
  readonly now: number;
}

/** Where the log has not grown since, its newest head says that nothing came later. */
export function completeOf(answer: LookupYes, newest: Head | undefined, now: number): Complete {
  const { main } = answer;
  const { size } = main.tree;
  const head = newest?.tree.size === size ? newest : main;
  const age = freshness(head.log, size, head.cosigned, now);
  const seenAt = age.state === "not asked" ? undefined : age.seenAt;
  const known = newest === undefined ? undefined : Math.max(newest.tree.size, size);
  return {
    origin: answer.origin,
    size,
    ...(seenAt === undefined ? {} : { at: seenAt }),
    witnessed: main.witnessed,
    verified: answer.verified,
    ...(known === undefined ? {} : { newest: known }),
    ...(answer.end === undefined ? {} : { successor: answer.end.successor }),
  };
}

function keyReport(found: Found): KeyReport {
  const { key } = found;
  if (found.kind === "absent") return { key, n: 0, d: 0, saturated: false, indexes: [] };
  const { n, values, saturated } = found.summary;
  const d = saturated ? MAX_VALUES + 1 : values.length;
  const indexes = found.list?.map(({ index }) => index);
  return { key, n, d, saturated, ...(indexes === undefined ? {} : { indexes }) };
}

export function opaqueReports(trust: Trust, found: readonly Found[]): OpaqueReport[] {
  return found.flatMap((one) => {
    const [signer] = one.key.fields;
    if (one.kind === "absent" || one.key.type !== "opaque-by") return [];
    const signerId = signer instanceof Uint8Array ? asHash(signer) : undefined;
    if (signerId === undefined) return [];
    const person = personOf(trust, signerId)?.name;
    return [{ signerId, n: one.summary.n, ...(person === undefined ? {} : { person }) }];
  });
}
