/**
 * `lookup`: what did anybody ever say about this? Complete, with proof.
 *
 * @module
 */
import { LogError } from "../../schema/error.ts";
import type { LookupRequest } from "../../schema/http/lookup-request.ts";
import { CURRENT_INDEX } from "../../schema/index/generation.ts";
import {
  type LookupKey,
  MAX_LOOKUP_BYTES,
  MAX_LOOKUP_KEYS,
  parseLookup,
} from "../../schema/index/lookup.ts";
import { nodeCrypto } from "../crypto/node.ts";
import type { Head } from "../head.ts";
import { type Asked, type AskPorts, askLookup } from "../lookup/ask.ts";
import { furtherKeys, type LookedUp, nameOf, readEntries } from "../lookup/entries.ts";
import { goneBy, shownGone, whyGone } from "../lookup/gone.ts";
import { openLookup } from "../lookup/offline.ts";
import { assembleLookup } from "../lookup/private.ts";
import { reportLookup } from "../lookup/report.ts";
import { scanTail, type Tail } from "../lookup/tail.ts";
import { askPatiently } from "../lookup/wait.ts";
import type { Trust } from "../trust.ts";
import type { Arguments, Command } from "./command.ts";
import { readBytes, writeWhole } from "./files.ts";
import type { ExitStatus, Io } from "./io.ts";
import { openLog, openMemory, readTrust } from "./logs.ts";
import { breachData, breachLines, saveBreaches } from "./lookup-breaches.ts";
import { reportFailure } from "./lookup-failure.ts";
import { QUESTION_WORDS, type Question, readQuestion, SLOT_WORDS } from "./lookup-question.ts";
import { reportData, reportLines, tailData, tailLines } from "./lookup-text.ts";
import { LOG_OPTIONS } from "./options.ts";
import { print, printJson } from "./output.ts";
import { patienceOf, WAIT_OPTION } from "./patience.ts";

export const lookup: Command = {
  name: "lookup",
  summary: "What did anybody ever say about this? All of it, with proof that nothing is left out.",
  about: [
    `What can be asked: ${QUESTION_WORDS}. A claim is one of ${SLOT_WORDS}. KEY is an OpenSSH public key line, SPKI, a signer id, or a file with one of them; a repository is the same in any spelling that git takes.`,
    "The log answers with a bundle: its index's signed head, the head of the log that was indexed, and what stands under each name. It is checked against the trust file and against what this machine remembers. The answer says up to which entry it is complete, at which time by the log's witnesses, and whether index verifiers of the trust file have executed the map; each entry's own signature is checked, and what its signer has taken back is marked.",
    "With --private the log is not told what is asked: the map is walked through static files, named by their hashes, of some dozens of keys each, and entries are read by whole tiles of 256. What whoever serves the files still learns is in docs/formats.md, Pieces of the map.",
    "Exit status 0: answered, also where there is nothing. 1: it lacks the witnesses or index verifiers of the trust file, or is a file that proves nothing. 2: could not ask, or the index shown is older than one this machine has seen. 3: the log or its index misbehaved; the reason is printed, and evidence is written to a file: of a fork, of an index that leaves out or makes up, and of entries in the answer that the log should not have admitted.",
  ],
  positionals: [{ name: "QUESTION", help: "what is asked, as above", required: false, many: true }],
  options: {
    ...LOG_OPTIONS,
    ...WAIT_OPTION,
    tail: {
      type: "boolean",
      help: "also read the entries that are not indexed yet, at most 8 MiB; reported apart",
    },
    private: {
      type: "boolean",
      help: "do not tell the log what is looked up: read static files, and put the bundle together here",
    },
    summary: { type: "boolean", help: "only how many entries and how many different values" },
    output: { type: "string", short: "o", value: "FILE", help: "save the look-up bundle" },
    bundle: {
      type: "string",
      value: "FILE",
      help: "read this bundle instead of asking; without a QUESTION, everything in it",
    },
  },
  examples: [
    {
      what: "everything about a commit: who signed it, who reviewed it, what was built from it",
      line: "countersign lookup commit 4b825dc642cb6eb9a060e54bf8d69288fbee4904 --trust trust.toml",
    },
    {
      what: "was this file ever signed, built or released?",
      line: "countersign lookup artifact dist/tool.tar --trust trust.toml",
    },
    { what: "what did my key sign?", line: "countersign lookup signer ada.pub --trust trust.toml" },
    {
      what: "where did this tag ever point to, and keep the proof",
      line: "countersign lookup ref https://example.org/tool.git refs/tags/v1.0 --trust trust.toml -o v1.lookup.json",
    },
    {
      what: "is anything known about this file? Without telling the log which file it is",
      line: "countersign lookup artifact dist/tool.tar --trust trust.toml --private",
    },
    {
      what: "the same again, from the file and without any network",
      line: "countersign lookup --bundle v1.lookup.json --trust trust.toml",
    },
  ],
  run: async (args: Arguments, io: Io): Promise<ExitStatus> => {
    if (args.positionals.length === 0 && args.value("bundle") === undefined)
      throw new LogError("USAGE", "it is not said what is looked up", {
        field: "QUESTION",
        expected: QUESTION_WORDS,
      });
    const asked =
      args.positionals.length === 0 ? undefined : await readQuestion(io, args.positionals);
    const file = args.value("bundle");
    if (file !== undefined) return readFromFile(args, io, file, asked);
    if (asked === undefined) throw new LogError("INTERNAL", "a question was passed over");
    return askTheLog(args, io, asked);
  },
};

