import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { clientAddress } from "../../../server/http/address.ts";
import { refusalOf } from "../refusal.ts";

function request(peer: string, forwarded?: string): IncomingMessage {
  const socket = new Socket();
  Object.defineProperty(socket, "remoteAddress", { value: peer });
  const req = new IncomingMessage(socket);
  if (forwarded !== undefined) req.headers["x-forwarded-for"] = forwarded;
  return req;
}

describe("the address of a client behind proxies", () => {
  test("without trusted proxies the header is a stranger's and is not read", () => {
    expect(clientAddress([])(request("192.0.2.1", "198.51.100.7"))).toBe("192.0.2.1");
  });

  test("the header of a peer that is not trusted is not read either", () => {
    const address = clientAddress(["10.0.0.0/8"]);
    expect(address(request("192.0.2.1", "198.51.100.7"))).toBe("192.0.2.1");
  });

  test("behind trusted proxies it is the first address from the right that is none of them", () => {
    const address = clientAddress(["10.0.0.0/8", "::1"]);
    expect(address(request("10.1.2.3", "203.0.113.9"))).toBe("203.0.113.9");
    expect(address(request("::1", "1.1.1.1, 203.0.113.9, 10.9.9.9"))).toBe("203.0.113.9");
  });

  test("what a client wrote in front of it is not believed", () => {
    const address = clientAddress(["10.0.0.0/8"]);
    expect(address(request("10.1.2.3", "127.0.0.1, 203.0.113.9"))).toBe("203.0.113.9");
    expect(address(request("10.1.2.3", "not an address"))).toBe("10.1.2.3");
    expect(address(request("10.1.2.3"))).toBe("10.1.2.3");
  });

  test("an IPv4 address over an IPv6 socket is the IPv4 address", () => {
    const address = clientAddress(["10.0.0.1"]);
    expect(address(request("::ffff:10.0.0.1", "203.0.113.9"))).toBe("203.0.113.9");
  });

  test.each(["10.0.0.0/33", "10.0.0/8", "::/129", "proxy.example", "10.0.0.1/8/8", "10.0.0.1/"])(
    "%s is refused by name",
    (entry) => {
      const refusal = refusalOf(() => clientAddress([entry]));
      expect(refusal.detail.field).toBe("http.trusted_proxies");
      expect(refusal.message).toContain(entry);
    },
  );
});
