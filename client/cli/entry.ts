/**
 * `entry`: one entry of a log, fetched and checked.
 *
 * @module
 */
import { fromHex } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import { formatReceipt, type Receipt } from "../../schema/receipt.ts";
import { asHash } from "../../schema/tlog/hash.ts";
import { LogReader } from "../log.ts";
import { fetchSigned, type LogPorts, observeOrThrow } from "../update.ts";
import { explainRefusal } from "../verify/explain.ts";
import { toTlogProof, verifyReceipt } from "../verify/receipt.ts";
import type { Arguments, Command } from "./command.ts";
import { entryData, entryLines } from "./describe.ts";
import { writeWhole } from "./files.ts";
import type { ExitStatus, Io } from "./io.ts";
import { openLog, readTrust } from "./logs.ts";
import { LOG_OPTIONS } from "./options.ts";
import { print, printJson } from "./output.ts";
import { TLOG_PROOF_SUFFIX } from "./receipts.ts";

export const entry: Command = {
  name: "entry",
  summary: "Fetch one entry, by index or leaf hash, and check it.",
  about: [
    "The entry, its proof, its content and its signature are checked against a head that extends what this machine remembers; nothing is printed that the log could have made up.",
  ],
  positionals: [{ name: "ENTRY", help: "a leaf index, or a leaf hash in hex", required: true }],
  options: {
    ...LOG_OPTIONS,
    output: {
      type: "string",
      short: "o",
      value: "FILE",
      help: "write the receipt to this file; a name that ends with .tlog-proof gets that form",
    },
  },
  examples: [
    { what: "the genesis of a log", line: "countersign entry 0 --trust trust.toml" },
    {
      what: "a receipt for an entry of somebody else",
      line: "countersign entry 1742 --trust trust.toml -o 1742.receipt.json",
    },
  ],
  run: async (args: Arguments, io: Io): Promise<ExitStatus> => {
    const [name = ""] = args.positionals;
    const ports = await openLog(args, io);
    const receipt = await fetchReceipt(ports, name);
    const bytes = formatReceipt(receipt);
    const trust = await readTrust(args, io);
    const verdict = await verifyReceipt(
      { crypto: ports.crypto, trust, memory: ports.memory },
      { name: `entry ${name}`, bytes },
    );
    const file = args.value("output");
    if (file !== undefined)
      await writeWhole(io, file, file.endsWith(TLOG_PROOF_SUFFIX) ? toTlogProof(receipt) : bytes);
    if (verdict.ok) {
      if (args.json) printJson(io, entryData(verdict.receipt));
      else print(io, ...entryLines(verdict.receipt));
      return 0;
    }
    if (args.json)
      printJson(io, { index: receipt.entry.index, included: true, refusal: verdict.refusal });
    else
      print(
        io,
        `entry ${receipt.entry.index} is in the log, but ${explainRefusal(verdict.refusal)}`,
      );
    return 1;
  },
};

async function fetchReceipt(ports: LogPorts, name: string): Promise<Receipt> {
  const head = await observeOrThrow(ports, await fetchSigned(ports));
  const reader = new LogReader(ports, head);
  if (/^(?:0|[1-9]\d{0,15})$/.test(name)) return reader.receipt(Number(name));
  const bytes = fromHex(name);
  const leafHash = bytes === undefined ? undefined : asHash(bytes);
  if (leafHash === undefined)
    throw new LogError("USAGE", `"${name}" names no entry`, {
      field: "ENTRY",
      expected: "a leaf index, or a leaf hash of 64 hex digits",
    });
  const found = await reader.receiptByLeafHash(leafHash);
  await observeOrThrow(ports, found.head);
  return found.receipt;
}
