import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { success } from "../../schema/error.ts";
import { acceptLoss, examine, recordOf } from "../../server/recover.ts";
import { refill } from "../../server/refill.ts";
import { storeFiles } from "../../server/storage/sqlite/files.ts";
import { SqliteReader } from "../../server/storage/sqlite/reader.ts";
import {
  appendAndClose,
  entry,
  newPlace,
  openPlace,
  type Place,
  SIGNER,
  sha256,
  signerOf,
  temporaryFolder,
} from "./fixture.ts";
import { rejectionOf } from "./refusal.ts";

const portsOf = (place: Place) => ({
  place,
  signer: SIGNER,
  crypto: nodeCrypto,
  clock: () => Date.UTC(2030, 0, 2, 3, 4, 5),
});

/** `data-old` of 11 entries, `data` of 31 and the guard that has signed them: made once, then copied. */
let template: string;
beforeAll(async () => {
  template = mkdtempSync(join(tmpdir(), "countersign-recover-"));
  const place = await newPlace(template);
  await appendAndClose(place, 0, 10);
  cpSync(place.folder, `${place.folder}-old`, { recursive: true });
  await appendAndClose(place, 10, 30);
});
afterAll(() => rmSync(template, { recursive: true, force: true }));

/** A log of 11 entries whose guard has signed 31, and the newer store beside it. */
function rolledBack(): { place: Place; newer: string } {
  const base = temporaryFolder();
  cpSync(template, base, { recursive: true });
  const place = { folder: join(base, "data-old"), guard: join(base, "head.guard") };
  return { place, newer: join(base, "data") };
}

/** A log of 31 entries that starts. */
function sound(): Place {
  const { place, newer } = rolledBack();
  return { ...place, folder: newer };
}

describe("examine", () => {
  test("says that a sound log has nothing to recover, and leaves it so", async () => {
    const place = sound();
    const found = await examine(portsOf(place));
    expect(found).toMatchObject({ refusal: undefined, lost: undefined, acceptable: false });
    await appendAndClose(place, 30, 31);
  });

  test("shows what would be lost, and changes nothing", async () => {
    const { place } = rolledBack();
    const guard = readFileSync(place.guard);
    const found = await examine(portsOf(place));
    expect(found).toMatchObject({
      refusal: { code: "GUARD_AHEAD" },
      store: { size: 11 },
      guard: { size: 31 },
      lost: { from: 11, to: 31 },
      acceptable: true,
    });
    expect(found.consequences.join(" ")).toContain("Entries 11 to 30");
    expect(readFileSync(place.guard).equals(guard)).toBe(true);
    expect(existsSync(recordOf(place.guard))).toBe(false);
    expect((await rejectionOf(openPlace(place))).code).toBe("GUARD_AHEAD");
  });
});

describe("accepting a loss", () => {
  test("goes past the refusal, once it is recorded with the head that is given up", async () => {
    const { place } = rolledBack();
    const lost = readFileSync(place.guard);
    const record = await acceptLoss(portsOf(place), 11, "the disk died, there is no other copy");
    expect(record).toMatchObject({
      at: "2030-01-02T03:04:05.000Z",
      code: "GUARD_AHEAD",
      store: { size: 11 },
      guard: { size: 31 },
    });
    const [line = ""] = readFileSync(recordOf(place.guard), "utf8").split("\n");
    expect(JSON.parse(line)).toEqual(record);
    expect(Buffer.from(record.checkpoint ?? "", "base64").toString()).toContain("\n31\n");
    const kept = readdirSync(dirname(place.guard)).find((name) => name.includes(".before-")) ?? "";
    expect(readFileSync(join(dirname(place.guard), kept)).equals(lost)).toBe(true);
    await appendAndClose(place, 100, 101);
  });

  test("needs the size that was read in the examination", async () => {
    const { place } = rolledBack();
    const refused = await rejectionOf(acceptLoss(portsOf(place), 31, "wrong"));
    expect(refused).toMatchObject({ code: "USAGE", detail: { expected: "11" } });
    expect((await rejectionOf(openPlace(place))).code).toBe("GUARD_AHEAD");
  });

  test("is not for a log that starts, nor for damage that is not about the guard", async () => {
    const place = sound();
    expect((await rejectionOf(acceptLoss(portsOf(place), 31, "no need"))).code).toBe("USAGE");
    const foreign = sound();
    const text = readFileSync(foreign.guard, "utf8");
    writeFileSync(foreign.guard, text.replace("000102", "ff0102"));
    expect((await rejectionOf(acceptLoss(portsOf(foreign), 31, "x"))).code).toBe("GUARD_FOREIGN");
    expect((await examine(portsOf(foreign))).acceptable).toBe(false);
  });

  test("makes a new guard where it is gone with its folder", async () => {
    const place = sound();
    const gone = { ...place, guard: join(dirname(place.guard), "gone", "head.guard") };
    rmSync(place.guard);
    const found = await examine(portsOf(gone));
    expect(found).toMatchObject({ refusal: { code: "GUARD_MISSING" }, acceptable: true });
    await acceptLoss(portsOf(gone), 31, "moved to another machine");
    await appendAndClose(gone, 30, 31);
  });
});

