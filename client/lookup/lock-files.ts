/**
 * What a lock file pins, as keys: each package by the digest of its bytes, and by its name.
 *
 *     package-lock.json (2, 3)   integrity of each package         subject sha512 or sha256; purl
 *     Cargo.lock                 checksum of each package          subject and artifact sha256; purl
 *     flake.lock (7)             rev and narHash of each input     commit; subject nar
 *
 * A digest says which bytes; a name says what a publisher calls them. A package without either (a
 * folder of one's own, a link) is listed as pinned by nothing.
 *
 * Pure; a lock file is a stranger's. One that is not understood is refused whole.
 *
 * @module
 */
import { parse, type TomlTable, type TomlValue } from "smol-toml";
import { fromBase64, fromHex, fromUtf8 } from "../../schema/bytes.ts";
import { failure, type Result, success } from "../../schema/error.ts";
import { canonicalPurl } from "../../schema/index/canonical.ts";
import type { LookupKey } from "../../schema/index/lookup.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from "../../schema/json.ts";
import { artifactKeys, commitKeys, subjectKey } from "./keys.ts";

/** Bytes of a lock file. */
export const MAX_LOCK_BYTES = 33_554_432;
/** Packages of one file. */
const MAX_PACKAGES = 50_000;
/** Digests that a subject resource integrity (W3C SRI) may have, strongest first. */
const SRI = ["sha512", "sha384", "sha256", "sha1"] as const;

export interface Pinned {
  readonly name: string;
  /** Empty where the file has none. */
  readonly version: string;
  /** Keys of its bytes; none where nothing pins them. */
  readonly byDigest: readonly LookupKey[];
  readonly byName: readonly LookupKey[];
}

/** Read a lock file by what is in it. Fails with `FIELD_INVALID` for anything else. */
export function readLockFile(strangersBytes: Uint8Array): Result<readonly Pinned[]> {
  if (strangersBytes.length > MAX_LOCK_BYTES)
    return failure("TOO_LARGE", `A lock file has at most ${MAX_LOCK_BYTES} bytes.`, {
      limit: MAX_LOCK_BYTES,
    });
  const text = fromUtf8(strangersBytes);
  if (text === undefined) return failure("FIELD_INVALID", "The lock file is not UTF-8.");
  const pinned = text.trimStart().startsWith("{") ? readJson(text) : readCargo(text);
  if (pinned === undefined)
    return failure("FIELD_INVALID", "This is no lock file that is understood.", {
      field: "lock file",
      expected: "package-lock.json (lockfileVersion 2 or 3), Cargo.lock, flake.lock (version 7)",
    });
  if (pinned.length > MAX_PACKAGES)
    return failure("TOO_LARGE", `The lock file pins more than ${MAX_PACKAGES} packages.`, {
      limit: MAX_PACKAGES,
    });
  return success(pinned);
}

function readJson(text: string): Pinned[] | undefined {
  const json = parseJson(text);
  const file = json.ok ? json.value : undefined;
  if (!isJsonObject(file)) return undefined;
  const [packages, nodes] = [file["packages"], file["nodes"]];
  if ([2, 3].includes(Number(file["lockfileVersion"])) && isJsonObject(packages))
    return readNpm(packages);
  return file["version"] === 7 && isJsonObject(nodes) ? readFlake(nodes) : undefined;
}

function readNpm(packages: JsonObject): Pinned[] {
  return Object.entries(packages).flatMap(([place, one]) => {
    // The root package is what is locked, and a link stands for a folder beside it.
    if (place === "" || !isJsonObject(one) || one["link"] === true) return [];
    const name = textOf(one["name"]) ?? place.split("node_modules/").at(-1) ?? place;
    const version = textOf(one["version"]) ?? "";
    const purl = `pkg:npm/${name.replace(/^@/, "%40")}@${version}`;
    const integrity = integrityKey(textOf(one["integrity"]) ?? "");
    return [
      {
        name,
        version,
        byDigest: integrity === undefined ? [] : [integrity],
        byName: version === "" ? [] : [purlKey(purl)],
      },
    ];
  });
}

/** The strongest digest of a W3C subresource integrity. */
function integrityKey(text: string): LookupKey | undefined {
  const digests = text.split(/\s+/).map((one) => /^([a-z0-9]+)-([A-Za-z0-9+/=]+)$/.exec(one));
  for (const algorithm of SRI) {
    const found = digests.find((one) => one?.[1] === algorithm);
    const bytes = fromBase64(found?.[2] ?? "");
    if (found !== undefined && bytes !== undefined) return subjectKey(algorithm, bytes);
  }
  return undefined;
}

function readCargo(text: string): Pinned[] | undefined {
  const file = cargoTable(text);
  const packages = file?.["package"];
  if (!Array.isArray(packages)) return undefined;
  return packages.filter(isTable).map((one) => {
    const name = textOf(one["name"]) ?? "";
    const version = textOf(one["version"]) ?? "";
    const checksum = fromHex(textOf(one["checksum"]) ?? "");
    return {
      name,
      version,
      byDigest: checksum?.length === 32 ? artifactKeys(checksum) : [],
      byName: one["source"] === undefined ? [] : [purlKey(`pkg:cargo/${name}@${version}`)],
    };
  });
}

function cargoTable(text: string): TomlTable | undefined {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}

function isTable(value: TomlValue): value is TomlTable {
  return typeof value === "object" && !Array.isArray(value) && !(value instanceof Date);
}

function readFlake(nodes: JsonObject): Pinned[] {
  return Object.entries(nodes).flatMap(([name, node]) => {
    const locked = isJsonObject(node) ? node["locked"] : undefined;
    if (!isJsonObject(locked)) return [];
    const rev = textOf(locked["rev"]) ?? "";
    const narHash = textOf(locked["narHash"]);
    const id = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(rev) ? fromHex(rev) : undefined;
    return [
      {
        name,
        version: rev,
        byDigest: narHash === undefined ? [] : [subjectKey("nar", narHash)],
        byName: id === undefined ? [] : commitKeys(id),
      },
    ];
  });
}

function purlKey(purl: string): LookupKey {
  return { type: "purl", fields: [canonicalPurl(purl)] };
}

function textOf(value: JsonValue | TomlValue | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}
