/**
 * Mirrors asked at the start of their own log: does anybody have more of it than its store?
 *
 * - A mirror whose head, under *our own* signature, is larger than the store's: the store was
 *   rolled back, perhaps together with its guard. Start refused (I6, `sequencer/recover.ts`).
 * - One whose head contradicts the store: one of the two is a fork. Start refused.
 * - One that is silent, lags, or shows what we did not sign proves nothing. It is named, and the
 *   start goes on: mirrors help to see a rollback, witnesses are who must.
 *
 * @module
 */
import type { Crypto } from "../../client/crypto/crypto.ts";
import { httpTransport, type Source } from "../../client/fetch.ts";
import { openHead } from "../../client/head.ts";
import { fetchHead, observe } from "../../client/update.ts";
import { toHex } from "../../schema/bytes.ts";
import { LogError, unwrap } from "../../schema/error.ts";
import type { Logger } from "../observe/log.ts";
import { ownLog } from "../own-log.ts";
import type { CheckpointSigner } from "../sequencer/ports.ts";
import type { Storage, StoredHead } from "../storage/storage.ts";
import { readableSource } from "./source.ts";

export interface StartupPorts {
  readonly crypto: Crypto;
  readonly key: { readonly checkpoints: CheckpointSigner };
  readonly storage: Pick<Storage, "reader" | "readHead" | "place">;
  readonly logger: Pick<Logger, "warn">;
}

/** For one mirror to answer: a start does not wait longer for help. */
const DEADLINE_MS = 5_000;

/** Throws `GUARD_AHEAD` or `GUARD_DIFFERS` where a mirror shows that this store is not the newest. */
export async function askMirrors(ports: StartupPorts, urls: readonly string[]): Promise<void> {
  if (urls.length === 0) return;
  const head = await ports.storage.readHead();
  const refusals = await Promise.all(urls.map(async (url) => refusalBy(ports, head, url)));
  for (const refusal of refusals) if (refusal !== undefined) throw refusal;
}

async function refusalBy(
  ports: StartupPorts,
  head: StoredHead,
  url: string,
): Promise<LogError | undefined> {
  try {
    return await judge(ports, head, httpTransport(url, { deadlineMs: DEADLINE_MS }));
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
    ports.logger.warn({ url, reason: error.message }, "a mirror proved nothing at the start");
    return undefined;
  }
}

async function judge(
  { crypto, key, storage }: StartupPorts,
  head: StoredHead,
  mirror: Source,
): Promise<LogError | undefined> {
  const log = ownLog(crypto.sha256, key.checkpoints);
  const shown = await fetchHead({ crypto, log, transport: mirror });
  const { size, root } = shown.tree;
  const hint = `\`countersign recover --from ${mirror.url}\` brings it back`;
  const expected = `size ${size}, root ${toHex(root)}`;
  if (size > head.size)
    return new LogError(
      "GUARD_AHEAD",
      `the store ends at ${head.size}, but the mirror ${mirror.url} shows a head of ${size} that this log has signed`,
      { field: "mirror.urls", expected, hint },
    );
  if (size === 0) return undefined;
  const store = readableSource(
    storage.place,
    storage.reader,
    () => head.size,
    () => head.checkpoint,
  );
  const known = unwrap(await openHead(crypto, log, head.checkpoint));
  const memory = {
    load: async () => ({ size: known.tree.size, checkpoint: known.note }),
    replace: async () => true,
  };
  const observed = await observe({ crypto, log, transport: store, memory }, shown);
  if (observed.state !== "forked") return undefined;
  return new LogError(
    "GUARD_DIFFERS",
    `at size ${size} this store does not have the root that the mirror ${mirror.url} shows, signed by this log`,
    {
      field: "mirror.urls",
      expected,
      hint: "one of the two is a fork: do not publish it; `countersign recover --from` leaves the evidence",
    },
  );
}
