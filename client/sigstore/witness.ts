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
import { equal, toBase64, utf8 } from "../../schema/bytes.ts";
import { LogError, unwrap } from "../../schema/error.ts";
import type { DsseSubmission, PlainVerifier, RawSubmission } from "../../schema/http/messages.ts";
import { readCarriedKey } from "../../schema/key/certificate.ts";
import { formatLogEntry, type Receipt } from "../../schema/receipt.ts";
import type { Crypto } from "../crypto/crypto.ts";
import { nodeCrypto } from "../crypto/node.ts";
import { httpTransport, type Transport } from "../fetch.ts";
import { plainDetails } from "../keys/signer.ts";
import { type Memory, volatileMemory } from "../memory.ts";
import { prepare, submit } from "../submit.ts";
import { pinnedLog, type TrustedLog } from "../trust.ts";
import type { LogPorts } from "../update.ts";
import { bundleKind } from "./kinds.ts";
import { specsPackage } from "./packages.ts";
import { pemDer } from "./pem.ts";

export interface CountersignWitnessOptions {
  /** Where the log is. */
  readonly url: string;
  /** The log of a trust file, or its verifier key as text: never what the log itself says. */
  readonly log: TrustedLog | string;
  /**
   * What a message signature signs. A bundle builder does not tell its witnesses, and the log
   * keeps contents: without it a message signature is refused.
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
    const submission = submissionOf(content, verifierOf(publicKey), artifact);
    const [prepared] = prepare(this.#ports, submission).entries;
    const kind = bundleKind(prepared?.leafBytes ?? new Uint8Array(0));
    if (!kind.ok && onReceipt === undefined)
      throw new LogError(kind.code, `Nothing was logged: ${kind.message}`, {
        ...kind.detail,
        hint: "with onReceipt it is logged, and proved by a receipt in place of a bundle",
      });
    const receipt = await this.#submit(submission);
    onReceipt?.(receipt);
    if (!kind.ok)
      throw new LogError(kind.code, `Logged as entry ${receipt.entry.index}: ${kind.message}`, {
        ...kind.detail,
        hint: "the receipt is whole; `countersign verify` reads it",
      });
    const entry = specs.TransparencyLogEntry.fromJSON(formatLogEntry(receipt.entry));
    return { tlogEntries: [whole(entry)] };
  }

  async #submit(submission: DsseSubmission | RawSubmission): Promise<Receipt> {
    const { wait = waitSeconds } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        const [receipt] = await submit(this.#ports, submission);
        if (receipt !== undefined) return receipt;
        throw new LogError("RESPONSE_INVALID", "The log's answer has no entry.");
      } catch (error) {
        const seconds = error instanceof LogError ? error.detail.retryAfter : undefined;
        if (seconds === undefined || attempt === MAX_ATTEMPTS) throw error;
        await wait(Math.min(seconds, MAX_WAIT_SECONDS));
      }
    }
  }
}

async function waitSeconds(seconds: number): Promise<void> {
  await sleep(seconds * 1000);
}

function submissionOf(
  content: SignatureBundle,
  verifier: PlainVerifier,
  artifact: Uint8Array | undefined,
): DsseSubmission | RawSubmission {
  if (content.$case === "dsseEnvelope") {
    const { payloadType, payload, signatures } = content.dsseEnvelope;
    if (signatures.length !== 1)
      throw new LogError("FIELD_INVALID", "an envelope for a bundle has one signature", {
        field: "envelope.signatures",
        expected: "one, by the key that the witness is given",
      });
    const sigs = signatures.map(({ sig, keyid }) => ({ sig: toBase64(sig), keyid }));
    const envelope = { payloadType, payload: toBase64(payload), signatures: sigs };
    return { kind: "dsse", envelope, verifiers: [verifier] };
  }
  const { messageDigest, signature } = content.messageSignature;
  if (artifact === undefined)
    throw new LogError("FIELD_INVALID", "a message signature does not bring what it signs", {
      field: "artifact",
      expected: "the signed bytes, as the option `artifact` of this witness",
    });
  if (!equal(nodeCrypto.sha256(artifact), messageDigest.digest))
    throw new LogError("FIELD_INVALID", "the signature is over something else than the artifact", {
      field: "artifact",
    });
  return {
    kind: "raw",
    content: toBase64(artifact),
    signature: toBase64(signature),
    verifier,
  };
}

function verifierOf(publicKeyPem: string): PlainVerifier {
  const text = utf8(publicKeyPem);
  const certificate = pemDer("CERTIFICATE", text);
  const bytes = certificate ?? pemDer("PUBLIC KEY", text);
  const container = certificate === undefined ? "publicKey" : "x509Certificate";
  const key = bytes === undefined ? undefined : readCarriedKey({ container, bytes });
  const keyDetails = key?.ok === true ? plainDetails(key.value) : undefined;
  if (bytes === undefined || keyDetails === undefined)
    throw new LogError("KEY_REFUSED", "the log takes no signatures by this key", {
      field: "publicKey",
      expected: "PEM of a certificate or public key: Ed25519, ECDSA P-256 or P-384, RSA, ML-DSA-44",
    });
  return container === "publicKey"
    ? { publicKey: toBase64(bytes), keyDetails }
    : { x509Certificate: toBase64(bytes), keyDetails };
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
