/**
 * Who is asking, behind proxies. Only what a trusted proxy wrote is believed: the header is
 * read from its right end, and the first address that is not a trusted proxy is the client.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";
import { LogError } from "../../schema/error.ts";

export type ClientAddress = (req: IncomingMessage) => string;

/** `trusted`: addresses or CIDR ranges. @throws LogError CONFIG_INVALID */
export function clientAddress(trusted: readonly string[]): ClientAddress {
  if (trusted.length === 0) return peerAddress;
  const proxies = new BlockList();
  for (const entry of trusted) addRange(proxies, entry);
  const isProxy = (address: string): boolean =>
    isIP(address) !== 0 && proxies.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
  return (req) => {
    let address = peerAddress(req);
    const header = req.headers["x-forwarded-for"];
    const claimed = (typeof header === "string" ? header : "").split(",");
    while (isProxy(address)) {
      const next = plain(claimed.pop()?.trim() ?? "");
      if (isIP(next) === 0) break;
      address = next;
    }
    return address;
  };
}

function addRange(list: BlockList, entry: string): void {
  const [address = "", prefix, ...rest] = entry.split("/");
  const version = isIP(address);
  const bits = version === 6 ? 128 : 32;
  const length = prefix === undefined ? bits : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
  if (version === 0 || rest.length > 0 || length < 0 || length > bits)
    throw new LogError("CONFIG_INVALID", `"${entry}" is no address and no CIDR range.`, {
      field: "http.trusted_proxies",
      expected: "like 10.0.0.1 or 10.0.0.0/8",
    });
  list.addSubnet(address, length, version === 6 ? "ipv6" : "ipv4");
}

function peerAddress(req: IncomingMessage): string {
  return plain(req.socket.remoteAddress ?? "");
}

/** An IPv4 address that came in over an IPv6 socket is the IPv4 address. */
function plain(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}
