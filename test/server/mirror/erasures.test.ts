/** A mirror does what its log says about contents, and shows none that was erased, however it came back. */
import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { gitHashOf } from "../../../client/git/hash.ts";
import { fileSubmission } from "../../../client/keys/signer.ts";
import { toHex, utf8 } from "../../../schema/bytes.ts";
import { postingsPath } from "../../../schema/http/lookup-request.ts";
import { contentPath } from "../../../schema/http/paths.ts";
import { mapfn } from "../../../schema/index/mapfn.ts";
import { encodePostings } from "../../../schema/index/posting.ts";
import { MirrorFolder, MirrorView } from "../../../server/mirror/folder.ts";
import { MirrorReader } from "../../../server/mirror/reader.ts";
import { folderSource } from "../../../server/mirror/source.ts";
import { newSigner, TestLog } from "../../client/test-log.ts";
import { rejectionOf } from "../refusal.ts";
import { checked, copyOf, filesOf, run, served, sourceOf, temporaryFolder } from "./rig.ts";

const SECRET = utf8("Ada lives at number 7\n");
const FILE = contentPath(nodeCrypto.sha256(SECRET)).slice(1);
const MARK = FILE.replace("content/", "erased/");

/** Three files; the first and the last are the same bytes, by two people. */
async function newLog(): Promise<TestLog> {
  const log = new TestLog("erased.test");
  for (const bytes of [SECRET, utf8("nothing to hide\n"), SECRET])
    log.submit(await fileSubmission(newSigner(), bytes));
  return log;
}

async function erased(log: TestLog): Promise<void> {
  log.submit(await log.eraseStatement(SECRET));
  log.erase(SECRET);
}

function readerOf(folder: string, size: number): MirrorReader {
  return new MirrorReader(
    new MirrorView(folder),
    () => size,
    () => true,
  );
}

const states = (folder: string, size: number): readonly string[] =>
  readerOf(folder, size)
    .contents(0, size)
    .map(({ state }) => state);

describe("a mirror of a log that erases", () => {
  test("deletes its copy before it shows the head that says so, and keeps what the entries post", async () => {
    const log = await newLog();
    const source = sourceOf(await served(() => log));
    const folder = temporaryFolder();
    await run(folder, source, log.trusted);
    expect(existsSync(join(folder, FILE))).toBe(true);
    await erased(log);
    expect(await run(folder, source, log.trusted)).toMatchObject({ state: "advanced", lost: [] });
    expect(existsSync(join(folder, FILE))).toBe(false);
    expect(readFileSync(join(folder, MARK), "utf8")).toBe("3\n");
    expect(states(folder, 4)).toEqual(["erased", "held", "erased", "held"]);
    expect(readerOf(folder, 4).contentSizes(0, 4)[0]).toBe(0);
    expect((await checked(folder, log.trusted)).findings).toEqual([]);
    const hashes = { sha256: nodeCrypto.sha256, git: gitHashOf(nodeCrypto) };
    const named = { origin: log.origin, vkeys: [log.vkey] };
    for (const index of [0, 2]) {
      const posted = mapfn(hashes, named, log.leaves[index] ?? SECRET, SECRET);
      const kept = readerOf(folder, 4).keptPostings(index);
      expect(kept && toHex(kept)).toBe(toHex(encodePostings(posted)));
    }
    const answers = folderSource(new MirrorView(folder), readerOf(folder, 4), () => 4);
    expect((await rejectionOf(answers.get(`/${FILE}`, 1_000))).code).toBe("CONTENT_ERASED");
    expect((await answers.get(postingsPath(2), 10_000)).length).toBeGreaterThan(100);
  });

  test("that begins afterwards knows it as erased, and by which statement", async () => {
    const log = await newLog();
    await erased(log);
    const source = sourceOf(await served(() => log));
    const folder = temporaryFolder();
    expect(await run(folder, source, log.trusted)).toMatchObject({ state: "first", lost: [] });
    expect(readFileSync(join(folder, "slots/000.p/4"), "utf8")).toBe("eheh");
    expect(states(folder, 4)).toEqual(["erased", "held", "erased", "held"]);
    expect((await checked(folder, log.trusted)).findings).toEqual([]);
  });

  test("is followed in the same way by a mirror of the mirror", async () => {
    const log = await newLog();
    await erased(log);
    const first = temporaryFolder();
    await run(first, sourceOf(await served(() => log)), log.trusted);
    const second = temporaryFolder();
    const source = folderSource(new MirrorView(first), readerOf(first, 4), () => 4);
    expect(await run(second, source, log.trusted)).toMatchObject({ lost: [] });
    expect(filesOf(second)).toEqual(filesOf(first));
  });

  test("does not take the content back from a source that lags, nor show one that came back", async () => {
    const log = await newLog();
    const folder = temporaryFolder();
    await run(folder, sourceOf(await served(() => log)), log.trusted);
    const before = copyOf(folder);
    log.submit(await log.eraseStatement(SECRET));
    // It has the statement, and still gives the bytes.
    const lagging = sourceOf(await served(() => log));
    await run(folder, lagging, log.trusted);
    expect(existsSync(join(folder, FILE))).toBe(false);
    await run(folder, lagging, log.trusted, { again: true });
    expect(existsSync(join(folder, FILE))).toBe(false);
    expect((await checked(folder, log.trusted)).findings).toEqual([]);
    mkdirSync(dirname(join(folder, FILE)), { recursive: true });
    copyFileSync(join(before, FILE), join(folder, FILE));
    expect(states(folder, 4)).toEqual(["erased", "held", "erased", "held"]);
    expect((await checked(folder, log.trusted)).findings).toEqual([
      { file: FILE, message: "the log has erased it, and it is here" },
    ]);
    await run(folder, lagging, log.trusted, { again: true });
    expect(existsSync(join(folder, FILE))).toBe(false);
  });

  test("that calls a content erased and never said so: the entries are named, by the run and by the check", async () => {
    const log = await newLog();
    log.erase(SECRET);
    const folder = temporaryFolder();
    const source = sourceOf(await served(() => log));
    expect(await run(folder, source, log.trusted)).toMatchObject({ state: "first", lost: [0, 2] });
    const { findings } = await checked(folder, log.trusted);
    expect(findings).toHaveLength(1);
    expect(findings[0]?.message).toContain("no statement of the log says so");
  });

  test("no mark stands without its statement, and the statement of another key is none", async () => {
    const log = await newLog();
    const other = new TestLog("erased.test");
    log.submit(await other.eraseStatement(SECRET));
    const folder = temporaryFolder();
    await run(folder, sourceOf(await served(() => log)), log.trusted);
    expect(existsSync(join(folder, FILE))).toBe(true);
    const files = MirrorFolder.open(folder);
    await files.write(MARK, utf8("3\n"));
    files.close();
    const { findings } = await checked(folder, log.trusted);
    expect(findings.map(({ file }) => file)).toContain(MARK);
  });
});
