/**
 * Proven look-ups that statements are held against: *usable ⇒ indexed*.
 *
 * - X6  A statement counts only if the proven lists of its own names have it, and the proven map has
 *       nothing that takes it back: a look-up that is not at hand counts against it.
 *
 * Why a statement must not be used, in the order of the questions: it is not indexed yet, or its
 * names were not looked up; the index leaves it out, which convicts the index; its signer has taken
 * it back; its signer says something else in the same slot.
 *
 * `d ≥ 2` in a slot is a hint. Both entries are read, with their signatures, and only the rules of
 * `schema/index/contradiction.ts` make an equivocation of it.
 *
 * Spec: docs/formats.md §Index, §Contradictions.
 *
 * @module
 */
import { equal } from "../../schema/bytes.ts";
import { encodeLeaf } from "../../schema/entry/leaf.ts";
import { contradiction, SIGNER_SLOTS, said } from "../../schema/index/contradiction.ts";
import { CURRENT_INDEX } from "../../schema/index/generation.ts";
import type { LookupKey } from "../../schema/index/lookup.ts";
import { ALWAYS_POSTED } from "../../schema/index/map-key.ts";
import type { MapHashes } from "../../schema/index/mapfn.ts";
import type { NamedPosting } from "../../schema/index/posting-set.ts";
import { gitHashOf } from "../git/hash.ts";
import { checkReceipt, type ReceiptFile, type VerifyPorts } from "../verify/receipt.ts";
import type { CheckedReceipt, CompletenessReason } from "../verify/verdict.ts";
import { entryReceipt, indexesOf, nameOf } from "./entries.ts";
import { statementKeys } from "./keys.ts";
import type { Found, LookupYes } from "./verdict.ts";

interface Proven {
  readonly found: Found;
  /** Entries that this answer is complete for. */
  readonly size: number;
}

export class Lookups {
  /** The answers, as they were proved. */
  readonly answers: readonly LookupYes[];
  /** Every entry that the answers bring, as receipts. */
  readonly files: readonly ReceiptFile[];
  readonly #hashes: MapHashes;
  readonly #found = new Map<string, Proven>();
  readonly #brought = new Set<string>();
  readonly #entries: ReadonlyMap<string, CheckedReceipt>;

  static async open(ports: VerifyPorts, answers: readonly LookupYes[]): Promise<Lookups> {
    const files: ReceiptFile[] = [];
    const entries = new Map<string, CheckedReceipt>();
    for (const { main, entries: brought, origin } of answers)
      for (const entry of brought) {
        const name = placeOf(origin, entry.index);
        if (entries.has(name)) continue;
        const file = entryReceipt(ports.crypto, main, entry);
        const checked = await checkReceipt(ports, file);
        files.push(file);
        if (checked.ok) entries.set(name, checked.receipt);
      }
    return new Lookups(ports, answers, files, entries);
  }

