/**
 * The client in a browser, or in any JavaScript engine that brings `fetch` and Uint8Array:
 * verification, reading and submission without Node.
 *
 * What needs a disk or an agent (memory file, keys) is only in `index.ts`. Pass a memory of your
 * own, or {@link volatileMemory} for one page.
 *
 * @module
 */
import { type HttpOptions, httpTransport, type Transport } from "./fetch.ts";

export * from "./common.ts";
export { browserCrypto } from "./crypto/browser.ts";

/** As `httpTransport`. Browsers cannot read an answer while they send: batches are sent whole. */
export function browserTransport(base: string, options: HttpOptions = {}): Transport {
  return httpTransport(base, { upload: "buffer", ...options });
}
