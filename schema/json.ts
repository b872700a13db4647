/**
 * JSON as two strangers read it alike: I-JSON in, RFC 8785 out.
 *
 * A scanner walks the text once and decides; only then does the platform's parser build the
 * value. The scanner is the grammar of RFC 8259 with the prohibitions of RFC 7493: no
 * duplicate member name at any depth (compared after unescaping), no lone surrogate, no
 * noncharacter, no number that a double cannot hold exactly enough (not finite, or an integer
 * beyond 2^53−1). Nesting is limited, so that no reader downstream can be made to overflow.
 * Work and memory are linear in the text, whatever a stranger wrote into it.
 *
 * Spec: RFC 8259, RFC 7493 §2, RFC 8785. Vectors: those of RFC 8785 in the test.
 *
 * @module
 */
import canonicalize from "canonicalize";
import { fromUtf8, utf8 } from "./bytes.ts";
import { type Failure, failure, type Result, success } from "./error.ts";
import { MAX_JSON_DEPTH } from "./limits.ts";

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

export interface JsonObject {
  readonly [name: string]: JsonValue;
}

export interface JsonOptions {
  /** Containers inside one another; default {@link MAX_JSON_DEPTH}. */
  readonly maxDepth?: number;
}

/**
 * Read strict I-JSON. Fails with `JSON_MALFORMED`; `detail.at` is the byte offset in UTF-8.
 * A byte-order mark is refused.
 */
export function parseJson(
  attackerText: Uint8Array | string,
  options: JsonOptions = {},
): Result<JsonValue> {
  const text = typeof attackerText === "string" ? attackerText : fromUtf8(attackerText);
  if (text === undefined) return failure("JSON_MALFORMED", "JSON must be UTF-8.");
  const scanner = new Scanner(text, options.maxDepth ?? MAX_JSON_DEPTH);
  if (!scanner.document()) return scanner.problem();
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the grammar above let through
  return success(JSON.parse(text) as JsonValue);
}

/** RFC 8785 bytes of a value. Throws on what JSON cannot hold (NaN, a lone surrogate). */
export function canonicalJson(value: JsonValue): Uint8Array<ArrayBuffer> {
  return utf8(canonicalize(value) ?? "");
}

/** Whether a JSON value is an object, not an array and not null. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const WORDS = ["true", "false", "null"];
/** A number of at most this many characters and no exponent is below 2^53. */
const SAFE_DIGITS = 15;

/** Every method returns whether the text is well formed so far; the first fault is kept. */
class Scanner {
  private readonly text: string;
  private readonly maxDepth: number;
  private at = 0;
  private message = "";

  constructor(text: string, maxDepth: number) {
    this.text = text;
    this.maxDepth = maxDepth;
  }

  document(): boolean {
    if (!this.value(0)) return false;
    this.space();
    return this.at === this.text.length || this.fail("There is text after the JSON value.");
  }

  problem(): Failure {
    const offset = utf8(this.text.slice(0, this.at)).length;
    return failure("JSON_MALFORMED", `${this.message} At byte ${offset}.`, { at: `${offset}` });
  }

  private fail(message: string): false {
    this.message = message;
    return false;
  }

  private unexpected(expected: string): false {
    const found = this.at < this.text.length ? "something else" : "the end";
    return this.fail(`Expected ${expected}, found ${found}.`);
  }

  private space(): void {
    for (;;) {
      const c = this.text.charCodeAt(this.at);
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return;
      this.at++;
    }
  }

  private value(depth: number): boolean {
    this.space();
    const c = this.text.charCodeAt(this.at);
    if (c === QUOTE) return this.string();
    if (c === OPEN_OBJECT) return this.nested(depth) && this.object(depth + 1);
    if (c === OPEN_ARRAY) return this.nested(depth) && this.array(depth + 1);
    if (c === MINUS || (c >= ZERO && c <= NINE)) return this.number();
    for (const word of WORDS) {
      if (!this.text.startsWith(word, this.at)) continue;
      this.at += word.length;
      return true;
    }
    return this.unexpected("a JSON value");
  }

  private nested(depth: number): boolean {
    return depth < this.maxDepth || this.fail(`JSON is nested deeper than ${this.maxDepth}.`);
  }

  private object(depth: number): boolean {
    this.at++;
    this.space();
    if (this.skip(CLOSE_OBJECT)) return true;
    const names = new Names();
    for (;;) {
      this.space();
      const start = this.at;
      if (this.text.charCodeAt(start) !== QUOTE) return this.unexpected("a member name");
      if (!this.string()) return false;
      const name = unescape(this.text.slice(start, this.at));
      if (!names.add(name))
        return this.faultAt(start, "A member name appears twice in one object.");
      this.space();
      if (!this.skip(COLON)) return this.unexpected('":"');
      if (!this.value(depth)) return false;
      this.space();
      if (this.skip(CLOSE_OBJECT)) return true;
      if (!this.skip(COMMA)) return this.unexpected('"," or "}"');
    }
  }

