/** A mirror follows its log byte for byte, and never where the log's own signatures do not lead. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { verifyEvidence } from "../../../client/evidence.ts";
import { toHex, utf8 } from "../../../schema/bytes.ts";
import { unwrap } from "../../../schema/error.ts";
import { formatVkey } from "../../../schema/tlog/note.ts";
import { entriesPath, tilePath, tilesOf, tileWidth } from "../../../schema/tlog/tile.ts";
import { parsePolicy } from "../../../schema/tlog/tlog-policy.ts";
import { MirrorFolder } from "../../../server/mirror/folder.ts";
import { withoutQuorum } from "../../../server/mirror/quorum.ts";
import { type Lie, logKey, serveLog, TestLog } from "../../client/test-log.ts";
import { rejectionOf } from "../refusal.ts";
import {
  checked,
  contentLog,
  copyOf,
  filesOf,
  flipBit,
  run,
  served,
  sourceOf,
  temporaryFolder,
} from "./rig.ts";

/** A foreign log: leaves of any kind, no contents. */
const foreign = new TestLog("foreign.test").fill(700);
let own: TestLog;
let copy: string;
beforeAll(async () => {
  own = await contentLog(300);
  copy = mkdtempSync(join(tmpdir(), "countersign-mirror-"));
  const log = await serveLog(() => own);
  await run(copy, sourceOf(log), own.trusted);
  await log.close();
  return () => rmSync(copy, { recursive: true, force: true });
});

describe("a log of another kind, of tiles and entries alone", () => {
  test("is copied byte for byte, under the paths of its URLs", async () => {
    const folder = temporaryFolder();
    const log = await served(() => foreign);
    const synced = await run(folder, sourceOf(log), foreign.trusted);
    expect(synced).toMatchObject({ state: "first", head: { tree: { size: 700 } } });
    const expected = ["checkpoint"];
    for (const { level, index, width } of tilesOf(700)) {
      expected.push(tilePath(level, index, width));
      if (level === 0) expected.push(entriesPath(index, width));
    }
    expect(filesOf(folder)).toEqual(expected.toSorted());
    for (const name of expected)
      expect(readFileSync(join(folder, name)), name).toEqual(
        Buffer.from(foreign.serve(name, "") ?? "nothing"),
      );
    expect((await checked(folder, foreign.trusted)).findings).toEqual([]);
  });

  test("is copied also where it compresses its answers without being asked", async () => {
    const folder = temporaryFolder();
    const log = await served(
      () => foreign,
      (path, honest, res) => {
        if (honest === undefined || !path.startsWith("tile/")) return honest;
        res.writeHead(200, { "content-encoding": "gzip" });
        res.end(gzipSync(honest));
        return "answered";
      },
    );
    await run(folder, sourceOf(log), foreign.trusted);
    expect((await checked(folder, foreign.trusted)).size).toBe(700);
  });
});

describe("a log with contents", () => {
  test("is copied with contents and keys; what it never held is known as such", async () => {
    const report = await checked(copy, own.trusted);
    expect(report).toMatchObject({ size: 300, contents: true, findings: [] });
    const contents = filesOf(copy).filter((name) => name.startsWith("content/"));
    expect(contents.map((name) => name.slice("content/sha256/".length))).toEqual(
      [...own.contents.keys()].toSorted(),
    );
    const letters = readFileSync(join(copy, "slots/000"), "utf8");
    expect(letters.slice(0, 18)).toBe("hhhhhhhhnhhhhhhhhn");
  });

  test("keeps no contents where it is told so, and stays like that", async () => {
    const folder = temporaryFolder();
    const log = await served(() => own);
    await run(folder, sourceOf(log), own.trusted, { entriesOnly: true });
    expect(filesOf(folder).some((name) => /^(content|slots)/.test(name))).toBe(false);
    expect(await checked(folder, own.trusted)).toMatchObject({ contents: false, findings: [] });
  });
});

