/**
 * As much of DER (X.690) as keys, certificates and ECDSA signatures need. Strict: one-byte tags, definite
 * lengths in their shortest form, so that what is accepted is what would be written.
 *
 * @module
 */
import { concat } from "./bytes.ts";

export const DER_INTEGER = 0x02;
export const DER_BIT_STRING = 0x03;
export const DER_OCTETS = 0x04;
export const DER_NULL = 0x05;
export const DER_OID = 0x06;
export const DER_SEQUENCE = 0x30;
export const DER_SET = 0x31;

/** Reads values one after another. Each method returns `undefined` where the bytes are not DER. */
export class DerReader {
  private readonly bytes: Uint8Array;
  private at = 0;

  constructor(attackerBytes: Uint8Array) {
    this.bytes = attackerBytes;
  }

  /** Whether nothing is left. A reader that failed is never done. */
  get done(): boolean {
    return this.at === this.bytes.length;
  }

  /** Where reading stands, in bytes. */
  get offset(): number {
    return this.at;
  }

  /** The tag of the next value, which may be no value at all. */
  get tag(): number | undefined {
    return this.bytes[this.at];
  }

  /** The next value with its tag and length. */
  element(tag: number): Uint8Array | undefined {
    const start = this.at;
    return this.value(tag) === undefined ? undefined : this.bytes.subarray(start, this.at);
  }

  /** The body of the next value, which must have this tag. */
  value(tag: number): Uint8Array | undefined {
    if (this.bytes[this.at] !== tag) return undefined;
    const header = this.header();
    if (header === undefined || header.length > this.bytes.length - header.start) return undefined;
    this.at = header.start + header.length;
    return this.bytes.subarray(header.start, this.at);
  }

  /** A reader for the inside of the next SEQUENCE. */
  sequence(): DerReader | undefined {
    const body = this.value(DER_SEQUENCE);
    return body && new DerReader(body);
  }

  /** The magnitude of a non-negative INTEGER, big-endian without leading zeros; 0 is empty. */
  unsigned(): Uint8Array | undefined {
    const body = this.value(DER_INTEGER);
    if (body === undefined || body.length === 0) return undefined;
    const [first = 0, second = 0] = body;
    if (first >= 0x80) return undefined;
    if (first > 0) return body;
    if (body.length > 1 && second < 0x80) return undefined;
    return body.subarray(1);
  }

  /** The bytes of a BIT STRING of whole bytes. */
  bits(): Uint8Array | undefined {
    const body = this.value(DER_BIT_STRING);
    return body?.[0] === 0 ? body.subarray(1) : undefined;
  }

  private header(): { start: number; length: number } | undefined {
    const first = this.bytes[this.at + 1];
    if (first === undefined || first === 0x80) return undefined;
    const start = this.at + 2;
    if (first < 0x80) return { start, length: first };
    const count = first - 0x80;
    // Three bytes of length are 16 MiB; nothing here is larger.
    if (count > 3 || this.bytes[start] === 0) return undefined;
    let length = 0;
    for (let i = 0; i < count; i++) {
      const byte = this.bytes[start + i];
      if (byte === undefined) return undefined;
      length = length * 256 + byte;
    }
    return length < 0x80 ? undefined : { start: start + count, length };
  }
}

/** One DER value: tag, shortest length, and the parts one after another. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const body = concat(...parts);
  const length: number[] = [];
  for (let rest = body.length; rest > 0; rest = Math.floor(rest / 256)) length.unshift(rest & 255);
  const header = body.length < 0x80 ? [tag, body.length] : [tag, 0x80 + length.length, ...length];
  return concat(Uint8Array.from(header), body);
}

/** INTEGER of a magnitude (big-endian; leading zeros are dropped). */
export function derUnsigned(magnitude: Uint8Array): Uint8Array<ArrayBuffer> {
  const minimal = trimZeros(magnitude);
  const [first = 0x80] = minimal;
  return der(DER_INTEGER, first >= 0x80 ? Uint8Array.of(0) : new Uint8Array(0), minimal);
}

/** BIT STRING of whole bytes. */
export function derBits(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return der(DER_BIT_STRING, Uint8Array.of(0), ...parts);
}

/** A magnitude without its leading zeros; zero is empty. */
export function trimZeros(magnitude: Uint8Array): Uint8Array {
  let start = 0;
  while (magnitude[start] === 0) start++;
  return magnitude.subarray(start);
}
