/**
 * `lookup lock`: what is known of each package that a lock file pins.
 *
 * @module
 */
import { LogError, unwrap } from "../../schema/error.ts";
import { CURRENT_INDEX } from "../../schema/index/generation.ts";
import { type LookupKey, MAX_LOOKUP_KEYS } from "../../schema/index/lookup.ts";
import { type Asked, type AskPorts, askLookup } from "../lookup/ask.ts";
import { indexesOf, type LookedUp, nameOf, readEntries } from "../lookup/entries.ts";
import { MAX_LOCK_BYTES, type Pinned, readLockFile } from "../lookup/lock-files.ts";
import { type Complete, completeOf } from "../lookup/report.ts";
import type { Found } from "../lookup/verdict.ts";
import { printable } from "../printable.ts";
import type { Trust } from "../trust.ts";
import type { Arguments, Command } from "./command.ts";
import { readBytes } from "./files.ts";
import type { ExitStatus, Io } from "./io.ts";
import { openLog, readTrust } from "./logs.ts";
import { reportFailure } from "./lookup-failure.ts";
import { completeData, completeLines } from "./lookup-text.ts";
import { LOG_OPTIONS } from "./options.ts";
import { print, printJson, table } from "./output.ts";

export const lookupLock: Command = {
  name: "lookup lock",
  summary: "What is known of each package that a lock file pins?",
  about: [
    "Reads package-lock.json, Cargo.lock or flake.lock and asks a log for every package at once: by the digest of its bytes, and by its name. Each answer is proved, and so is that there is nothing. Statements of people whom the trust file names are told by name; of others there is only a count, for anybody can write into a log.",
    "Exit status 0: answered, also where nothing is known of any package. The others are those of `countersign lookup`.",
  ],
  positionals: [{ name: "FILE", help: "the lock file", required: true }],
  options: {
    ...LOG_OPTIONS,
    known: { type: "boolean", help: "show only packages of which something is known" },
  },
  examples: [
    {
      what: "does anybody vouch for what this project installs?",
      line: "countersign lookup lock package-lock.json --trust trust.toml",
    },
    {
      what: "for a program",
      line: "countersign lookup lock Cargo.lock --trust trust.toml --json",
    },
  ],
  run: async (args: Arguments, io: Io): Promise<ExitStatus> => {
    const [file = ""] = args.positionals;
    const read = readLockFile(await readBytes(io, file, MAX_LOCK_BYTES));
    if (!read.ok) throw new LogError(read.code, `${file}: ${read.message}`, read.detail);
    const packages = unwrap(read);
    const trust = await readTrust(args, io);
    const ports: AskPorts = { ...(await openLog(args, io)), generation: CURRENT_INDEX };
    const keys = packages.flatMap(({ byDigest, byName }) => [...byDigest, ...byName]);
    const known = await askAll(ports, trust, keys, Math.floor(io.now() / 1000));
    if ("state" in known) return reportFailure(args, io, known, ports);
    const rows = packages.map((one) => rowOf(one, known));
    const shown = args.flag("known") ? rows.filter(({ n }) => n > 0) : rows;
    if (args.json)
      printJson(io, { ok: true, complete: known.complete.map(completeData), packages: shown });
    else print(io, ...lines(rows, shown, known.complete));
    return 0;
  },
};

interface Known {
  readonly found: ReadonlyMap<string, Found>;
  readonly entries: ReadonlyMap<number, LookedUp>;
  readonly complete: readonly Complete[];
}

type Failed = Exclude<Asked, { readonly state: "answered" }>;

/** Lists of all keys, and then the entries of those that have any. */
async function askAll(
  ports: AskPorts,
  trust: Trust,
  keys: readonly LookupKey[],
  now: number,
): Promise<Known | Failed> {
  const found = new Map<string, Found>();
  const entries = new Map<number, LookedUp>();
  const complete: Complete[] = [];
  const unique = [...new Map(keys.map((key) => [nameOf(key), key])).values()];
  const ask = async (
    asked: readonly LookupKey[],
    withEntries: boolean,
  ): Promise<Failed | undefined> => {
    for (let at = 0; at < asked.length; at += MAX_LOOKUP_KEYS) {
      const part = asked.slice(at, at + MAX_LOOKUP_KEYS);
      const answered = await askLookup(ports, {
        keys: part,
        entries: withEntries,
        summaries: false,
      });
      if (answered.state !== "answered") return answered;
      const { answer, newest } = answered;
      for (const one of answer.found) found.set(nameOf(one.key), one);
      for (const one of await readEntries({ crypto: ports.crypto, trust }, answer))
        entries.set(one.index, one);
      if (!withEntries) complete.push(completeOf(answer, newest, now));
    }
    return undefined;
  };
  const first = await ask(unique, false);
  if (first !== undefined) return first;
  const present = unique.filter((key) => found.get(nameOf(key))?.kind === "present");
  return (await ask(present, true)) ?? { found, entries, complete };
}

interface Row {
  readonly name: string;
  readonly version: string;
  /** Whether the file says which bytes it is. */
  readonly pinned: boolean;
  /** Entries about these bytes, and about this name and version. */
  readonly byDigest: number;
  readonly byName: number;
  readonly n: number;
  /** People of the trust file who signed some of them. */
  readonly people: readonly string[];
}

function rowOf({ name, version, byDigest, byName }: Pinned, known: Known): Row {
  const digests = entriesOf(byDigest, known);
  const names = entriesOf(byName, known);
  const all = new Set([...digests.indexes, ...names.indexes]);
  const people = [...all].flatMap((index) => {
    const entry = known.entries.get(index);
    return entry?.receipt === undefined ? [] : (entry.person ?? []);
  });
  return {
    name,
    version,
    pinned: byDigest.length > 0,
    byDigest: digests.n,
    byName: names.n,
    n: Math.max(all.size, digests.n, names.n),
    people: [...new Set(people)].toSorted(),
  };
}

/** One entry may stand under several keys of one package. */
function entriesOf(keys: readonly LookupKey[], { found }: Known): { n: number; indexes: number[] } {
  const lists = keys.flatMap((key) => found.get(nameOf(key)) ?? []);
  const indexes = [...new Set(lists.flatMap(indexesOf))];
  const longest = Math.max(0, ...lists.map((one) => (one.kind === "absent" ? 0 : one.summary.n)));
  return { n: Math.max(indexes.length, longest), indexes };
}

function lines(
  rows: readonly Row[],
  shown: readonly Row[],
  complete: readonly Complete[],
): string[] {
  const some = rows.filter(({ n }) => n > 0).length;
  const bare = rows.filter(({ pinned }) => !pinned).length;
  return [
    `${rows.length} packages; something is known of ${some}${bare === 0 ? "" : `; ${bare} are pinned by no digest`}`,
    ...new Set(complete.flatMap(completeLines)),
    ...(shown.length === 0
      ? []
      : table([["  PACKAGE", "VERSION", "BYTES", "NAME", "SIGNED BY"], ...shown.map(cells)])),
  ];
}

function cells({ name, version, pinned, byDigest, byName, n, people }: Row): (string | number)[] {
  const others = n > 0 && people.length === 0 ? "nobody in the trust file" : people.join(", ");
  const bytes = pinned ? byDigest : "-";
  return [
    `  ${printable(name)}`,
    printable(version),
    String(bytes),
    String(byName),
    printable(others),
  ];
}
