/**
 * `mirror`: keep, serve and check a verified copy of a log (`server/mirror/`).
 *
 * @module
 */
import type { Arguments, Command, OptionSpec } from "../../client/cli/command.ts";
import { saveEvidence } from "../../client/cli/evidence-file.ts";
import { pathOf, readBytes } from "../../client/cli/files.ts";
import type { ExitStatus, Io } from "../../client/cli/io.ts";
import { wholeNumber } from "../../client/cli/options.ts";
import { print, printJson } from "../../client/cli/output.ts";
import { startProgress } from "../../client/cli/progress.ts";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { httpTransport } from "../../client/fetch.ts";
import { fileMemory } from "../../client/memory-file.ts";
import { MAX_TRUST_BYTES, parseTrust, type TrustedLog } from "../../client/trust.ts";
import { LogError, unwrap } from "../../schema/error.ts";
import { parseVkey } from "../../schema/tlog/note.ts";
import { MAX_POLICY_BYTES, parsePolicy } from "../../schema/tlog/tlog-policy.ts";
import { checkMirror } from "../mirror/check.ts";
import { MirrorFolder, MirrorView } from "../mirror/folder.ts";
import { withoutQuorum } from "../mirror/quorum.ts";
import { serveMirror } from "../mirror/serve.ts";
import { Mirror, type MirrorPorts, type Synced } from "../mirror/sync.ts";
import { makeLogger } from "../observe/log.ts";

const DEFAULT_INTERVAL_SECONDS = 10;
/** Progress of a run that nobody watches on a terminal. */
const TELL_EVERY_MS = 10_000;
/** Findings shown to a person; `--json` has them all. */
const SHOWN = 50;

const OPTIONS: Readonly<Record<string, OptionSpec>> = {
  folder: { type: "string", value: "DIR", help: "where the copy is kept (default: mirror)" },
  vkey: {
    type: "string",
    value: "VKEY",
    multiple: true,
    help: "verifier key of the log; each that it signs with",
  },
  trust: { type: "string", value: "FILE", help: "trust file that names the log's verifier keys" },
  origin: {
    type: "string",
    value: "NAME",
    help: "which log of the trust file, where it names several",
  },
  "witness-policy": {
    type: "string",
    value: "FILE",
    help: "C2SP tlog-policy file: heads without its quorum of witnesses are not followed",
  },
  once: { type: "boolean", help: "follow the log to its newest head and end" },
  interval: {
    type: "string",
    value: "SECONDS",
    help: `between two questions to the log (default: ${DEFAULT_INTERVAL_SECONDS})`,
  },
  listen: { type: "string", value: "HOST:PORT", help: "serve what is here to tlog-tiles clients" },
  "metrics-listen": {
    type: "string",
    value: "HOST:PORT",
    help: "serve metrics, e.g. 127.0.0.1:9091",
  },
  "entries-only": {
    type: "boolean",
    help: "keep no contents and keys, also where the log has them",
  },
  repair: { type: "boolean", help: "with --once: take what is damaged here from the log again" },
  check: { type: "string", value: "FOLDER", help: "hash a mirror folder anew and change nothing" },
  evidence: { type: "string", value: "DIR", help: "folder for evidence files (default: here)" },
};

export const mirror: Command = {
  name: "mirror",
  summary: "Keep and serve a verified copy of a log.",
  about: [
    "Tiles and entries of any tlog-tiles log (C2SP); of a Countersign log also its contents and keys. Every byte is hashed, up to the head that the given keys have signed, before the copy's own checkpoint moves. The folder holds plain files under the paths of their URLs.",
    "A log that shows an older head is only stale. One that has signed two histories is not followed: an evidence file is written, and the exit status is 3.",
    "What a log has lost comes back from its mirror: `countersign fsck --repair-from`, `countersign recover --from`.",
  ],
  positionals: [
    { name: "url", help: "the log, or another mirror of it; not with --check", required: false },
  ],
  options: OPTIONS,
  examples: [
    {
      what: "keep a copy, and serve it",
      line: "countersign mirror https://log.example.org/ --vkey VKEY --folder copy --listen 127.0.0.1:8090",
    },
    {
      what: "one run, from cron",
      line: "countersign mirror https://log.example.org/ --trust trust.toml --folder copy --once",
    },
    { what: "is the copy whole?", line: "countersign mirror --check copy --vkey VKEY" },
  ],
  run: async (args: Arguments, io: Io): Promise<ExitStatus> => {
    const log = await logOf(args, io);
    const checked = args.value("check");
    const [url] = args.positionals;
    if ((checked === undefined) === (url === undefined))
      throw new LogError("USAGE", "it is not said which log, or which folder to check", {
        field: "url",
        expected: "the URL of the log, or --check FOLDER",
      });
    if (checked !== undefined) return runCheck(args, io, log, pathOf(io, checked));
    return runMirror(args, io, log, url ?? "");
  },
};

