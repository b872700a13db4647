/**
 * A thread that makes entries of the index bench: statements, each signed by a key of its own
 * choice, parsed and ruled on by the code of the log's door. The signatures are made here and not
 * verified again: what that costs is measured by the other benches.
 *
 * @module
 */
import { createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";
import { nodeCryptoInPlace } from "../../client/crypto/node.ts";
import { toBase64, utf8 } from "../../schema/bytes.ts";
import { pae } from "../../schema/entry/dsse.ts";
import { prepareSubmission } from "../../schema/entry/prepare.ts";
import { unwrap } from "../../schema/error.ts";
import { parseSubmission } from "../../schema/http/submission.ts";
import {
  type PackedOutcomes,
  packOutcomes,
  transferable,
} from "../../server/admission/check-packing.ts";
import { answerRequests, type Handled } from "../../server/thread.ts";
import { artifactOf, IN_TOTO, secretOf, signerOf, statementOf } from "./indexed-entry.ts";

/** Entries from one number up to, not including, another. */
export interface EntryOrder {
  readonly from: number;
  readonly to: number;
}

interface Key {
  readonly secret: KeyObject;
  readonly spki: string;
}

const keys = new Map<number, Key>();

function keyOf(signer: number): Key {
  const known = keys.get(signer);
  if (known !== undefined) return known;
  const secret = createPrivateKey({
    key: Buffer.from(secretOf(signer)),
    format: "der",
    type: "pkcs8",
  });
  const spki = createPublicKey(secret).export({ type: "spki", format: "der" });
  const key = { secret, spki: toBase64(spki) };
  keys.set(signer, key);
  return key;
}

function handle({ from, to }: EntryOrder): Handled<PackedOutcomes> {
  const outcomes = Array.from({ length: to - from }, (_, i) => ({ entries: entriesOf(from + i) }));
  const answer = packOutcomes(outcomes);
  return { answer, transfer: transferable(answer) };
}

function entriesOf(n: number) {
  const { secret, spki } = keyOf(signerOf(n));
  const payload = utf8(JSON.stringify(statementOf(artifactOf(n), n)));
  const submission = {
    kind: "dsse",
    envelope: {
      payloadType: IN_TOTO,
      payload: toBase64(payload),
      signatures: [{ sig: toBase64(sign(null, pae(IN_TOTO, payload), secret)) }],
    },
    verifiers: [{ publicKey: spki, keyDetails: "PKIX_ED25519" }],
  };
  const parsed = unwrap(parseSubmission(utf8(JSON.stringify(submission))));
  return unwrap(prepareSubmission(nodeCryptoInPlace.sha256, parsed)).map((entry) => ({
    kind: entry.leaf.kind,
    signerId: entry.signerId,
    leaf: entry.leafBytes,
    leafHash: entry.leafHash,
    contentDigest: entry.contentDigest,
    content: entry.content,
    key: entry.keyObject,
  }));
}

answerRequests(handle);
