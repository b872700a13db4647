/**
 * The policy a log runs under: read from its file, and held against what a log needs of one.
 *
 * - Every two quorums share a witness, else one log can show two histories, each with a quorum of
 *   its own. An operator who wants it nevertheless says so by name (`witness.allow_split`).
 * - Whoever counts can be asked: a witness of the quorum has a URL.
 * - A `log` line, where there is one, names this log's key.
 *
 * Spec: C2SP tlog-policy.
 *
 * @module
 */
import { LogError } from "../../schema/error.ts";
import type { Sha256 } from "../../schema/tlog/hash.ts";
import {
  MAX_POLICY_BYTES,
  type Policy,
  type PolicyWitness,
  parsePolicy,
  quorumWitnesses,
  splitsInTwo,
} from "../../schema/tlog/tlog-policy.ts";
import { readSmallFile } from "../small-file.ts";

/** What is said wherever a policy that splits is in force. */
export const SPLIT_RISK: string =
  "witness.allow_split: two quorums of the policy share no witness, so that two histories of this " +
  "log could each carry a quorum.";

export interface PolicyRules {
  /** Verifier keys of this log. */
  readonly vkeys: readonly string[];
  readonly allowSplit: boolean;
}

/** @throws LogError CONFIG_INVALID, FILE_UNREADABLE */
export async function readPolicyFile(
  sha256: Sha256,
  path: string,
  rules: PolicyRules,
): Promise<Policy> {
  const bytes = await readSmallFile(path, MAX_POLICY_BYTES);
  if (bytes === undefined)
    throw new LogError("FILE_UNREADABLE", `there is no policy at ${path}`, {
      field: "witness.policy",
    });
  const parsed = parsePolicy(sha256, bytes);
  if (!parsed.ok) {
    const { at } = parsed.detail;
    throw new LogError(
      "CONFIG_INVALID",
      `${path}${at === undefined ? "" : `, ${at}`}: ${parsed.message}`,
      { ...parsed.detail, field: "witness.policy" },
    );
  }
  checkPolicy(parsed.value, rules);
  return parsed.value;
}

/** @throws LogError CONFIG_INVALID where a log must not run under this policy */
function checkPolicy(policy: Policy, { vkeys, allowSplit }: PolicyRules): void {
  const [other] = policy.logs;
  if (other !== undefined && !policy.logs.some(({ vkeyText }) => vkeys.includes(vkeyText)))
    throw refused(`the policy is of another log: ${other.vkeyText}`, `log ${vkeys.join(", ")}`);
  if (policy.quorum === undefined) return;
  if (!allowSplit && splitsInTwo(policy))
    throw refused(
      "two quorums of the policy share no witness: two histories of this log could each carry one",
      "a quorum of more than half; or witness.allow_split = true, where the risk is known",
    );
  const mute = quorumWitnesses(policy).find(({ url }) => url === undefined);
  if (mute !== undefined)
    throw refused(
      `the witness ${mute.name} has no URL: nobody could ask it`,
      "witness <name> <vkey> <url>",
    );
  for (const { name, url } of policy.witnesses)
    if (url !== undefined && addressOf(url) === undefined)
      throw refused(
        `the URL of the witness ${name} is none: ${url}`,
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

function refused(message: string, expected: string): LogError {
  return new LogError("CONFIG_INVALID", message, { field: "witness.policy", expected });
}
