/**
 * The same requests to our witness and to somebody else's, good and bad, in the same order: they must
 * cosign the same checkpoints, and refuse the rest for the same reason.
 *
 * The specification that we follow is newer than theirs. Left out is what one of them still takes and
 * it forbids: a proof from size 0, a root of entries for size 0, a bad line of the log beside a good
 * one, an old size above the new one, and one that is not 0 where nothing was cosigned. A request that is malformed, unknown or signed by nobody may be refused by them
 * with any status.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatAddCheckpoint } from "../../schema/tlog/tlog-witness.ts";
import { startOurWitness } from "../peers/our-witness.ts";
import {
  type KnownLog,
  type PeerWitness,
  startLitewitness,
  startOmniwitness,
  type WitnessResult,
} from "../peers/witnesses.ts";
import { FakeLog, type NoteKey, noteKey, someHash } from "../server/witness/support.ts";
import { passes, type Row, skipped } from "./table.ts";

const REQUESTS = 1_000;
const ENTRIES = 30;
const OPERATION = "answers as our witness does";

/** Numbers that are the same in every run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

interface Answer {
  readonly status: number;
  /** The size in a 409. */
  readonly size: string;
}

async function ask(witness: PeerWitness, body: Uint8Array<ArrayBuffer>): Promise<Answer> {
  const answer = await fetch(`${witness.url}/add-checkpoint`, { method: "POST", body });
  const text = await answer.text();
  return { status: answer.status, size: answer.status === 409 ? text : "" };
}

const BEFORE_THE_STATE: ReadonlySet<number> = new Set([400, 403, 404]);

function agree(ours: Answer, theirs: Answer): boolean {
  if (ours.status === theirs.status) return ours.size === theirs.size;
  const refused = BEFORE_THE_STATE.has(theirs.status) || theirs.status >= 500;
  return BEFORE_THE_STATE.has(ours.status) && refused;
}

interface Known {
  readonly log: FakeLog;
  readonly impostor: NoteKey;
  /** What is cosigned of it. */
  size: number;
}

function requestFor(one: Known, random: (below: number) => number): Uint8Array<ArrayBuffer> {
  const { log, impostor, size } = one;
  const history = random(5) === 0 ? log.fork(random(20)) : log;
  const to =
    random(4) === 0 ? 1 + random(ENTRIES) : Math.max(1, Math.min(ENTRIES, size + random(3)));
  const from = size === 0 ? 0 : Math.min(random(6) === 0 ? random(ENTRIES + 1) : size, to);
  const honest = history.proof(from, to);
  const what = random(10);
  const proof =
    what === 0 ? honest.slice(1) : what === 1 && from > 0 ? [...honest, someHash()] : honest;
  const note = history.note(to, {
    ...(what === 2 ? { keys: [impostor] } : {}),
    ...(what === 3 ? { after: [impostor.line(history.text(to))] } : {}),
    ...(what === 4 ? { extensions: ["an extension"] } : {}),
    ...(what === 5 ? { origin: "unknown.example.test" } : {}),
    ...(what === 6 ? { root: someHash() } : {}),
  });
  const body = formatAddCheckpoint({ oldSize: from, proof, checkpoint: note });
  return what === 7 ? body.slice(0, random(body.length)) : body;
}

async function compare(
  folder: string,
  start: (folder: string, logs: readonly KnownLog[]) => Promise<WitnessResult>,
): Promise<Row> {
  const known: Known[] = [];
  for (let i = 0; i < 6; i++) {
    const log = await FakeLog.make(`log${i}.answers.example.test`, ENTRIES);
    known.push({ log, impostor: await noteKey(log.origin), size: 0 });
  }
  const told = known.map(({ log }) => ({ origin: log.origin, vkey: log.keys[0]?.vkey ?? "" }));
  const theirs = await start(join(folder, "theirs"), told);
  if ("missing" in theirs)
    return skipped({ client: theirs.name, version: "" }, OPERATION, theirs.missing);
  const ours = await startOurWitness(join(folder, "ours"), told, "answers.example.test");
  const random = numbers(20_261_127);
  const seen = new Map<number, number>();
  let wrong = "";
  for (let n = 0; n < REQUESTS && wrong === ""; n++) {
    const one = known[random(known.length)];
    if (one === undefined) continue;
    const body = requestFor(one, random);
    const [a, b] = [await ask(ours, body), await ask(theirs, body)];
    if (!agree(a, b)) wrong = `request ${n}: ${a.status} ${a.size} and ${b.status} ${b.size}`;
    seen.set(a.status, (seen.get(a.status) ?? 0) + 1);
    if (a.status === 200) one.size = Number(textOf(body).split("\n")[1]);
  }
  await ours.stop();
  await theirs.stop();
  const counts = [...seen].toSorted(([a], [b]) => a - b).map(([status, n]) => `${n} × ${status}`);
  const detail = wrong === "" ? `${REQUESTS} requests: ${counts.join(", ")}` : wrong;
  return passes({ client: theirs.name, version: theirs.version }, OPERATION, wrong === "", detail);
}

/** The checkpoint in a request that was good. */
function textOf(body: Uint8Array): string {
  const text = Buffer.from(body).toString();
  return text.slice(text.indexOf("\n\n") + 2);
}

export async function witnessAnswers(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), "countersign-answers-"));
  try {
    return [
      await compare(join(folder, "lite"), startLitewitness),
      await compare(join(folder, "omni"), startOmniwitness),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
