/**
 * The files that pin a log: the trust file, and the documents that other clients pin.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { unwrap } from "../../schema/error.ts";
import type { Policy } from "../../schema/tlog/quorum.ts";
import { formatPolicy } from "../../schema/tlog/tlog-policy.ts";
import { nodeCrypto } from "../crypto/node.ts";
import { changedDocuments, type Documents, type Offer } from "../offer.ts";
import type { WitnessPolicy } from "../quorum.ts";
import { logOf, MAX_TRUST_BYTES, parseTrust } from "../trust.ts";
import { pathOf, readBytes, writeNew, writeWhole } from "./files.ts";
import type { Io } from "./io.ts";

const NAMES = {
  trust: "trust.toml",
  trustedRoot: "trusted_root.json",
  signingConfig: "signing_config.json",
  witnessPolicy: "witness_policy",
} as const;

/** What is in the folder; `undefined` for a file that is not there. */
export type Stored = {
  readonly [name in keyof typeof NAMES]: Uint8Array | undefined;
};

export async function readStored(io: Io, folder: string): Promise<Stored> {
  const read = async (name: string): Promise<Uint8Array | undefined> => {
    const path = join(folder, name);
    return existsSync(pathOf(io, path)) ? readBytes(io, path, MAX_TRUST_BYTES) : undefined;
  };
  return {
    trust: await read(NAMES.trust),
    trustedRoot: await read(NAMES.trustedRoot),
    signingConfig: await read(NAMES.signingConfig),
    witnessPolicy: await read(NAMES.witnessPolicy),
  };
}

export function isNothing(stored: Stored): boolean {
  return Object.values(stored).every((bytes) => bytes === undefined);
}

/** The trust file that an offer becomes: the log and its witnesses. People are for its owner. */
export function trustText(offer: Offer, url: string, allowSplit: boolean): string {
  const { log, vkeyText, policy, verifiers } = offer;
  const table = (name: string, text: Policy): string[] => [
    `[[log.${name}]]`,
    ...(allowSplit ? ["allow_split = true"] : []),
    `policy = """\n${escaped(formatPolicy(text))}"""`,
  ];
  const witnesses =
    log.witnesses === undefined
      ? ["# The log had no witnesses when this was written."]
      : table("witnesses", policy);
  const index =
    verifiers === undefined
      ? ["# Nobody verified its index when this was written."]
      : table("index", verifiers);
  const lines = [
    "# Whom this machine trusts. Nothing that a log says can change it.",
    "trust = 1",
    "",
    "[[log]]",
    `origin = ${JSON.stringify(log.origin)}`,
    `vkeys = [${JSON.stringify(vkeyText)}]`,
    `url = ${JSON.stringify(url)}`,
    "",
    ...witnesses,
    "",
    ...index,
    "",
    "# Next: [[person]] and [[rule]], see docs/formats.md, Trust file.",
    "",
  ];
  const text = lines.join("\n");
  unwrap(parseTrust(nodeCrypto.sha256, text));
  return text;
}

/** A text of a stranger between `"""`. */
function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
}

/** How the stored files differ from what the log serves now, in words; empty where they agree. */
export function differences(offer: Offer, stored: Stored): string[] {
  const changed = changedDocuments(offer, stored).map((name: keyof Documents) =>
    stored[name] === undefined
      ? `${NAMES[name]} is not there`
      : `${NAMES[name]} is not what the log serves now`,
  );
  return [...trustDifferences(offer, stored.trust), ...changed];
}

function trustDifferences(
  { log, vkeyText, policy, verifiers }: Offer,
  bytes: Uint8Array | undefined,
): string[] {
  if (bytes === undefined) return [`${NAMES.trust} is not there`];
  const trust = parseTrust(nodeCrypto.sha256, bytes);
  if (!trust.ok) return [`${NAMES.trust} cannot be read: ${trust.message}`];
  const known = logOf(trust.value, log.origin);
  if (known === undefined) return [`${NAMES.trust} does not name the log ${log.origin}`];
  if (!known.vkeyTexts.includes(vkeyText))
    return [`${NAMES.trust} has another key of ${log.origin}`];
  const differs = (
    stored: readonly WitnessPolicy[] | undefined,
    now: Policy | undefined,
  ): boolean => bare(stored?.find(({ until }) => until === undefined)?.policy) !== bare(now);
  const than = `of ${log.origin} than the log serves now`;
  return [
    ...(differs(known.witnesses, policy) ? [`${NAMES.trust} has other witnesses ${than}`] : []),
    ...(differs(known.index, verifiers)
      ? [`${NAMES.trust} has other verifiers of the index ${than}`]
      : []),
  ];
}

/** What a policy asks for, without the log that it is for. */
function bare(policy: Policy | undefined): string {
  return policy?.quorum === undefined ? "" : formatPolicy({ ...policy, logs: [] });
}

/** Write everything, the trust file last: with it the rest is in use. What was written, as shown. */
export async function writeAll(
  io: Io,
  folder: string,
  offer: Offer,
  trust: string,
  stored: Stored,
): Promise<string[]> {
  const written: string[] = [];
  const put = async (name: string, bytes: Uint8Array | string, isNew: boolean): Promise<void> => {
    const path = join(folder, name);
    await (isNew ? writeNew : writeWhole)(io, path, bytes);
    written.push(path);
  };
  for (const name of ["trustedRoot", "signingConfig", "witnessPolicy"] as const)
    await put(NAMES[name], offer.documents[name], stored[name] === undefined);
  // People and rules stand in it that nobody else has.
  if (stored.trust !== undefined) await put(`${NAMES.trust}.old`, stored.trust, false);
  await put(NAMES.trust, trust, stored.trust === undefined);
  return written;
}
