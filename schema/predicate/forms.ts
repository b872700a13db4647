/**
 * The forms that fields of our statements have, each with the words an error uses for it.
 * The JSON Schema files beside carry the same expressions; a test holds them together.
 *
 * @module
 */
import { type Fields, refuse } from "../fields.ts";

/** What a text must look like. */
interface Form {
  readonly pattern: RegExp;
  readonly max: number;
  readonly expected: string;
}

/** A git object id: SHA-1 or SHA-256. */
export const GIT_ID: Form = {
  pattern: /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/,
  max: 64,
  expected: "40 or 64 lower-case hexadecimal digits",
};
/** SHA-256 of a content, of an input. */
export const SHA256_HEX: Form = {
  pattern: /^[0-9a-f]{64}$/,
  max: 64,
  expected: "64 lower-case hexadecimal digits",
};
export const URI: Form = {
  pattern: /^[A-Za-z][A-Za-z0-9+.-]*:[!-~]+$/,
  max: 2048,
  expected: "an absolute URI of at most 2048 ASCII characters",
};
/** A full ref name, by the rules of git-check-ref-format. */
export const REF_NAME: Form = {
  pattern:
    // oxlint-disable-next-line no-control-regex -- control characters are what git forbids
    /^(?!.*(?:\.\.|\/\/|@\{|\/\.|\.lock(?:\/|$)|\.$|\/$))refs\/[^\x00-\x20\x7f~^:?*[\\]+$/,
  max: 1024,
  expected: "a full ref name such as refs/heads/main",
};
/** RFC 3339 in UTC, as in-toto's Timestamp. */
export const TIMESTAMP: Form = {
  pattern:
    /^[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|[12][0-9]))T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?Z$/,
  max: 30,
  expected: "a time in UTC such as 2026-01-31T12:00:00Z",
};
export const PURL: Form = {
  pattern: /^pkg:[A-Za-z][A-Za-z0-9+.-]*\/[!-~]+$/,
  max: 2048,
  expected: "a package URL such as pkg:npm/name@1.0.0",
};
/** The look of a verifier key; that its key id fits is checked where SHA-256 is at hand. */
export const VKEY: Form = {
  pattern: /^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+={0,2}$/,
  max: 4096,
  expected: "a verifier key: name+hash+key",
};
/** A short name: a system, an operator, an output. */
export const NAME: Form = {
  pattern: /^[^\p{Cc}]+$/u,
  max: 1024,
  expected: "1 to 1024 characters without control characters",
};

/** Inside `readFields`: text of a form. */
export function text(fields: Fields, name: string, form: Form): string {
  const value = fields.string(name);
  if (isLonger(value, form.max) || !form.pattern.test(value)) fields.refuse(name, form.expected);
  return value;
}

export function optionalText(fields: Fields, name: string, form: Form): string | undefined {
  return fields.optional(name, () => text(fields, name, form));
}

/** Free text: 65,536 characters at most. */
export function optionalComment(fields: Fields, name: string): string | undefined {
  return fields.optional(name, () => {
    const value = fields.string(name);
    if (isLonger(value, MAX_COMMENT))
      fields.refuse(name, `a text of at most ${MAX_COMMENT} characters`);
    return value;
  });
}

const MAX_COMMENT = 65_536;

/** Algorithm name to digest, all of one thing. */
export type DigestSet = Readonly<Record<string, string>>;

const HEX_DIGITS: Readonly<Record<string, readonly number[]>> = {
  md5: [32],
  sha1: [40],
  sha224: [56],
  sha256: [64],
  sha384: [96],
  sha512: [128],
  sha512_224: [56],
  sha512_256: [64],
  sha3_224: [56],
  sha3_256: [64],
  sha3_384: [96],
  sha3_512: [128],
  gitBlob: [40, 64],
  gitCommit: [40, 64],
  gitTag: [40, 64],
  gitTree: [40, 64],
};

/**
 * Inside `readFields`: an in-toto DigestSet with at least one digest. The digests of known
 * algorithms are lower-case hex of their length; those of others are any text.
 */
export function digestSet(fields: Fields, name: string): DigestSet {
  const set = fields.object(name);
  const algorithms = Object.keys(set.raw);
  if (algorithms.length === 0) fields.refuse(name, "at least one digest");
  const digests: [string, string][] = algorithms.map((algorithm) => {
    const digest = set.string(algorithm);
    const lengths = Object.hasOwn(HEX_DIGITS, algorithm) ? HEX_DIGITS[algorithm] : undefined;
    if (digest === "") set.refuse(algorithm, "a digest");
    if (lengths !== undefined && !(lengths.includes(digest.length) && /^[0-9a-f]*$/.test(digest)))
      set.refuse(algorithm, `${lengths.join(" or ")} lower-case hexadecimal digits`);
    return [algorithm, digest];
  });
  return Object.fromEntries(digests);
}

/** Something that was made: its name and its digests. */
export interface Artifact {
  readonly name: string;
  readonly digest: DigestSet;
}

/** Inside `readFields`: artifacts, each `{name, digest}`. */
export function artifacts(fields: Fields, name: string, min: number): Artifact[] {
  return fields
    .objects(name, { min })
    .map((item) => ({ name: text(item, "name", NAME), digest: digestSet(item, "digest") }));
}

/** Inside `readFields`: `{"uri": …}`, as in-toto names a repository. */
export function repository(fields: Fields, name: string): { readonly uri: string } {
  return { uri: text(fields.object(name), "uri", URI) };
}

/** Leave out what is undefined, so that a field is either there or not. */
export function present<T extends Record<string, unknown>>(members: T): Present<T> {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- exactly what the line above did
  return Object.fromEntries(entries) as Present<T>;
}

type Present<T> = {
  readonly [K in keyof T as undefined extends T[K] ? never : K]: T[K];
} & {
  readonly [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** Stops the reading: the statement contradicts itself. */
export function contradiction(field: string, message: string, expected: string): never {
  return refuse("STATEMENT_INVALID", message, { field, expected });
}

/** By characters as JSON Schema counts them: code points. */
function isLonger(value: string, max: number): boolean {
  return value.length > max && (value.length > 2 * max || Array.from(value).length > max);
}
