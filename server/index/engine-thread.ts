/**
 * What the thread of an index does, for a mapfn of the table that it is started with.
 *
 * @module
 */
import { constants, getPriority, platform, setPriority } from "node:os";
import { nodeCryptoInPlace } from "../../client/crypto/node.ts";
import { gitHashOf } from "../../client/git/hash.ts";
import { LogError } from "../../schema/error.ts";
import { type Generation, generationOf } from "../../schema/index/generation.ts";
import { asHash, type Hash } from "../../schema/tlog/hash.ts";
import { SqliteReader } from "../storage/sqlite/reader.ts";
import { answerRequests, type Handled } from "../thread.ts";
import { IndexEngine } from "./engine.ts";
import type { IndexAnswer, IndexRequest, IndexStanding } from "./protocol.ts";
import { snapshotFile } from "./snapshot.ts";
import { IndexStore } from "./store.ts";

const { sha256 } = nodeCryptoInPlace;
const hashes = { sha256, git: gitHashOf(nodeCryptoInPlace) };

/** Behind the threads that take entries, where cores are few: look-ups can wait, writers cannot. */
const NICENESS = 5;
// On Linux, and only there, 0 names the calling thread and not the whole process.
if (platform() === "linux")
  setPriority(0, Math.min(constants.priority.PRIORITY_LOW, getPriority(0) + NICENESS));

let known: readonly Generation[] = [];
let engine: IndexEngine | undefined;
let reader: SqliteReader | undefined;

/** Answers for an index of one of these mapfns. */
export function serveEngine(generations: readonly Generation[]): void {
  known = generations;
  answerRequests(handle);
}

function opened(): IndexEngine {
  if (engine === undefined) throw new Error("the index is not open");
  return engine;
}

function open(request: Extract<IndexRequest, { readonly call: "open" }>): void {
  const { folder, log, logDatabase } = request;
  const mapfn = hash(request.mapfn);
  const generation = generationOf(known, mapfn);
  if (generation === undefined)
    throw new LogError("INTERNAL", "this thread does not know the mapfn of the index");
  reader = new SqliteReader(logDatabase);
  const store = IndexStore.open(sha256, folder, { origin: log.origin, mapfn });
  try {
    const main = reader;
    const erased = (index: number): Uint8Array | undefined => main.keptPostings(index);
    const snapshot = snapshotFile(folder);
    engine = IndexEngine.open({ generation, hashes, log, reader, erased, store, snapshot });
  } catch (error) {
    store.close();
    throw error;
  }
}

function hash(bytes: Uint8Array): Hash {
  const found = asHash(bytes);
  if (found === undefined) throw new LogError("INTERNAL", "a hash has 32 bytes");
  return found;
}

function standingOf(of: IndexEngine): IndexStanding {
  const { leaves, size, keys, mapBytes, snapshotSize, snapshotChanges } = of;
  return { leaves, size, keys, mapBytes, snapshotSize, snapshotChanges };
}

function writeSnapshot(milliseconds: number): boolean {
  const begun = performance.now();
  while (opened().writeSnapshot()) if (performance.now() - begun >= milliseconds) return true;
  return false;
}

function handle(request: IndexRequest): Handled<IndexAnswer> {
  const answer = (more: Omit<IndexAnswer, "standing"> = {}): Handled<IndexAnswer> => {
    return { answer: { standing: standingOf(opened()), ...more } };
  };
  switch (request.call) {
    case "open":
      open(request);
      return answer();
    case "grow": {
      const head = { size: request.size, root: hash(request.root) };
      return answer({ grown: opened().grow(head, request.main) });
    }
    case "replay":
      opened().replay(request.leaf, request.main);
      return answer();
    case "keep":
      opened().keep();
      return answer();
    case "abandon":
      opened().abandon();
      return answer();
    case "snapshot":
      return answer({ more: writeSnapshot(request.milliseconds) });
    case "find":
      return answer({ found: opened().find(request.keys, request.summaries, request.at) });
    case "edge":
      return answer({ edge: opened().edge(request.leafIndex) });
    case "update":
      return answer({ update: opened().update(request.leafIndex) });
    case "piece": {
      const { piece } = request;
      return answer({ piece: opened().piece({ ...piece, root: hash(piece.root) }) });
    }
    case "conflicts":
      return answer({ conflicts: opened().conflicts(request.keys.map(hash)) });
    case "contested":
      return answer({ contested: opened().contested(request.after) });
    case "hints":
      return answer({ hints: opened().hints(request.leaf, request.content) });
    case "close": {
      const closing = opened();
      engine = undefined;
      try {
        closing.close();
      } finally {
        reader?.close();
      }
      return { answer: { standing: standingOf(closing) } };
    }
  }
}
