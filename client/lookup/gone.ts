/**
 * Why nobody can read an entry: the log never held its content, has erased it and said so, or calls
 * it erased and never said so. With nobody to ask, an answer itself shows a part of it.
 *
 * The statements of a log are found under its own key in its index, with proof, and in the tail that
 * is not indexed yet; a log without an answer from its index is read from the entry on.
 *
 * Spec: docs/formats.md §Erased contents.
 *
 * @module
 */
import { toHex } from "../../schema/bytes.ts";
import { parseLeaf } from "../../schema/entry/leaf.ts";
import { OwnStatements } from "../../schema/entry/own-statements.ts";
import { LogError } from "../../schema/error.ts";
import { contentPath } from "../../schema/http/paths.ts";
import type { LookupEntry, LookupKey } from "../../schema/index/lookup.ts";
import { MAX_CONTENT_BYTES } from "../../schema/limits.ts";
import type { Hash } from "../../schema/tlog/hash.ts";
import type { Crypto } from "../crypto/crypto.ts";
import { fetchHead } from "../update.ts";
import { type AskPorts, askLookup } from "./ask.ts";
import { foundOf, type LookedUp } from "./entries.ts";
import {
  type AnnouncedErasure,
  announcedErasures,
  eraseStatements,
  type LoggedStatement,
} from "./erased.ts";
import type { Found, LookupYes } from "./verdict.ts";

/** What is known without asking the log again. */
export type ShownGone =
  /** Only its digest was logged. */
  | { readonly state: "opaque" }
  | ({ readonly state: "erased" } & AnnouncedErasure)
  /** The log held it when it was logged: its index does not call the entry opaque. */
  | { readonly state: "held" };

export type Gone =
  | Exclude<ShownGone, { readonly state: "held" }>
  /** Called erased, and no statement of the log says so. */
  | { readonly state: "lost" }
  /** It is there after all: another entry brought it, or it was left out of the answer. */
  | { readonly state: "served" };

interface Unreadable {
  readonly index: number;
  readonly contentDigest: Hash;
}

/** By index, as the log says it now. */
export async function whyGone(
  ports: AskPorts,
  entries: readonly Unreadable[],
): Promise<ReadonlyMap<number, Gone>> {
  const reasons = new Map<number, Gone>();
  const erased: Unreadable[] = [];
  for (const entry of entries) {
    const state = await stateOf(ports, entry.contentDigest);
    if (state === "erased") erased.push(entry);
    else reasons.set(entry.index, { state });
  }
  if (erased.length === 0) return reasons;
  const first = Math.min(...erased.map(({ index }) => index));
  const announced = await announcedBy(ports, first);
  for (const { index, contentDigest } of erased) {
    const statement = announced.get(toHex(contentDigest));
    reasons.set(
      index,
      statement === undefined ? { state: "lost" } : { state: "erased", ...statement },
    );
  }
  return reasons;
}

async function stateOf(
  { transport }: AskPorts,
  digest: Hash,
): Promise<"served" | "opaque" | "erased"> {
  try {
    await transport.get(contentPath(digest), MAX_CONTENT_BYTES);
    return "served";
  } catch (error) {
    if (error instanceof LogError && error.code === "NOT_FOUND") return "opaque";
    if (error instanceof LogError && error.code === "CONTENT_ERASED") return "erased";
    throw error;
  }
}

async function announcedBy(
  ports: AskPorts,
  first: number,
): Promise<ReadonlyMap<string, AnnouncedErasure>> {
  const { crypto, log } = ports;
  const own = new OwnStatements(crypto.sha256, log.vkeyTexts);
  const keys = own.signers.map((id): LookupKey => ({ type: "signer", fields: [id] }));
  const asked = await askLookup(ports, { keys, entries: true, summaries: false });
  const head = await fetchHead(ports);
  // A statement needs its content, and an answer has room for so many.
  const whole =
    asked.state === "answered" &&
    asked.answer.found.every(
      (one) =>
        one.kind === "absent" ||
        one.list?.every(({ index }) =>
          asked.answer.entries.some((entry) => entry.index === index && entry.content),
        ),
    );
  if (asked.state !== "answered" || !whole) return announcedErasures(ports, head, first);
  const indexed = eraseStatements(own, statementsIn(asked.answer));
  const tail = await announcedErasures(ports, head, asked.answer.main.tree.size);
  return new Map([...tail, ...indexed]);
}

function statementsIn({ entries }: LookupYes): LoggedStatement[] {
  return entries.flatMap(({ index, leaf: bytes, content }) => {
    const leaf = parseLeaf(bytes);
    return leaf.ok && content !== undefined ? [{ index, leaf: leaf.value, content }] : [];
  });
}

/**
 * Why, as far as an answer shows it with nobody to ask: whether the log held a content is fixed when
 * it is logged, and stands in the index (`opaque`, `opaque-by`); only a `hashedrekord` may be opaque.
 * An erasure shows where its statement is among the entries. By index; an entry of which the answer
 * shows nothing is left out.
 */
export function shownGone(
  { sha256 }: Crypto,
  answer: LookupYes,
  entries: readonly LookedUp[],
): ReadonlyMap<number, ShownGone> {
  const announced = eraseStatements(
    new OwnStatements(sha256, answer.main.log.vkeyTexts),
    statementsIn(answer),
  );
  const records = new Set(answer.entries.filter(isRecord).map(({ index }) => index));
  const reasons = new Map<number, ShownGone>();
  for (const { index, signerId, contentDigest } of entries) {
    if (signerId === undefined || contentDigest === undefined) continue;
    const listed = [
      isListed(foundOf(answer, { type: "opaque", fields: [] }), index),
      isListed(foundOf(answer, { type: "opaque-by", fields: [signerId] }), index),
    ];
    const erasure = announced.get(toHex(contentDigest));
    if (erasure !== undefined) reasons.set(index, { state: "erased", ...erasure });
    else if (listed.includes(true)) reasons.set(index, { state: "opaque" });
    else if (listed.includes(false) || !records.has(index)) reasons.set(index, { state: "held" });
  }
  return reasons;
}

function isRecord({ leaf: bytes }: LookupEntry): boolean {
  const leaf = parseLeaf(bytes);
  return !leaf.ok || leaf.value.kind === "hashedrekord";
}

/** `undefined` where it is not shown: of a summary only the last index is known. */
function isListed(found: Found | undefined, index: number): boolean | undefined {
  if (found === undefined) return undefined;
  if (found.kind === "absent") return false;
  if (found.list !== undefined) return found.list.some((one) => one.index === index);
  const { last } = found.summary;
  return last > index ? undefined : last === index;
}

/**
 * Both together. That nothing was ever held is the log's word alone, and yields to what the answer
 * proves; it accuses nobody, for a mirror may not have every content.
 */
export function goneBy(
  said: ReadonlyMap<number, Gone>,
  shown: ReadonlyMap<number, ShownGone>,
): ReadonlyMap<number, Gone | ShownGone> {
  const reasons = new Map<number, Gone | ShownGone>(shown);
  for (const [index, gone] of said)
    if (gone.state !== "opaque" || !shown.has(index)) reasons.set(index, gone);
  return reasons;
}
