/**
 * Heads that may be followed: with a policy, those that a quorum of its witnesses has cosigned.
 *
 * Spec: C2SP tlog-policy, tlog-cosignature.
 *
 * @module
 */
import type { Crypto } from "../../client/crypto/crypto.ts";
import type { Head } from "../../client/head.ts";
import { openNote } from "../../client/note.ts";
import { hasQuorum, type Policy } from "../../schema/tlog/quorum.ts";

/** Why a signed head has no quorum of the policy; `undefined` where it has one. */
export async function withoutQuorum(
  crypto: Crypto,
  policy: Policy,
  { note, signedBy, tree }: Head,
): Promise<string | undefined> {
  const witnesses = policy.witnesses.map(({ vkey }) => vkey);
  const opened = await openNote(crypto, note, [...signedBy, ...witnesses]);
  if (!opened.ok) return opened.message;
  const { verified } = opened.value;
  if (hasQuorum(policy, ({ vkey }) => verified.includes(vkey))) return undefined;
  const names = policy.witnesses.filter(({ vkey }) => verified.includes(vkey));
  const have = names.length === 0 ? "none" : names.map(({ name }) => name).join(", ");
  return `the head of ${tree.size} lacks a quorum of witnesses (it has ${have})`;
}
