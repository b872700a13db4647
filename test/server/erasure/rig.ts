/** A log in memory that erases: its disk outlives it, and its index is a number. */
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { fileSubmission } from "../../../client/keys/signer.ts";
import { utf8 } from "../../../schema/bytes.ts";
import { LogError } from "../../../schema/error.ts";
import type { Submission } from "../../../schema/http/messages.ts";
import type { Hash } from "../../../schema/tlog/hash.ts";
import { makeAdmit } from "../../../server/admission/admit.ts";
import { anyone } from "../../../server/admission/authority.ts";
import { makeCheck } from "../../../server/admission/check.ts";
import { Limits } from "../../../server/admission/limit.ts";
import { ownDoor } from "../../../server/admission/own-door.ts";
import { Eraser } from "../../../server/erasure/eraser.ts";
import { Refusals } from "../../../server/erasure/refusals.ts";
import { genesisEntry } from "../../../server/genesis.ts";
import { formatGuard, MemoryGuard, MemoryGuardFile } from "../../../server/sequencer/guard.ts";
import { Sequencer } from "../../../server/sequencer/log.ts";
import type { Appended, HeadGuard } from "../../../server/sequencer/ports.ts";
import { MemoryDisk, MemoryStorage } from "../../../server/storage/memory/memory.ts";
import type { Storage } from "../../../server/storage/storage.ts";
import { DATABASE_ID, keyOf, newGuardHead, ORIGIN, sha256 } from "../fixture.ts";
import { makeSigner } from "../http/harness.ts";

export const LOG_KEY = keyOf(9);
const NOW = 1_790_000_000;
const FULL = new LogError("STORAGE_FULL", "the disk is full");

/** How the next erasure in the store ends. */
type Fault = "none" | "refused" | "lost before" | "lost after";

export class World {
  readonly disk = new MemoryDisk(sha256, ORIGIN, DATABASE_ID);
  readonly guard = new MemoryGuardFile();
  /** Entries under the newest leaf of the index. */
  indexed: number | undefined = Number.POSITIVE_INFINITY;
  fault: Fault = "none";
  stopped: LogError | undefined;

  constructor() {
    this.guard.bytes = formatGuard(newGuardHead());
  }

  async start(): Promise<Running> {
    const storage = this.#wrap(await MemoryStorage.open(this.disk, sha256));
    const guard = await MemoryGuard.open(this.guard);
    return Running.start(
      { storage, guard },
      () => this.indexed,
      (reason) => {
        this.stopped = reason;
      },
    );
  }

  /** The process is gone, whatever it held. */
  kill(): void {
    this.disk.release();
    this.guard.held = false;
    this.fault = "none";
  }

  #wrap(storage: MemoryStorage): Storage {
    const { databaseId, origin, place, reader } = storage;
    return {
      databaseId,
      origin,
      place,
      reader,
      readHead: () => storage.readHead(),
      findLeaves: (hashes) => storage.findLeaves(hashes),
      commit: (expected, batch) => storage.commit(expected, batch),
      erase: async (erasures, upTo) => {
        const { fault } = this;
        this.fault = "none";
        if (fault === "refused") return { state: "failed", error: FULL };
        if (fault !== "lost before") await storage.erase(erasures, upTo);
        return fault === "none"
          ? { state: "committed" }
          : { state: "unknown", cause: new Error("the disk is gone") };
      },
      erased: () => storage.erased(),
      checkRoom: () => storage.checkRoom(),
      freeBytes: () => storage.freeBytes(),
      close: () => storage.close(),
    };
  }
}

export class Running {
  readonly storage: Storage;
  readonly sequencer: Sequencer;
  readonly eraser: Eraser;
  readonly #admit;

  /** Sequencer and eraser over ports that are open. */
  static async start(
    { storage, guard }: { readonly storage: Storage; readonly guard: HeadGuard },
    indexed: () => number | undefined,
    onFatal: (reason: LogError) => void,
  ): Promise<Running> {
    const refusals = new Refusals();
    for (const { digest } of (await storage.erased()).contents) refusals.add(digest);
    const sequencer = await Sequencer.open({
      storage,
      guard,
      signer: LOG_KEY.checkpoints,
      crypto: nodeCrypto,
      clock: () => 0,
      refuses: refusals.of,
      genesis: await genesisEntry({ crypto: nodeCrypto, key: LOG_KEY, now: () => NOW * 1_000 }),
      onFatal: () => undefined,
    });
    const eraser = await Eraser.open({
      crypto: nodeCrypto,
      key: LOG_KEY,
      storage,
      sequencer,
      admit: ownDoor(nodeCrypto),
      refusals,
      indexed,
      clock: () => NOW,
      onFatal,
    });
    return new Running(storage, sequencer, eraser, refusals);
  }

  private constructor(storage: Storage, sequencer: Sequencer, eraser: Eraser, refusals: Refusals) {
    this.storage = storage;
    this.sequencer = sequencer;
    this.eraser = eraser;
    this.#admit = makeAdmit({
      check: makeCheck(nodeCrypto),
      authority: anyone,
      limits: new Limits({ entries: 0, entriesPerKey: 0, requestsPerAddress: 0 }),
      refuses: refusals.of,
    });
  }

  async submit(submission: Submission): Promise<readonly Appended[]> {
    return this.sequencer.append(await this.#admit(utf8(JSON.stringify(submission))));
  }

  /** What became of each content, in log order. */
  states(): readonly string[] {
    const { size } = this.sequencer.published();
    return this.storage.reader.contents(0, size).map(({ state }) => state);
  }

  async end(): Promise<void> {
    await this.eraser.idle();
    await this.sequencer.close();
  }
}

/** A file, signed by somebody new; the same bytes have the same digest. */
export async function signedFile(text: string): Promise<Submission> {
  return fileSubmission(await makeSigner(), utf8(text));
}

export function digestOf(text: string): Hash {
  return sha256(utf8(text));
}
