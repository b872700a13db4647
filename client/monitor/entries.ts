/**
 * What came under the names that are watched: each new entry fetched, checked as any receipt, and
 * told by what it says.
 *
 * An index lists entries, and says nothing of their signatures; a log has to have checked them. So
 * each is checked here: that it is in the log, that it posts the names under which it is listed,
 * that its signature is good. An entry by a key of ours whose content we do not know to have signed
 * is told as such, whatever it says: somebody else has the key.
 *
 * Spec: docs/formats.md §Monitor.
 *
 * @module
 */
import { equal, fromHex, toHex } from "../../schema/bytes.ts";
import { leafSignerId } from "../../schema/entry/check.ts";
import { leafContentDigest, parseLeaf } from "../../schema/entry/leaf.ts";
import type { NamedPosting } from "../../schema/index/posting-set.ts";
import type { Listed } from "../../schema/index/record.ts";
import { formatReceipt, type Receipt } from "../../schema/receipt.ts";
import { asHash } from "../../schema/tlog/hash.ts";
import { gitHashOf } from "../git/hash.ts";
import type { SignedHead } from "../head.ts";
import { LogReader } from "../log.ts";
import type { AskPorts } from "../lookup/ask.ts";
import { convict } from "../lookup/convict.ts";
import { keyText } from "../lookup/explain.ts";
import { type Gone, whyGone } from "../lookup/gone.ts";
import { saysText } from "../lookup/says.ts";
import { printable } from "../printable.ts";
import { personOf, type Trust } from "../trust.ts";
import { observeOrThrow } from "../update.ts";
import { explainRefusal } from "../verify/explain.ts";
import { type Checked, checkReceipt } from "../verify/receipt.ts";
import { chargeOf, type Findings } from "./findings.ts";
import type { Learned, Name } from "./names.ts";

export interface EntryPorts extends AskPorts {
  readonly trust: Trust;
}

/** An entry of the log, as it was fetched and checked. */
export interface ReadOne {
  readonly index: number;
  readonly receipt: Receipt;
  readonly checked: Checked;
  /** What it posts; without its content only what every entry does. */
  readonly postings: readonly NamedPosting[];
  /** The same, in every reading that an index may have of it. */
  readonly readings: readonly (readonly NamedPosting[])[];
  /** Hex; absent where the leaf is of no kind that this program knows. */
  readonly signer?: string;
  readonly digest?: string;
}

/**
 * What an entry posts under all keys that the trust file has for the log, and under each alone. An
 * index may know fewer of them, and then statements that name another are only bytes to it.
 */
export function readingsOf(
  { crypto, generation, log }: Pick<AskPorts, "crypto" | "generation" | "log">,
  leaf: Uint8Array,
  content: Uint8Array | undefined,
): readonly [readonly NamedPosting[], ...(readonly NamedPosting[])[]] {
  const hashes = { sha256: crypto.sha256, git: gitHashOf(crypto) };
  const post = (vkeys: readonly string[]): readonly NamedPosting[] =>
    generation.namedPostings(hashes, { origin: log.origin, vkeys }, leaf, content);
  const alone = log.vkeyTexts.length > 1 ? log.vkeyTexts.map((vkey) => post([vkey])) : [];
  return [post(log.vkeyTexts), ...alone];
}

/** Bytes of entries that are kept; how many come under a name is up to strangers. */
const MAX_KEPT_BYTES = 33_554_432;

/** Entries of one log. What was read last is not fetched again. */
export class EntryReader {
  readonly #ports: EntryPorts;
  readonly #reader: LogReader;
  readonly #read = new Map<number, ReadOne>();
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(ports: EntryPorts, head: SignedHead, maxBytes: number = MAX_KEPT_BYTES) {
    this.#ports = ports;
    this.#reader = new LogReader(ports, head);
    this.#maxBytes = maxBytes;
  }

