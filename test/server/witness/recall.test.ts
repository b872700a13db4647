/** A witness whose folder was put back, or runs twice, meets its own signatures. */
import { cpSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { LogError, unwrap } from "../../../schema/error.ts";
import { type NoteSignature, parseSignatures, parseVkey } from "../../../schema/tlog/note.ts";
import { askLogs } from "../../../server/witness/recall.ts";
import { originId } from "../../../server/witness/state-file.ts";
import { temporaryFolder } from "../fixture.ts";
import { type Engine, FakeLog, NOW, newEngineFolder, openEngine, sha256 } from "./support.ts";

const log = await FakeLog.make("recall.test", 12);

function copyOf(folder: string): string {
  const copy = join(temporaryFolder(), "copy");
  cpSync(folder, copy, { recursive: true });
  return copy;
}

/** Our own lines, as they were answered. */
async function add(engine: Engine, body: Uint8Array): Promise<readonly NoteSignature[]> {
  const answer = await engine.witness.addCheckpoint(body);
  if (answer.status !== 200) throw new Error(JSON.stringify(answer));
  return unwrap(parseSignatures(answer.lines));
}

/** A folder as it was at size 4, and what the same keys signed after that. */
async function restored(): Promise<{ folder: string; lines: readonly NoteSignature[] }> {
  const folder = await newEngineFolder();
  const before = await openEngine(folder, [log]);
  await add(before, log.body(0, 4));
  before.state.close();
  const backup = copyOf(folder);
  const after = await openEngine(folder, [log]);
  const lines = await add(after, log.body(4, 8));
  after.state.close();
  return { folder: backup, lines };
}

describe("a signature of its own", () => {
  test("W2 over a larger size than it remembers stops it, and nothing is signed any more", async () => {
    const { folder, lines } = await restored();
    const engine = await openEngine(folder, [log]);
    const forked = engine.witness.addCheckpoint(log.fork(4).body(4, 6));
    expect((await forked).status).toBe(200);
    const met = engine.witness.addCheckpoint(log.body(6, 8, { after: lines }));
    await expect(met).rejects.toMatchObject({ code: "GUARD_AHEAD" });
    expect(engine.fatal.map(({ code }) => code)).toEqual(["GUARD_AHEAD"]);
    const next = engine.witness.addCheckpoint(log.fork(4).body(6, 7));
    await expect(next).rejects.toMatchObject({ code: "GUARD_AHEAD" });
    await expect(engine.witness.shown(originId(log.origin))).rejects.toMatchObject({
      code: "GUARD_AHEAD",
    });
    engine.state.close();
  });

  test("W2 over another root, or at a later time, too: somebody else has its keys", async () => {
    const folder = await newEngineFolder();
    const copy = copyOf(folder);
    const one = await openEngine(folder, [log]);
    const two = await openEngine(copy, [log], () => NOW + 60_000);
    const fork = log.fork(3);
    await add(one, log.body(0, 6));
    const other = await add(two, fork.body(0, 6));
    const met = one.witness.addCheckpoint(fork.body(6, 6, { before: other }));
    await expect(met).rejects.toMatchObject({ code: "GUARD_AHEAD" });
    one.state.close();
    two.state.close();
    const again = await openEngine(folder, [log]);
    const third = await openEngine(copyOf(folder), [log], () => NOW + 60_000);
    const later = await add(third, log.body(6, 6));
    const late = again.witness.addCheckpoint(log.body(6, 7, { extensions: [], after: [] }));
    expect((await late).status).toBe(200);
    const same = again.witness.addCheckpoint(log.body(7, 6, { after: later }));
    await expect(same).rejects.toMatchObject({ code: "GUARD_AHEAD" });
    again.state.close();
    third.state.close();
  });

  test("over what it remembers changes nothing, and a forged one proves nothing", async () => {
    const engine = await openEngine(await newEngineFolder(), [log]);
    const first = await add(engine, log.body(0, 4));
    await add(engine, log.body(4, 4, { after: first }));
    await add(engine, log.body(4, 8));
    const old = engine.witness.addCheckpoint(log.body(4, 4, { after: first }));
    expect(await old).toEqual({ status: 409, size: 8 });
    // The line is of another checkpoint: it does not verify under this one.
    await add(engine, log.body(8, 11, { before: first, after: [...first, ...first] }));
    expect(engine.fatal).toEqual([]);
    engine.state.close();
  });
});

test("W2 logs that are asked at the start convict a folder that was put back; silent ones do not", async () => {
  const { folder, lines } = await restored();
  const engine = await openEngine(folder, [log]);
  const silent: string[] = [];
  const answers: Readonly<Record<string, () => Uint8Array>> = {
    "https://gone.test/": () => {
      throw new LogError("UNREACHABLE", "nobody there");
    },
    "https://garbage.test/": () => new Uint8Array(9),
    "https://sound.test/": () => log.note(11),
    "https://recall.test/": () => log.note(8, { after: lines }),
  };
  const ask = (places: readonly string[]): Promise<void> =>
    askLogs({
      crypto: nodeCrypto,
      state: engine.state,
      own: engine.state.vkeys.map((text) => unwrap(parseVkey(sha256, text))),
      places,
      reach: (url) => ({ url, get: async () => answers[url]?.() ?? new Uint8Array(0) }),
      onSilent: (place) => void silent.push(place),
    });
  const places = Object.keys(answers);
  await ask(places.slice(0, 3));
  expect(silent).toEqual(places.slice(0, 2));
  await expect(ask(places)).rejects.toMatchObject({
    code: "GUARD_AHEAD",
    message: expect.stringContaining("size 8 of recall.test"),
  });
  engine.state.close();
});
