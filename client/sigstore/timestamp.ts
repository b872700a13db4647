/**
 * Whose timestamp it is, and whether it is anybody's but the log's.
 *
 * A log that also stamps times says one thing twice. So a timestamp counts as independent only
 * when the trusted root places its authority elsewhere than every log of the bundle: another
 * operator, and a host that does not share its last two labels with the log's. Where the root
 * does not say where an authority is, it counts as the log's.
 *
 * @module
 */
import type { SignedEntity, TrustMaterial } from "@sigstore/verify";
import { equal } from "../../schema/bytes.ts";
import { hostOf, type Root, type RootLog } from "./trusted-root.ts";
import type { BundleTimestamp } from "./verdict.ts";

type Stamp = SignedEntity["timestamps"][number];
type Authorities = TrustMaterial["timestampAuthorities"];

/** A timestamp that was verified; none for a log entry whose time nobody signs. */
export function timestampOf(
  root: Root,
  authorities: Authorities,
  logs: readonly RootLog[],
  stamp: Stamp,
): readonly BundleTimestamp[] {
  if (stamp.$case === "transparency-log") {
    const { inclusionPromise, integratedTime, logId } = stamp.tlogEntry;
    if (inclusionPromise === undefined) return [];
    const log = logs.find((known) => equal(known.logId, logId.keyId));
    const authority = log?.baseUrl ?? "the log";
    return [{ seconds: Number(integratedTime), authority, independent: false }];
  }
  const { signerSerialNumber, signerIssuer, signingTime } = stamp.timestamp;
  const named = root.specs.timestampAuthorities.filter((_, i) => {
    const leaf = authorities[i]?.certChain[0];
    return (
      leaf !== undefined &&
      equal(leaf.serialNumber, signerSerialNumber) &&
      equal(leaf.issuer, signerIssuer)
    );
  });
  const independent =
    named.length > 0 &&
    named.every(({ uri, operator }) => logs.every((log) => isElsewhere(log, uri, operator)));
  const [first] = named;
  const authority = first?.operator || hostOf(first?.uri ?? "") || "an authority without a name";
  return [{ seconds: Math.floor(signingTime.getTime() / 1000), authority, independent }];
}

function isElsewhere(log: RootLog, uri: string, operator: string): boolean {
  const host = hostOf(uri);
  if (host === "" || log.host === "") return false;
  if (operator !== "" && operator === log.operator) return false;
  return domainOf(host) !== domainOf(log.host);
}

/** The last two labels, without a port; an address as a whole. */
function domainOf(host: string): string {
  const name = host.replace(/:\d+$/, "");
  return /^[\d.]+$|^\[/.test(name) ? name : name.split(".").slice(-2).join(".");
}
