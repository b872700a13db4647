/**
 * Why nobody can read an entry: the log never held its content, has erased it and said so, or calls
 * it erased and never said so.
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
import type { LookupKey } from "../../schema/index/lookup.ts";
import { MAX_CONTENT_BYTES } from "../../schema/limits.ts";
import type { Hash } from "../../schema/tlog/hash.ts";
import { fetchHead } from "../update.ts";
import { type AskPorts, askLookup } from "./ask.ts";
import { type AnnouncedErasure, announcedErasures, eraseStatements } from "./erased.ts";

export type Gone =
  /** Only its digest was logged, ever. */
  | { readonly state: "opaque" }
  | ({ readonly state: "erased" } & AnnouncedErasure)
  /** Called erased, and no statement of the log says so. */
  | { readonly state: "lost" };

interface Unreadable {
  readonly index: number;
  readonly contentDigest: Hash;
}

/** By index. An entry whose content is there after all is left out. */
export async function whyGone(
  ports: AskPorts,
  entries: readonly Unreadable[],
): Promise<ReadonlyMap<number, Gone>> {
  const reasons = new Map<number, Gone>();
  const erased: Unreadable[] = [];
  for (const entry of entries) {
    const state = await stateOf(ports, entry.contentDigest);
    if (state === "opaque") reasons.set(entry.index, { state });
    if (state === "erased") erased.push(entry);
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
): Promise<"held" | "opaque" | "erased"> {
  try {
    await transport.get(contentPath(digest), MAX_CONTENT_BYTES);
    return "held";
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
  const indexed = eraseStatements(
    own,
    asked.answer.entries.flatMap(({ index, leaf: bytes, content }) => {
      const leaf = parseLeaf(bytes);
      return leaf.ok && content !== undefined ? [{ index, leaf: leaf.value, content }] : [];
    }),
  );
  const tail = await announcedErasures(ports, head, asked.answer.main.tree.size);
  return new Map([...tail, ...indexed]);
}
