/**
 * Serial numbers of certificates and time stamps.
 *
 * @module
 */

const SERIAL_BYTES = 16;

/** 126 random bits and two fixed ones: never used twice, never negative, never zero. */
export function serialNumber(randomBytes: (count: number) => Uint8Array): ArrayBuffer {
  const bytes = new Uint8Array(randomBytes(SERIAL_BYTES));
  // A leading byte from 0x40 to 0x7f: positive, and its DER form has no byte to spare.
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.buffer;
}