  private constructor(
    { crypto }: VerifyPorts,
    answers: readonly LookupYes[],
    files: readonly ReceiptFile[],
    entries: ReadonlyMap<string, CheckedReceipt>,
  ) {
    this.answers = answers;
    this.files = files;
    this.#hashes = { sha256: crypto.sha256, git: gitHashOf(crypto) };
    this.#entries = entries;
    for (const { origin, entries: brought } of answers)
      for (const { index } of brought) this.#brought.add(placeOf(origin, index));
    for (const { origin, main, found } of answers)
      for (const one of found) {
        const name = `${origin} ${nameOf(one.key)}`;
        const { size } = main.tree;
        if ((this.#found.get(name)?.size ?? -1) < size) this.#found.set(name, { found: one, size });
      }
  }

  /** What is proved of a key of a log; `undefined` where it was not asked. */
  of(origin: string, key: LookupKey): Found | undefined {
    return this.#found.get(`${origin} ${nameOf(key)}`)?.found;
  }

  /** Whether an entry itself is among the answers, readable or not. */
  brings(origin: string, index: number): boolean {
    return this.#brought.has(placeOf(origin, index));
  }

  /** Names under which a statement has to be looked up before it is used. */
  keysOf(receipt: CheckedReceipt): LookupKey[] {
    const { signerId } = receipt.signer;
    const slots = this.#postings(receipt).filter(({ type }) => SIGNER_SLOTS.includes(type));
    return [
      ...statementKeys(signerId, receipt.contentDigest),
      { type: "opaque-by", fields: [signerId] },
      ...slots.map(({ type, fields }) => ({ type, fields })),
    ];
  }

  /** Why a statement must not be used; `undefined` where nothing is against it. */
  against(receipt: CheckedReceipt): CompletenessReason | undefined {
    const { head } = receipt;
    for (const key of this.keysOf(receipt))
      if (this.of(head.origin, key) === undefined) return { code: "NOT_LOOKED_UP", key };
    for (const posting of this.#postings(receipt)) {
      const missing = this.#missing(receipt, posting);
      if (missing !== undefined) return missing;
    }
    const [, superseded] = statementKeys(receipt.signer.signerId, receipt.contentDigest);
    const by = superseded === undefined ? undefined : this.of(head.origin, superseded);
    if (by?.kind === "present") return { code: "SUPERSEDED", by: indexesOf(by) };
    for (const posting of this.#postings(receipt)) {
      const contradicted = this.#contradicted(receipt, posting);
      if (contradicted !== undefined) return contradicted;
    }
    return undefined;
  }

  /** Under a key of its own that was looked up: not indexed yet, or left out. */
  #missing(receipt: CheckedReceipt, posting: NamedPosting): CompletenessReason | undefined {
    const { head, index, leaf } = receipt;
    const { origin } = head;
    const { type, fields } = posting;
    const key = { type, fields };
    const proven = this.#found.get(`${origin} ${nameOf(key)}`);
    if (proven === undefined) return undefined;
    const { found, size } = proven;
    if (index >= size) return { code: "NOT_INDEXED", size };
    if (found.kind === "present" && found.list === undefined) return { code: "NOT_LOOKED_UP", key };
    const listed = found.kind === "present" && found.list?.find((one) => one.index === index);
    if (listed) return undefined;
    // What was sequenced by its digest alone makes no claims, however its content is found later.
    const mayBeOpaque = leaf.kind === "hashedrekord" && !ALWAYS_POSTED.has(type);
    return mayBeOpaque ? { code: "OPAQUE", key } : { code: "INDEX_OMITS", origin, index, key };
  }

  /** Another entry of the signer in this slot, with which this one cannot stand. */
  #contradicted(receipt: CheckedReceipt, posting: NamedPosting): CompletenessReason | undefined {
    const { type, fields } = posting;
    const { origin } = receipt.head;
    const found = SIGNER_SLOTS.includes(type) ? this.of(origin, { type, fields }) : undefined;
    if (found?.kind !== "present" || found.summary.values.length < 2) return undefined;
    const own = said(this.#hashes, encodeLeaf(receipt.leaf), receipt.content, posting);
    if (own === undefined) return undefined;
    for (const { index, claim } of found.list ?? []) {
      // A second value that nobody shows could be the one that convicts.
      if (claim !== undefined && !equal(claim, own.claim) && !this.brings(origin, index))
        return { code: "NOT_LOOKED_UP", key: { type, fields } };
      const entry = this.#entries.get(placeOf(origin, index));
      const same = entry && this.#postings(entry).find((one) => equal(one.key, posting.key));
      const other =
        entry && same && said(this.#hashes, encodeLeaf(entry.leaf), entry.content, same);
      if (entry === undefined || other === undefined) continue;
      if (contradiction(type, own, other) !== "equivocation") continue;
      const [, superseded] = statementKeys(other.signer, other.content);
      const gone = superseded === undefined ? undefined : this.of(origin, superseded);
      if (type !== "verdict-by" || gone?.kind !== "present")
        return { code: "EQUIVOCATES", slot: type, index: receipt.index, other: index };
    }
    return undefined;
  }

  #postings(receipt: CheckedReceipt): readonly NamedPosting[] {
    const { head, vkeys, leaf, content } = receipt;
    const log = { origin: head.origin, vkeys };
    const { generation } = this.answers.find(({ origin }) => origin === head.origin) ?? NOT_ASKED;
    return generation.namedPostings(this.#hashes, log, encodeLeaf(leaf), content);
  }
}

/** What would be asked. */
const NOT_ASKED = { generation: CURRENT_INDEX };

function placeOf(origin: string, index: number): string {
  return `${index} ${origin}`;
}
