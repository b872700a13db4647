/**
 * DSSE: the bytes that an envelope's signature covers, and the envelope itself.
 *
 * Spec: secure-systems-lab/dsse v1.0 (protocol.md, envelope.md).
 *
 * @module
 */
import { concat, fromBase64, fromUtf8, utf8 } from "../bytes.ts";
import { failure, type Result } from "../error.ts";
import { type Fields, readFields, refuse } from "../fields.ts";
import type { JsonValue } from "../json.ts";
import { MAX_CONTENT_BYTES, MAX_ENVELOPE_SIGNATURES } from "../limits.ts";

export interface DsseMessage {
  readonly payloadType: string;
  readonly payload: Uint8Array;
}

interface DsseSignature {
  readonly sig: Uint8Array;
  /** A hint of the signer's; never trusted. */
  readonly keyid?: string;
}

export interface DsseEnvelope extends DsseMessage {
  readonly signatures: readonly DsseSignature[];
}

/** Pre-authentication encoding: `DSSEv1 <len> <type> <len> <payload>`, lengths in bytes. */
export function pae(payloadType: string, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  return concat(paeHead(payloadType, payload.length), payload);
}

function paeHead(payloadType: string, payloadBytes: number): Uint8Array<ArrayBuffer> {
  return utf8(`DSSEv1 ${utf8(payloadType).length} ${payloadType} ${payloadBytes} `);
}

/** Read bytes that are, as a whole, a PAE. `payload` is a view of them. */
export function parsePae(attackerBytes: Uint8Array): Result<DsseMessage> {
  const reader = new PaeReader(attackerBytes);
  const type = reader.magic() ? reader.field() : undefined;
  const payloadType = type && fromUtf8(type);
  const payload = payloadType !== undefined && reader.space() ? reader.field() : undefined;
  if (payloadType === undefined || payload === undefined || !reader.done)
    return failure("FIELD_INVALID", "The bytes are not a DSSE pre-authentication encoding.", {
      at: `${reader.at}`,
    });
  return { ok: true, value: { payloadType, payload } };
}

/**
 * Read an envelope: at least one signature. Unknown fields are ignored, as the specification
 * asks; base64 may use either alphabet, as it allows.
 */
export function parseEnvelope(value: JsonValue | undefined, path = ""): Result<DsseEnvelope> {
  return readFields(value, path, (fields) => {
    const payloadType = fields.string("payloadType", { min: 1 });
    if (!payloadType.isWellFormed()) fields.refuse("payloadType", "well-formed text");
    const payload = eitherBase64(fields, "payload");
    const size = paeHead(payloadType, payload.length).length + payload.length;
    if (size > MAX_CONTENT_BYTES)
      refuse("TOO_LARGE", `The content has more than ${MAX_CONTENT_BYTES} bytes.`, {
        field: fields.name("payload"),
        limit: MAX_CONTENT_BYTES,
      });
    const signatures = fields
      .objects("signatures", { min: 1, max: MAX_ENVELOPE_SIGNATURES })
      .map((signature) => parseSignature(signature));
    return { payloadType, payload, signatures };
  });
}

function parseSignature(fields: Fields): DsseSignature {
  const sig = eitherBase64(fields, "sig");
  // Writers that have no key id leave the field out, or write "" or null.
  const keyid = fields.value("keyid") ?? "";
  if (keyid === "") return { sig };
  return { sig, keyid: fields.string("keyid") };
}

/** Standard or URL-safe, padded or (URL-safe only) not; never both alphabets at once. */
export function eitherBase64(fields: Fields, name: string): Uint8Array {
  const text = fields.string(name);
  if (!/[-_]/.test(text)) {
    const plain = fromBase64(text) ?? fromBase64(padded(text));
    return plain ?? fields.refuse(name, "base64");
  }
  const standard = text.replaceAll("-", "+").replaceAll("_", "/");
  const bytes = /[+/]/.test(text) ? undefined : fromBase64(padded(standard));
  return bytes ?? fields.refuse(name, "base64");
}

function padded(text: string): string {
  return text.includes("=") ? text : text.padEnd(Math.ceil(text.length / 4) * 4, "=");
}

const SPACE = 0x20;
/** Digits of the longest length that a content can have, with room to spare. */
const MAX_LENGTH_DIGITS = 9;

class PaeReader {
  private readonly bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get done(): boolean {
    return this.at === this.bytes.length;
  }

  magic(): boolean {
    for (const byte of utf8("DSSEv1 ")) if (this.bytes[this.at++] !== byte) return false;
    return true;
  }

  space(): boolean {
    return this.bytes[this.at++] === SPACE;
  }

  /** A decimal length without leading zeros, a space, and so many bytes. */
  field(): Uint8Array | undefined {
    const start = this.at;
    let length = 0;
    for (;;) {
      const digit = (this.bytes[this.at++] ?? 0) - 0x30;
      if (digit === SPACE - 0x30 && this.at - start > 1) break;
      const leadingZero = this.at - start > 1 && this.bytes[start] === 0x30;
      if (digit < 0 || digit > 9 || leadingZero || this.at - start > MAX_LENGTH_DIGITS)
        return undefined;
      length = length * 10 + digit;
    }
    if (length > this.bytes.length - this.at) return undefined;
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
}
