/**
 * The data types of SSH: u32, string, mpint. Reading never looks past the end and never
 * allocates by a stranger's number: strings are views.
 *
 * Spec: RFC 4251 §5.
 *
 * @module
 */
import { concat, fromUtf8, utf8 } from "../bytes.ts";
import { trimZeros } from "../der.ts";

/** Reads values one after another; each method returns `undefined` where the bytes end too soon. */
export class SshReader {
  private readonly bytes: Uint8Array;
  private at = 0;

  constructor(attackerBytes: Uint8Array) {
    this.bytes = attackerBytes;
  }

  get done(): boolean {
    return this.at === this.bytes.length;
  }

  /** Where reading stands, in bytes. */
  get offset(): number {
    return this.at;
  }

  u8(): number | undefined {
    return this.at < this.bytes.length ? this.bytes[this.at++] : undefined;
  }

  u32(): number | undefined {
    if (this.bytes.length - this.at < 4) return undefined;
    let value = 0;
    for (let i = 0; i < 4; i++) value = value * 256 + (this.bytes[this.at++] ?? 0);
    return value;
  }

  string(): Uint8Array | undefined {
    const start = this.at;
    const length = this.u32();
    if (length === undefined || length > this.bytes.length - this.at) {
      this.at = start;
      return undefined;
    }
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  /** A string that is UTF-8 without NUL, as C programs read names. */
  text(): string | undefined {
    const bytes = this.string();
    const text = bytes && fromUtf8(bytes);
    return text?.includes("\0") ? undefined : text;
  }

  /** The magnitude of a non-negative mpint in its one shortest form; 0 is empty. */
  unsigned(): Uint8Array | undefined {
    const body = this.string();
    if (body === undefined) return undefined;
    const [first = 0, second = 0] = body;
    if (first >= 0x80) return undefined;
    if (body.length === 0 || first > 0) return body;
    return second < 0x80 ? undefined : body.subarray(1);
  }
}

export function sshU32(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

export function sshString(value: Uint8Array | string): Uint8Array<ArrayBuffer> {
  const bytes = typeof value === "string" ? utf8(value) : value;
  return concat(sshU32(bytes.length), bytes);
}

/** mpint of a magnitude (big-endian; leading zeros are dropped). */
export function sshUnsigned(magnitude: Uint8Array): Uint8Array<ArrayBuffer> {
  const minimal = trimZeros(magnitude);
  const [first = 0] = minimal;
  return sshString(first >= 0x80 ? concat(Uint8Array.of(0), minimal) : minimal);
}
