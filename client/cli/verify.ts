/**
 * `verify`: may this receipt, commit or artifact be trusted?
 *
 * Offline, unless `--fresh` says otherwise: it reads files and the memory, and asks nobody. What
 * it must load is kept small, because installers call it once for each thing they install.
 *
 * @module
 */
import { fromHex } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import { CURRENT_INDEX } from "../../schema/index/generation.ts";
import { MAX_CONTENT_BYTES } from "../../schema/limits.ts";
import { MAX_RECEIPT_BYTES, RECEIPT_SUFFIX } from "../../schema/receipt.ts";
import { asHash } from "../../schema/tlog/hash.ts";
import { nodeCrypto } from "../crypto/node.ts";
import { logOf } from "../trust.ts";
import { verifyArtifact } from "../verify/artifact.ts";
import { verifyCommit } from "../verify/commit.ts";
import { explain } from "../verify/explain.ts";
import { type VerifyPorts, verifyReceipt } from "../verify/receipt.ts";
import type { Refusal, Verdict } from "../verify/verdict.ts";
import { digestText, fileDigest } from "./artifacts.ts";
import type { Arguments, Command } from "./command.ts";
import { readBytes } from "./files.ts";
import type { ExitStatus, Io } from "./io.ts";
import { openEach, openMemory, readTrust } from "./logs.ts";
import { lookupStatus } from "./lookup-status.ts";
import { MEMORY_OPTIONS, oneOf, TRUST_OPTIONS } from "./options.ts";
import { print, printJson } from "./output.ts";
import { WAIT_OPTION } from "./patience.ts";
import { DEFAULT_RECEIPTS, readReceipts, TLOG_PROOF_SUFFIX } from "./receipts.ts";
import type { Inquiry } from "./verify-complete.ts";

const KINDS = ["receipt", "commit", "artifact", "release"] as const;
type Kind = (typeof KINDS)[number];

/** Lines of one kind that a person reads; a program takes all of them with --json. */
const MAX_LINES = 8;

export const verify: Command = {
  name: "verify",
  summary: "May this receipt, commit or artifact be trusted?",
  about: [
    "A receipt is checked by itself: the log, the proof, the content, the signature. A commit or an artifact is judged by the rules of the trust file over all receipts of a folder, which count people: reviewers who are not the author, builders who agree. Nothing is asked of any server.",
    "With --fresh the logs that a yes stands on are asked for their newest heads as well: each must extend what this machine remembers and have been seen by a quorum of the trust file's witnesses within `fresh_seconds`. A log that does not answer is exit status 2.",
    "Receipts at hand cannot say that there are no others. With --complete the logs are asked for everything they have about the question, with proof: a rejection that was kept back counts, and an approval counts only where the log's index has it and nothing takes it back. --lookup does the same with saved look-up bundles, offline. Without either the answer says that completeness was not asked.",
    "Exit status 0 is yes, 1 is no and says why, 2 could not ask, 3 is a log that has signed two histories, whose evidence is then written to a file, or an index that leaves out or makes up.",
  ],
  positionals: [
    {
      name: "WHAT",
      help: "a receipt file; a commit (full id, or any revision with --repo); or an artifact (a file, or sha256:HEX)",
      required: true,
    },
  ],
  options: {
    ...TRUST_OPTIONS,
    ...MEMORY_OPTIONS,
    fresh: {
      type: "boolean",
      help: "also fetch the newest head of each log that a yes stands on, and refuse an old one",
    },
    complete: {
      type: "boolean",
      help: "also ask each log for everything it has about the question, with proof",
    },
    lookup: {
      type: "string",
      value: "FILE",
      help: "as --complete, out of a saved look-up bundle",
      multiple: true,
    },
    "save-lookups": {
      type: "string",
      value: "DIR",
      help: "with --complete: keep the look-up bundles, for --lookup",
    },
    ...WAIT_OPTION,
    log: { type: "string", value: "URL", help: "with --fresh or --complete: where the log is" },
    receipts: { type: "string", value: "DIR", help: "folder of receipts (default: receipts)" },
    repo: {
      type: "string",
      value: "PATH",
      help: "read the commit from this repository: then every byte of it must be what was signed",
    },
    content: {
      type: "string",
      value: "FILE",
      help: "of a receipt: what it must be about, and the content where the receipt has none",
    },
    as: {
      type: "string",
      value: "KIND",
      help: `${KINDS.join(", ")}; else the name of WHAT decides. An installer says it`,
    },
  },
  examples: [
    {
      what: "is this commit signed by its author and reviewed by somebody else?",
      line: "countersign verify 4b825dc642cb6eb9a060e54bf8d69288fbee4904 --receipts receipts --trust trust.toml",
    },
    {
      what: "the same, and every byte of it",
      line: "countersign verify v1.0 --repo . --receipts receipts --trust trust.toml",
    },
    {
      what: "did two builders get this very file?",
      line: "countersign verify dist/tool.tar --receipts receipts --trust trust.toml",
    },
    {
      what: "the same, and nothing was kept back from us",
      line: "countersign verify dist/tool.tar --receipts receipts --trust trust.toml --complete",
    },
    {
      what: "one receipt",
      line: "countersign verify receipts/000004-0a1b2c3d4e5f.receipt.json --trust trust.toml",
    },
  ],
  run: async (args: Arguments, io: Io): Promise<ExitStatus> => {
    const trust = await readTrust(args, io);
    const ports = { crypto: nodeCrypto, trust, memory: openMemory(args, io) };
    const verdict = await (args.flag("fresh") ? askFresh(args, io, ports) : ask(args, io, ports));
    if (args.json) printJson(io, verdict);
    else print(io, ...shortened(explain(verdict)));
    if (verdict.ok) return 0;
    const { refusal } = verdict;
    const file =
      refusal.code === "LOG_FORKED"
        ? await (await import("./evidence-file.ts")).saveEvidence(io, undefined, refusal.evidence)
        : await indexEvidence(args, io, ports, refusal);
    if (file !== undefined) io.stderr.write(`evidence: ${file}\n`);
    return statusOf(args, refusal);
  },
};

