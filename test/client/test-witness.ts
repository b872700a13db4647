/**
 * A witness's key for the client's tests: it cosigns what it is told to, at the time it is told.
 */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { nodeCrypto } from "../../client/crypto/node.ts";
import type { WitnessPolicy } from "../../client/quorum.ts";
import { utf8 } from "../../schema/bytes.ts";
import { unwrap } from "../../schema/error.ts";
import {
  type CosignatureType,
  cosignedMessage,
  formatCosignature,
} from "../../schema/tlog/cosignature.ts";
import { formatVkey, keyId, type NoteSignature } from "../../schema/tlog/note.ts";
import { parsePolicy } from "../../schema/tlog/tlog-policy.ts";

const { sha256 } = nodeCrypto;
const KEY_BYTES = { 4: 32, 6: 1_312 } as const;

export class TestWitness {
  readonly name: string;
  readonly type: CosignatureType;
  readonly publicKey: Uint8Array;
  readonly #privateKey: KeyObject;

  constructor(name: string, type: CosignatureType = 4) {
    this.name = name;
    this.type = type;
    const pair = type === 4 ? generateKeyPairSync("ed25519") : generateKeyPairSync("ml-dsa-44");
    this.#privateKey = pair.privateKey;
    const spki = pair.publicKey.export({ type: "spki", format: "der" });
    this.publicKey = new Uint8Array(spki.subarray(-KEY_BYTES[type]));
  }

  get vkey(): string {
    return formatVkey(sha256, this.name, this.type, this.publicKey);
  }

  /** What a log shows of this witness: its line under a checkpoint's text. */
  at(time: number): (text: string) => NoteSignature {
    return (text) => {
      const message = unwrap(cosignedMessage(this.type, this.name, time, text));
      const signature = new Uint8Array(sign(null, message, this.#privateKey));
      return {
        name: this.name,
        keyId: keyId(sha256, this.name, this.type, this.publicKey),
        signature: formatCosignature({ timestamp: time, signature }),
      };
    };
  }
}

/** The text of a policy with one group of `k` of these witnesses, called w1, w2, …. */
export function policyText(
  k: number,
  witnesses: readonly TestWitness[],
  urls: readonly string[] = [],
): string {
  const names = witnesses.map((_, i) => `w${i + 1}`);
  return [
    ...witnesses.map(({ vkey }, i) => `witness ${names[i]} ${vkey} ${urls[i] ?? ""}`),
    `group quorum-group ${k} ${names.join(" ")}`,
    "quorum quorum-group",
    "",
  ].join("\n");
}

export function policyOf(text: string, until?: number): WitnessPolicy {
  const policy = unwrap(parsePolicy(sha256, utf8(text)));
  return until === undefined ? { policy } : { policy, until };
}

/** The same as a table of the trust file. */
export function policyTable(text: string, more = "", list = "witnesses"): string {
  return `[[log.${list}]]\npolicy = """\n${text}"""\n${more}\n`;
}
