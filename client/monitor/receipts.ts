/**
 * Our own entries, out of the receipts that we keep: each must be of the history that the log shows
 * now, and must stand under every name that mapfn gives it.
 *
 * A log that has forked for one client gave that client receipts of the other history: their heads
 * are held against the memory. An index that leaves something out leaves out what somebody wants to
 * hide, and whoever holds the entry can show it.
 *
 * Spec: docs/formats.md §Monitor.
 *
 * @module
 */
import { equal, toHex } from "../../schema/bytes.ts";
import { leafSignerId } from "../../schema/entry/check.ts";
import { leafContentDigest, parseLeaf } from "../../schema/entry/leaf.ts";
import { ALWAYS_POSTED } from "../../schema/index/map-key.ts";
import { parseReceipt, type Receipt } from "../../schema/receipt.ts";
import { parseTlogProof } from "../../schema/tlog/tlog-proof.ts";
import type { SignedHead } from "../head.ts";
import { LogReader } from "../log.ts";
import type { AskPorts } from "../lookup/ask.ts";
import { convict } from "../lookup/convict.ts";
import { keyText } from "../lookup/explain.ts";
import { observe } from "../update.ts";
import { explainRefusal } from "../verify/explain.ts";
import { checkReceipt, type ReceiptFile, receiptHead } from "../verify/receipt.ts";
import { type EntryPorts, type EntryReader, readingsOf } from "./entries.ts";
import { chargeOf, type Findings, FORK } from "./findings.ts";
import { type Learned, type Name, nameOfKey } from "./names.ts";

/** An entry of ours, and where it has to stand. */
export interface OwnEntry {
  readonly file: string;
  readonly index: number;
  /** Content digest, hex. */
  readonly digest: string;
  /** Hex; absent where the leaf does not say. */
  readonly signer?: string;
  readonly names: readonly Name[];
  /** It may have been sequenced by its digest alone, and then only its leaf has names. */
  readonly mayBeOpaque: boolean;
}

/** Receipts that were read before, by the digest of their bytes; for as long as the program runs. */
export type ReadBefore = Map<string, OwnEntry | undefined>;

/** Every entry of this log among the receipts. Those of other logs are somebody else's. */
export async function readOwn(
  ports: EntryPorts,
  findings: Findings,
  files: readonly ReceiptFile[],
  before: ReadBefore,
): Promise<readonly OwnEntry[]> {
  const own: OwnEntry[] = [];
  findings.settled.push("receipt ");
  for (const file of files) {
    const id = toHex(ports.crypto.sha256(file.bytes));
    const area = `receipt ${file.name}`;
    const known = before.get(id);
    if (known !== undefined) findings.checked.add(area);
    const one =
      known ?? (await findings.check(area, async () => readOne(ports, findings, file, area)));
    if (one === undefined) continue;
    before.set(id, one);
    own.push(one);
  }
  return own;
}

async function readOne(
  ports: EntryPorts,
  findings: Findings,
  file: ReceiptFile,
  area: string,
): Promise<OwnEntry | undefined> {
  const { crypto, trust, log } = ports;
  const only = { crypto, trust: { ...trust, logs: [log] } };
  const head = await receiptHead(only, file);
  if (head !== undefined) {
    const observed = await observe(ports, head);
    if (observed.state === "forked") {
      const seen = { receipt: file.name };
      await findings.convict(observed.evidence, { ...FORK, subject: log.origin, seen });
      return undefined;
    }
  }
  const checked = await checkReceipt(only, file);
  if (!checked.ok && checked.refusal.code === "LOG_UNKNOWN") return undefined;
  const placed = placedIn(file.bytes);
  const content = checked.ok ? checked.receipt.content : undefined;
  // Without its content it still has the names that its leaf has.
  if (placed !== undefined && (checked.ok || checked.refusal.code === "CONTENT_MISSING"))
    return ownEntry(ports, file.name, { ...placed, content });
  findings.hold(area, {
    kind: "unchecked",
    subject: area,
    message: `is no receipt to go by${checked.ok ? "" : `: ${explainRefusal(checked.refusal)}`}`,
    about: ["receipt"],
  });
  return undefined;
}

