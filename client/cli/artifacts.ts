/**
 * Digests of artifacts that are named on the command line.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { LogError } from "../../schema/error.ts";
import { pathOf } from "./files.ts";
import type { Io } from "./io.ts";
import { pair } from "./options.ts";

/** A type, not an interface: it is put into JSON as it is. */
export type NamedDigest = {
  readonly name: string;
  readonly digest: { readonly sha256: string };
};

/** SHA-256 of a file of any size, in hex. */
export async function fileDigest(io: Io, path: string): Promise<string> {
  const hash = createHash("sha256");
  try {
    await pipeline(createReadStream(pathOf(io, path)), hash);
  } catch (cause) {
    throw new LogError("FILE_UNREADABLE", `${path} cannot be read`, { field: path, cause });
  }
  return hash.digest("hex");
}

/** `sha256:<hex>` as hex; `undefined` for any other text. */
export function digestText(text: string): string | undefined {
  return /^sha256:([0-9a-f]{64})$/.exec(text)?.[1];
}

/** Each `NAME=FILE` or `NAME=sha256:<hex>` of an option, in the order given. */
export async function namedDigests(
  io: Io,
  option: string,
  texts: readonly string[],
): Promise<NamedDigest[]> {
  const digests: NamedDigest[] = [];
  for (const text of texts) {
    const [name, source] = pair(option, text);
    digests.push({
      name,
      digest: { sha256: digestText(source) ?? (await fileDigest(io, source)) },
    });
  }
  return digests;
}
