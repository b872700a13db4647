/**
 * How much one sender, one key and everybody together may append per second.
 *
 * A key is counted only after its signature was checked: else a stranger could use up somebody
 * else's share by naming their key. Addresses are counted before anything is read.
 *
 * @module
 */
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { LogError } from "../../schema/error.ts";

/** Per second; 0 is no limit. */
export interface Rates {
  readonly entries: number;
  readonly entriesPerKey: number;
  readonly requestsPerAddress: number;
}

export class Limits {
  readonly #entries: RateLimiterMemory | undefined;
  readonly #perKey: RateLimiterMemory | undefined;
  readonly #perAddress: RateLimiterMemory | undefined;

  constructor(rates: Rates) {
    this.#entries = limiter(rates.entries);
    this.#perKey = limiter(rates.entriesPerKey);
    this.#perAddress = limiter(rates.requestsPerAddress);
  }

  /** Whether requests are counted at all: without it a hot route need not find the address. */
  get countsAddresses(): boolean {
    return this.#perAddress !== undefined;
  }

  /** Whether {@link entries} has anything to count. */
  get countsEntries(): boolean {
    return this.#entries !== undefined || this.#perKey !== undefined;
  }

  /** @throws LogError RATE_LIMITED */
  async request(address: string): Promise<void> {
    await consume(this.#perAddress, address, 1, "requests from this address");
  }

  /**
   * One entry for each signer id (hex) named.
   * @throws LogError RATE_LIMITED
   */
  async entries(signerIds: readonly string[]): Promise<void> {
    await consume(this.#entries, "", signerIds.length, "entries from everybody together");
    for (const id of signerIds) await consume(this.#perKey, id, 1, `entries signed by ${id}`);
  }
}

function limiter(perSecond: number): RateLimiterMemory | undefined {
  return perSecond === 0 ? undefined : new RateLimiterMemory({ points: perSecond, duration: 1 });
}

async function consume(
  limit: RateLimiterMemory | undefined,
  key: string,
  points: number,
  what: string,
): Promise<void> {
  if (limit === undefined) return;
  try {
    await limit.consume(key, points);
  } catch (refused) {
    if (!(refused instanceof RateLimiterRes)) throw refused;
    throw new LogError("RATE_LIMITED", `More than ${limit.points} ${what} in a second.`, {
      limit: limit.points,
      expected: `at most ${limit.points} ${what} in a second`,
      retryAfter: Math.max(1, Math.ceil(refused.msBeforeNext / 1000)),
    });
  }
}