describe("following a log that grows", () => {
  test("at any sizes, and from another mirror, the folder is that of the last size", async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 4 });
    let now = 0;
    const log = await served(
      () => foreign,
      (path, honest) => (path === "checkpoint" ? foreign.checkpoint(now) : honest),
    );
    await fc.assert(
      fc.asyncProperty(sizes, async (all) => {
        const folder = temporaryFolder();
        for (const size of all.toSorted((a, b) => a - b)) {
          now = size;
          const synced = await run(folder, sourceOf(log), foreign.trusted);
          expect(synced.shown.tree.size).toBe(size);
          const report = await checked(folder, foreign.trusted);
          expect(report).toMatchObject({ size, root: toHex(foreign.root(size)), findings: [] });
        }
        const [bundle, width] = [
          Math.floor((now - 1) / 256),
          tileWidth(now, 0, Math.floor((now - 1) / 256)),
        ];
        expect(filesOf(folder)).toContain(entriesPath(bundle, width));
      }),
      { numRuns: 12 },
    );
  });

  test("contents that are here are not asked for again", async () => {
    const folder = temporaryFolder();
    let now = 270;
    const log = await served(
      () => own,
      (path, honest) => (path === "checkpoint" ? own.checkpoint(now) : honest),
    );
    await run(folder, sourceOf(log), own.trusted);
    log.asked.length = 0;
    now = 300;
    expect((await run(folder, sourceOf(log), own.trusted)).state).toBe("advanced");
    expect(log.asked.filter((path) => path.startsWith("tile/content"))).toEqual([
      "tile/content/001.p/44?from=14",
    ]);
    expect((await checked(folder, own.trusted)).findings).toEqual([]);
    expect(existsSync(join(folder, "tile/entries/001.p/14")), "a published width stays").toBe(true);
  });

  test("a run that failed half-way is taken up again without asking for what is here", async () => {
    const folder = temporaryFolder();
    const log = await served(
      () => foreign,
      (path, honest) => (path.startsWith("tile/entries/002") ? undefined : honest),
    );
    expect((await rejectionOf(run(folder, sourceOf(log), foreign.trusted))).code).toBe("NOT_FOUND");
    expect(existsSync(join(folder, "checkpoint"))).toBe(false);
    flipBit(join(folder, "tile/entries/001"), 400);
    log.lie = (_, honest) => honest;
    log.asked.length = 0;
    await run(folder, sourceOf(log), foreign.trusted);
    expect(log.asked.filter((path) => path.startsWith("tile/entries"))).toEqual([
      "tile/entries/001",
      "tile/entries/002.p/188",
    ]);
    expect((await checked(folder, foreign.trusted)).findings).toEqual([]);
  });

  test("a log that shows an older head is only stale", async () => {
    const folder = temporaryFolder();
    let now = 700;
    const log = await served(
      () => foreign,
      (path, honest) => (path === "checkpoint" ? foreign.checkpoint(now) : honest),
    );
    await run(folder, sourceOf(log), foreign.trusted);
    now = 300;
    const synced = await run(folder, sourceOf(log), foreign.trusted);
    expect(synced).toMatchObject({ state: "stale", head: { tree: { size: 700 } } });
    now = 700;
    expect((await run(folder, sourceOf(log), foreign.trusted)).state).toBe("same");
  });
});