describe("refilling", () => {
  const factsOf = (leaf: Uint8Array) => {
    const name = Buffer.from(leaf).toString().split(" ")[1] ?? "";
    const contentDigest = sha256(Buffer.from(`content of ${name}`));
    return success({ contentDigest, mayBeOpaque: false });
  };

  test("brings the missing entries back from another copy, to exactly the signed head", async () => {
    const { place, newer } = rolledBack();
    const source = new SqliteReader(storeFiles(newer).database);
    const done: number[] = [];
    const count = await refill({
      ...portsOf(place),
      source,
      factsOf,
      progress: (n) => done.push(n),
    });
    source.close();
    expect(count).toBe(20);
    expect(done).toEqual([20]);
    const { log, storage } = await openPlace(place);
    expect(log.published().size).toBe(31);
    expect(storage.reader.findLeaf(entry(29).leafHash)).toBe(30);
    expect(storage.reader.contents(11, 31).every(({ state }) => state === "held")).toBe(true);
    await log.append([entry(99)]);
    await log.close();
  });

  test("takes nothing from a source that does not lead to the signed root", async () => {
    const { place } = rolledBack();
    const other = await newPlace();
    await appendAndClose(other, 0, 10);
    await appendAndClose(other, 500, 520);
    const source = new SqliteReader(storeFiles(other.folder).database);
    const refused = await rejectionOf(refill({ ...portsOf(place), source, factsOf }));
    source.close();
    expect(refused.code).toBe("GUARD_DIFFERS");
    const found = await examine(portsOf(place));
    expect(found).toMatchObject({ store: { size: 11 }, lost: { from: 11, to: 31 } });
  });

  test("takes no content that is not the one its leaf names", async () => {
    const { place, newer } = rolledBack();
    const source = new SqliteReader(storeFiles(newer).database);
    const wrong = {
      leaves: (from: number, to: number) => source.leaves(from, to),
      key: () => undefined,
      keptPostings: () => undefined,
      contents: (from: number, to: number) =>
        source.contents(from, to).map(() => ({ state: "held", bytes: new Uint8Array(3) }) as const),
    };
    const refused = await rejectionOf(refill({ ...portsOf(place), source: wrong, factsOf }));
    source.close();
    expect(refused.code).toBe("STORE_CORRUPT");
    expect((await examine(portsOf(place))).store.size).toBe(11);
  });

  test("is not for a key that is not the log's, nor under a guard that does not verify", async () => {
    const { place, newer } = rolledBack();
    const source = new SqliteReader(storeFiles(newer).database);
    const other = { ...portsOf(place), signer: signerOf(8), source, factsOf };
    expect((await rejectionOf(refill(other))).code).toBe("KEY_MISMATCH");
    const text = readFileSync(place.guard, "utf8");
    writeFileSync(place.guard, text.replace(/(\n\u2014 \S+ \S{20})./, "$1-"));
    const damaged = await rejectionOf(refill({ ...portsOf(place), source, factsOf }));
    source.close();
    expect(damaged.code).toBe("STORE_CORRUPT");
    writeFileSync(place.guard, text);
    expect((await examine(portsOf(place))).store.size).toBe(11);
  });

  test("is not for a log that misses nothing", async () => {
    const place = sound();
    const source = new SqliteReader(storeFiles(place.folder).database);
    const refused = await rejectionOf(refill({ ...portsOf(place), source, factsOf }));
    source.close();
    expect(refused.code).toBe("USAGE");
  });
});
