/**
 * The logs that a witness or an index verifier knows, and who may serve which folder.
 *
 * @module
 */
import { join, resolve } from "node:path";
import type { Crypto } from "../../client/crypto/crypto.ts";
import { httpTransport, type Source } from "../../client/fetch.ts";
import { LogError } from "../../schema/error.ts";
import type { Logger } from "../observe/log.ts";
import { IndexExecutor } from "../verifier/executor.ts";
import { trustFile } from "../verifier/trusted-logs.ts";
import type { WitnessConfig } from "./config.ts";
import type { Cosigner } from "./cosigner.ts";
import { LOGS_FILE } from "./init.ts";
import { LogsFile, logLines } from "./logs-file.ts";
import type { WitnessMetrics } from "./metrics.ts";
import type { WitnessState } from "./state.ts";
import type { Role } from "./state-file.ts";

export interface KnownPorts {
  readonly crypto: Crypto;
  readonly logger: Logger;
  /** The folder relative paths start from. */
  readonly cwd: string;
  /** How an index verifier reads a log, each answer within its time. */
  readonly read?: (place: string, deadlineMs: number) => Source;
  readonly state: WitnessState;
  readonly cosigners: readonly Cosigner[];
  readonly metrics: WitnessMetrics;
}

/** The logs that are known, and what an index verifier does with theirs. */
export interface Known {
  readonly file: LogsFile;
  readonly executor?: IndexExecutor;
}

/** @throws LogError what is wrong with the file that names the logs */
export async function openLogs(
  config: WitnessConfig,
  { crypto, logger, cwd, read = readOver, state, cosigners, metrics }: KnownPorts,
): Promise<Known> {
  const own = cosigners.map(({ vkey }) => vkey);
  if (!config.index) {
    const path = resolve(cwd, config.logs ?? join(config.folder, LOGS_FILE));
    return { file: await LogsFile.open({ path, logger, ...logLines(crypto, own) }) };
  }
  const path = resolve(cwd, config.trust ?? "");
  const file = await LogsFile.open({ path, logger, ...trustFile(crypto.sha256, own) });
  const executor = new IndexExecutor({
    crypto,
    state,
    logs: () => file.list,
    reach: (place) => read(place, config.read_ms),
    answerMs: config.answer_ms,
    onLeaf: (origin) => metrics.executed(origin),
    onRefused: (origin, reason) => {
      metrics.refusedIndex(origin);
      logger.error(
        { origin, reason },
        "the index does not follow from its log; nothing was cosigned",
      );
    },
  });
  return { file, executor };
}

/** One key never says both that a log only grew and that its index is right. */
export function mustHaveRole({ role }: WitnessState, { index, folder }: WitnessConfig): void {
  if (index === (role === "index verifier")) return;
  throw new LogError("CONFIG_INVALID", `the keys in ${folder} are those of ${a(role)}`, {
    field: "index",
    expected: "another folder, with keys of its own: one key is never both",
    hint: index
      ? "`countersign witness init --index` makes the folder of an index verifier"
      : "serve it with --index and --trust",
  });
}

function a(role: Role): string {
  return role === "witness" ? "a witness" : "an index verifier";
}

function readOver(place: string, deadlineMs: number): Source {
  return httpTransport(place, { deadlineMs });
}
