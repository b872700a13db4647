import { execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Memory, volatileMemory } from "../../client/memory.ts";
import { fileMemory } from "../../client/memory-file.ts";
import { LogError } from "../../schema/error.ts";
import { endOf, endsWithTest } from "../child.ts";
import { until } from "../until.ts";
import { TestLog } from "./test-log.ts";

const log = new TestLog().fill(10);
const head = (size: number): { size: number; checkpoint: Uint8Array } => ({
  size,
  checkpoint: log.checkpoint(size),
});
const A = "log.test+00000001+AAAA";
const B = "log.test+00000002+BBBB";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "countersign-memory-"));
  path = join(folder, "deep", "memory.json");
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

describe.each([
  ["volatile", (): Memory => volatileMemory()],
  ["file", (): Memory => fileMemory(path)],
])("the %s memory", (_, make) => {
  test("remembers nothing at first, then the newest head under any of the keys", async () => {
    const memory = make();
    expect(await memory.load([A])).toBeUndefined();
    expect(await memory.replace([A], undefined, head(3))).toBe(true);
    expect(await memory.load([A])).toEqual(head(3));
    expect(await memory.load([B])).toBeUndefined();
    expect(await memory.replace([A, B], head(3), head(5))).toBe(true);
    expect(await memory.load([B])).toEqual(head(5));
  });

  test("replaces only what the caller has seen", async () => {
    const memory = make();
    expect(await memory.replace([A], head(2), head(3))).toBe(false);
    expect(await memory.replace([A], undefined, head(3))).toBe(true);
    expect(await memory.replace([A], undefined, head(4))).toBe(false);
    expect(await memory.load([A])).toEqual(head(3));
  });

  test("of many writers at once exactly one wins each round", async () => {
    const memory = make();
    const racers = Array.from({ length: 8 }, async (_unused, i) =>
      memory.replace([A], undefined, head(i)),
    );
    expect((await Promise.all(racers)).filter(Boolean)).toHaveLength(1);
  });
});

describe("the file", () => {
  test("is readable by its owner alone, and nothing lies beside it afterwards", async () => {
    await fileMemory(path).replace([A], undefined, head(3));
    expect(await readdir(dirname(path))).toEqual(["memory.json"]);
    const again = fileMemory(path);
    expect(await again.load([A])).toEqual(head(3));
  });

  test.each([
    ["empty", ""],
    ["cut", '{"mediaType":"application/vnd.countersign.memory+json;version=1","logs":[{"vk'],
    [
      "a newer version",
      '{"mediaType":"application/vnd.countersign.memory+json;version=2","logs":[]}',
    ],
    ["another shape", '{"logs":[]}'],
    [
      "an unknown field",
      '{"mediaType":"application/vnd.countersign.memory+json;version=1","logs":[],"x":1}',
    ],
    [
      "a head that is no checkpoint",
      '{"mediaType":"application/vnd.countersign.memory+json;version=1","logs":[{"vkey":"a","checkpoint":"b"}]}',
    ],
    ["not UTF-8", new Uint8Array([0xff, 0xfe])],
  ])("%s is refused with a hint, and never replaced", async (_, bytes) => {
    await mkdir(dirname(path));
    await writeFile(path, bytes);
    const memory = fileMemory(path);
    for (const asked of [memory.load([A]), memory.replace([A], undefined, head(1))]) {
      const error: unknown = await asked.then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(LogError);
      if (!(error instanceof LogError)) return;
      expect(error.code).toBe("FILE_UNREADABLE");
      expect(error.detail.hint).toMatch(/backup/);
    }
    expect(new Uint8Array(await readFile(path))).toEqual(
      typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes,
    );
  });

  test("the lock of a process that died is broken, by several waiters at once", async () => {
    const gone = await promisify(execFile)(process.execPath, ["-p", "process.pid"]);
    await mkdir(dirname(path));
    const holder = { pid: Number(gone.stdout), host: hostname(), nonce: randomUUID() };
    await writeFile(`${path}.lock`, JSON.stringify(holder));
    const racers = Array.from({ length: 5 }, async (_, i) =>
      fileMemory(path).replace([A], undefined, head(i)),
    );
    expect((await Promise.all(racers)).filter(Boolean)).toHaveLength(1);
    expect(await readdir(dirname(path))).toEqual(["memory.json"]);
  });

  test("a temporary file of a crash is no obstacle and not read", async () => {
    await fileMemory(path).replace([A], undefined, head(3));
    await writeFile(`${path}.${randomUUID()}.tmp`, "half");
    expect(await fileMemory(path).load([A])).toEqual(head(3));
    expect(await fileMemory(path).replace([A], head(3), head(4))).toBe(true);
  });

  test("a folder that cannot be used is an error of ours", async () => {
    await writeFile(join(folder, "deep"), "a file");
    await expect(fileMemory(path).load([A])).rejects.toBeInstanceOf(LogError);
    await expect(fileMemory(path).replace([A], undefined, head(1))).rejects.toThrow();
    await symlink(folder, join(folder, "loop"));
  });
});

describe("several processes", () => {
  const worker = fileURLToPath(new URL("memory-worker.ts", import.meta.url));

  test("count up together without losing a step", async () => {
    await mkdir(dirname(path));
    const runs = Array.from({ length: 3 }, async () =>
      promisify(execFile)(process.execPath, [worker, path, A, "8"]),
    );
    await Promise.all(runs);
    expect((await fileMemory(path).load([A]))?.size).toBe(24);
  });

  test("one killed at any moment leaves the old head or the new one, and the rest goes on", async () => {
    await mkdir(dirname(path));
    for (let round = 0; round < 4; round++) {
      const memory = fileMemory(path);
      const sizeNow = async (): Promise<number> => (await memory.load([A]))?.size ?? 0;
      const start = await sizeNow();
      const child = endsWithTest(
        spawn(process.execPath, [worker, path, A, "1000"], { stdio: "ignore" }),
      );
      const ended = endOf(child);
      // Wherever it is in its next step, after some that are done.
      await until(async () => (await sizeNow()) > start + round);
      child.kill("SIGKILL");
      expect(await ended).toBe("SIGKILL");
      const before = await memory.load([A]);
      const next = {
        size: before?.size ?? 0,
        checkpoint: before?.checkpoint ?? head(0).checkpoint,
      };
      expect(await memory.replace([A, B], before, next)).toBe(true);
    }
    const left = (await readdir(dirname(path))).filter((name) => name.endsWith(".lock"));
    expect(left).toEqual([]);
  });
});
