/**
 * The policy a log runs under: read from its file, and held against what a log needs of one.
 *
 * - Every two quorums share a witness, else one log can show two histories, each with a quorum of
 *   its own. An operator who wants it nevertheless says so by name (`witness.allow_split`).
 * - Whoever counts can be asked: a witness of the quorum has a URL.
 * - A `log` line, where there is one, names this log's key.
 * - Who witnesses the log verifies not its index, by key and by address: the one says that a log only
 *   grew, the other that what its index says is right.
 *
 * Spec: C2SP tlog-policy.
 *
 * @module
 */
import { equal } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import type { Sha256 } from "../../schema/tlog/hash.ts";
import {
  type Policy,
  type PolicyWitness,
  quorumWitnesses,
  splitsInTwo,
} from "../../schema/tlog/quorum.ts";
import { MAX_POLICY_BYTES, parsePolicy } from "../../schema/tlog/tlog-policy.ts";
import { readSmallFile } from "../small-file.ts";

/** Whose policy it is, as settings and messages call it. */
export interface PolicyKind {
  readonly one: string;
  readonly many: string;
  /** The setting that names the file, and the one that takes the risk of a split. */
  readonly field: string;
  readonly allowSplit: string;
}

export const WITNESSES: PolicyKind = {
  one: "witness",
  many: "witnesses",
  field: "witness.policy",
  allowSplit: "witness.allow_split",
};

export const INDEX_VERIFIERS: PolicyKind = {
  one: "index verifier",
  many: "index verifiers",
  field: "index.verifiers",
  allowSplit: "index.allow_split",
};

/** What is said wherever a policy that splits is in force. */
export function splitRisk({ one, allowSplit }: PolicyKind): string {
  return (
    `${allowSplit}: two quorums of the policy share no ${one}, so that two histories of this ` +
    "log could each carry a quorum."
  );
}

export interface PolicyRules {
  readonly kind?: PolicyKind;
  /** Verifier keys of this log. */
  readonly vkeys: readonly string[];
  readonly allowSplit: boolean;
  /** The file of the other kind, with whom this one may share nobody. */
  readonly apartFrom?: { readonly kind: PolicyKind; readonly path: string };
}

/** @throws LogError CONFIG_INVALID, FILE_UNREADABLE */
export async function readPolicyFile(
  sha256: Sha256,
  path: string,
  rules: PolicyRules,
): Promise<Policy> {
  const { kind = WITNESSES, apartFrom } = rules;
  const policy = await parsePolicyFile(sha256, path, kind);
  checkPolicy(policy, rules);
  if (apartFrom !== undefined)
    mustShareNobody(
      kind,
      policy,
      apartFrom.kind,
      await parsePolicyFile(sha256, apartFrom.path, apartFrom.kind),
    );
  return policy;
}

async function parsePolicyFile(
  sha256: Sha256,
  path: string,
  { field }: PolicyKind,
): Promise<Policy> {
  const bytes = await readSmallFile(path, MAX_POLICY_BYTES);
  if (bytes === undefined)
    throw new LogError("FILE_UNREADABLE", `there is no policy at ${path}`, { field });
  const parsed = parsePolicy(sha256, bytes);
  if (!parsed.ok) {
    const { at } = parsed.detail;
    throw new LogError(
      "CONFIG_INVALID",
      `${path}${at === undefined ? "" : `, ${at}`}: ${parsed.message}`,
      { ...parsed.detail, field },
    );
  }
  return parsed.value;
}

/** One operator may be both, with two keys at two addresses; one key never is. */
function mustShareNobody(
  kind: PolicyKind,
  policy: Policy,
  other: PolicyKind,
  others: Policy,
): void {
  const isOther = ({ vkey, url }: PolicyWitness): boolean =>
    others.witnesses.some(
      (one) =>
        equal(one.vkey.publicKey, vkey.publicKey) ||
        (url !== undefined && one.url !== undefined && addressOf(url) === addressOf(one.url)),
    );
  const shared = policy.witnesses.find(isOther);
  if (shared === undefined) return;
  throw refused(
    kind,
    `the ${kind.one} ${shared.name} is, by key or URL, also one of ${other.field}`,
    "other keys at another address: nobody is both a witness and an index verifier",
  );
}

/** @throws LogError CONFIG_INVALID where a log must not run under this policy */
function checkPolicy(policy: Policy, { kind = WITNESSES, vkeys, allowSplit }: PolicyRules): void {
  const [other] = policy.logs;
  if (other !== undefined && !policy.logs.some(({ vkeyText }) => vkeys.includes(vkeyText)))
    throw refused(
      kind,
      `the policy is of another log: ${other.vkeyText}`,
      `log ${vkeys.join(", ")}`,
    );
  if (policy.quorum === undefined) return;
  if (!allowSplit && splitsInTwo(policy))
    throw refused(
      kind,
      `two quorums of the policy share no ${kind.one}: two histories of this log could each carry one`,
      `a quorum of more than half; or ${kind.allowSplit} = true, where the risk is known`,
    );
  const mute = quorumWitnesses(policy).find(({ url }) => url === undefined);
  if (mute !== undefined)
    throw refused(
      kind,
      `the ${kind.one} ${mute.name} has no URL: nobody could ask it`,
      "witness <name> <vkey> <url>",
    );
  for (const { name, url } of policy.witnesses)
    if (url !== undefined && addressOf(url) === undefined)
      throw refused(
        kind,
        `the URL of the ${kind.one} ${name} is none: ${url}`,
        "http: or https:, without credentials, query or fragment",
      );
}

/** The witnesses that can be asked, each address once with all its keys. */
export function addressesOf({ witnesses }: Policy): ReadonlyMap<string, readonly PolicyWitness[]> {
  const byUrl = new Map<string, PolicyWitness[]>();
  for (const witness of witnesses) {
    const url = witness.url === undefined ? undefined : addressOf(witness.url);
    if (url !== undefined) byUrl.set(url, [...(byUrl.get(url) ?? []), witness]);
  }
  return byUrl;
}

/** A submission prefix without its final slash. */
function addressOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { protocol, username, password, search, hash, href } = new URL(url);
  if (!["http:", "https:"].includes(protocol)) return undefined;
  if ([username, password, search, hash].some((part) => part !== "")) return undefined;
  return href.replace(/\/+$/, "");
}

function refused({ field }: PolicyKind, message: string, expected: string): LogError {
  return new LogError("CONFIG_INVALID", message, { field, expected });
}
