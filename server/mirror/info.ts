/**
 * Whose mirror a folder is: `mirror.json`. It names no key: keys come from who runs the mirror.
 *
 * Spec: docs/formats.md §Mirror folder.
 *
 * @module
 */
import { fromUtf8, utf8 } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import { isJsonObject, parseJson } from "../../schema/json.ts";
import type { MirrorFiles } from "./folder.ts";

const NAME = "mirror.json";
const MEDIA_TYPE = "application/vnd.countersign.mirror+json";
const FORMAT = 1;
const MAX_INFO_BYTES = 65_536;

export interface MirrorInfo {
  readonly origin: string;
  /** Contents and key objects are kept; without them it is a mirror of tiles and entries alone. */
  readonly contents: boolean;
}

export function readInfo(files: MirrorFiles): MirrorInfo | undefined {
  const bytes = files.read(NAME, MAX_INFO_BYTES);
  if (bytes === undefined) return undefined;
  const parsed = parseJson(fromUtf8(bytes) ?? "");
  const value = parsed.ok ? parsed.value : undefined;
  if (value === undefined || !isJsonObject(value) || value["mediaType"] !== MEDIA_TYPE)
    throw notOurs(files.path, "it is no description of a mirror");
  const { format, origin, contents } = value;
  if (typeof format === "number" && format > FORMAT)
    throw new LogError("STORE_NEWER", `the mirror in ${files.path} has format ${format}`, {
      field: NAME,
      limit: FORMAT,
      hint: "use the newer version of the program",
    });
  if (typeof origin !== "string" || typeof contents !== "boolean")
    throw notOurs(files.path, "a field is missing");
  return { origin, contents };
}

export async function writeInfo(
  folder: { write(name: string, bytes: Uint8Array): Promise<void> },
  { origin, contents }: MirrorInfo,
): Promise<void> {
  const value = { mediaType: MEDIA_TYPE, format: FORMAT, origin, contents };
  await folder.write(NAME, utf8(`${JSON.stringify(value, null, 2)}\n`));
}

/** A folder is of one log for ever. */
export function mustBeMirrorOf(path: string, info: MirrorInfo, origin: string): void {
  if (info.origin === origin) return;
  throw new LogError("USAGE", `${path} is a mirror of ${info.origin}`, {
    field: "folder",
    expected: `a mirror of ${origin}, or an empty folder`,
  });
}

function notOurs(path: string, message: string): LogError {
  return new LogError("STORE_CORRUPT", `${path}/${NAME}: ${message}`, {
    field: NAME,
    hint: "give the mirror a folder of its own",
  });
}
