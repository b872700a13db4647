import { expect, test } from "vitest";
import { Edge } from "../../../../server/sequencer/edge.ts";
import { MemoryDisk, MemoryStorage } from "../../../../server/storage/memory/memory.ts";
import { batchOf, storageContract } from "../../../contract/storage.ts";
import { DATABASE_ID, entry, ORIGIN, sha256 } from "../../fixture.ts";

storageContract(async () => {
  const disk = new MemoryDisk(sha256, ORIGIN, DATABASE_ID);
  return { open: () => MemoryStorage.open(disk, sha256) };
});

test("a full memory store refuses before it writes, and takes entries again when there is room", async () => {
  const disk = new MemoryDisk(sha256, ORIGIN, DATABASE_ID);
  const storage = await MemoryStorage.open(disk, sha256);
  disk.capacity = 10;
  const head = await storage.readHead();
  const batch = batchOf(Edge.empty(sha256), [entry(0)]);
  const refused = await storage.commit(head, batch);
  expect(refused.state === "failed" && refused.error.code).toBe("STORAGE_FULL");
  expect((await storage.readHead()).size).toBe(0);
  disk.capacity = 1_000;
  expect((await storage.commit(head, batch)).state).toBe("committed");
});