describe("M1 a mirror never moves to what its log's signed root does not commit to", () => {
  const cases: readonly [string, (path: string) => boolean, Lie][] = [
    ["a tampered hash tile", (path) => path === "tile/0/001", flipped],
    ["a tampered upper tile", (path) => path.startsWith("tile/1/"), flipped],
    ["a tampered entry", (path) => path === "tile/entries/001", flipped],
    ["a truncated bundle", (path) => path === "tile/entries/001", cut],
    ["a truncated tile", (path) => path === "tile/0/001", cut],
    ["a bundle with bytes behind it", (path) => path === "tile/entries/001", longer],
    ["an endless answer (CVE-2024-45395)", (path) => path === "tile/entries/001", endless],
    ["a gzip bomb", (path) => path === "tile/0/001", bomb],
    ["an empty bundle", (path) => path === "tile/entries/001", () => new Uint8Array(0)],
  ];
  test.each(cases)("%s", async (_, which, lie) => {
    const folder = temporaryFolder();
    const log = await served(
      () => foreign,
      (path, honest, res) => (which(path) ? lie(path, honest, res) : honest),
    );
    expect((await rejectionOf(run(folder, sourceOf(log), foreign.trusted))).code).toBe(
      "RESPONSE_INVALID",
    );
    expect(existsSync(join(folder, "checkpoint"))).toBe(false);
    // What it kept on the way was proved; an honest log finishes it.
    log.lie = (_path, honest) => honest;
    await run(folder, sourceOf(log), foreign.trusted);
    expect((await checked(folder, foreign.trusted)).findings).toEqual([]);
  });

  const contentCases: readonly [string, Lie][] = [
    ["a tampered content", flipped],
    ["a truncated content", cut],
    ["a content that is said never to have been held", (_, honest) => honest?.fill(255, 0, 4)],
  ];
  test.each(contentCases)("%s", async (_, lie) => {
    const folder = temporaryFolder();
    const log = await served(
      () => own,
      (path, honest, res) =>
        path.startsWith("tile/content/001") ? lie(path, honest?.slice(), res) : honest,
    );
    const refused = await rejectionOf(run(folder, sourceOf(log), own.trusted));
    expect(refused.code).toBe("RESPONSE_INVALID");
    expect(existsSync(join(folder, "checkpoint"))).toBe(false);
  });

  test("a head under another key, however whole its tree is, writes nothing (CVE-2026-56864)", async () => {
    const folder = temporaryFolder();
    const impostor = new TestLog("foreign.test").fill(10);
    const log = await served(() => impostor);
    const refused = await rejectionOf(run(folder, sourceOf(log), foreign.trusted));
    expect(refused.code).toBe("SIGNATURE_INVALID");
    expect(filesOf(folder)).toEqual([]);
  });

  test("a folder of another log is refused", async () => {
    const folder = temporaryFolder();
    await run(folder, sourceOf(await served(() => own)), own.trusted);
    const log = await served(() => foreign);
    expect((await rejectionOf(run(folder, sourceOf(log), foreign.trusted))).code).toBe("USAGE");
  });

  test("two processes never write one mirror", async () => {
    const folder = temporaryFolder();
    const held = MirrorFolder.open(folder);
    const log = await served(() => foreign);
    const second = await rejectionOf(run(folder, sourceOf(log), foreign.trusted));
    held.close();
    expect(second.code).toBe("STORE_LOCKED");
  });
});

describe("M1 a fork is never followed, and convicts by its own signatures", () => {
  const key = logKey();
  const one = new TestLog("fork.test", key).fill(300).fill(600, " one");
  const two = new TestLog("fork.test", key).fill(300).fill(600, " two");

  async function forked(size: number): Promise<void> {
    const folder = temporaryFolder();
    let shown: Uint8Array = one.checkpoint(400);
    let log = one;
    const server = await served(
      () => log,
      (path, honest) => (path === "checkpoint" ? shown : honest),
    );
    await run(folder, sourceOf(server), one.trusted);
    const before = readFileSync(join(folder, "checkpoint"));
    log = two;
    shown = two.checkpoint(size);
    const error = await rejectionOf(run(folder, sourceOf(server), one.trusted));
    expect(error.code).toBe("LOG_MISBEHAVED");
    const evidence = error.detail.evidence ?? new Uint8Array(0);
    const verdict = await verifyEvidence(nodeCrypto, { logs: [one.trusted] }, evidence);
    expect(verdict).toMatchObject({ ok: true });
    expect(readFileSync(join(folder, "checkpoint"))).toEqual(before);
    expect((await checked(folder, one.trusted)).findings).toEqual([]);
  }

  test("of a larger tree", async () => forked(600));
  test("of one size", async () => forked(400));
  // The log need not help to convict itself: the tiles are here.
  test("of a smaller tree, judged by the tiles that are here", async () => forked(350));

  test("a head that was seen and never became whole here is remembered all the same", async () => {
    const folder = temporaryFolder();
    let log = one;
    let size = 500;
    const server = await served(
      () => log,
      (path, honest) => {
        if (path === "checkpoint") return log.checkpoint(size);
        return path.startsWith("tile/entries/001") ? undefined : honest;
      },
    );
    expect((await rejectionOf(run(folder, sourceOf(server), one.trusted))).code).toBe("NOT_FOUND");
    log = two;
    size = 500;
    const error = await rejectionOf(run(folder, sourceOf(server), one.trusted));
    expect(error.code).toBe("LOG_MISBEHAVED");
  });
});