/** By the receipts alone, or with what the logs have besides. */
async function ask(args: Arguments, io: Io, ports: VerifyPorts): Promise<Verdict> {
  const inquiry = await inquire(args, io);
  const wantsAll = args.flag("complete") || args.list("lookup").length > 0;
  if (!wantsAll) return inquiry.judge(ports, inquiry.files);
  const { askComplete } = await import("./verify-complete.ts");
  return askComplete(args, io, ports, inquiry);
}

async function inquire(args: Arguments, io: Io): Promise<Inquiry> {
  const [what = ""] = args.positionals;
  const kind = oneOf(args, "as", KINDS) ?? seen(args, what);
  if (kind === "receipt") return receiptInquiry(args, io, what);
  const files = await readReceipts(io, args.value("receipts") ?? DEFAULT_RECEIPTS);
  if (kind !== "commit") {
    const digestHex = digestText(what) ?? (await fileDigest(io, what));
    const digest = asHash(fromHex(digestHex) ?? new Uint8Array(0));
    if (digest === undefined) throw new LogError("INTERNAL", "a SHA-256 has 32 bytes");
    const subject = { kind: "artifact", digest } as const;
    return {
      subject,
      files,
      judge: async (ports, all) => verifyArtifact(ports, { digest }, all, kind),
    };
  }
  const repo = args.value("repo");
  if (repo === undefined) {
    const subject = { kind: "commit", commit: what } as const;
    return { subject, files, judge: async (ports, all) => verifyCommit(ports, what, all) };
  }
  const { readCommit } = await import("./git-objects.ts");
  const { id, bytes } = await readCommit(io, repo, what);
  const subject = { kind: "commit", commit: id } as const;
  return { subject, files, judge: async (ports, all) => verifyCommit(ports, bytes, all) };
}

async function receiptInquiry(args: Arguments, io: Io, name: string): Promise<Inquiry> {
  const named = args.value("content");
  const content = named === undefined ? undefined : await readBytes(io, named, MAX_CONTENT_BYTES);
  const file = { name, bytes: await readBytes(io, name, MAX_RECEIPT_BYTES) };
  return {
    subject: { kind: "receipt", file, ...(content === undefined ? {} : { content }) },
    files: [file],
    judge: async (ports) => verifyReceipt(ports, file, content),
  };
}

/** Who asked a log and got what proves nothing was lied to; a file may come from anybody. */
function statusOf(args: Arguments, refusal: Refusal): ExitStatus {
  if (refusal.code === "INDEX_OMITS" || refusal.code === "LOG_FORKED") return 3;
  if (refusal.code === "INDEX_STALE") return 2;
  if (refusal.code !== "LOOKUP_REFUSED") return 1;
  return lookupStatus(refusal.refusal, args.list("lookup").length > 0);
}

/** Where the log was asked, it is asked once more for what convicts its index. */
async function indexEvidence(
  args: Arguments,
  io: Io,
  { trust }: VerifyPorts,
  refusal: Refusal,
): Promise<string | undefined> {
  if (!args.flag("complete") || args.list("lookup").length > 0) return undefined;
  if (refusal.code !== "INDEX_OMITS" && refusal.code !== "LOOKUP_REFUSED") return undefined;
  const log = logOf(trust, refusal.origin);
  if (log === undefined) return undefined;
  const { evidenceOf } = await import("./lookup-failure.ts");
  const open = await openEach(args, io, trust);
  const ports = { ...open(log), generation: CURRENT_INDEX };
  return evidenceOf(io, ports, "refusal" in refusal ? refusal.refusal : refusal);
}

async function askFresh(args: Arguments, io: Io, ports: VerifyPorts): Promise<Verdict> {
  const { verifyFresh } = await import("../verify/fresh.ts");
  const open = await openEach(args, io, ports.trust);
  const now = (): number => Math.floor(io.now() / 1000);
  return verifyFresh({ logs: ports.trust.logs, open, now }, async () => ask(args, io, ports));
}

/**
 * What is asked about, by its name alone. Never by what is in the file: a download that is itself
 * a true receipt of something would else be answered with yes, and no rule would be asked.
 */
function seen(args: Arguments, what: string): Kind {
  if (what.endsWith(RECEIPT_SUFFIX) || what.endsWith(TLOG_PROOF_SUFFIX)) return "receipt";
  if (digestText(what) !== undefined) return "artifact";
  const isId = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(what);
  return args.value("repo") !== undefined || isId ? "commit" : "artifact";
}

/** A folder of receipts is mostly about other things: of those a person wants to see a few. */
function shortened(text: string): string[] {
  const counts = new Map<string, number>();
  const lines = text.split("\n").filter((line) => {
    const kind = LONG_LISTS.find((start) => line.startsWith(start));
    if (kind === undefined) return true;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    return (counts.get(kind) ?? 0) <= MAX_LINES;
  });
  const more = [...counts.values()].reduce((sum, count) => sum + Math.max(count - MAX_LINES, 0), 0);
  return more === 0
    ? lines
    : [...lines, `  … and ${more} more such lines; --json shows everything`];
}

const LONG_LISTS = ["  not counted:", "  head "] as const;