async function askTheLog(args: Arguments, io: Io, question: Question): Promise<ExitStatus> {
  const trust = await readTrust(args, io);
  const log = await openLog(args, io);
  const isPrivate = args.flag("private");
  if (isPrivate && args.flag("tail"))
    throw new LogError("USAGE", "--tail asks the log for entries by name, and so tells it which", {
      field: "--private",
      expected: "--private or --tail",
    });
  const indexed = { ...log, generation: CURRENT_INDEX };
  const ports: AskPorts = {
    ...indexed,
    ...(isPrivate ? { bundle: async (request) => assembleLookup(indexed, request) } : {}),
  };
  const asked = await askWhole(args, ports, trust, question.keys);
  const output = args.value("output");
  if (output !== undefined && "bytes" in asked) await writeWhole(io, output, asked.bytes);
  if (asked.state !== "answered") return reportFailure(args, io, asked, ports);
  const verifyPorts = { crypto: ports.crypto, trust, memory: ports.memory };
  const report = await reportLookup(verifyPorts, asked.answer, {
    asked: question.keys,
    newest: asked.newest,
    now: seconds(io),
  });
  const reasons = shownGone(ports.crypto, asked.answer, report.entries);
  const said = await saidGone(ports, isPrivate ? [] : report.entries);
  const shown = { ...report, entries: withGone(report.entries, goneBy(said, reasons)) };
  const { newest, answer } = asked;
  const { size } = answer.main.tree;
  const tail =
    args.flag("tail") && newest !== undefined && newest.tree.size > size
      ? await readTail({ ...ports, trust }, newest, size, question.keys)
      : undefined;
  const breached = await saveBreaches(io, verifyPorts, answer, report);
  if (args.json)
    printJson(io, {
      ...reportData(question.title, shown),
      ...(tail === undefined ? {} : { tail: tailData(tail) }),
      ...(output === undefined ? {} : { bundle: output }),
      ...breachData(breached),
    });
  else
    print(
      io,
      ...reportLines(question.title, shown),
      ...(tail === undefined ? [] : tailLines(tail)),
      ...(output === undefined ? [] : [`proof: ${output}`]),
      ...breachLines(breached),
    );
  return breached.length === 0 ? 0 : 3;
}

async function readTail(
  ports: AskPorts & { readonly trust: Trust },
  newest: Head,
  from: number,
  keys: readonly LookupKey[],
): Promise<Tail> {
  const tail = await scanTail(ports, newest, from, keys);
  return { ...tail, entries: withGone(tail.entries, await saidGone(ports, tail.entries)) };
}

/** What the log says of those that came without their content: it is told which they are. */
async function saidGone(ports: AskPorts, entries: readonly LookedUp[]): ReturnType<typeof whyGone> {
  const unreadable = entries.flatMap(({ index, contentDigest, refusal }) =>
    refusal?.code === "CONTENT_MISSING" && contentDigest !== undefined
      ? [{ index, contentDigest }]
      : [],
  );
  return unreadable.length === 0 ? new Map() : whyGone(ports, unreadable);
}

function withGone(
  entries: readonly LookedUp[],
  reasons: ReadonlyMap<number, NonNullable<LookedUp["gone"]>>,
): readonly LookedUp[] {
  return entries.map((entry) => {
    const gone = reasons.get(entry.index);
    const isMissing = entry.refusal?.code === "CONTENT_MISSING";
    return gone === undefined || !isMissing ? entry : { ...entry, gone };
  });
}

/**
 * Once for the entries, and once more with what only they tell: whether each still stands, and
 * what else its signer signed. The second answer holds everything, under one head.
 */
async function askWhole(
  args: Arguments,
  ports: AskPorts,
  trust: Trust,
  keys: readonly LookupKey[],
): Promise<Asked> {
  const summaries = args.flag("summary");
  const request: LookupRequest = { keys, entries: !summaries, summaries };
  const first = await askPatiently(ports, request, patienceOf(args));
  if (first.state !== "answered" || summaries) return first;
  const entries = await readEntries({ crypto: ports.crypto, trust }, first.answer);
  const further = furtherKeys(entries, keys);
  if (further.length === 0) return first;
  return askLookup(ports, { ...request, keys: [...keys, ...further].slice(0, MAX_LOOKUP_KEYS) });
}

/** The bundle of a file, under the log of the trust file that signed it. */
async function readFromFile(
  args: Arguments,
  io: Io,
  file: string,
  question: Question | undefined,
): Promise<ExitStatus> {
  const trust = await readTrust(args, io);
  const bytes = await readBytes(io, file, MAX_LOOKUP_BYTES);
  const parsed = parseLookup(bytes);
  const inside = parsed.ok ? parsed.value.answers.map(({ key }) => key) : [];
  const names = new Set(inside.map(nameOf));
  const keys = question?.keys ?? inside;
  const missing = keys.find((key) => !names.has(nameOf(key)));
  const ports = { crypto: nodeCrypto, trust, memory: openMemory(args, io) };
  const opened =
    parsed.ok && missing !== undefined
      ? ({ state: "refused", refusal: { code: "OTHER_KEYS", key: missing }, bytes } as const)
      : await openLookup(ports, bytes);
  if (opened.state !== "answered") return reportFailure(args, io, opened);
  const title = question?.title ?? file;
  const report = await reportLookup(ports, opened.answer, { asked: keys, now: seconds(io) });
  const reasons = shownGone(ports.crypto, opened.answer, report.entries);
  const shown = { ...report, entries: withGone(report.entries, reasons) };
  const breached = await saveBreaches(io, ports, opened.answer, report);
  if (args.json) printJson(io, { ...reportData(title, shown), ...breachData(breached) });
  else print(io, ...reportLines(title, shown), ...breachLines(breached));
  return breached.length === 0 ? 0 : 3;
}

function seconds(io: Io): number {
  return Math.floor(io.now() / 1000);
}