  private array(depth: number): boolean {
    this.at++;
    this.space();
    if (this.skip(CLOSE_ARRAY)) return true;
    for (;;) {
      if (!this.value(depth)) return false;
      this.space();
      if (this.skip(CLOSE_ARRAY)) return true;
      if (!this.skip(COMMA)) return this.unexpected('"," or "]"');
    }
  }

  private skip(character: number): boolean {
    if (this.text.charCodeAt(this.at) !== character) return false;
    this.at++;
    return true;
  }

  private string(): boolean {
    const text = this.text;
    let at = this.at + 1;
    /** A high surrogate that waits for its other half, else 0. */
    let high = 0;
    for (;;) {
      if (high === 0) at = plainEnd(text, at);
      const start = at;
      let c = text.charCodeAt(at++);
      if (c === BACKSLASH) {
        const escaped = escapeAt(text, at);
        if (escaped === undefined) return this.faultAt(start, "This escape does not exist.");
        at = escaped.end;
        c = escaped.code;
      } else if (c === QUOTE && high === 0) {
        this.at = at;
        return true;
      } else if (!(c >= 0x20)) {
        const end = Number.isNaN(c);
        return this.faultAt(start, end ? "A string does not end." : "A control character in text.");
      }
      if (c < 0xd800 && high === 0) continue;
      const low = c >= 0xdc00 && c <= 0xdfff;
      if (low !== (high !== 0)) return this.faultAt(start, "A lone surrogate.");
      if (isNoncharacter(high, c)) return this.faultAt(start, "A Unicode noncharacter.");
      high = c >= 0xd800 && c <= 0xdbff ? c : 0;
    }
  }

  private faultAt(at: number, message: string): false {
    this.at = at;
    return this.fail(message);
  }

  private number(): boolean {
    const start = this.at;
    this.skip(MINUS);
    if (!this.skip(ZERO) && !this.digits()) return this.unexpected("a digit");
    let plain = true;
    if (this.skip(DOT)) {
      plain = false;
      if (!this.digits()) return this.unexpected("a digit");
    }
    if (this.skip(0x65) || this.skip(0x45)) {
      plain = false;
      if (!this.skip(0x2b)) this.skip(MINUS);
      if (!this.digits()) return this.unexpected("a digit");
    }
    if (plain && this.at - start <= SAFE_DIGITS) return true;
    const value = Number(this.text.slice(start, this.at));
    if (!Number.isFinite(value)) return this.faultAt(start, "A number beyond a double.");
    if (Number.isInteger(value) && !Number.isSafeInteger(value))
      return this.faultAt(start, "An integer beyond 2^53-1.");
    return true;
  }

  private digits(): boolean {
    const start = this.at;
    for (;;) {
      const c = this.text.charCodeAt(this.at);
      if (!(c >= ZERO && c <= NINE)) return this.at > start;
      this.at++;
    }
  }
}

/** How many names are compared one by one before a set is made. */
const FEW_NAMES = 8;

/** The member names of one object. Most objects have few, and many objects are small. */
class Names {
  private readonly few: string[] = [];
  private many: Set<string> | undefined;

  /** Whether the name is new. */
  add(name: string): boolean {
    if (this.many === undefined) {
      if (this.few.includes(name)) return false;
      this.few.push(name);
      if (this.few.length > FEW_NAMES) this.many = new Set(this.few);
      return true;
    }
    const { size } = this.many;
    return this.many.add(name).size > size;
  }
}

/** The end of the run of characters of a string that need no second look. */
function plainEnd(text: string, start: number): number {
  const { length } = text;
  let at = start;
  while (at < length) {
    const c = text.charCodeAt(at);
    if (c < 0x20 || c === QUOTE || c === BACKSLASH || c >= 0xd800) break;
    at++;
  }
  return at;
}

/** The UTF-16 unit that an escape stands for; `at` is just behind the backslash. */
function escapeAt(text: string, at: number): { code: number; end: number } | undefined {
  const letter = text[at];
  if (letter === "u") {
    const hex = text.slice(at + 1, at + 5);
    return /^[0-9a-fA-F]{4}$/.test(hex)
      ? { code: Number.parseInt(hex, 16), end: at + 5 }
      : undefined;
  }
  // Which plain character it stands for does not matter here: none of them is a surrogate.
  return letter !== undefined && '"\\/bfnrt'.includes(letter)
    ? { code: ZERO, end: at + 1 }
    : undefined;
}

/** U+FDD0 to U+FDEF, and the last two code points of every plane. `high` is 0 or a surrogate. */
function isNoncharacter(high: number, c: number): boolean {
  if (high !== 0) return (high & 0x3f) === 0x3f && (c & 0x3ff) >= 0x3fe;
  return (c >= 0xfdd0 && c <= 0xfdef) || c >= 0xfffe;
}

/** A member name without its quotes. The scanner has accepted the literal. */
function unescape(literal: string): string {
  if (!literal.includes("\\")) return literal.slice(1, -1);
  return String(JSON.parse(literal));
}
