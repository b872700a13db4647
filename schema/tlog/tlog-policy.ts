/**
 * The text of a policy: which logs and witnesses are known, and which cosignatures are enough.
 *
 *     log <vkey> [<url>]
 *     witness <name> <vkey> [<url>]
 *     group <name> all|any|<k> <member>…
 *     quorum <name>|none
 *
 * A policy is read whole or refused whole, with its line: a line that is not understood is a rule
 * that would not protect. One that lets the keys of an operator count twice is refused too
 * (quorum.ts).
 *
 * Spec: C2SP tlog-policy.
 *
 * @module
 */
import { fromUtf8, toHex } from "../bytes.ts";
import { failure, type Result, success } from "../error.ts";
import { isCosignatureType } from "./cosignature.ts";
import type { Sha256 } from "./hash.ts";
import { parseVkey, SIGNATURE_TYPES, type Vkey } from "./note.ts";
import {
  countedTwice,
  type Policy,
  type PolicyGroup,
  type PolicyLog,
  type PolicyMember,
  type PolicyWitness,
} from "./quorum.ts";

/** Bytes of a policy file. */
export const MAX_POLICY_BYTES = 262_144;
/** Logs, witnesses and groups of a policy, each. The specification asks for 32. */
export const MAX_POLICY_ITEMS = 256;

/**
 * Read a policy file. Fails with `FIELD_INVALID`, `KIND_UNSUPPORTED`, `KEY_REFUSED` or `TOO_LARGE`;
 * `detail.at` is the line.
 */
export function parsePolicy(sha256: Sha256, strangersBytes: Uint8Array): Result<Policy> {
  if (strangersBytes.length > MAX_POLICY_BYTES)
    return failure("TOO_LARGE", `a policy has at most ${MAX_POLICY_BYTES} bytes`, {
      field: "policy",
      limit: MAX_POLICY_BYTES,
    });
  const text = fromUtf8(strangersBytes);
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (text === undefined || /[\u0000-\u0008\u000b-\u001f\u007f]/.test(text))
    return failure("FIELD_INVALID", "a policy is UTF-8 text with no control characters", {
      field: "policy",
    });
  const reader = new PolicyReader(sha256);
  const lines = text.split("\n");
  for (const [i, line] of lines.entries()) {
    const read = reader.line(line);
    if (!read.ok)
      return { ...read, detail: { field: "policy", ...read.detail, at: `line ${i + 1}` } };
  }
  return reader.end();
}

/** The text of a policy that {@link parsePolicy} reads back. Comments are not kept. */
export function formatPolicy({ logs, witnesses, groups, quorum }: Policy): string {
  const place = (url: string | undefined): string => (url === undefined ? "" : ` ${url}`);
  const lines = [
    ...logs.map(({ vkeyText, url }) => `log ${vkeyText}${place(url)}`),
    ...witnesses.map(({ name, vkeyText, url }) => `witness ${name} ${vkeyText}${place(url)}`),
    ...groups.map(
      ({ name, threshold, members }) =>
        `group ${name} ${threshold} ${members.map((member) => member.name).join(" ")}`,
    ),
    `quorum ${quorum?.name ?? "none"}`,
  ];
  return `${lines.join("\n")}\n`;
}

/** The state of reading: what the lines so far have defined. */
class PolicyReader {
  readonly #sha256: Sha256;
  readonly #logs: PolicyLog[] = [];
  readonly #witnesses: PolicyWitness[] = [];
  readonly #groups: PolicyGroup[] = [];
  readonly #named = new Map<string, PolicyMember>();
  /** Names that are a member of a group already. */
  readonly #taken = new Set<string>();
  /** Public keys, hex, to find one that stands twice. */
  readonly #keys = new Set<string>();
  #quorum: { readonly member: PolicyMember | undefined } | undefined;

  constructor(sha256: Sha256) {
    this.#sha256 = sha256;
  }

  line(line: string): Result<undefined> {
    const [keyword, ...words] = line.split(/[ \t]+/).filter((word) => word !== "");
    if (keyword === undefined || keyword.startsWith("#")) return success(undefined);
    switch (keyword) {
      case "log":
        return this.#log(words);
      case "witness":
        return this.#witness(words);
      case "group":
        return this.#group(words);
      case "quorum":
        return this.#setQuorum(words);
      default:
        return wrong(`"${keyword}" begins no line of a policy`, "log, witness, group or quorum");
    }
  }

