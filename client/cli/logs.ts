/**
 * From options to a log that can be asked: where it is, by which keys it is known, and what
 * this machine remembers of it. The keys come from the trust file or the command line, never
 * from the log.
 *
 * @module
 */
import { join } from "node:path";
import { LogError, unwrap } from "../../schema/error.ts";
import { nodeCrypto } from "../crypto/node.ts";
import type { Memory } from "../memory.ts";
import { fileMemory } from "../memory-file.ts";
import { MAX_TRUST_BYTES, parseTrust, pinnedLog, type Trust, type TrustedLog } from "../trust.ts";
import type { LogPorts } from "../update.ts";
import type { Arguments } from "./command.ts";
import { pathOf, readBytes, stateFolder } from "./files.ts";
import type { Io } from "./io.ts";

/** The trust file of `--trust`, or a trust in one log alone from `--vkey`. */
export async function readTrust(args: Arguments, io: Io): Promise<Trust> {
  const [file, vkeyText] = [args.value("trust"), args.value("vkey")];
  if (file !== undefined && vkeyText !== undefined)
    throw new LogError("USAGE", "--trust and --vkey are both given", {
      field: "--vkey",
      expected: "one of them",
    });
  if (file !== undefined)
    return unwrap(parseTrust(nodeCrypto.sha256, await readBytes(io, file, MAX_TRUST_BYTES)));
  if (vkeyText === undefined)
    throw new LogError("USAGE", "it is not said by which key the log is known", {
      field: "--trust",
      expected: "--trust FILE, or --vkey VKEY",
      hint: "ask the log's operator for the verifier key; `countersign init` prints it",
    });
  return { logs: [unwrap(pinnedLog(nodeCrypto.sha256, vkeyText))], people: [], rules: [] };
}

export function openMemory(args: Arguments, io: Io): Memory {
  const named = args.value("memory");
  return fileMemory(named === undefined ? join(stateFolder(io), "memory.json") : pathOf(io, named));
}

/** The one log that the options speak of. Throws USAGE where they leave it open. */
export async function openLog(args: Arguments, io: Io): Promise<LogPorts> {
  const trust = await readTrust(args, io);
  const { log, url } = chooseLog(trust, args.value("log"));
  const { httpTransport } = await import("../fetch.ts");
  const token = io.env["COUNTERSIGN_TOKEN"];
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return {
    crypto: nodeCrypto,
    transport: httpTransport(url, { headers }),
    log,
    memory: openMemory(args, io),
  };
}

/**
 * How each log of the trust file is read: at its own `url`, or at `--log` where there is but one.
 * Reading needs no token, so none is sent.
 */
export async function openEach(
  args: Arguments,
  io: Io,
  trust: Trust,
): Promise<(log: TrustedLog) => LogPorts> {
  const { httpTransport } = await import("../fetch.ts");
  const named = args.value("log");
  const only = named === undefined ? undefined : chooseLog(trust, named);
  const memory = openMemory(args, io);
  return (log) => {
    const { url } = only?.log === log ? only : chooseLog({ logs: [log] }, undefined);
    return { crypto: nodeCrypto, transport: httpTransport(url), log, memory };
  };
}

function chooseLog(
  trust: Pick<Trust, "logs">,
  url: string | undefined,
): { log: TrustedLog; url: string } {
  const same = (log: TrustedLog): boolean =>
    url === undefined || (log.url !== undefined && withSlash(log.url) === withSlash(url));
  const named = trust.logs.filter(same);
  const [log, second] = named.length > 0 ? named : trust.logs;
  if (log === undefined || second !== undefined)
    throw new LogError("USAGE", "the trust file names several logs", {
      field: "--log",
      expected: `the URL of one: ${trust.logs.map((one) => one.url ?? one.origin).join(", ")}`,
    });
  const place = url ?? log.url;
  if (place === undefined)
    throw new LogError("USAGE", `it is not said where ${log.origin} is`, {
      field: "--log",
      expected: "--log URL, or `url` in the trust file",
    });
  return { log, url: place };
}

function withSlash(url: string): string {
  return url.endsWith("/") ? url : `${url}/`;
}
