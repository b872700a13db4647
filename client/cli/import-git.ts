/**
 * `import git`: log every signed commit and tag of a repository.
 *
 * @module
 */
import { access } from "node:fs/promises";
import { join } from "node:path";
import { toBase64 } from "../../schema/bytes.ts";
import type { Submission } from "../../schema/http/messages.ts";
import { MAX_BATCH_LINES, MAX_CONTENT_BYTES } from "../../schema/limits.ts";
import { RECEIPT_SUFFIX } from "../../schema/receipt.ts";
import { nodeCrypto } from "../crypto/node.ts";
import { classify } from "../git/classify.ts";
import { gitHashOf } from "../git/hash.ts";
import type { RawObject } from "../git/objects.ts";
import { readObjects } from "../git/objects.ts";
import { type GitRepository, openRepository } from "../git/process.ts";
import { commitIds, tagIds } from "../git/walk.ts";
import { type BatchEvent, submitBatch } from "../submit-batch.ts";
import { fetchHead, type LogPorts, observeOrThrow } from "../update.ts";
import type { Arguments, Command } from "./command.ts";
import { pathOf, stateFolder } from "./files.ts";
import { ImportCounts, type ImportReport, importTable } from "./import-report.ts";
import { type ImportState, openImportState } from "./import-state.ts";
import type { ExitStatus, Io } from "./io.ts";
import { openLog } from "./logs.ts";
import { LOG_OPTIONS, wholeNumber } from "./options.ts";
import { print, printJson } from "./output.ts";
import { type Progress, startProgress } from "./progress.ts";
import { savePromise, saveReceipt } from "./receipts.ts";

export const importGit: Command = {
  name: "import git",
  summary: "Log every signed commit and tag of a repository.",
  about: [
    "The repository is read by git's plumbing: bare or not, nothing is checked out or written, none of its hooks or settings is used. A commit is logged as its author signed it. Without a range everything is read that branches, tags and HEAD reach.",
    "An import that was stopped goes on where it stopped; sending something twice costs nothing. Signatures of kinds that cannot be logged yet are counted and passed over. Exit status 1 says that something was refused for good, 2 that the log could not take all of it now. What it has only promised is kept as a promise (*.promise) where receipts are kept.",
  ],
  positionals: [
    { name: "REPOSITORY", help: "a work tree or a git folder", required: true },
    { name: "RANGE", help: "as git rev-list takes it: main, v1.0..v2.0", required: false },
  ],
  options: {
    ...LOG_OPTIONS,
    receipts: { type: "string", value: "DIR", help: "keep a receipt of each object here" },
    batch: { type: "string", value: "N", help: "objects of one request (default: 1000)" },
    restart: { type: "boolean", help: "send everything again, whatever was sent before" },
  },
  examples: [
    {
      what: "a whole repository",
      line: "countersign import git ~/src/openssh-portable --trust trust.toml --receipts receipts",
    },
    {
      what: "what is new since a release",
      line: "countersign import git . v1.0..main --log https://log.example.org --trust trust.toml",
    },
  ],
  run,
};

const DEFAULT_BATCH = 1000;
const FILES_AT_ONCE = 32;

/** An object whose entry is proved, and whose receipt is kept. */
interface Proved {
  readonly id: string;
  readonly index: number;
}

async function run(args: Arguments, io: Io): Promise<ExitStatus> {
  const [path = "", range] = args.positionals;
  const lines = args.value("batch") === undefined ? DEFAULT_BATCH : wholeNumber(args, "batch");
  const started = io.now();
  const repository = await openRepository(pathOf(io, path), io.env["PATH"] ?? "");
  const ports = await openLog(args, io);
  const state = await openImportState(
    stateFolder(io),
    ports.log.vkeyTexts.join("\n"),
    args.flag("restart"),
  );
  const before = await observeOrThrow(ports, await fetchHead(ports));
  const progress = await startProgress(io, "import", args.json);
  const running = new Import(io, ports, state, before.tree.size, progress, args.value("receipts"));
  try {
    await running.all(repository, range, Math.min(Math.max(lines, 1), MAX_BATCH_LINES));
  } finally {
    progress.stop();
  }
  const report = running.counts.report(path, ports.log.origin, io.now() - started);
  if (args.json) printJson(io, report);
  else print(io, ...importTable(report));
  return importStatus(io, report);
}

/** What a log refuses today and may take tomorrow; the objects are sent again by the next run. */
const PASSING: ReadonlySet<string> = new Set([
  "RATE_LIMITED",
  "OVERLOADED",
  "STOPPING",
  "OUTCOME_UNKNOWN",
  "NOT_WITNESSED",
  "STORAGE_FULL",
  "STORAGE_FAILED",
  "INTERNAL",
]);

