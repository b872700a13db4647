/**
 * What each witness shows of a log, for `doctor`: asked by GET alone, so that nobody signs anything.
 *
 * @module
 */
import type { Crypto } from "../../client/crypto/crypto.ts";
import { equal } from "../../schema/bytes.ts";
import type { TreeHead } from "../../schema/tlog/proof.ts";
import type { Policy } from "../../schema/tlog/quorum.ts";
import { witnessedCheckpointPath } from "../../schema/tlog/tlog-witness.ts";
import type { CheckpointSigner } from "../sequencer/ports.ts";
import { openOwnNote } from "../sequencer/published.ts";
import { addressesOf } from "./policy.ts";
import type { WitnessTransport } from "./ports.ts";

export interface AskPorts {
  readonly crypto: Crypto;
  readonly signer: Pick<CheckpointSigner, "origin" | "vkeys">;
  readonly transport: WitnessTransport;
  /** The head of the store; read after the witness has answered, because a running log grows. */
  readonly head: () => TreeHead;
}

export interface Shown {
  readonly name: string;
  readonly verdict: "ok" | "note" | "wrong";
  readonly detail: string;
}

export async function askAll(policy: Policy, ports: AskPorts): Promise<readonly Shown[]> {
  return Promise.all(
    Array.from(addressesOf(policy), async ([url, keys]) => ({
      name: keys.map(({ name }) => name).join(", "),
      ...(await ask(url, ports)),
    })),
  );
}

async function ask(
  url: string,
  { crypto, signer, transport, head }: AskPorts,
): Promise<Omit<Shown, "name">> {
  try {
    const answer = await transport.get(
      `${url}${witnessedCheckpointPath(crypto.sha256, signer.origin)}`,
    );
    if (answer.status === 404) return { verdict: "note", detail: `${url} has not seen this log` };
    if (answer.status !== 200)
      return { verdict: "note", detail: `${url} answers ${answer.status}` };
    const own = await openOwnNote(crypto, signer, answer.body);
    if (!own.ok)
      return { verdict: "note", detail: `${url} shows a note that this log did not sign` };
    return judge(url, own.value, head());
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { verdict: "note", detail: `${url}: ${message}` };
  }
}

/** As far as sizes and roots tell: whether the smaller is in the larger is proved by a start. */
function judge(url: string, shown: TreeHead, store: TreeHead): Omit<Shown, "name"> {
  if (shown.size > store.size)
    return {
      verdict: "wrong",
      detail: `${url} has seen ${shown.size} entries under this log's key, the store has ${store.size} [WITNESS_AHEAD]`,
    };
  if (shown.size === store.size && !equal(shown.root, store.root))
    return {
      verdict: "wrong",
      detail: `${url} has seen another root for size ${shown.size} under this log's key [WITNESS_DIFFERS]`,
    };
  return { verdict: "ok", detail: `${url} has seen ${shown.size} of ${store.size} entries` };
}
