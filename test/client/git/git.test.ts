/**
 * Reading real repositories with real git: whole, in ranges, bare, and with traps in them.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readObjects } from "../../../client/git/objects.ts";
import type { GitRepository } from "../../../client/git/process.ts";
import { openRepository } from "../../../client/git/process.ts";
import { commitIds, readRevision, tagIds } from "../../../client/git/walk.ts";

const folder = mkdtempSync(join(tmpdir(), "countersign-git-"));
const work = join(folder, "work");
const searchPath = process.env["PATH"] ?? "";
const LIMIT = 1_048_576;
let repository: GitRepository;

function git(...args: string[]): string {
  return execFileSync("git", ["-C", work, ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    env: {
      PATH: searchPath,
      HOME: folder,
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_AUTHOR_NAME: "Ada",
      GIT_AUTHOR_EMAIL: "ada@example.org",
      GIT_COMMITTER_NAME: "Ada",
      GIT_COMMITTER_EMAIL: "ada@example.org",
    },
  }).trim();
}

function commit(message: string): string {
  git("commit", "--quiet", "--allow-empty", "--message", message);
  return git("rev-parse", "HEAD");
}

function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  return Array.fromAsync(items);
}

beforeAll(async () => {
  mkdirSync(work);
  git("init", "--quiet", "--initial-branch=main");
  repository = await openRepository(work, searchPath);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("a repository is read by plumbing", () => {
  test("an empty one has no commits and no tags", async () => {
    expect(await all(commitIds(repository, undefined))).toEqual([]);
    expect(await tagIds(repository, undefined, LIMIT)).toEqual([]);
  });

  test("commits come oldest first, a range gives its part, and the bytes hash to the id", async () => {
    const ids = [commit("one"), commit("two"), commit("three"), commit("four")];
    expect(await all(commitIds(repository, undefined))).toEqual(ids);
    expect(await all(commitIds(repository, `${ids[0]}..${ids[2]}`))).toEqual(ids.slice(1, 3));
    for (const object of await all(readObjects(repository, ids, LIMIT)))
      expect(
        createHash("sha1")
          .update(`${object.type} ${object.size}\0`)
          .update(object.bytes ?? "")
          .digest("hex"),
      ).toBe(object.id);
  });

  test("a bare clone reads the same", async () => {
    const bare = join(folder, "bare.git");
    git("clone", "--quiet", "--bare", work, bare);
    const other = await openRepository(bare, searchPath);
    expect(await all(commitIds(other, undefined))).toEqual(
      await all(commitIds(repository, undefined)),
    );
  });

  test("annotated tags come with the tags they tag, and only inside the range", async () => {
    git("tag", "--annotate", "--message", "first", "v1", "main~3");
    git("tag", "--annotate", "--message", "last", "v2", "main");
    git("tag", "--annotate", "--message", "of a tag", "v2-again", "v2");
    git("tag", "light", "main");
    const everything = await tagIds(repository, undefined, LIMIT);
    expect(everything).toHaveLength(3);
    const last = new Set(await all(commitIds(repository, "main~1..main")));
    expect((await tagIds(repository, last, LIMIT)).toSorted()).toEqual(
      [git("rev-parse", "v2"), git("rev-parse", "v2-again")].toSorted(),
    );
  });

  test("an object above the limit is passed over and the next one is whole", async () => {
    writeFileSync(join(work, "big"), Buffer.alloc(300_000, "x"));
    git("add", "big");
    const id = commit("big");
    const blob = git("rev-parse", `${id}:big`);
    const read = await all(readObjects(repository, [blob, id], 1000));
    expect(read.map(({ bytes, size }) => [bytes?.length, size > 1000])).toEqual([
      [undefined, true],
      [read[1]?.size, false],
    ]);
  });

  test("a thousand objects stream through one process", async () => {
    const id = git("rev-parse", "HEAD");
    const ids = Array.from({ length: 5000 }, () => id);
    let count = 0;
    for await (const object of readObjects(repository, ids, LIMIT)) {
      expect(object.id).toBe(id);
      count++;
    }
    expect(count).toBe(5000);
  });

  test("a reader that stops early leaves no process behind that it would wait for", async () => {
    const id = git("rev-parse", "HEAD");
    for await (const object of readObjects(repository, Array(100_000).fill(id), LIMIT)) {
      expect(object.id).toBe(id);
      break;
    }
  });
});

describe("what is not there is named", () => {
  test("a folder that is no repository", async () => {
    await expect(openRepository(folder, searchPath)).rejects.toThrow(/not a git repository/);
  });
  test("a range that names nothing", async () => {
    await expect(all(commitIds(repository, "no-such-branch"))).rejects.toThrow(/no-such-branch/);
  });
  test("a range that would be an option", async () => {
    await expect(all(commitIds(repository, "--output=/etc/passwd"))).rejects.toThrow(/not a range/);
  });
  test("an object that is missing", async () => {
    const ids = ["0123456789012345678901234567890123456789"];
    await expect(all(readObjects(repository, ids, LIMIT))).rejects.toThrow(/missing/);
  });
  test("a revision that is missing", async () => {
    await expect(readRevision(repository, "v99", LIMIT)).rejects.toThrow(/no object "v99"/);
  });
  test("git that is not installed", async () => {
    await expect(openRepository(work, folder)).rejects.toThrow(/git cannot be run/);
  });
});

describe("the repository is a stranger's", () => {
  test("commands that its configuration names are not run", async () => {
    const trap = join(folder, "trap");
    const command = `touch ${trap}`;
    for (const [name, value] of [
      ["core.repositoryFormatVersion", "1"],
      ["core.fsmonitor", command],
      ["core.sshCommand", command],
      ["core.pager", command],
      ["core.editor", command],
      ["gpg.program", command],
      ["log.showSignature", "true"],
      ["remote.origin.url", `ext::touch ${trap}`],
      ["remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"],
      ["remote.origin.promisor", "true"],
      ["remote.origin.partialCloneFilter", "blob:none"],
      ["extensions.partialClone", "origin"],
      ["protocol.ext.allow", "always"],
    ] as const)
      git("config", name, value);
    const missing = ["0123456789012345678901234567890123456789"];
    await expect(all(readObjects(repository, missing, LIMIT))).rejects.toThrow();
    expect((await all(commitIds(repository, undefined))).length).toBeGreaterThan(3);
    expect(existsSync(trap)).toBe(false);
  });

  test("a replacement ref does not show another object", async () => {
    const [first, second] = [git("rev-parse", "main~1"), git("rev-parse", "main~2")];
    const before = await readRevision(repository, first, LIMIT);
    git("replace", first, second);
    expect((await readRevision(repository, first, LIMIT)).bytes).toEqual(before.bytes);
  });
});

test("a damaged repository is an error that names the object, not git's advice before it", async () => {
  const damaged = join(folder, "damaged");
  cpSync(work, damaged, { recursive: true });
  const lost = git("rev-parse", "main~1");
  rmSync(join(damaged, ".git", "objects", lost.slice(0, 2), lost.slice(2)));
  const broken = await openRepository(damaged, searchPath);
  await expect(all(commitIds(broken, "main"))).rejects.toThrow(lost);
});