function importStatus(io: Io, report: ImportReport): ExitStatus {
  if (report.refused.some(({ code }) => PASSING.has(code))) {
    io.stderr.write("countersign: not everything could be asked; run the same command again\n");
    return 2;
  }
  return report.refused.length > 0 ? 1 : 0;
}

class Import {
  readonly counts: ImportCounts = new ImportCounts();
  readonly #io: Io;
  readonly #ports: LogPorts;
  readonly #state: ImportState;
  /** Entries below this index were in the log before the import began. */
  readonly #sizeBefore: number;
  readonly #progress: Progress;
  readonly #receipts: string | undefined;
  /** Ids by line number: what the batch's events speak of. Those that ended are taken out. */
  readonly #lines = new Map<number, string>();
  #nextLine = 0;
  #total = 0;

  constructor(
    io: Io,
    ports: LogPorts,
    state: ImportState,
    sizeBefore: number,
    progress: Progress,
    receipts: string | undefined,
  ) {
    this.#io = io;
    this.#ports = ports;
    this.#state = state;
    this.#sizeBefore = sizeBefore;
    this.#progress = progress;
    this.#receipts = receipts;
  }

  async all(repository: GitRepository, range: string | undefined, lines: number): Promise<void> {
    const ids = await Array.fromAsync(commitIds(repository, range));
    const chosen = range === undefined ? undefined : new Set(ids);
    const tags = await tagIds(repository, chosen, MAX_CONTENT_BYTES);
    this.counts.commits = ids.length;
    this.counts.tags = tags.length;
    this.#total = ids.length + tags.length;
    const submissions = this.#submissions(repository, [...ids, ...tags]);
    // What is proved is written down when its receipts are on disk; several files at a time,
    // because each of them waits for the disk.
    let proved: Promise<Proved | undefined>[] = [];
    const settle = async (): Promise<void> => {
      const done = await Promise.all(proved);
      proved = [];
      await this.#state.add(done.filter((one) => one !== undefined));
    };
    for await (const event of submitBatch(this.#ports, submissions, { lines })) {
      if (event.kind === "receipts") proved.push(this.#proved(event));
      else if (event.kind === "promised") await this.#promised(event);
      else this.#answered(event);
      if (proved.length >= FILES_AT_ONCE) await settle();
    }
    await settle();
  }

  async *#submissions(
    repository: GitRepository,
    ids: readonly string[],
  ): AsyncGenerator<Submission> {
    for await (const object of readObjects(repository, ids, MAX_CONTENT_BYTES))
      yield* this.#submission(object);
  }

  async *#submission(object: RawObject): AsyncGenerator<Submission> {
    const found = classify(object, gitHashOf(nodeCrypto));
    this.counts.classified(object.id, found);
    if (found.state !== "signed") return this.#step();
    if (this.#state.has(object.id) && (await this.#hasReceipt(object.id))) {
      this.counts.alreadyLogged++;
      return this.#step();
    }
    this.#lines.set(this.#nextLine++, object.id);
    yield { kind: "git", object: toBase64(found.bytes) };
  }

  #answered(event: Extract<BatchEvent, { kind: "committed" | "refused" }>): void {
    this.#step();
    if (event.kind === "committed") return;
    this.counts.answered++;
    this.counts.refused(this.#take(event.line), event.error.code, event.error.message);
  }

  /** The next run brings the receipt; until then the promise holds the log to it. */
  async #promised({ line, promises }: Extract<BatchEvent, { kind: "promised" }>): Promise<void> {
    this.counts.answered++;
    const id = this.#take(line);
    const [promise] = promises;
    if (this.#receipts !== undefined && promise !== undefined)
      await savePromise(this.#io, this.#receipts, promise, id);
    this.counts.refused(id, "NOT_WITNESSED", "logged, promised, not yet witnessed");
  }

  async #proved({
    line,
    receipts,
  }: Extract<BatchEvent, { kind: "receipts" }>): Promise<Proved | undefined> {
    const id = this.#take(line);
    const [receipt] = receipts;
    if (receipt === undefined) return undefined;
    this.counts.answered++;
    if (receipt.entry.index < this.#sizeBefore) this.counts.alreadyLogged++;
    else this.counts.logged++;
    this.counts.treeSize = receipt.entry.size;
    if (this.#receipts !== undefined) await saveReceipt(this.#io, this.#receipts, receipt, id);
    return { id, index: receipt.entry.index };
  }

  /** The object that a line was about, which has its final answer now. */
  #take(line: number): string {
    const id = this.#lines.get(line) ?? "";
    this.#lines.delete(line);
    return id;
  }

  async #hasReceipt(id: string): Promise<boolean> {
    if (this.#receipts === undefined) return true;
    try {
      await access(pathOf(this.#io, join(this.#receipts, `${id}${RECEIPT_SUFFIX}`)));
      return true;
    } catch {
      return false;
    }
  }

  #done = 0;

  #step(): void {
    this.#progress.update(++this.#done, this.#total);
  }
}