describe("a head without a quorum", () => {
  test("is not followed", async () => {
    const folder = temporaryFolder();
    const log = await served(() => foreign);
    const { publicKey } = logKey();
    const witness = formatVkey(nodeCrypto.sha256, "witness.test", 4, publicKey);
    const policy = unwrap(parsePolicy(nodeCrypto.sha256, utf8(`witness w ${witness}\nquorum w\n`)));
    const synced = await run(folder, sourceOf(log), foreign.trusted, {
      refuses: async (head) => withoutQuorum(nodeCrypto, policy, head),
    });
    expect(synced).toMatchObject({ state: "refused", reason: expect.stringContaining("quorum") });
    expect(filesOf(folder)).toEqual([]);
  });
});

describe("a mirror that was damaged", () => {
  test("names the very file, whichever it is", async () => {
    const names = filesOf(copy);
    for (const name of [
      "checkpoint",
      "tile/0/000",
      "tile/1/000.p/1",
      "tile/0/001.p/44",
      "tile/entries/000",
      "tile/entries/001.p/44",
      "slots/000",
      names.find((file) => file.startsWith("content/")) ?? "",
    ]) {
      const folder = copyOf(copy);
      flipBit(join(folder, name), name === "checkpoint" ? 40 : 5);
      const flips = (await checked(folder, own.trusted)).findings.map(({ file }) => file);
      expect(flips, name).toEqual([name]);
      rmSync(join(folder, name));
      const missing = (await checked(folder, own.trusted)).findings.map(({ file }) => file);
      expect(missing, name).toEqual([name]);
    }
  });

  test("takes it from the log again, and writes nothing else", async () => {
    const folder = copyOf(copy);
    const log = await served(() => own);
    const content = filesOf(copy).find((file) => file.startsWith("content/")) ?? "";
    for (const name of ["tile/0/000", "tile/entries/001.p/44", "slots/000", content, "checkpoint"])
      flipBit(join(folder, name), 30);
    await run(folder, sourceOf(log), own.trusted, { again: true });
    expect((await checked(folder, own.trusted)).findings).toEqual([]);
    for (const name of filesOf(copy))
      expect(readFileSync(join(folder, name)), name).toEqual(readFileSync(join(copy, name)));
  });

  test("is refused where its edge does not give its head, and where it is no mirror", async () => {
    const folder = copyOf(copy);
    flipBit(join(folder, "tile/0/001.p/44"), 5);
    const log = await served(() => own);
    const refused = await rejectionOf(run(folder, sourceOf(log), own.trusted));
    expect(refused.code).toBe("STORE_CORRUPT");
    const empty = join(temporaryFolder(), "empty");
    mkdirSync(empty);
    expect((await rejectionOf(checked(empty, own.trusted))).code).toBe("STORE_MISSING");
    writeFileSync(join(empty, "mirror.json"), "{}");
    expect((await rejectionOf(checked(empty, own.trusted))).code).toBe("STORE_CORRUPT");
  });
});

function flipped(_: string, honest: Uint8Array | undefined): Uint8Array | undefined {
  const bytes = honest?.slice();
  if (bytes !== undefined) bytes[9] = (bytes[9] ?? 0) ^ 1;
  return bytes;
}

function cut(_: string, honest: Uint8Array | undefined): Uint8Array | undefined {
  return honest?.slice(0, -1);
}

function longer(_: string, honest: Uint8Array | undefined): Uint8Array | undefined {
  return honest === undefined ? undefined : Uint8Array.from([...honest, 0]);
}

/** Never ends of itself: the mirror has to hang up. */
function endless(...[, , res]: Parameters<Lie>): "answered" {
  const more = (): void => {
    while (res.write(new Uint8Array(1_048_576))) if (res.destroyed) return;
  };
  res.writeHead(200);
  res.on("drain", more);
  more();
  return "answered";
}

function bomb(...[, , res]: Parameters<Lie>): "answered" {
  res.writeHead(200, { "content-encoding": "gzip" });
  res.end(gzipSync(new Uint8Array(33_554_432)));
  return "answered";
}
