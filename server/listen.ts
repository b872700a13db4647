/**
 * Taking an address to listen on, or saying which setting asked for one that cannot be had.
 *
 * @module
 */
import type { Server } from "node:http";
import { LogError } from "../schema/error.ts";

export interface ListenAddress {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

/** `127.0.0.1:8080` or `[::1]:8080`, as the configuration has checked it. */
export function splitAddress(text: string): ListenAddress {
  const colon = text.lastIndexOf(":");
  return {
    host: text.slice(0, colon).replace(/^\[(.*)\]$/, "$1"),
    port: Number(text.slice(colon + 1)),
  };
}

/** The port that was taken. @throws LogError CONFIG_INVALID, naming `field` */
export async function bind(
  server: Server,
  { host, port }: ListenAddress,
  field: string,
): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    const refused = (cause: Error): void => {
      const message = `The address ${host}:${port} cannot be used: ${cause.message}`;
      reject(new LogError("CONFIG_INVALID", message, { field, cause }));
    };
    server.once("error", refused);
    server.listen(port, host, () => {
      server.off("error", refused);
      resolve();
    });
  });
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : port;
}
