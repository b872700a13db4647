/**
 * The door by which a log's own statements come in: every check that a stranger's entry passes,
 * and no limits.
 *
 * @module
 */
import type { Crypto } from "../../client/crypto/crypto.ts";
import { type Admit, makeAdmit } from "./admit.ts";
import { anyone } from "./authority.ts";
import { makeCheck } from "./check.ts";
import { Limits } from "./limit.ts";

export function ownDoor(crypto: Crypto): Admit {
  return makeAdmit({
    check: makeCheck(crypto),
    authority: anyone,
    limits: new Limits({ entries: 0, entriesPerKey: 0, requestsPerAddress: 0 }),
  });
}