  /** Throws what the network does, and `LOG_MISBEHAVED` where the answer is of another history. */
  async read(index: number): Promise<ReadOne> {
    const before = this.#read.get(index);
    if (before !== undefined) return before;
    const { receipt, head } = await this.#reader.receiptByIndex(index);
    await observeOrThrow(this.#ports, head);
    const one = await this.#check(index, receipt);
    this.#keep(index, one);
    return one;
  }

  #keep(index: number, one: ReadOne): void {
    this.#read.set(index, one);
    this.#bytes += sizeOf(one);
    for (const [oldest, old] of this.#read) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#read.delete(oldest);
      this.#bytes -= sizeOf(old);
    }
  }

  async #check(index: number, receipt: Receipt): Promise<ReadOne> {
    const { crypto, trust } = this.#ports;
    const file = { name: `entry ${index}`, bytes: formatReceipt(receipt) };
    const checked = await checkReceipt({ crypto, trust }, file);
    const { leafBytes } = receipt.entry;
    const readings = readingsOf(this.#ports, leafBytes, receipt.content);
    const [postings] = readings;
    const leaf = parseLeaf(leafBytes);
    const signer = leaf.ok ? leafSignerId(crypto.sha256, leaf.value, receipt.key) : leaf;
    return {
      index,
      receipt,
      checked,
      postings,
      readings,
      ...(signer.ok ? { signer: toHex(signer.value) } : {}),
      ...(leaf.ok ? { digest: toHex(leafContentDigest(leaf.value)) } : {}),
    };
  }
}

/** What is known to have been signed by keys of ours. */
export interface OwnStatements {
  /** Content digests, hex. */
  readonly digests: ReadonlySet<string>;
}

function sizeOf({ receipt: { entry, content, key } }: ReadOne): number {
  return entry.leafBytes.length + (content?.length ?? 0) + (key?.length ?? 0);
}

/** Tell of everything that came to the names; `onRead` is handed each entry of it. */
export async function tellEntries(
  ports: EntryPorts,
  findings: Findings,
  reader: EntryReader,
  learned: readonly Learned[],
  own: OwnStatements,
  onRead: (one: ReadOne) => void,
): Promise<void> {
  const news = new Map<number, Name[]>();
  for (const one of learned) {
    const { name, added, isFirst } = one;
    if (isFirst && name.watched === true) tellStart(findings, one);
    const isTold = name.own === true || (name.watched === true && !isFirst);
    if (!isTold) continue;
    // What was there at the start is only asked whether we signed it.
    const asked = isFirst ? { ...name, watched: false } : name;
    for (const { index } of added) news.set(index, [...(news.get(index) ?? []), asked]);
  }
  let failed: unknown;
  for (const [index, names] of [...news].toSorted(([a], [b]) => a - b))
    try {
      const one = await reader.read(index);
      onRead(one);
      await checkPostings(ports, findings, one, learned);
      await tellEntry(ports, findings, one, names, own);
    } catch (error) {
      // One that cannot be had hides no other; the look-ups are not complete without it.
      failed ??= error;
    }
  if (failed !== undefined) throw failed;
}

/** What was there before it was watched is counted, and not told one by one. */
function tellStart(findings: Findings, { name, known }: Learned): void {
  if (known.n === 0) return;
  findings.tell({
    kind: "statement",
    subject: name.title ?? "",
    message: `${known.n} entries were there when the watch began; they are not told one by one`,
    about: ["start", name.id],
    seen: { n: known.n, key: keyText(name.key) },
  });
}

/** Every list that has the entry has it for what it says. */
async function checkPostings(
  ports: EntryPorts,
  findings: Findings,
  { index, readings, receipt }: ReadOne,
  learned: readonly Learned[],
): Promise<void> {
  for (const { name, list = [] } of learned) {
    const listed = list.find((one) => one.index === index);
    // Without its content only what follows from the leaf can be told.
    if (listed === undefined || receipt.content === undefined) continue;
    const isTrue = readings.some((postings) => isPosted(postings, name.id, listed));
    if (isTrue || name.key.type === "opaque-by") continue;
    const subject = name.title ?? keyText(name.key);
    const told = {
      subject,
      message: `the index lists entry ${index} for what it does not say`,
      about: [name.id, index],
      seen: { index, key: keyText(name.key) },
    };
    const evidence = await convict(ports, name.key, index);
    if (evidence === undefined) findings.accuse({ kind: "answer-refused", ...told });
    else await findings.convict(evidence, told);
  }
}

