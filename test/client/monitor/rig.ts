/**
 * A monitor over a small log with an index on loopback: its configuration and its state are files,
 * each round is a program of its own, and the test moves the clock.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { saveEvidence } from "../../../client/cli/evidence-file.ts";
import type { Io } from "../../../client/cli/io.ts";
import { openConfig } from "../../../client/cli/monitor-config.ts";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { verifyEvidence } from "../../../client/evidence.ts";
import type { Signer } from "../../../client/keys/signer.ts";
import { type Memory, volatileMemory } from "../../../client/memory.ts";
import type { Alert, AlertSink } from "../../../client/monitor/alert.ts";
import { type Round, runRound } from "../../../client/monitor/monitor.ts";
import { StateFile } from "../../../client/monitor/state.ts";
import type { WitnessPolicy } from "../../../client/quorum.ts";
import { toHex } from "../../../schema/bytes.ts";
import type { Submission } from "../../../schema/http/messages.ts";
import { signerId } from "../../../schema/key/signer-id.ts";
import { formatReceipt, type Receipt } from "../../../schema/receipt.ts";
import { type ServedIndex, serveIndex } from "../lookup/serve-index.ts";
import { TestIndex } from "../lookup/test-index.ts";
import { newSigner, signedCommit, TestLog } from "../test-log.ts";
import { collectingSink } from "./sink.ts";

export const NOW = 1_700_000_000;
/** The repository that reviews are about. */
export const REPO = "https://example.org/repo";
export const ada: Signer = newSigner();
export const bob: Signer = newSigner();
export const commit: SignedCommit = await signedCommit(ada);

type SignedCommit = Awaited<ReturnType<typeof signedCommit>>;

export function idOf({ publicKey }: Signer): string {
  return toHex(signerId(nodeCrypto.sha256, publicKey));
}

export class Monitoring {
  readonly folder: string = mkdtempSync(join(tmpdir(), "countersign-monitor-"));
  readonly main: TestLog;
  readonly index: TestIndex;
  readonly sink: AlertSink & { readonly taken: Alert[] } = collectingSink();
  readonly memory: Memory = volatileMemory();
  served: ServedIndex;
  now = NOW;

  private constructor(main: TestLog, index: TestIndex, served: ServedIndex) {
    this.main = main;
    this.index = index;
    this.served = served;
  }

  static async open(main: TestLog = new TestLog().fill(2)): Promise<Monitoring> {
    const index = new TestIndex(main).grow();
    return new Monitoring(main, index, await serveIndex(index));
  }

  /** What the trust file says of the log besides, and what is watched of it. */
  configure(watched: string, trusted = ""): void {
    const { main, served } = this;
    this.write(
      "trust.toml",
      `trust = 1\n[[log]]\norigin = "${main.origin}"\nvkeys = ["${main.vkey}"]\nurl = "${served.url}"\n${trusted}\n`,
    );
    this.write(
      "monitor.toml",
      `monitor = 1\ntrust = "trust.toml"\nstate = "state"\n[[log]]\norigin = "${main.origin}"\n${watched}\n`,
    );
  }

  write(name: string, content: string | Uint8Array): void {
    writeFileSync(join(this.folder, name), content);
  }

  get io(): Io {
    const nowhere = { write: () => {} };
    return {
      stdout: nowhere,
      stderr: nowhere,
      env: {},
      cwd: this.folder,
      isTty: false,
      now: () => this.now * 1000,
    };
  }

  /** One life of the program with one round; with `steps` it reads the whole log, and says so there. */
  async round(sink: AlertSink = this.sink, steps?: string[], stop?: AbortSignal): Promise<Round> {
    const { io, watches, state } = await openConfig(this.io, "monitor.toml");
    const { sha256 } = nodeCrypto;
    // Its file has tests of its own.
    const { memory } = this;
    return runRound({
      sha256,
      sink,
      now: () => this.now,
      ...(stop === undefined ? {} : { stop }),
      ...(steps === undefined
        ? {}
        : { full: (_, { what, done, total }) => steps.push(`${what} ${done} of ${total}`) }),
      watches: watches.map((watch) => ({ ...watch, memory })),
      state: await StateFile.open(join(state, "state.json"), sha256),
      saveEvidence: async (evidence) => saveEvidence(io, join(state, "evidence"), evidence),
    });
  }

  /** The kinds of what a round delivers, and its status. */
  async kinds(): Promise<readonly (string | number)[]> {
    const { status, alerts } = await this.round();
    return [status, ...alerts.map(({ kind }) => kind)];
  }

  /** Log something, and index it: its index. */
  async logged(submission: Promise<Submission> | Submission): Promise<number> {
    const [logged] = this.main.submit(await submission);
    this.index.grow();
    return logged?.index ?? expect.fail("not logged");
  }

  keepReceipt(receipt: Receipt, name = "mine"): void {
    mkdirSync(join(this.folder, "receipts"), { recursive: true });
    this.write(join("receipts", `${name}.receipt.json`), formatReceipt(receipt));
  }

  /** What the evidence file of an alert shows a stranger who trusts the log, and against whom. */
  async verdictOf(
    { evidence }: Partial<Alert> = {},
    witnesses: readonly WitnessPolicy[] = [],
  ): Promise<string> {
    const log = { ...this.main.trusted, ...(witnesses.length === 0 ? {} : { witnesses }) };
    const bytes = new Uint8Array(readFileSync(evidence ?? ""));
    const verdict = await verifyEvidence(nodeCrypto, { logs: [log] }, bytes);
    return verdict.ok ? `${verdict.kind} ${verdict.accused.who}` : verdict.refusal.code;
  }

  async close(): Promise<void> {
    await this.served.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