  end(): Result<Policy> {
    if (this.#quorum === undefined)
      return failure("FIELD_INVALID", "the policy has no quorum line", {
        field: "policy",
        expected: "quorum <name>, or quorum none",
      });
    const { member } = this.#quorum;
    const policy: Policy = {
      logs: this.#logs,
      witnesses: this.#witnesses,
      groups: this.#groups,
      quorum: member,
    };
    const twice = member === undefined ? undefined : countedTwice(member);
    if (twice !== undefined)
      return failure("FIELD_INVALID", `the keys of ${twice} could be counted more than once`, {
        field: "policy",
        expected: `one group "any" that has all keys of ${twice}, and nothing else`,
      });
    return success(policy);
  }

  #log([vkeyText, url, ...rest]: readonly string[]): Result<undefined> {
    if (vkeyText === undefined || rest.length > 0)
      return wrong("a log line is malformed", "log <vkey> [<url>]");
    if (this.#logs.length >= MAX_POLICY_ITEMS) return tooMany("logs");
    const vkey = this.#key(vkeyText);
    if (!vkey.ok) return vkey;
    if (vkey.value.type === SIGNATURE_TYPES.cosignature)
      return wrong("the key of a log is one of a witness", "a key that signs checkpoints");
    this.#logs.push({ vkey: vkey.value, vkeyText, ...(url === undefined ? {} : { url }) });
    return success(undefined);
  }

  #witness([name, vkeyText, url, ...rest]: readonly string[]): Result<undefined> {
    if (name === undefined || vkeyText === undefined || rest.length > 0)
      return wrong("a witness line is malformed", "witness <name> <vkey> [<url>]");
    if (this.#witnesses.length >= MAX_POLICY_ITEMS) return tooMany("witnesses");
    const vkey = this.#key(vkeyText);
    if (!vkey.ok) return vkey;
    if (!isCosignatureType(vkey.value.type))
      return wrong("the key of a witness is of a type that does not cosign", "type 4 or 6");
    const witness: PolicyWitness = {
      kind: "witness",
      name,
      vkey: vkey.value,
      vkeyText,
      ...(url === undefined ? {} : { url }),
    };
    this.#witnesses.push(witness);
    return this.#define(name, witness);
  }

  #group([name, size, ...names]: readonly string[]): Result<undefined> {
    if (name === undefined || size === undefined || names.length === 0)
      return wrong("a group line is malformed", "group <name> all|any|<k> <member>…");
    if (this.#groups.length >= MAX_POLICY_ITEMS) return tooMany("groups");
    const threshold = thresholdOf(size, names.length);
    if (threshold === undefined)
      return wrong(`"${size}" is no threshold of ${names.length} members`, "all, any or a number");
    const members: PolicyMember[] = [];
    for (const memberName of names) {
      const member = this.#named.get(memberName);
      if (member === undefined)
        return wrong(`"${memberName}" is not defined above`, "a witness or group defined above");
      if (this.#taken.has(memberName))
        return wrong(`"${memberName}" is a member already`, "each name in one group at most");
      this.#taken.add(memberName);
      members.push(member);
    }
    const group: PolicyGroup = { kind: "group", name, threshold, members };
    this.#groups.push(group);
    return this.#define(name, group);
  }

  #setQuorum([name, ...rest]: readonly string[]): Result<undefined> {
    if (name === undefined || rest.length > 0)
      return wrong("a quorum line is malformed", "quorum <name>, or quorum none");
    if (this.#quorum !== undefined) return wrong("there is a second quorum line", "one");
    const member = name === "none" ? undefined : this.#named.get(name);
    if (name !== "none" && member === undefined)
      return wrong(`"${name}" is not defined above`, "a witness or group defined above");
    this.#quorum = { member };
    return success(undefined);
  }

  #define(name: string, member: PolicyMember): Result<undefined> {
    if (name === "none") return wrong('"none" is a name of the format', "another name");
    if (this.#named.has(name)) return wrong(`"${name}" is defined twice`, "each name once");
    this.#named.set(name, member);
    return success(undefined);
  }

  #key(text: string): Result<Vkey> {
    const vkey = parseVkey(this.#sha256, text);
    if (!vkey.ok) return vkey;
    const key = toHex(vkey.value.publicKey);
    if (this.#keys.has(key)) return wrong("the same public key stands twice", "each key once");
    this.#keys.add(key);
    return vkey;
  }
}

function thresholdOf(word: string, count: number): number | undefined {
  if (word === "any") return 1;
  if (word === "all") return count;
  const k = /^[1-9][0-9]{0,3}$/.test(word) ? Number(word) : 0;
  return k >= 1 && k <= count ? k : undefined;
}

function wrong(message: string, expected: string): Result<never> {
  return failure("FIELD_INVALID", message, { field: "policy", expected });
}

function tooMany(what: string): Result<never> {
  return failure("TOO_LARGE", `a policy has at most ${MAX_POLICY_ITEMS} ${what}`, {
    field: "policy",
    limit: MAX_POLICY_ITEMS,
  });
}
