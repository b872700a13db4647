/**
 * PEM texts with one block.
 *
 * @module
 */
import { fromBase64, fromUtf8, toBase64 } from "../../schema/bytes.ts";

/** The DER in a PEM text of one block with this label. */
export function pemDer(label: string, strangersPem: Uint8Array): Uint8Array | undefined {
  const text = fromUtf8(strangersPem)?.trim() ?? "";
  const [head, tail] = [`-----BEGIN ${label}-----`, `-----END ${label}-----`];
  if (!text.startsWith(head) || !text.endsWith(tail)) return undefined;
  const body = text.slice(head.length, -tail.length);
  return /^[A-Za-z0-9+/=\s]+$/.test(body) ? fromBase64(body.replace(/\s/g, "")) : undefined;
}

export function formatPem(label: string, der: Uint8Array): string {
  const lines = toBase64(der).match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
