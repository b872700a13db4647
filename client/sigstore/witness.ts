/**
 * A witness for `@sigstore/sign` that is a Countersign log: what its bundle builders sign is
 * logged here, whole, and the bundle gets our entry with its proof.
 *
 *     new DSSEBundleBuilder({
 *       signer: new KeySigner(await openSigner("ada.pem", {})),
 *       witnesses: [new CountersignWitness({ url, log: vkey })],
 *     })
 *
 * It hands over nothing that it did not check (`submit.ts`): the leaf is computed here from what
 * was signed, its proof leads to a head that a pinned key signed, and that head fits all that the
 * memory holds. A log that has the entry and waits for its witnesses is asked again, for the
 * signature of a certificate of ten minutes cannot be made a second time.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { TransparencyLogEntry } from "@sigstore/bundle";
import type { SignatureBundle, VerificationMaterial, Witness } from "@sigstore/sign";
import { LogError, type Result, success, unwrap } from "../../schema/error.ts";
import { formatLogEntry, type Receipt } from "../../schema/receipt.ts";
import type { Crypto } from "../crypto/crypto.ts";
import { nodeCrypto } from "../crypto/node.ts";
import { httpTransport, type Transport } from "../fetch.ts";
import { type Memory, volatileMemory } from "../memory.ts";
import { prepare, submit } from "../submit.ts";
import { pinnedLog, type TrustedLog } from "../trust.ts";
import type { LogPorts } from "../update.ts";
import { bundleKind } from "./kinds.ts";
import { specsPackage } from "./packages.ts";
import { submitDigest } from "./submit-digest.ts";
import { type Testimony, testimonyOf } from "./testimony.ts";

export interface CountersignWitnessOptions {
  /** Where the log is. */
  readonly url: string;
  /** The log of a trust file, or its verifier key as text: never what the log itself says. */
  readonly log: TrustedLog | string;
  /**
   * What a message signature signs, which a bundle builder does not tell its witnesses. The log
   * then keeps it; without it the log has the digest alone.
   */
  readonly artifact?: Uint8Array | undefined;
  /** Milliseconds for one exchange. Default: 30,000. */
  readonly timeoutMs?: number;
  /** Where the newest head is remembered; else for this witness alone. `fileMemory` keeps it. */
  readonly memory?: Memory;
  readonly transport?: Transport;
  readonly crypto?: Crypto;
  /** Given every receipt: the proof in this project's own form, with the content. */
  readonly onReceipt?: (receipt: Receipt) => void;
  /** Waits for so many seconds before asking again. */
  readonly wait?: (seconds: number) => Promise<void>;
}

/** How often the log is asked, when it says that it will answer later. */
const MAX_ATTEMPTS = 5;
/** Seconds that are waited between two attempts, at most. */
const MAX_WAIT_SECONDS = 5;

export class CountersignWitness implements Witness {
  readonly #options: CountersignWitnessOptions;
  readonly #ports: LogPorts;

  /** Throws for a URL or a verifier key that is none. */
  constructor(options: CountersignWitnessOptions) {
    const { url, log, timeoutMs, crypto = nodeCrypto, memory = volatileMemory() } = options;
    const deadline = timeoutMs === undefined ? {} : { deadlineMs: timeoutMs };
    this.#options = options;
    this.#ports = {
      crypto,
      memory,
      log: typeof log === "string" ? unwrap(pinnedLog(crypto.sha256, log)) : log,
      transport: options.transport ?? httpTransport(url, deadline),
    };
  }

  /**
   * Log what was signed, by the key or certificate in the PEM text.
   *
   * @throws {LogError} what `submit` throws; `KIND_UNSUPPORTED` for a key whose bundles no
   *   Sigstore client verifies: where there is an `onReceipt`, it has the receipt then.
   */
  async testify(content: SignatureBundle, publicKey: string): Promise<VerificationMaterial> {
    const { artifact, onReceipt } = this.#options;
    const specs = await specsPackage();
    const testimony = testimonyOf(this.#ports.crypto.sha256, content, publicKey, artifact);
    const kind = this.#kindOf(testimony);
    if (!kind.ok && onReceipt === undefined)
      throw new LogError(kind.code, `Nothing was logged: ${kind.message}`, {
        ...kind.detail,
        hint: "with onReceipt it is logged, and proved by a receipt in place of a bundle",
      });
    const receipt = await this.#again(async () => this.#submit(testimony));
    onReceipt?.(receipt);
    if (!kind.ok)
      throw new LogError(kind.code, `Logged as entry ${receipt.entry.index}: ${kind.message}`, {
        ...kind.detail,
        hint: "the receipt is whole; `countersign verify` reads it",
      });
    const entry = specs.TransparencyLogEntry.fromJSON(formatLogEntry(receipt.entry));
    return { tlogEntries: [whole(entry)] };
  }

  #kindOf(testimony: Testimony): Result<unknown> {
    if (testimony.form === "digest") return success(testimony.leaf);
    const [prepared] = prepare(this.#ports, testimony.submission).entries;
    return bundleKind(prepared?.leafBytes ?? new Uint8Array(0));
  }

  async #submit(testimony: Testimony): Promise<Receipt> {
    if (testimony.form === "digest") return submitDigest(this.#ports, testimony.leaf);
    const [receipt] = await submit(this.#ports, testimony.submission);
    if (receipt !== undefined) return receipt;
    throw new LogError("RESPONSE_INVALID", "The log's answer has no entry.");
  }

  /** Asking again is safe: one leaf has one index, and a duplicate gets the same answer. */
  async #again(ask: () => Promise<Receipt>): Promise<Receipt> {
    const { wait = waitSeconds } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        return await ask();
      } catch (error) {
        const seconds = secondsUntilAgain(error);
        if (seconds === undefined || attempt === MAX_ATTEMPTS) throw error;
        await wait(Math.min(seconds, MAX_WAIT_SECONDS));
      }
    }
  }
}

/** How long a log that did not answer, or asked for patience, is left alone. */
function secondsUntilAgain(error: unknown): number | undefined {
  if (!(error instanceof LogError)) return undefined;
  return error.detail.retryAfter ?? (error.code === "UNREACHABLE" ? 1 : undefined);
}

async function waitSeconds(seconds: number): Promise<void> {
  await sleep(seconds * 1000);
}

type Incomplete = Omit<TransparencyLogEntry, "logId" | "kindVersion"> & {
  readonly logId: TransparencyLogEntry["logId"] | undefined;
  readonly kindVersion: TransparencyLogEntry["kindVersion"] | undefined;
};

function whole(entry: Incomplete): TransparencyLogEntry {
  const { logId, kindVersion } = entry;
  if (logId === undefined || kindVersion === undefined)
    throw new LogError("INTERNAL", "an entry was made without its log or kind");
  return { ...entry, logId, kindVersion };
}
