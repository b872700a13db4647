/** Logs to be mirrored, folders to mirror them into, and what a mirror may not do. */
import { cpSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { httpTransport, type Source } from "../../../client/fetch.ts";
import { fileSubmission } from "../../../client/keys/signer.ts";
import { fileMemory } from "../../../client/memory-file.ts";
import type { TrustedLog } from "../../../client/trust.ts";
import { utf8 } from "../../../schema/bytes.ts";
import { prepareSubmission } from "../../../schema/entry/prepare.ts";
import { unwrap } from "../../../schema/error.ts";
import { checkMirror, type MirrorReport } from "../../../server/mirror/check.ts";
import { MirrorFolder, MirrorView } from "../../../server/mirror/folder.ts";
import { Mirror, type MirrorPorts, type Synced } from "../../../server/mirror/sync.ts";
import {
  type Lie,
  type LogKey,
  logKey,
  newSigner,
  type Served,
  serveLog,
  statement,
  TestLog,
} from "../../client/test-log.ts";
import { temporaryFolder } from "../fixture.ts";

export { temporaryFolder } from "../fixture.ts";

/** A log with contents: entry 0 is a `countersign` leaf, and every ninth entry is opaque. */
export async function contentLog(
  size: number,
  key: LogKey = logKey(),
  salt = "",
): Promise<TestLog> {
  const log = new TestLog("content.test", key);
  const [signer, p256] = [newSigner(), newSigner("p256")];
  while (log.size < size) {
    const text = utf8(`${salt}file ${log.size} ${"x".repeat((log.size * 37) % 400)}`);
    if (log.size % 9 !== 8) log.submit(await fileSubmission(signer, text));
    else {
      const subject = [{ digest: { sha256: "a".repeat(64) } }];
      const opaque = await statement(p256, `https://example.org/${log.size}`, subject, {});
      for (const entry of unwrap(prepareSubmission(nodeCrypto.sha256, opaque)))
        log.append(entry.leafBytes);
    }
  }
  return log;
}

export async function served(log: () => TestLog, lie?: Lie): Promise<Served> {
  const answer = await serveLog(log, lie);
  onTestFinished(async () => answer.close());
  return answer;
}

export function sourceOf({ url }: Pick<Served, "url">): Source {
  return httpTransport(url, { deadlineMs: 20_000 });
}

/** One run of a mirror, as the command makes it. */
export async function run(
  folder: string,
  source: Source,
  log: TrustedLog,
  more: Partial<MirrorPorts> & { again?: boolean } = {},
): Promise<Synced> {
  const files = MirrorFolder.open(folder);
  try {
    const ports = {
      crypto: nodeCrypto,
      source,
      log,
      folder: files,
      memory: fileMemory(join(folder, "seen.json")),
      ...more,
    };
    return await (await Mirror.open(ports, more.again)).sync(more.again);
  } finally {
    files.close();
  }
}

export async function checked(folder: string, log: TrustedLog): Promise<MirrorReport> {
  return checkMirror({ crypto: nodeCrypto, log, files: new MirrorView(folder) });
}

/** Every file below a folder, relative, without what is not served. */
export function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => !/^(\.tmp|mirror\.lock|mirror\.json|seen\.json)/.test(name))
    .filter((name) => statSync(join(folder, name)).isFile())
    .toSorted();
}

export function copyOf(folder: string): string {
  const copy = join(temporaryFolder(), "copy");
  cpSync(folder, copy, { recursive: true });
  return copy;
}

/** One bit of one file. */
export function flipBit(file: string, at: number): void {
  const bytes = readFileSync(file);
  const place = at % bytes.length;
  bytes[place] = (bytes[place] ?? 0) ^ 1;
  writeFileSync(file, bytes);
}
