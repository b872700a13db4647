/**
 * One name for one thing: the canonical forms under which repositories, packages and digests are
 * keys of the map.
 *
 * Each function is total: what it does not understand it leaves as it is, so that every spelling
 * has one key, if not always the key that another spelling has. Whoever relies on a statement asks
 * for it under the key of its own names; a statement with an odd spelling is then found by nobody,
 * and used by nobody.
 *
 * Spec: docs/mapfn-v1.md, which has the tables. Vectors: test/vectors/index/canonical.json.
 *
 * @module
 */
import { fromHex } from "../bytes.ts";
import type { KeyField } from "./map-key.ts";

/** Ways to reach one and the same repository, and the ports that need not be said. */
const TRANSPORTS: Readonly<Record<string, string>> = {
  https: "443",
  http: "80",
  ssh: "22",
  git: "9418",
};

/** `user@host:path` or `host.name:path`, as git writes an SSH address; a scheme has no dot here. */
const SCP_FORM =
  /^(?:[^@/:\s]+@(?=[^/:]+:)|(?=[^/:]*\.[^/:]*:))([A-Za-z0-9][A-Za-z0-9.-]*):(?!\/\/)(.*)$/s;
const URI_FORM =
  /^(?:git\+)?([A-Za-z][A-Za-z0-9+.-]*):\/\/(?:[^@/]*@)?(\[[0-9A-Fa-f:.]+\]|[^/:?#@]+)(?::(\d*))?(\/[^?#]*)?(?:[?#].*)?$/s;

/**
 * A repository: `https://host[:port]/path` for every transport of git, without user, default port,
 * query, fragment, trailing slashes and one trailing `.git`. In a `git+…` address what follows an
 * `@` in the path is a revision, and is left out. Anything else as it is.
 */
export function canonicalRepository(text: string): string {
  const scp = text.includes("://") ? null : SCP_FORM.exec(text);
  if (scp !== null)
    return `https://${(scp[1] ?? "").toLowerCase()}${repositoryPath(`/${scp[2] ?? ""}`)}`;
  const [, scheme = "", host = "", port = "", path = ""] = URI_FORM.exec(text) ?? [];
  const transport = scheme.toLowerCase();
  if (!Object.hasOwn(TRANSPORTS, transport)) return text;
  const revision = text.startsWith("git+") ? path.indexOf("@") : -1;
  const shortened = revision < 0 ? path : path.slice(0, revision);
  const shown = port === "" || port === TRANSPORTS[transport] ? "" : `:${Number(port)}`;
  return `https://${host.toLowerCase()}${shown}${repositoryPath(shortened)}`;
}

function repositoryPath(path: string): string {
  const joined = unreserved(path)
    .replace(/\/{2,}/g, "/")
    .replace(/\/+$/, "");
  return joined.replace(/\.git$/, "");
}

/** Percent-encodings of characters that need none are taken away; others get upper-case digits. */
function unreserved(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (whole, digits: string) => {
    const character = String.fromCharCode(Number.parseInt(digits, 16));
    return /[A-Za-z0-9._~-]/.test(character) ? character : whole.toUpperCase();
  });
}

/** Package types whose names are the same in upper and lower case. */
const CASELESS_NAMES = new Set([
  "alpm",
  "apk",
  "bitbucket",
  "composer",
  "deb",
  "github",
  "gitlab",
  "golang",
  "hex",
  "luarocks",
  "npm",
  "oci",
  "pub",
  "pypi",
]);
const CASELESS_NAMESPACES = new Set([
  "alpm",
  "apk",
  "bitbucket",
  "composer",
  "deb",
  "github",
  "gitlab",
  "golang",
  "hex",
  "rpm",
  "qpkg",
]);

const PURL_FORM = /^pkg:\/*([a-z][a-z0-9+.-]*)\/([^?#]+)(?:\?([^#]*))?(?:#(.*))?$/is;

/**
 * A package URL in its normal form: lower-case type, names in lower case where the type says so,
 * qualifiers sorted and without empty ones, no empty segments. Anything else as it is.
 */
export function canonicalPurl(text: string): string {
  const [, typeText, rest = "", qualifiers = "", subpath = ""] = PURL_FORM.exec(text) ?? [];
  if (typeText === undefined) return text;
  const type = typeText.toLowerCase();
  const at = rest.lastIndexOf("@");
  const [whole, version] = at > 0 ? [rest.slice(0, at), rest.slice(at + 1)] : [rest, ""];
  const segments = whole.split("/").filter((segment) => segment !== "");
  const name = purlName(type, segments.pop() ?? "");
  const namespace = segments.map((segment) =>
    unreserved(CASELESS_NAMESPACES.has(type) ? segment.toLowerCase() : segment),
  );
  const query = purlQualifiers(qualifiers);
  const path = subpath.split("/").filter((part) => part !== "" && part !== "." && part !== "..");
  return (
    `pkg:${[type, ...namespace, name].join("/")}` +
    (version === "" ? "" : `@${unreserved(version)}`) +
    (query === "" ? "" : `?${query}`) +
    (path.length === 0 ? "" : `#${path.map(unreserved).join("/")}`)
  );
}

function purlName(type: string, name: string): string {
  const cased = unreserved(CASELESS_NAMES.has(type) ? name.toLowerCase() : name);
  return type === "pypi" ? cased.replaceAll("_", "-") : cased;
}

function purlQualifiers(text: string): string {
  const pairs = text.split("&").flatMap((pair): [string, string][] => {
    const at = pair.indexOf("=");
    const value = at < 0 ? "" : pair.slice(at + 1);
    return value === "" ? [] : [[pair.slice(0, at).toLowerCase(), unreserved(value)]];
  });
  return pairs
    .toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
}

/** Digests that are written as hex; each is a key by its bytes. Any other is a key by its text. */
const HEX_DIGESTS = new Set([
  "md5",
  "sha1",
  "sha224",
  "sha256",
  "sha384",
  "sha512",
  "sha512_224",
  "sha512_256",
  "sha3_224",
  "sha3_256",
  "sha3_384",
  "sha3_512",
  "gitBlob",
  "gitCommit",
  "gitTag",
  "gitTree",
  "gitObject",
]);

/** A digest as a field of a key, and as a value of a claim. */
export function canonicalDigest(algorithm: string, text: string): KeyField {
  return (HEX_DIGESTS.has(algorithm) ? fromHex(text) : undefined) ?? text;
}

/** A path in the store of Nix or Guix: 32 characters of hash and a name. */
const STORE_PATH = /^\/(?:nix|gnu)\/store\/[0-9a-z]{32}-[A-Za-z0-9+._?=-]{1,211}$/;

export function isStorePath(text: string): boolean {
  return STORE_PATH.test(text) && !text.endsWith(".drv");
}

export function isDerivation(text: string): boolean {
  return STORE_PATH.test(text) && text.endsWith(".drv");
}