/** The keys are from the command line or the trust file, and from nowhere else. */
async function logOf(args: Arguments, io: Io): Promise<TrustedLog> {
  const texts = args.list("vkey");
  const file = args.value("trust");
  if ((file === undefined) === (texts.length === 0))
    throw new LogError("USAGE", "it is not said by which keys the log is known", {
      field: "--vkey",
      expected: "--vkey VKEY, or --trust FILE, and not both",
      hint: "ask the log's operator for the verifier key; `countersign init` prints it",
    });
  if (file !== undefined) {
    const trust = unwrap(parseTrust(nodeCrypto.sha256, await readBytes(io, file, MAX_TRUST_BYTES)));
    const origin = args.value("origin");
    const logs = trust.logs.filter((log) => origin === undefined || log.origin === origin);
    const [log] = logs;
    if (log !== undefined && logs.length === 1) return log;
    throw new LogError("USAGE", "the trust file does not say which log", {
      field: "--origin",
      expected: trust.logs.map((known) => known.origin).join(", "),
    });
  }
  const vkeys = texts.map((text) => unwrap(parseVkey(nodeCrypto.sha256, text)));
  const [first] = vkeys;
  if (first === undefined || vkeys.some(({ name }) => name !== first.name))
    throw new LogError("USAGE", "the verifier keys are of several logs", { field: "--vkey" });
  return { origin: first.name, vkeys, vkeyTexts: texts };
}

async function runCheck(
  args: Arguments,
  io: Io,
  log: TrustedLog,
  path: string,
): Promise<ExitStatus> {
  const progress = await startProgress(io, "check", args.json);
  const report = await checkMirror({
    crypto: nodeCrypto,
    log,
    files: new MirrorView(path),
    progress: progress.update,
  }).finally(progress.stop);
  const { origin, size, root, contents, findings, truncated } = report;
  const ok = findings.length === 0;
  if (args.json) printJson(io, { ok, ...report });
  else {
    print(io, `${origin}: ${size} entries${contents ? " with contents" : ""}, root ${root}`);
    for (const { file, message } of findings.slice(0, SHOWN))
      print(io, `DAMAGED  ${file}: ${message}`);
    if (findings.length > SHOWN || truncated)
      print(io, `… ${truncated ? "more than " : ""}${findings.length} findings; --json has them`);
    print(
      io,
      ok ? "all is well" : "take it from the log again: countersign mirror URL --once --repair",
    );
  }
  return ok ? 0 : 1;
}

async function runMirror(
  args: Arguments,
  io: Io,
  log: TrustedLog,
  url: string,
): Promise<ExitStatus> {
  if (args.flag("repair") && !args.flag("once"))
    throw new LogError("USAGE", "--repair is for one run", {
      field: "--repair",
      expected: "--once",
    });
  const stop = new AbortController();
  const abort = (): void => stop.abort();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, abort);
  const folder = MirrorFolder.open(pathOf(io, args.value("folder") ?? "mirror"));
  const progress = await startProgress(io, "mirror", args.json);
  const logger = makeLogger("info", (line) => io.stderr.write(line), io.now);
  try {
    const ports: MirrorPorts = {
      crypto: nodeCrypto,
      source: httpTransport(url),
      log,
      folder,
      memory: fileMemory(`${folder.path}/seen.json`),
      entriesOnly: args.flag("entries-only"),
      stop: stop.signal,
      progress: teller(io, logger, progress.update),
      ...(await policyOf(args, io)),
    };
    const again = args.flag("repair");
    const opened = await Mirror.open(ports, again);
    if (args.flag("once")) return showSynced(args, io, log, await opened.sync(again));
    return await follow(args, io, opened, stop);
  } catch (error) {
    if (!(error instanceof LogError) || error.detail.evidence === undefined) throw error;
    progress.stop();
    return await showFork(args, io, log, error.detail.evidence);
  } finally {
    for (const name of ["SIGINT", "SIGTERM"] as const) process.off(name, abort);
    progress.stop();
    folder.close();
  }
}

