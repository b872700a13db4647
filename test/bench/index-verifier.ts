/**
 * What an index verifier does before it cosigns, over a running log: updates, entries and contents
 * over HTTP, mapfn and re-execution here (`client/lookup/follow-index.ts`), for the newest leaves.
 */

import { nodeCrypto } from "../../client/crypto/node.ts";
import { httpTransport, type Source } from "../../client/fetch.ts";
import { followIndex } from "../../client/lookup/follow-index.ts";
import { pinnedLog } from "../../client/trust.ts";
import { unwrap } from "../../schema/error.ts";
import { INDEX_V1 } from "../../schema/index/generation.ts";
import { parseIndexLeaf } from "../../schema/index/index-leaf.ts";
import type { IndexState } from "../../schema/index/re-execute.ts";
import { leafHash } from "../../schema/tlog/hash.ts";
import { CompactRange } from "../../schema/tlog/tree.ts";
import { storeFiles } from "../../server/storage/sqlite/files.ts";
import { SqliteReader } from "../../server/storage/sqlite/reader.ts";
import { report } from "./bench.ts";
import { type IndexedPlace, openIndexStore } from "./indexed-log.ts";
import type { Ours } from "./ours.ts";
import { Steps } from "./steps.ts";

/** Leaves that are executed again: some thirty thousand entries. */
const LEAVES = 8;
const { sha256 } = nodeCrypto;

/** What an entry costs, with its part of the update. */
export interface VerifierCost {
  readonly seconds: number;
  readonly bytes: number;
}

export async function benchVerifier(ours: Ours, place: IndexedPlace): Promise<VerifierCost> {
  const { state, newest } = stateBefore(place);
  const to = newest;
  const source = new Counted(httpTransport(`http://127.0.0.1:${ours.server.port}`));
  const log = unwrap(pinnedLog(sha256, place.vkey));
  const [begun, cpu, served] = [performance.now(), process.cpuUsage(), ours.server.cpu()];
  let last = state;
  const steps = new Steps("leaves verified", to);
  const ports = { crypto: nodeCrypto, generation: INDEX_V1, transport: source, log };
  for await (const one of followIndex(ports, state, to)) {
    if (one.state === "refused") throw new Error(`leaf ${one.leaf}: ${one.reason.message}`);
    last = one.next;
    steps.at(one.leaf + 1);
  }
  const seconds = (performance.now() - begun) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const entries = last.leaf.main.size - state.leaf.main.size;
  const at = `at ${last.leaf.main.size.toLocaleString("en")}`;
  report.figure(`index verifier ${at}`, entries / seconds, "entries/s");
  report.ratio(`index verifier ${at}: entries/s ÷ 3,000 (reach 1)`, entries / seconds, 3_000);
  report.figure(`index verifier ${at}: CPU per entry`, (user + system) / 1000 / entries, "ms");
  const theirs = ((ours.server.cpu() - served) * 1000) / entries;
  report.figure(`index verifier ${at}: CPU of the log per entry`, theirs, "ms");
  report.figure(`index verifier ${at}: update, per entry`, source.updates / entries, "B");
  report.figure(
    `index verifier ${at}: entries and contents, per entry`,
    source.rest / entries,
    "B",
  );
  return { seconds: seconds / entries, bytes: (source.updates + source.rest) / entries };
}

/** What a verifier would have kept that followed all leaves but the last ones. */
function stateBefore(place: IndexedPlace): {
  readonly state: IndexState;
  readonly newest: number;
} {
  const tables = openIndexStore(place);
  const main = new SqliteReader(place.index.logDatabase);
  const log = new SqliteReader(storeFiles(place.index.log.folder).database);
  try {
    const leaves = Math.max(1, tables.leaves - LEAVES);
    const stored = tables.leaf(leaves - 1);
    if (stored === undefined) throw new Error("the index has too few leaves");
    const leaf = unwrap(parseIndexLeaf(stored.bytes));
    const state = {
      sha256,
      leaf,
      index: rangeOf(log, leaves),
      main: rangeOf(main, leaf.main.size),
      postings: CompactRange.from(sha256, leaf.main.size, stored.edge),
    };
    return { state, newest: tables.leaves };
  } finally {
    tables.close();
    main.close();
    log.close();
  }
}

function rangeOf(reader: SqliteReader, size: number): CompactRange {
  const range = CompactRange.empty(sha256);
  for (let at = 0; at < size; at += 4_096)
    for (const leaf of reader.leaves(at, Math.min(size, at + 4_096)))
      range.append(leafHash(sha256, leaf));
  return range;
}

/** Bytes of bodies, updates apart. */
class Counted implements Source {
  readonly #source: Source;
  updates = 0;
  rest = 0;

  constructor(source: Source) {
    this.#source = source;
  }

  get url(): string {
    return this.#source.url;
  }

  async get(path: string, maxBytes: number): Promise<Uint8Array> {
    const body = await this.#source.get(path, maxBytes);
    if (path.includes("/update/")) this.updates += body.length;
    else this.rest += body.length;
    return body;
  }
}