function isPosted(postings: readonly NamedPosting[], id: string, { claim }: Listed): boolean {
  const posted = postings.find(({ key }) => toHex(key) === id);
  if (posted?.claim === undefined || claim === undefined)
    return posted !== undefined && posted.claim === claim;
  return equal(posted.claim, claim);
}

async function tellEntry(
  ports: EntryPorts,
  findings: Findings,
  one: ReadOne,
  names: readonly Name[],
  own: OwnStatements,
): Promise<void> {
  const { index, checked, digest, signer } = one;
  const { origin } = ports.log;
  const subject = [...new Set(names.map(({ title }) => title ?? ""))].join(", ");
  const seen = {
    index,
    ...(signer === undefined ? {} : { signer }),
    ...(digest === undefined ? {} : { digest }),
  };
  const isOurs = names.some((name) => name.own === true);
  if (isOurs && (digest === undefined || !own.digests.has(digest))) {
    const message = `entry ${index} of ${origin} is by your key, and not among what you signed: ${saying(ports, one)}`;
    findings.tell({ kind: "not-signed-by-us", subject, message, about: [index], seen });
  }
  if (!checked.ok && (await isBadAdmission(ports, findings, one, { subject, seen }))) return;
  if (!names.some((name) => name.watched === true)) return;
  const isOpaque = !checked.ok && checked.refusal.code === "CONTENT_MISSING";
  const gone = isOpaque ? await goneOf(ports, one) : undefined;
  findings.tell({
    // What a log erased it has said; what it calls erased without a word is worse than opaque.
    kind: isOpaque && gone?.state !== "erased" ? "opaque" : "statement",
    subject,
    message: `entry ${index} of ${origin}: ${saying(ports, one, gone)}`,
    about: [index],
    seen,
  });
}

async function goneOf(ports: EntryPorts, { index, digest }: ReadOne): Promise<Gone | undefined> {
  const contentDigest = asHash(fromHex(digest ?? "") ?? new Uint8Array(0));
  if (contentDigest === undefined) return undefined;
  return (await whyGone(ports, [{ index, contentDigest }])).get(index);
}

function goneWords(gone: Gone | undefined): string {
  switch (gone?.state) {
    case "erased":
      return `what the log has erased since, as entry ${gone.statement} says (${printable(gone.reason)})`;
    case "lost":
      return "what the log calls erased, and no statement of it says so";
    case "served":
      return "what came without its content, which the log has";
    case "opaque":
    case undefined:
      return "what nobody can read";
  }
}

function saying({ trust }: EntryPorts, { checked, signer }: ReadOne, gone?: Gone): string {
  if (checked.ok) {
    const { receipt } = checked;
    return `${receipt.person ?? `key ${signer ?? ""}`} ${saysText(receipt.reading)}`;
  }
  const id = checked.ok || signer === undefined ? undefined : fromHex(signer);
  const who = id === undefined ? undefined : personOf(trust, id)?.name;
  const name = who ?? (signer === undefined ? "somebody" : `key ${signer}`);
  return checked.refusal.code === "CONTENT_MISSING"
    ? `${name} signed ${goneWords(gone)}`
    : `${name} is named, and nothing of it counts: ${explainRefusal(checked.refusal)}`;
}

/** A log answers for an entry that it should have refused. */
async function isBadAdmission(
  ports: EntryPorts,
  findings: Findings,
  { index, receipt }: ReadOne,
  told: { readonly subject: string; readonly seen: Readonly<Record<string, string | number>> },
): Promise<boolean> {
  const evidence = { kind: "bad-admission" as const, ...receipt };
  const charge = await chargeOf(ports, evidence);
  if (charge === undefined) return false;
  await findings.convict(evidence, { ...told, message: charge, about: [index] });
  return true;
}
