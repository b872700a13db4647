/**
 * F5 for a witness: a file that may not grow, a disk that takes no more, an fsync that fails. The real
 * program and the machine's own means; where they are not there, a test is skipped and says so.
 */
import { execFileSync, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { witnessedCheckpointPath } from "../../schema/tlog/tlog-witness.ts";
import { endOf, endsWithTest, portIn } from "../child.ts";
import { type Answer, ask, problemIn } from "../server/http/harness.ts";
import { FakeLog, newEngineFolder, sha256, WITNESS_PORT } from "../server/witness/support.ts";
import { until } from "../until.ts";
import { can } from "./machine.ts";

const MAIN = new URL("../../client/cli/main.ts", import.meta.url).pathname;

interface Running {
  readonly pid: number;
  /** 0 where it did not start. */
  readonly port: number;
  readonly ended: Promise<number | string>;
}

async function run(folder: string, wrapper: readonly string[] = []): Promise<Running> {
  const flags = ["--folder", folder, "--listen", "127.0.0.1:0", "--metrics", "off"];
  const argv = [...wrapper, process.execPath, MAIN, "witness", "serve", ...flags];
  const child = endsWithTest(
    spawn(argv[0] ?? "", argv.slice(1), { stdio: ["ignore", "pipe", "ignore"] }),
  );
  const ended = endOf(child);
  const port = (await portIn(child, WITNESS_PORT)) ?? 0;
  return { pid: child.pid ?? 0, port, ended };
}

async function witnessOf(log: FakeLog): Promise<string> {
  const folder = await newEngineFolder();
  writeFileSync(join(folder, "logs.txt"), log.lines);
  return folder;
}

function add(port: number, body: Uint8Array): Promise<Answer | undefined> {
  return ask({ port }, "/add-checkpoint", { method: "POST", body }).catch(() => undefined);
}

async function shownSize(port: number, log: FakeLog): Promise<number> {
  const { status, body } = await ask({ port }, witnessedCheckpointPath(sha256, log.origin));
  return status === 200 ? Number(body.toString().split("\n")[1]) : 0;
}

const CAN_LIMIT = can("prlimit", "--version") && can("bash", "-c", "ulimit -S -f 1000");

test.skipIf(!CAN_LIMIT)(
  "a file that may not grow is 507 before anything is written, and room again is enough",
  async () => {
    const log = await FakeLog.make("full.test", 200);
    const folder = await witnessOf(log);
    const witness = await run(folder, ["bash", "-c", 'ulimit -S -f 400; exec "$0" "$@"']);
    let size = 0;
    let refused: Answer | undefined;
    // A long extension line makes each head some kilobytes.
    const extensions = ["x".repeat(8_000)];
    while (refused === undefined && size < 200) {
      const answer = await add(witness.port, log.body(size, size + 1, { extensions }));
      if (answer?.status === 200) size++;
      else refused = answer;
    }
    if (refused === undefined) throw new Error("the file never got too long");
    expect(problemIn(refused).code).toBe("STORAGE_FULL");
    expect(size).toBeGreaterThan(3);
    // It is asked at most once a second.
    await until(async () => (await ask(witness, "/readyz")).status === 503);
    expect(await shownSize(witness.port, log)).toBe(size);
    execFileSync("prlimit", ["--pid", String(witness.pid), "--fsize=unlimited"]);
    expect((await add(witness.port, log.body(size, size + 1)))?.status).toBe(200);
    process.kill(witness.pid, "SIGTERM");
    expect(await witness.ended).toBe(0);
  },
);

const CAN_TRACE = can("strace", "-D", "-f", "-o", "/dev/null", "true");

describe.skipIf(!CAN_TRACE)("an fsync that fails (needs strace and the right to trace)", () => {
  // The first few are those of opening, then come those of heads.
  test.each([1, 6, 9])("I5 W1 from the %i. sync on: it stops, and forgets nothing", async (nth) => {
    const log = await FakeLog.make("sync.test", 40);
    const folder = await witnessOf(log);
    const inject = `inject=fsync,fdatasync:error=EIO:when=${nth}+`;
    const trace = ["-e", "trace=fsync,fdatasync", "-e", inject];
    const witness = await run(folder, ["strace", "-D", "-f", "-o", "/dev/null", ...trace]);
    let size = 0;
    if (witness.port > 0) {
      let answer = await add(witness.port, log.body(0, 1));
      while (answer?.status === 200 && size < 30) {
        size++;
        answer = await add(witness.port, log.body(size, size + 1));
      }
      if (answer !== undefined) expect(problemIn(answer).code).toBe("OUTCOME_UNKNOWN");
    }
    // It ends by itself: 1 while it served, 2 where it did not start.
    expect(await witness.ended).toBe(witness.port > 0 ? 1 : 2);
    const again = await run(folder);
    const shown = await shownSize(again.port, log);
    expect(shown).toBeGreaterThanOrEqual(size);
    expect((await add(again.port, log.body(shown, 35)))?.status).toBe(200);
    process.kill(again.pid, "SIGTERM");
    expect(await again.ended).toBe(0);
  });
});
