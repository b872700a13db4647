/**
 * Bytes and their texts: hex, base64, UTF-8. Strict both ways: whatever is accepted is what
 * would be written, so that no two texts stand for one byte string.
 *
 * @module
 */

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const PAD = 0x3d;
const INVALID = 255;

/** Two characters for each 12 bits: half the steps of one character for each six. */
const PAIRS = new Uint16Array(4096);
const VALUES = new Uint8Array(256).fill(INVALID);
for (let high = 0; high < 64; high++) {
  VALUES[ALPHABET.charCodeAt(high)] = high;
  for (let low = 0; low < 64; low++)
    PAIRS[high * 64 + low] = ALPHABET.charCodeAt(high) | (ALPHABET.charCodeAt(low) << 8);
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Up to this length the platform's encoder and decoder cost more than a loop here. */
const SHORT = 48;

/** UTF-8 of a string. Lone surrogates become U+FFFD, as the platform does. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  const { length } = text;
  if (length > SHORT) return encoder.encode(text);
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127) return encoder.encode(text);
    bytes[i] = code;
  }
  return bytes;
}

/** The string of UTF-8 bytes; `undefined` where they are not UTF-8. A byte-order mark is kept. */
export function fromUtf8(bytes: Uint8Array): string | undefined {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return undefined;
  }
}

export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += HEX[byte];
  return text;
}

/** Lower-case hex of whole bytes; `undefined` for anything else. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 2 !== 0) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    const [high, low] = [nibbleAt(text, 2 * i), nibbleAt(text, 2 * i + 1)];
    if ((high | low) > 15) return undefined;
    bytes[i] = (high << 4) | low;
  }
  return bytes;
}

function nibbleAt(text: string, index: number): number {
  const code = text.charCodeAt(index);
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  return code >= 0x61 && code <= 0x66 ? code - 0x57 : INVALID;
}

/** Standard base64 with padding (RFC 4648 §4). */
export function toBase64(bytes: Uint8Array): string {
  const length = Math.ceil(bytes.length / 3) * 2;
  if (length > SHORT / 2) {
    const pairs = new Uint16Array(length);
    fillPairs(pairs, bytes);
    return strictDecoder.decode(pairs);
  }
  const pairs = listOf(length);
  fillPairs(pairs, bytes);
  const codes = listOf(2 * length);
  for (let i = 0; i < length; i++) {
    const pair = pairs[i] ?? 0;
    codes[2 * i] = pair & 255;
    codes[2 * i + 1] = pair >> 8;
  }
  return fromCharCodes(codes);
}

/** Two characters of base64 for each place. */
function fillPairs(pairs: Uint16Array | number[], bytes: Uint8Array): void {
  const { length } = bytes;
  let at = 0;
  let i = 0;
  for (; i + 2 < length; i += 3) {
    const group = (byteAt(bytes, i) << 16) | (byteAt(bytes, i + 1) << 8) | byteAt(bytes, i + 2);
    pairs[at++] = PAIRS[group >> 12] ?? 0;
    pairs[at++] = PAIRS[group & 4095] ?? 0;
  }
  if (i < length) {
    const two = i + 1 < length;
    const group = (byteAt(bytes, i) << 16) | (two ? byteAt(bytes, i + 1) << 8 : 0);
    pairs[at++] = PAIRS[group >> 12] ?? 0;
    pairs[at++] = (two ? (PAIRS[group & 4095] ?? 0) & 255 : PAD) | (PAD << 8);
  }
}

/**
 * Canonical standard base64: padded, no white space, no other alphabet, unused bits zero.
 * `undefined` for anything else.
 */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  const length = text.length;
  if (length % 4 !== 0) return undefined;
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const bytes = new Uint8Array((length / 4) * 3 - padding);
  let at = 0;
  for (let i = 0; i < length; i += 4) {
    const last = i + 4 === length ? padding : 0;
    const a = valueAt(text, i);
    const b = valueAt(text, i + 1);
    const c = last === 2 ? 0 : valueAt(text, i + 2);
    const d = last > 0 ? 0 : valueAt(text, i + 3);
    if ((a | b | c | d) > 63) return undefined;
    const group = (a << 18) | (b << 12) | (c << 6) | d;
    if (last === 2 ? (group & 0xffff) !== 0 : last === 1 && (group & 0xff) !== 0) return undefined;
    bytes[at++] = group >> 16;
    if (last < 2) bytes[at++] = group >> 8;
    if (last < 1) bytes[at++] = group;
  }
  return bytes;
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return join(parts);
}

/** As {@link concat}, for lists that are too long to be arguments. */
export function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Whether two byte strings are equal. Not constant-time: nothing here is secret. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** One character for each byte, U+0000 to U+00FF. Exact both ways, unlike the platform's "latin1". */
export function latin1(bytes: Uint8Array): string {
  const { length } = bytes;
  if (length <= SHORT) {
    const codes = listOf(length);
    for (let i = 0; i < length; i++) codes[i] = byteAt(bytes, i);
    return fromCharCodes(codes);
  }
  let text = "";
  for (let at = 0; at < length; at += 8192) text += fromCharCodes(bytes.subarray(at, at + 8192));
  return text;
}

function byteAt(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0;
}

function valueAt(text: string, index: number): number {
  const code = text.charCodeAt(index);
  return code < 256 ? (VALUES[code] ?? INVALID) : INVALID;
}

/** Lists that short texts are made of, by their length: nothing awaits while one is filled. */
const lists: number[][] = [];

function listOf(length: number): number[] {
  return (lists[length] ??= Array.from({ length }, () => 0));
}

/** Eight times as fast as spreading the codes into arguments. At most some thousand. */
function fromCharCodes(codes: Uint8Array | readonly number[]): string {
  const text: unknown = Reflect.apply(String.fromCharCode, undefined, codes);
  return String(text);
}
