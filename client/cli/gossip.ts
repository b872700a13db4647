/**
 * `update --gossip`: what the witnesses of the trust file show of the log, in words and as data.
 *
 * @module
 */
import { LogError } from "../../schema/error.ts";
import { httpTransport } from "../fetch.ts";
import {
  askWitnesses,
  compareWitnesses,
  type Gossiped,
  type Shown,
  type WitnessServer,
  witnessServers,
} from "../gossip.ts";
import type { SignedHead } from "../head.ts";
import { printable } from "../printable.ts";
import type { LogPorts } from "../update.ts";
import type { ExitStatus } from "./io.ts";
import { table } from "./output.ts";

/** Milliseconds for one witness's whole answer. */
const DEADLINE_MS = 10_000;

/** What was heard, before the log itself was asked. */
export interface Heard {
  readonly servers: readonly WitnessServer[];
  readonly shown: readonly Shown[];
}

export interface Gossip {
  readonly server: WitnessServer;
  readonly says: Gossiped;
}

/**
 * Ask the witnesses first and the log after them: then the log's head is the newer one, and what
 * they are ahead of it is what the log holds back.
 */
export async function hearWitnesses({ crypto, log }: LogPorts): Promise<Heard> {
  const servers = witnessServers(log);
  if (!servers.some(({ url }) => url !== undefined))
    throw new LogError("USAGE", `the trust file names no witness of ${log.origin} with a URL`, {
      field: "--gossip",
      expected: "[[log.witnesses]] with a policy whose witness lines have URLs",
    });
  const open = (url: string): ReturnType<typeof httpTransport> =>
    httpTransport(url, { deadlineMs: DEADLINE_MS });
  return { servers, shown: await askWitnesses({ crypto, log, open }, servers) };
}

export async function holdAgainst(
  ports: LogPorts,
  own: SignedHead,
  { servers, shown }: Heard,
): Promise<Gossip[]> {
  const compared = await compareWitnesses(ports, own, shown);
  return servers.flatMap((server, i) => {
    const says = compared[i];
    return says === undefined ? [] : [{ server, says }];
  });
}

/** 1 where something is wrong, 2 where nobody's head could be held against the log's. */
export function gossipStatus(gossip: readonly Gossip[]): ExitStatus {
  const states = new Set(gossip.map(({ says }) => says.state));
  if (states.has("bad answer") || states.has("unproved")) return 1;
  return states.has("agrees") || states.has("lags") || states.has("ahead") ? 0 : 2;
}

export function gossipData(gossip: readonly Gossip[]): readonly object[] {
  return gossip.map(({ server: { name, url }, says }) => {
    const place = url === undefined ? {} : { url };
    return says.state === "forked"
      ? { witness: name, ...place, state: says.state }
      : { witness: name, ...place, ...says };
  });
}

export function gossipLines(gossip: readonly Gossip[]): string[] {
  return table(gossip.map(({ server, says }) => [`  ${server.name}`, inWords(says)]));
}

function inWords(says: Gossiped): string {
  switch (says.state) {
    case "agrees":
      return `agrees at ${says.size} entries`;
    case "lags":
      return `lags at ${says.size} entries, consistent`;
    case "ahead":
      return `is ahead at ${says.size} entries, which the log has not published to us`;
    case "unproved":
      return `has a head of ${says.size} entries that the log does not show to be of this history: ${printable(says.why)}`;
    case "not compared":
      return `has a head of ${says.size} entries; the log could not be asked: ${printable(says.why)}`;
    case "never saw it":
      return "has never cosigned a head of this log";
    case "no address":
      return "was not asked: the policy has no URL of it";
    case "silent":
      return `did not answer: ${printable(says.why)}`;
    case "bad answer":
      return `answered with no head of the log that it cosigned: ${printable(says.why)}`;
    case "forked":
      return "shows another history";
  }
}
