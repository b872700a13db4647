/**
 * F5: a disk that is full, a file that may not grow, an fsync that fails. The real driver in a real
 * process, and the machine's own means to break the disk; where they are not there, a test is
 * skipped and says so.
 */
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, onTestFinished, test } from "vitest";
import { endOf, endsWithTest } from "../child.ts";
import { newPlace, type Place, temporaryFolder } from "../server/fixture.ts";
import { can } from "./machine.ts";

const SCRIPT = join(import.meta.dirname, "disk-child.ts");

interface Child {
  readonly pid: number;
  /** Tells it a line and waits for the answer. */
  ask(line: string): Promise<string>;
  next(): Promise<string>;
  /** The signal or exit status it ended with. */
  readonly ended: Promise<number | string>;
}

function run(place: Place, wrapper: readonly string[] = []): Child {
  const argv = [...wrapper, process.execPath, SCRIPT, place.folder, place.guard];
  const child = endsWithTest(
    spawn(argv[0] ?? "", argv.slice(1), { stdio: ["pipe", "pipe", "inherit"] }),
  );
  // A log that is already gone is fine.
  child.stdin.on("error", () => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const { done, value } = await lines.next();
    return done === true ? "ended" : value;
  };
  return {
    pid: child.pid ?? 0,
    next,
    ask: (line) => {
      child.stdin.write(`${line}\n`);
      return next();
    },
    ended: endOf(child),
  };
}

/** Appends until it is refused; the code, and the size before. */
async function fill(child: Child): Promise<{ code: string; size: number; next: number }> {
  let size = 0;
  for (let from = 0; from < 20_000; from += 50) {
    const answer = await child.ask(`append ${from} ${from + 50}`);
    const [word, value = ""] = answer.split(" ");
    if (word !== "ok") return { code: value, size, next: from };
    size = Number(value);
  }
  throw new Error("the disk never got full");
}

async function resumes(child: Child, size: number, next: number): Promise<void> {
  expect(await child.ask("read")).toBe(`read ${size}`);
  expect(await child.ask(`append ${next} ${next + 1}`)).toBe(`ok ${size + 1}`);
  expect(await child.ask("state")).toBe("state ready");
  expect(await child.ask("close")).toBe("closed");
}

const CAN_LIMIT = can("prlimit", "--version") && can("bash", "-c", "ulimit -S -f 1000");

describe.skipIf(!CAN_LIMIT)("a file-size limit (needs bash and prlimit)", () => {
  test("is 507 before anything is written, reads go on, and the log resumes by itself", async () => {
    const place = await newPlace();
    const child = run(place, ["bash", "-c", 'ulimit -S -f 12000; exec "$0" "$@"']);
    expect(await child.next()).toBe("ready 1");
    const { code, size, next } = await fill(child);
    expect(code).toBe("STORAGE_FULL");
    expect(size).toBeGreaterThan(100);
    expect(await child.ask("state")).toBe("state full STORAGE_FULL");
    expect(await child.ask("recheck")).toMatch(/^state (full|ready)/);
    expect(await child.ask("read")).toBe(`read ${size}`);
    expect(await child.ask(`append ${next} ${next + 50}`)).toBe("refused STORAGE_FULL");
    execFileSync("prlimit", ["--pid", String(child.pid), "--fsize=unlimited"]);
    await resumes(child, size, next);
    expect(await child.ended).toBe(0);
    const again = run(place);
    expect(await again.next()).toBe(`ready ${size + 1}`);
    expect(await again.ask("close")).toBe("closed");
  });
});

function withTmpfs(bytes: number): string | undefined {
  const folder = join(temporaryFolder(), "small");
  mkdirSync(folder);
  if (!can("mount", "-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", folder)) return undefined;
  onTestFinished(() => void can("umount", "-l", folder));
  return folder;
}

describe("a full file system (needs the right to mount one)", () => {
  test("of the store: 507, reads go on, and room again is enough", async (context) => {
    const small = withTmpfs(24_000_000);
    if (small === undefined) return context.skip("this user may not mount a file system");
    const template = await newPlace();
    const place = { folder: join(small, "data"), guard: template.guard };
    execFileSync("cp", ["-r", template.folder, place.folder]);
    const ballast = join(small, "ballast");
    writeFileSync(ballast, new Uint8Array(8_000_000));
    const child = run(place);
    expect(await child.next()).toBe("ready 1");
    const { code, size, next } = await fill(child);
    expect(code).toBe("STORAGE_FULL");
    expect(await child.ask("state")).toBe("state full STORAGE_FULL");
    expect(await child.ask("read")).toBe(`read ${size}`);
    rmSync(ballast);
    expect(await child.ask("recheck")).toBe("state ready");
    await resumes(child, size, next);
    expect(await child.ended).toBe(0);
    const again = run(place);
    expect(await again.next()).toBe(`ready ${size + 1}`);
    await again.ask("close");
  });

  test("of the guard: nothing is committed, and room again is enough", async (context) => {
    const small = withTmpfs(300_000);
    if (small === undefined) return context.skip("this user may not mount a file system");
    const template = await newPlace();
    const place = { folder: template.folder, guard: join(small, "head.guard") };
    execFileSync("cp", [template.guard, place.guard]);
    const child = run(place);
    expect(await child.next()).toBe("ready 1");
    const ballast = join(small, "ballast");
    can("dd", "if=/dev/zero", `of=${ballast}`, "bs=4096", "count=1000");
    expect(await child.ask("append 0 5")).toBe("refused STORAGE_FULL");
    expect(await child.ask("read")).toBe("read 1");
    rmSync(ballast);
    await resumes(child, 1, 0);
    expect(dirname(place.guard)).toBe(small);
  });
});

const CAN_TRACE = can("strace", "-D", "-f", "-o", "/dev/null", "true");

describe.skipIf(!CAN_TRACE)("an fsync that fails (needs strace and the right to trace)", () => {
  // The tracer is the grandchild (-D), so that the log itself can be killed by its id.
  const failingFrom = (nth: number): string[] => {
    const inject = `inject=fsync,fdatasync:error=EIO:when=${nth}+`;
    return ["strace", "-D", "-f", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", inject];
  };

  // The first few are those of opening, then come those of commits and guards.
  test.each([1, 7, 10, 14])(
    "I5 from the %i. sync on: the log stops, and a restart continues what was durable",
    async (nth) => {
      const place = await newPlace();
      const child = run(place, failingFrom(nth));
      const heard = [await child.next()];
      for (let n = 0; n < 8 && /^(?:ready|ok)/.test(heard.at(-1) ?? ""); n++)
        heard.push(await child.ask(`append ${n} ${n + 1}`));
      // Either it did not start or it stopped: it never goes on after a sync that failed.
      expect(heard.at(-1), heard.join(" | ")).toMatch(
        /^(?:start|fatal) (?:OUTCOME_UNKNOWN|STORAGE_FAILED)$/,
      );
      if (heard[0]?.startsWith("ready") === true)
        expect(await child.ask("append 50 51")).toMatch(/^refused /);
      process.kill(child.pid, "SIGKILL");
      expect(await child.ended).toMatch(/SIGKILL|0/);
      const again = run(place);
      const published = Math.max(0, ...heard.map((line) => Number(line.split(" ")[1]) || 0));
      const [word, size] = (await again.next()).split(" ");
      expect(word).toBe("ready");
      expect(Number(size)).toBeGreaterThanOrEqual(published);
      expect(await again.ask("append 100 101")).toMatch(/^ok/);
      expect(await again.ask("close")).toBe("closed");
    },
  );
});