async function policyOf(args: Arguments, io: Io): Promise<Pick<MirrorPorts, "refuses">> {
  const file = args.value("witness-policy");
  if (file === undefined) return {};
  const policy = unwrap(
    parsePolicy(nodeCrypto.sha256, await readBytes(io, file, MAX_POLICY_BYTES)),
  );
  return { refuses: async (head) => withoutQuorum(nodeCrypto, policy, head) };
}

/** Progress goes to the bar, and now and then to the log of the process. */
function teller(
  io: Io,
  logger: ReturnType<typeof makeLogger>,
  update: (done: number, total: number) => void,
): (done: number, total: number) => void {
  let told = io.now();
  return (done, total) => {
    update(done, total);
    if (io.now() - told < TELL_EVERY_MS) return;
    told = io.now();
    logger.info({ done, total }, "mirroring");
  };
}

async function follow(
  args: Arguments,
  io: Io,
  opened: Mirror,
  stop: AbortController,
): Promise<ExitStatus> {
  const seconds =
    args.value("interval") === undefined ? DEFAULT_INTERVAL_SECONDS : wholeNumber(args, "interval");
  const running = await serveMirror({
    mirror: opened,
    sha256: nodeCrypto.sha256,
    logger: makeLogger("info", (line) => io.stderr.write(line), io.now),
    clock: () => performance.now(),
    intervalMs: Math.max(1, seconds) * 1_000,
    listen: args.value("listen"),
    metricsListen: args.value("metrics-listen"),
    stop,
  });
  const { url = null, metricsUrl = null } = running;
  const size = opened.head?.tree.size ?? 0;
  if (args.json) printJson(io, { url, metricsUrl, size });
  else print(io, `the mirror ${url === null ? "is kept" : `is served at ${url}`}, ${size} entries`);
  try {
    await running.followed;
    return 0;
  } finally {
    await running.close();
  }
}

function showSynced(args: Arguments, io: Io, log: TrustedLog, synced: Synced): ExitStatus {
  const { state, shown } = synced;
  const size = synced.state === "refused" ? null : synced.head.tree.size;
  const lost = synced.state === "refused" ? [] : synced.lost;
  if (args.json)
    printJson(io, {
      state,
      origin: log.origin,
      size,
      shown: shown.tree.size,
      ...(synced.state === "refused"
        ? { reason: synced.reason }
        : { root: synced.head.tree.root, lost }),
    });
  else if (synced.state === "refused") print(io, `${log.origin}: not followed: ${synced.reason}`);
  else
    print(
      io,
      state === "stale"
        ? `${log.origin}: shows an older head (${shown.tree.size} entries), ${size} are here`
        : `${log.origin}: ${size} entries are whole here${state === "same" ? ", unchanged" : ""}`,
    );
  if (lost.length > 0 && !args.json)
    print(io, `LOST  entry ${lost.join(", ")}: called erased, and no statement of the log says so`);
  return synced.state === "refused" || lost.length > 0 ? 1 : 0;
}

async function showFork(
  args: Arguments,
  io: Io,
  { origin }: TrustedLog,
  evidence: Uint8Array,
): Promise<ExitStatus> {
  const file = await saveEvidence(io, args.value("evidence"), evidence);
  if (args.json) printJson(io, { state: "forked", origin, evidence: file });
  else
    print(
      io,
      `FORKED: ${origin} has signed two histories. The mirror stays as it was.`,
      `evidence: ${file}`,
      `anybody can check it: countersign evidence verify ${file} --trust TRUST`,
    );
  return 3;
}
