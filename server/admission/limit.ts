/**
 * How much one sender, one key and everybody together may append per second.
 *
 * A key is counted only after its signature was checked: else a stranger could use up somebody
 * else's share by naming their key. It is counted before everybody together is: a key that is over
 * its own share takes nothing from the others. Addresses are counted before anything is read, those
 * of IPv6 by their network: whoever has one address there has 2^64.
 *
 * @module
 */
import { isIP } from "node:net";
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
    await consume(this.#perAddress, networkOf(address), 1, "requests from this address");
  }

  /**
   * One entry for each signer id (hex) named.
   * @throws LogError RATE_LIMITED
   */
  async entries(signerIds: readonly string[]): Promise<void> {
    for (const id of signerIds) await consume(this.#perKey, id, 1, `entries signed by ${id}`);
    await consume(this.#entries, "", signerIds.length, "entries from everybody together");
  }
}

/** The /64 of an IPv6 address; any other text as it is. */
export function networkOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = "", tail] = address.replace(/%.*$/, "").split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  // An address that ends in dotted decimal has two groups there, and both are behind the network.
  const dotted = address.includes(".") ? 1 : 0;
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length - dotted;
  const groups = [...before, ...Array.from({ length: zeros }, () => "0"), ...after];
  const network = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(":")}::/64`;
}

export function limiter(perSecond: number): RateLimiterMemory | undefined {
  return perSecond === 0 ? undefined : new RateLimiterMemory({ points: perSecond, duration: 1 });
}

/** @throws LogError RATE_LIMITED, which says `what` there was too much of */
export async function consume(
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