/** The entry of a receipt in either of its forms, once that was checked. */
function placedIn(bytes: Uint8Array): Pick<Receipt["entry"], "index" | "leafBytes"> | undefined {
  const receipt = parseReceipt(bytes);
  if (receipt.ok) return receipt.value.entry;
  const proof = parseTlogProof(bytes);
  const leafBytes = proof.ok ? proof.value.extra : undefined;
  return proof.ok && leafBytes !== undefined ? { index: proof.value.index, leafBytes } : undefined;
}

function ownEntry(
  ports: AskPorts,
  file: string,
  entry: Pick<Receipt["entry"], "index" | "leafBytes"> & {
    readonly content: Uint8Array | undefined;
  },
): OwnEntry | undefined {
  const { crypto } = ports;
  const { index, leafBytes, content } = entry;
  const leaf = parseLeaf(leafBytes);
  if (!leaf.ok) return undefined;
  const [first, ...readings] = readingsOf(ports, leafBytes, content);
  const postings = first
    .filter(({ type }) => content !== undefined || ALWAYS_POSTED.has(type))
    .filter(({ key }) => readings.every((one) => one.some((other) => equal(other.key, key))));
  const signer = leafSignerId(crypto.sha256, leaf.value);
  return {
    file,
    index,
    digest: toHex(leafContentDigest(leaf.value)),
    ...(signer.ok ? { signer: toHex(signer.value) } : {}),
    names: postings.map(({ type, fields }) => nameOfKey(ports, { type, fields })),
    mayBeOpaque: leaf.value.kind === "hashedrekord",
  };
}

/**
 * Each entry of ours that the index covers stands in each of its lists; `main` is the log's head that
 * is shown.
 */
export async function tellOmissions(
  ports: AskPorts,
  findings: Findings,
  main: SignedHead,
  own: readonly OwnEntry[],
  learned: readonly Learned[],
  entries: number,
): Promise<void> {
  const reader = new LogReader(ports, main);
  const lists = new Map(
    learned.flatMap(({ name, known }) =>
      known.indexes === undefined ? [] : [[name.id, new Set(known.indexes)] as const],
    ),
  );
  for (const one of own) {
    if (one.index >= entries) continue;
    for (const name of one.names) {
      const list = lists.get(name.id);
      if (list === undefined || list.has(one.index)) continue;
      await tellOmission(ports, findings, reader, one, name);
    }
  }
}

async function tellOmission(
  ports: AskPorts,
  findings: Findings,
  reader: LogReader,
  { index, file, mayBeOpaque }: OwnEntry,
  { id, key }: Name,
): Promise<void> {
  const evidence = await convict(ports, key, index);
  const told = {
    subject: file,
    message: `the index leaves your entry ${index} out under ${keyText(key)}`,
    about: [id, index],
    seen: { index, key: keyText(key) },
  };
  if (evidence !== undefined) await findings.convict(evidence, told);
  else if (!mayBeOpaque || ALWAYS_POSTED.has(key.type))
    findings.accuse({ kind: "answer-refused", ...told });
  else if (await isHeld(reader, index)) {
    const message = `the index calls your entry ${index} opaque, and the log holds its content`;
    findings.accuse({ kind: "answer-refused", ...told, message });
  }
}

/**
 * Whether the log holds the content in the entry's own place. It may have it from elsewhere: then it
 * came after the entry was sequenced, and the entry stays opaque. No evidence: which contents a log
 * held, nobody can show afterwards.
 */
async function isHeld(reader: LogReader, index: number): Promise<boolean> {
  for await (const { content } of reader.contents(index, index + 1))
    return content.state === "held";
  return false;
}

/** A leaf that stands twice: the log has one index for one leaf. */
export async function tellDuplicates(
  ports: AskPorts,
  findings: Findings,
  reader: EntryReader,
  learned: readonly Learned[],
): Promise<void> {
  for (const { name, known } of learned) {
    const [first, second] = known.indexes ?? [];
    if (name.key.type !== "leaf" || first === undefined || second === undefined) continue;
    const [a, b] = [await reader.read(first), await reader.read(second)];
    const entries = [a.receipt.entry, b.receipt.entry] as const;
    const evidence = { kind: "duplicate-leaf" as const, entries };
    const charge = await chargeOf(ports, evidence);
    if (charge === undefined) continue;
    const told = { subject: keyText(name.key), message: charge, about: [name.id] };
    await findings.convict(evidence, { ...told, seen: { first, second } });
  }
}
