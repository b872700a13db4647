/**
 * The timestamp authority: a clock, a key, a chain.
 *
 * - I7  The only time in a token is the log clock's, in whole seconds: where that clock refuses,
 *       nothing is signed.
 *
 * It says "this digest was here at this moment" and nothing about the log. Its key is not the
 * log's, but the operator is the same, so a token is never counted as independent of the log.
 *
 * Spec: RFC 3161; docs/formats.md §Time stamps.
 *
 * @module
 */
import type { Crypto } from "../../client/crypto/crypto.ts";
import type { Signer } from "../../client/keys/signer.ts";
import { LogError } from "../../schema/error.ts";
import { type HeldClock, timeText } from "../log-clock.ts";
import { signP256 } from "./certificates.ts";
import type { Chain } from "./chain.ts";
import type { StampingKey } from "./files.ts";
import type { TimestampQuery } from "./query.ts";
import { grantedReply, type TokenFrame, tokenFrame } from "./reply.ts";
import { serialNumber } from "./serial.ts";

export interface AuthorityPorts {
  readonly crypto: Pick<Crypto, "sha256">;
  readonly clock: Pick<HeldClock, "now" | "prepare">;
  readonly randomBytes: (count: number) => Uint8Array;
}

export class TimestampAuthority {
  readonly chain: Chain;
  readonly policy: string;
  readonly #ports: AuthorityPorts;
  readonly #signer: Signer;
  readonly #frame: TokenFrame;

  /** The chain has been checked to be this key's. */
  constructor(ports: AuthorityPorts, { signer, chain }: StampingKey, policy: string) {
    this.#ports = ports;
    this.#signer = signer;
    this.chain = chain;
    this.policy = policy;
    this.#frame = tokenFrame(ports.crypto.sha256, policy, chain.certificates);
  }

  /** A `TimeStampResp` in DER. @throws LogError CLOCK_REFUSED, SIGNER_FAILED */
  async answer(query: TimestampQuery): Promise<Uint8Array> {
    await this.#ports.clock.prepare();
    const seconds = this.#ports.clock.now();
    const { from, until } = this.chain;
    if (seconds < from || seconds > until)
      throw new LogError(
        "SIGNER_FAILED",
        `The timestamp chain is valid from ${timeText(from)} to ${timeText(until)}, not now.`,
        {
          field: "timestamp.chain",
          hint: "the operator should make a new chain; see docs/operate.md",
        },
      );
    const serial = serialNumber(this.#ports.randomBytes);
    return grantedReply(
      this.#ports.crypto.sha256,
      this.#frame,
      query,
      { seconds, serial },
      async (message) => signP256(this.#signer, message),
    );
  }
}
