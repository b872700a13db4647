/** A thread that does nothing but verify one signature over a digest, for so many milliseconds. */
import { parentPort, workerData } from "node:worker_threads";
import { nodeCryptoInPlace } from "../../client/crypto/node.ts";

export interface DigestOrder {
  readonly spki: Uint8Array;
  readonly digest: Uint8Array;
  readonly signature: Uint8Array;
  readonly milliseconds: number;
}

const { spki, digest, signature, milliseconds }: DigestOrder = workerData;
const until = performance.now() + milliseconds;
let done = 0;
while (performance.now() < until) {
  if (!(await nodeCryptoInPlace.verifyDigest("ecdsa-p256-sha256", spki, digest, signature)))
    throw new Error("a good signature was refused");
  done++;
}
parentPort?.postMessage(done);
