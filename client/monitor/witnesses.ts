/**
 * Each witness of a log, and each verifier of its index, by itself: is it still there, and does it
 * see the log that we see?
 *
 * A quorum can do without some of its members, so that nobody would notice how many are gone until
 * one too many is. Somebody is there who stands beside the newest head with a time that is not too
 * old, or who shows a head of the log that he cosigned. Who was not there for longer than the bound
 * is lost. One who answers with what the log did not sign, or he not cosign, is told of at once, and
 * accused of nothing. Two heads that contradict each other convict the log, whoever shows them.
 *
 * Spec: docs/formats.md §Monitor.
 *
 * @module
 */
import { equal } from "../../schema/bytes.ts";
import type { Vkey } from "../../schema/tlog/note.ts";
import type { Source } from "../fetch.ts";
import {
  askWitnesses,
  compareWitnesses,
  type Gossiped,
  type WitnessServer,
  witnessServers,
} from "../gossip.ts";
import { CLOCK_TOLERANCE_SECONDS } from "../quorum.ts";
import { timeText } from "../time-text.ts";
import type { HeadPorts } from "../update.ts";
import { type Findings, FORK } from "./findings.ts";
import type { Seen } from "./heads.ts";

export interface WitnessPorts extends HeadPorts {
  /** How a witness's server is reached; absent where none is to be asked. */
  readonly openWitness?: (url: string) => Source;
}

interface Bounds {
  readonly now: number;
  readonly boundSeconds: number;
  readonly role: "witness" | "index verifier";
}

/** Where a witness stands in the state. */
type LastThere = ReadonlyMap<string, number>;

/** When each of them was last there, for the state. */
export async function seeWitnesses(
  ports: WitnessPorts,
  findings: Findings,
  { shown, newest }: Seen,
  before: LastThere,
  bounds: Bounds,
): Promise<LastThere> {
  const servers = witnessServers(ports.log);
  const { crypto, log, openWitness: open } = ports;
  const gossip =
    open === undefined
      ? []
      : await compareWitnesses(
          ports,
          shown,
          await askWitnesses({ crypto, log, open }, servers.filter(hasUrl)),
        );
  const says = new Map(servers.filter(hasUrl).map((server, i) => [server, gossip[i]]));
  const after = new Map<string, number>();
  findings.settled.push(`${bounds.role} `);
  for (const server of servers) {
    const one = says.get(server);
    const stamps = (newest?.cosigned ?? [])
      .filter(({ key }) => server.keys.some((own) => sameKey(own, key)))
      .flatMap(({ times }) => times)
      .filter((time) => time <= bounds.now + CLOCK_TOLERANCE_SECONDS)
      .map((time) => Math.min(time, bounds.now));
    const name = `${bounds.role} ${server.name} ${server.url ?? ""}`.trimEnd();
    // Who lags may have stopped long ago; whoever has not will not lag for as long as the bound.
    const shows = one?.state === "agrees" || one?.state === "ahead";
    // Nobody signs the head of an index again while nothing comes.
    const isThere = shows || (bounds.role === "index verifier" && stamps.length > 0);
    const last = Math.max(
      before.get(name) ?? bounds.now,
      ...stamps,
      ...(isThere ? [bounds.now] : []),
    );
    after.set(name, last);
    await judge(findings, name, one, last, bounds);
  }
  return after;
}

function sameKey(a: Vkey, b: Vkey): boolean {
  return a.name === b.name && a.type === b.type && equal(a.publicKey, b.publicKey);
}

function hasUrl({ url }: WitnessServer): boolean {
  return url !== undefined;
}

async function judge(
  findings: Findings,
  name: string,
  says: Gossiped | undefined,
  last: number,
  { now, boundSeconds }: Bounds,
): Promise<void> {
  const tell = (message: string, about: string): void =>
    findings.hold(name, { kind: "witness-lost", subject: name, message, about: [about] });
  findings.checked.add(name);
  if (says?.state === "forked") {
    const seen = { shown: name };
    await findings.convict(says.evidence, { ...FORK, subject: "log", seen });
    return;
  }
  if (says?.state === "bad answer" || says?.state === "unproved")
    tell(`shows a head that is not known to be of this history: ${says.why}`, "bad answer");
  if (now - last > boundSeconds)
    tell(`is beside no head since ${timeText(last)}; the bound is ${boundSeconds} seconds`, "lost");
}
