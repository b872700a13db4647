/** F1 for mirrors: cut off at every step, before it and after it, and taken up again. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { fileMemory } from "../../../client/memory-file.ts";
import { MirrorFolder } from "../../../server/mirror/folder.ts";
import { Mirror } from "../../../server/mirror/sync.ts";
import { TestLog } from "../../client/test-log.ts";
import {
  checked,
  contentLog,
  copyOf,
  filesOf,
  run,
  served,
  sourceOf,
  temporaryFolder,
} from "./rig.ts";

class Cut extends Error {}

/** A folder whose `n`th change is its last, done or not; how many changes there were. */
function mortal(
  path: string,
  n: number,
  moment: "before" | "after",
): { folder: MirrorFolder; count: () => number } {
  const folder = MirrorFolder.open(path);
  let count = 0;
  const dies = async (work: () => Promise<void>): Promise<void> => {
    const now = count++;
    if (now > n || (now === n && moment === "before")) throw new Cut();
    await work();
    if (now === n) throw new Cut();
  };
  const write = folder.write.bind(folder);
  const settle = folder.settle.bind(folder);
  const remove = folder.remove.bind(folder);
  folder.write = (name, bytes) => dies(() => write(name, bytes));
  folder.settle = () => dies(() => settle());
  folder.remove = (name) => dies(() => remove(name));
  return { folder, count: () => count };
}

describe.each(["tiles and entries", "contents too"])(
  "M1 a mirror of %s that is cut off",
  (kind) => {
    let log: TestLog;
    const [old, grown] = kind === "contents too" ? [3, 7] : [250, 260];
    beforeAll(async () => {
      log = kind === "contents too" ? await contentLog(grown) : new TestLog().fill(grown);
    });

    test("before or after any change shows a whole head, and the next run finishes", async () => {
      let now = old;
      const server = await served(
        () => log,
        (path, honest) => (path === "checkpoint" ? log.checkpoint(now) : honest),
      );
      const template = temporaryFolder();
      await run(template, sourceOf(server), log.trusted);
      now = grown;
      for (let n = 0, last = false; !last; n++)
        for (const moment of ["before", "after"] as const) {
          const path = copyOf(template);
          const { folder, count } = mortal(path, n, moment);
          const memory = fileMemory(join(path, "seen.json"));
          const ports = { crypto: nodeCrypto, source: sourceOf(server), log: log.trusted };
          const cut = await Mirror.open({ ...ports, folder, memory })
            .then(async (mirror) => mirror.sync())
            .then(() => false)
            .catch((error: unknown) => {
              if (error instanceof Cut) return true;
              throw error;
            });
          folder.close();
          last = !cut && count() <= n;
          const [, size] = readFileSync(join(path, "checkpoint"), "utf8").split("\n");
          expect([String(old), String(grown)]).toContain(size);
          expect((await checked(path, log.trusted)).findings, `${moment} ${n}`).toEqual([]);
          await run(path, sourceOf(server), log.trusted);
          expect(await checked(path, log.trusted)).toMatchObject({ size: grown, findings: [] });
        }
    });
  },
);

test("what a killed run left unfinished is cleared away", async () => {
  const log = new TestLog().fill(3);
  const server = await served(() => log);
  const path = temporaryFolder();
  await run(path, sourceOf(server), log.trusted);
  const folder = MirrorFolder.open(path);
  await folder.write(".tmp/7", new Uint8Array(10));
  folder.close();
  await run(path, sourceOf(server), log.trusted);
  expect(existsSync(join(path, ".tmp/7"))).toBe(false);
  expect(filesOf(path)).toHaveLength(3);
});
