/**
 * A log as its own key knows it, for reading what others hold of it: nothing counts but what this
 * key has signed.
 *
 * @module
 */
import type { TrustedLog } from "../client/trust.ts";
import { unwrap } from "../schema/error.ts";
import type { Sha256 } from "../schema/tlog/hash.ts";
import { parseVkey } from "../schema/tlog/note.ts";
import type { CheckpointSigner } from "./sequencer/ports.ts";

export function trustedLog(
  sha256: Sha256,
  origin: string,
  vkeyTexts: readonly string[],
): TrustedLog {
  return { origin, vkeys: vkeyTexts.map((text) => unwrap(parseVkey(sha256, text))), vkeyTexts };
}

export function ownLog(sha256: Sha256, { origin, vkeys }: CheckpointSigner): TrustedLog {
  return trustedLog(sha256, origin, vkeys);
}
