/** Runs erase-child.ts and keeps what it said, over all its lives. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { fsck } from "../../server/fsck.ts";
import { FileGuard } from "../../server/sequencer/guard-file.ts";
import { StoreAudit } from "../../server/storage/sqlite/audit.ts";
import { SqliteStorage } from "../../server/storage/sqlite/sqlite.ts";
import { digestOf, LOG_KEY, Running } from "../server/erasure/rig.ts";
import type { Place } from "../server/fixture.ts";
import { begin } from "./life.ts";
import { secretOf } from "./secret.ts";

export class Told {
  readonly logged = new Set<number>();
  readonly erasing = new Set<number>();
  readonly erased = new Set<number>();

  hear(line: string): void {
    const [what = "", n = ""] = line.split(" ");
    if (what === "logged") this.logged.add(Number(n));
    if (what === "erasing") this.erasing.add(Number(n));
    if (what === "erased") this.erased.add(Number(n));
  }

  /** Begins a new pair, so that what was under way is left as it was. */
  get next(): number {
    const last = Math.max(-2, ...this.logged);
    return last + 2 - (last % 2);
  }
}

/** One life; resolves with the signal that ended it. `milliseconds` after it is ready it is killed. */
export function live(
  { folder, guard }: Place,
  told: Told,
  { plan = "", milliseconds }: { readonly plan?: string; readonly milliseconds?: number },
): Promise<{ readonly signal: NodeJS.Signals | null; readonly errors: string }> {
  const { child, ended } = begin(
    "erase-child.ts",
    [folder, guard, String(told.next), plan],
    (line) => {
      told.hear(line);
      if (line === "ready" && milliseconds !== undefined)
        setTimeout(() => child.kill("SIGKILL"), milliseconds);
    },
  );
  return ended;
}

/** Starts the log by the code of the normal path, and holds it against all that was told. */
export async function troubles(place: Place, told: Told): Promise<readonly string[]> {
  const trouble: string[] = [];
  const storage = await SqliteStorage.open(place.folder);
  const guard = await FileGuard.open(place.guard);
  const log = await Running.start(
    { storage, guard },
    () => Number.POSITIVE_INFINITY,
    (reason) => trouble.push(reason.message),
  );
  const gone: number[] = [];
  for (const n of told.logged) {
    const { state } = storage.reader.content(digestOf(secretOf(n)));
    if (state === "erased") gone.push(n);
    if (state === "never-held") trouble.push(`content ${n} is lost`);
    if (state === "held" && told.erased.has(n)) trouble.push(`content ${n} came back`);
    if (state === "erased" && !told.erasing.has(n)) trouble.push(`content ${n} was not to go`);
  }
  await log.end();
  const audit = StoreAudit.open(place.folder);
  const report = await fsck({ audit, crypto: nodeCrypto, vkeys: [LOG_KEY.vkey] });
  audit.close();
  trouble.push(...report.findings.map(({ place: where, message }) => `${where}: ${message}`));
  for (const name of readdirSync(place.folder)) {
    const bytes = readFileSync(join(place.folder, name));
    for (const n of gone)
      if (bytes.includes(secretOf(n).slice(0, 40))) trouble.push(`${name} still has content ${n}`);
  }
  return trouble;
}
