/**
 * Reading a stranger's JSON object field by field. The first field that is missing or not of
 * its form ends the reading, and the failure names it by its path: `envelope.signatures[2].sig`.
 *
 *     readFields(value, "envelope", (f) => ({
 *       payloadType: f.string("payloadType"),
 *       signatures: f.objects("signatures", { max: 64 }).map((s) => s.bytes("sig")),
 *     }))
 *
 * @module
 */
import { fromBase64, fromHex } from "./bytes.ts";
import {
  type ErrorCode,
  type ErrorDetail,
  type Failure,
  failure,
  type Result,
  success,
} from "./error.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "./json.ts";

export interface LengthLimits {
  readonly min?: number;
  readonly max?: number;
}

/**
 * Read an object. `path` is its own name, "" for the document. Inside `read` a bad field
 * leaves by an exception that never passes this function.
 */
export function readFields<T>(
  value: JsonValue | undefined,
  path: string,
  read: (fields: Fields) => T,
): Result<T> {
  try {
    return success(read(asFields(value, path)));
  } catch (error) {
    if (error instanceof Refusal) return error.failure;
    throw error;
  }
}

/** The value of a result, or its failure as the failure of the whole reading. */
export function required<T>(result: Result<T>): T {
  if (!result.ok) throw new Refusal(result);
  return result.value;
}

/** Stops the reading with a failure of the caller's choice. */
export function refuse(code: ErrorCode, message: string, detail: ErrorDetail = {}): never {
  throw new Refusal(failure(code, message, detail));
}

class Refusal extends Error {
  readonly failure: Failure;
  constructor(reason: Failure) {
    super(reason.message);
    this.failure = reason;
  }
}

function asFields(value: JsonValue | undefined, path: string): Fields {
  if (isJsonObject(value)) return new Fields(value, path);
  return refuseField(path === "" ? "the document" : path, "an object", value);
}

function refuseField(field: string, expected: string, value: JsonValue | undefined): never {
  const problem = value === undefined ? "is missing" : "is not of its form";
  return refuse("FIELD_INVALID", `${field} ${problem}: expected ${expected}.`, { field, expected });
}

/** One object of a stranger's JSON. Made by {@link readFields}. */
export class Fields {
  readonly raw: JsonObject;
  readonly path: string;

  constructor(raw: JsonObject, path: string) {
    this.raw = raw;
    this.path = path;
  }

  /** The path of a field, as failures name it. */
  name(name: string): string {
    return this.path === "" ? name : `${this.path}.${name}`;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.raw, name);
  }

  /** The value as it is; `undefined` when the field is absent. */
  value(name: string): JsonValue | undefined {
    return this.has(name) ? this.raw[name] : undefined;
  }

  /** What `read` makes of the field, or `undefined` when it is absent. `null` is not absence. */
  optional<T>(name: string, read: (name: string) => T): T | undefined {
    return this.has(name) ? read(name) : undefined;
  }

  /** Refuse every field that is not among these. */
  only(...names: readonly string[]): void {
    for (const name of Object.keys(this.raw))
      if (!names.includes(name)) {
        const field = this.name(name);
        refuse("FIELD_INVALID", `${field} is not a known field.`, {
          field,
          expected: names.join(", "),
        });
      }
  }

  /** Text; its length is counted in UTF-16 units. */
  string(name: string, limits: LengthLimits = {}): string {
    const value = this.value(name);
    if (typeof value !== "string") return this.refuse(name, "a string");
    this.length(name, value.length, limits, "characters");
    return value;
  }

  /** Text that is one of a closed set. */
  oneOf<const T extends string>(name: string, allowed: readonly T[]): T {
    const value = this.value(name);
    const found = allowed.find((candidate) => candidate === value);
    return found ?? this.refuse(name, allowed.map((text) => JSON.stringify(text)).join(" or "));
  }

  boolean(name: string): boolean {
    const value = this.value(name);
    return typeof value === "boolean" ? value : this.refuse(name, "true or false");
  }

  /** A whole number, 0 to 2^53−1 where no other bounds are given. */
  integer(name: string, limits: LengthLimits = {}): number {
    const value = this.value(name);
    const min = limits.min ?? 0;
    const max = limits.max ?? Number.MAX_SAFE_INTEGER;
    if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max)
      return this.refuse(name, `a whole number from ${min} to ${max}`);
    return value;
  }

  /** Canonical standard base64; lengths are in bytes. */
  bytes(name: string, limits: LengthLimits = {}): Uint8Array<ArrayBuffer> {
    const value = this.value(name);
    const bytes = typeof value === "string" ? fromBase64(value) : undefined;
    if (bytes === undefined) return this.refuse(name, "canonical standard base64");
    this.length(name, bytes.length, limits, "bytes");
    return bytes;
  }

  /** Lower-case hexadecimal of exactly `length` bytes. */
  hex(name: string, length: number): Uint8Array<ArrayBuffer> {
    const value = this.value(name);
    const bytes = typeof value === "string" ? fromHex(value) : undefined;
    return bytes?.length === length
      ? bytes
      : this.refuse(name, `${2 * length} lower-case hexadecimal digits`);
  }

  object(name: string): Fields {
    return asFields(this.value(name), this.name(name));
  }

  array(name: string, limits: LengthLimits = {}): readonly JsonValue[] {
    const value = this.value(name);
    if (!Array.isArray(value)) return this.refuse(name, "an array");
    const items: readonly JsonValue[] = value;
    this.length(name, items.length, limits, "items");
    return items;
  }

  objects(name: string, limits: LengthLimits = {}): Fields[] {
    return this.array(name, limits).map((item, i) => asFields(item, `${this.name(name)}[${i}]`));
  }

  strings(name: string, limits: LengthLimits = {}): string[] {
    return this.array(name, limits).map((item, i) =>
      typeof item === "string" ? item : refuseField(`${this.name(name)}[${i}]`, "a string", item),
    );
  }

  /** Refuse a field, saying what would have been accepted. */
  refuse(name: string, expected: string): never {
    return refuseField(this.name(name), expected, this.value(name));
  }

  private length(name: string, length: number, limits: LengthLimits, unit: string): void {
    const { min = 0, max } = limits;
    const field = this.name(name);
    if (length < min) this.refuse(name, `at least ${min} ${unit}`);
    if (max !== undefined && length > max)
      refuse("TOO_LARGE", `${field} has ${length} ${unit}; the limit is ${max}.`, {
        field,
        limit: max,
      });
  }
}
