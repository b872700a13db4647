/** A monitor under the real command line is killed at random points while its channels come and go. */
import { spawn } from "node:child_process";
import {
  existsSync,
  type FSWatcher,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  watch,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { toBase64 } from "../../schema/bytes.ts";
import { endsWithTest } from "../child.ts";
import { type ServedIndex, serveIndex } from "../client/lookup/serve-index.ts";
import { TestIndex } from "../client/lookup/test-index.ts";
import { fieldOf, isGenuine, type Receiver, receiver } from "../client/monitor/alerts.ts";
import { idOf } from "../client/monitor/rig.ts";
import { newSigner, review, signedCommit, TestLog } from "../client/test-log.ts";

const LIVES = 16;
const MAIN = join(import.meta.dirname, "..", "..", "client", "cli", "main.ts");
const secret = new Uint8Array(32).fill(5);
const bob = newSigner();
const commit = await signedCommit(bob);

let folder: string;
let served: ServedIndex;
let hook: Receiver;
const main = new TestLog().fill(2);
const index = new TestIndex(main).grow();

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "countersign-monitor-kill-"));
  served = await serveIndex(index);
  hook = await receiver();
  const { origin, vkey } = main;
  writeFileSync(
    join(folder, "trust.toml"),
    `trust = 1\n[[log]]\norigin = "${origin}"\nvkeys = ["${vkey}"]\nurl = "${served.url}"\n`,
  );
  writeFileSync(join(folder, "webhook.secret"), toBase64(secret));
  configure(`[[channel]]
type = "webhook"
url = "${hook.url}"
secret_file = "webhook.secret"
[[channel]]
type = "json-lines"
path = "lines.jsonl"
`);
});
afterEach(async () => {
  await served.close();
  await hook[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** What is watched, and what else the configuration says. */
function configure(more: string): void {
  writeFileSync(
    join(folder, "monitor.toml"),
    `monitor = 1
trust = "trust.toml"
state = "state"
[[log]]
origin = "${main.origin}"
keys = ["${idOf(bob)}"]
${more}`,
  );
}

interface Life {
  readonly kill: () => void;
  readonly ended: Promise<number | null>;
  readonly errors: () => string;
}

function live(): Life {
  const argv = [MAIN, "monitor", "--config", "monitor.toml", "--once"];
  const child = endsWithTest(
    spawn(process.execPath, argv, {
      cwd: folder,
      env: { PATH: process.env["PATH"], HOME: folder },
      stdio: ["ignore", "ignore", "pipe"],
    }),
  );
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  return { kill: () => void child.kill("SIGKILL"), ended, errors: () => errors };
}

function closing(watcher: FSWatcher): Disposable {
  return { [Symbol.dispose]: () => watcher.close() };
}

async function reviewed(): Promise<void> {
  main.submit(await review(bob, commit, { comment: `number ${main.size}` }));
}

const idsOf = (received: Receiver["received"]): string[] =>
  received.map(({ headers }) => String(headers["webhook-id"]));

test(`M3 ${LIVES} lives of a monitor that is killed: every alert arrives, and none again that was confirmed`, async () => {
  const first = live();
  expect(await first.ended, first.errors()).toBe(0);
  const start = main.size;
  const over = new Set<string>();
  let killed = 0;
  let between = 0;
  for (let life = 0; life < LIVES; life++) {
    for (let n = Math.floor(Math.random() * 4); n >= 0; n--) await reviewed();
    index.grow();
    const before = hook.received.length;
    const accepted: string[] = [];
    const dies = 1 + Math.floor(Math.random() * 3);
    const running = live();
    hook.answer = (count) => {
      const asked = count - before;
      // As the answer leaves, or a moment later, where it is made durable; or it never gets so far.
      if (asked === dies) setTimeout(running.kill, Math.random() * 25);
      if (Math.random() < 0.1) return { status: 500 };
      accepted.push(String(hook.received.at(-1)?.headers["webhook-id"]));
      return { status: 200 };
    };
    if (life % 5 === 4) setTimeout(running.kill, 300 + Math.random() * 900);
    const status = await running.ended;
    if (status === null) killed++;
    const came = idsOf(hook.received.slice(before));
    // What the last life was told of last it may not have written down; all else it has.
    expect(came.filter((id) => over.has(id))).toEqual([]);
    if (came.length > 0 && accepted.length > 0 && status === null) between++;
    for (const id of status === null ? accepted.slice(0, -1) : accepted) over.add(id);
  }
  hook.answer = () => ({ status: 200 });
  // Pauses of earlier failures may be in the outbox; they end.
  for (let tries = 0; tries < 5; tries++) if ((await live().ended) === 0) break;

  const expected = main.size - start;
  for (const file of [join(folder, "lines.jsonl"), join(folder, "state", "alerts.jsonl")]) {
    const text = readFileSync(file, "utf8");
    const statements = fieldOf(text, "kind").filter((kind) => kind === "statement");
    expect(statements).toHaveLength(expected);
    const numbers = fieldOf(text, "number");
    expect(numbers).toEqual(numbers.map((_, i) => i + 1));
  }
  const told = fieldOf(readFileSync(join(folder, "lines.jsonl"), "utf8"), "id");
  expect(new Set(idsOf(hook.received))).toEqual(new Set(told));
  const now = Date.now() / 1000;
  expect(hook.received.every((one) => isGenuine(secret, one, now))).toBe(true);
  expect(killed).toBeGreaterThan(LIVES / 4);
  console.log(`${killed} kills in ${LIVES} lives, ${between} of them after an answer`);
}, 300_000);

test(`M2 ${LIVES} lives of a monitor that is killed while it looks: each finding is told once`, async () => {
  writeFileSync(join(folder, "signed.txt"), "");
  configure(`own = ["${idOf(bob)}"]\nstatements = "signed.txt"\n`);
  const first = live();
  expect([0, 1], first.errors()).toContain(await first.ended);
  const start = main.size;
  let requests = 0;
  let reached = (): void => {};
  const { asked } = served;
  asked.push = (...paths: string[]): number => {
    if (--requests === 0) reached();
    return Array.prototype.push.apply(asked, paths);
  };
  const file = join(folder, "state", "alerts.jsonl");
  const size = (): number => (existsSync(file) ? statSync(file).size : 0);
  let killed = 0;
  let moved = 0;
  for (let life = 0; life < LIVES; life++) {
    for (let n = Math.floor(Math.random() * 3); n >= 0; n--) await reviewed();
    index.grow();
    const running = live();
    const before = size();
    // At a random request to the log, or at a random change of the files that it keeps.
    let changes = life % 2 === 0 ? 0 : 20 + Math.floor(Math.random() * 100);
    requests = life % 2 === 0 ? 1 + Math.floor(Math.random() * 14) : 0;
    reached = running.kill;
    using _ = closing(
      watch(join(folder, "state"), () => {
        if (--changes === 0) running.kill();
      }),
    );
    if ((await running.ended) !== null) continue;
    killed++;
    if (size() > before) moved++;
  }
  requests = 0;
  const last = live();
  expect([0, 1], last.errors()).toContain(await last.ended);
  expect(await live().ended).toBe(0);

  const text = readFileSync(file, "utf8");
  const numbers = fieldOf(text, "number");
  expect(numbers).toEqual(numbers.map((_, i) => i + 1));
  const ids = fieldOf(text, "id");
  expect(new Set(ids).size).toBe(ids.length);
  const told = text
    .trimEnd()
    .split("\n")
    .map((line): { kind: string; seen: { index?: number } } => JSON.parse(line));
  const indexes = (kind: string): (number | undefined)[] =>
    told.flatMap((one) =>
      one.kind === kind && (one.seen.index ?? 0) >= start ? [one.seen.index] : [],
    );
  const expected = Array.from({ length: main.size - start }, (_, i) => start + i);
  expect(indexes("statement")).toEqual(expected);
  expect(indexes("not-signed-by-us")).toEqual(expected);
  expect(killed).toBeGreaterThan(LIVES / 4);
  console.log(
    `${killed} kills in ${LIVES} lives, ${moved} of them after alerts were written, ${told.length} alerts`,
  );
}, 300_000);
