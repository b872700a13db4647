/**
 * A small log with an index, for tests of evidence: people sign, the log logs and indexes, and a
 * test makes one of them lie in one place.
 */
import { expect } from "vitest";
import type { Crypto } from "../../../client/crypto/crypto.ts";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { type EvidenceVerdict, verifyEvidence } from "../../../client/evidence.ts";
import { gitHashOf } from "../../../client/git/hash.ts";
import type { TrustedLog } from "../../../client/trust.ts";
import type { LoggedStatement } from "../../../schema/evidence/claims.ts";
import { type Evidence, formatEvidence } from "../../../schema/evidence.ts";
import type { Lookup, LookupKey } from "../../../schema/index/lookup.ts";
import { namedPostings } from "../../../schema/index/mapfn.ts";
import type { NamedPosting } from "../../../schema/index/posting-set.ts";
import * as made from "../../vectors/signers.ts";
import * as say from "../../vectors/statements.ts";
import { TestIndex } from "../lookup/test-index.ts";
import { type LogKey, logKey, TestLog } from "../test-log.ts";

export const ada: made.PlainSigner = made.ed25519Signer("ada");
export const bob: made.PlainSigner = made.ed25519Signer("bob");
export const OTHER_COMMIT: string = "1".repeat(40);
export const OPAQUE: LookupKey = { type: "opaque", fields: [] };
const IN_TOTO = "application/vnd.in-toto+json";

export class Scene {
  readonly main: TestLog;
  readonly index: TestIndex;

  constructor(key: LogKey = logKey()) {
    this.main = new TestLog("log.test", key).fill(3);
    this.index = new TestIndex(this.main);
  }

  sign(statement: say.StatementParts, by: made.PlainSigner = ada): LoggedStatement {
    const [logged] = this.main.submit(made.dsseSubmission(IN_TOTO, say.payload(statement), by));
    if (logged === undefined) return expect.fail("no entry");
    return this.statement(logged.index);
  }

  /** A logged statement under the newest head. */
  statement(index: number): LoggedStatement {
    const { entry, content } = this.main.receipt(index);
    return content === undefined ? expect.fail("no content") : { entry, content };
  }

  /** What the index says of a statement. */
  named({ entry, content }: LoggedStatement): readonly NamedPosting[] {
    const hashes = { sha256: nodeCrypto.sha256, git: gitHashOf(nodeCrypto) };
    const log = { origin: this.main.origin, vkeys: [this.main.vkey] };
    return namedPostings(hashes, log, entry.leafBytes, content);
  }

  /** The honest answer about some keys, with one entry beside it. */
  about(
    keys: readonly LookupKey[],
    index: number,
    wanted: "lists" | "summaries" = "lists",
  ): Lookup {
    const lookup = this.index.lookup(keys, wanted);
    const { leaf, content } = this.index.entry(index);
    const hashes = this.main.proof(index, this.index.position.leaf.main.size);
    const entry = { index, leaf, hashes, ...(content === undefined ? {} : { content }) };
    return { ...lookup, entries: [entry] };
  }
}

export async function check(
  log: TrustedLog,
  evidence: Evidence | Uint8Array,
  crypto: Crypto = nodeCrypto,
): Promise<EvidenceVerdict> {
  const bytes = evidence instanceof Uint8Array ? evidence : formatEvidence(evidence);
  return verifyEvidence(crypto, { logs: [log] }, bytes);
}

/** "log", "signer" or "nobody", or the code of the refusal. */
export async function outcome(...args: Parameters<typeof check>): Promise<string> {
  const verdict = await check(...args);
  return verdict.ok ? verdict.accused.who : verdict.refusal.code;
}

/** Every byte changed, or a part of them: each change is refused, or says the very same. */
export async function changeBytes(
  log: TrustedLog,
  evidence: Evidence,
  step: number,
): Promise<void> {
  const file = formatEvidence(evidence);
  const before = await check(log, file);
  expect(before.ok).toBe(true);
  for (let at = 0; at < file.length; at += step) {
    const changed = file.slice();
    changed[at] = (changed[at] ?? 0) ^ (1 << (at % 7));
    const verdict = await check(log, changed);
    if (verdict.ok) expect(verdict).toEqual(before);
  }
}

export function build(digest: string, changes: object = {}): say.StatementParts {
  const output = [{ name: "tool.tar", digest: { sha256: digest } }];
  return { ...say.build({ output, ...changes }), subject: output };
}

export function refUpdate(id: string, changes: object = {}): say.StatementParts {
  const subject = [{ digest: { gitCommit: id } }];
  return { ...say.refUpdate({ new: id, immutable: true, ...changes }), subject };
}

export function release(commit: string): say.StatementParts {
  const [, ...artifacts] = say.release().subject;
  const subject = [{ digest: { gitCommit: commit } }, ...artifacts];
  return { ...say.release({ gitCommit: commit }), subject };
}
