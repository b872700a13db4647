/**
 * A proof of inclusion as one text file, to travel with an artifact (`.tlog-proof`).
 *
 *     c2sp.org/tlog-proof@v1
 *     [extra <base64>]
 *     index <n>
 *     <base64 hash>          zero or more, leaf to root
 *
 *     <checkpoint, verbatim>
 *
 * Parsing believes nothing. Whoever checks one knows the leaf from elsewhere, opens the checkpoint
 * with the log's key and the witness quorum, and then verifies inclusion.
 *
 * Spec: C2SP tlog-proof. Vectors: test/vectors/tlog/tlog-proofs.json.
 *
 * @module
 */
import { concat, fromBase64, fromUtf8, toBase64, utf8 } from "../bytes.ts";
import { type Failure, failure, LogError, type Result, success } from "../error.ts";
import { MAX_BODY_BYTES, MAX_NOTE_BYTES, MAX_PROOF_HASHES } from "../limits.ts";
import { asHash, type Hash } from "./hash.ts";
import { formatSize, parseSize } from "./size.ts";

const HEADER = "c2sp.org/tlog-proof@v1";

export interface TlogProof {
  /** Not authenticated by anything: a hint at most. */
  readonly extra?: Uint8Array;
  readonly index: number;
  readonly hashes: readonly Hash[];
  /** The signed note, byte for byte. */
  readonly checkpoint: Uint8Array;
}

/** The parts of a proof file. Refuses more than 4 MiB, or 63 hashes. */
export function parseTlogProof(strangersBytes: Uint8Array): Result<TlogProof> {
  if (strangersBytes.length > MAX_BODY_BYTES)
    return failure("TOO_LARGE", `the proof has ${strangersBytes.length} bytes`, {
      field: "proof",
      limit: MAX_BODY_BYTES,
    });
  const text = fromUtf8(strangersBytes);
  if (text === undefined) return malformed("the proof is not UTF-8", "proof");
  const end = text.indexOf("\n\n");
  if (end < 0) return malformed("no blank line stands before the checkpoint", "proof");
  const checkpoint = utf8(text.slice(end + 2));
  if (checkpoint.length > MAX_NOTE_BYTES)
    return failure("TOO_LARGE", `the checkpoint has ${checkpoint.length} bytes`, {
      field: "proof.checkpoint",
      limit: MAX_NOTE_BYTES,
    });

  const lines = text.slice(0, end).split("\n", MAX_PROOF_HASHES + 4);
  if (lines.shift() !== HEADER) return malformed("the first line is another one", "proof");
  let extra: Uint8Array | undefined;
  if (lines[0]?.startsWith("extra ") === true) {
    extra = fromBase64(lines.shift()?.slice("extra ".length) ?? "");
    if (extra === undefined) return malformed("not canonical base64", "proof.extra");
  }
  const indexLine = lines.shift() ?? "";
  if (!indexLine.startsWith("index ")) return malformed("the index line is missing", "proof.index");
  const index = parseSize(indexLine.slice("index ".length), "proof.index");
  if (!index.ok) return index;
  if (lines.length > MAX_PROOF_HASHES)
    return failure("TOO_LARGE", `the proof has more than ${MAX_PROOF_HASHES} hashes`, {
      field: "proof.hashes",
      limit: MAX_PROOF_HASHES,
    });
  const hashes: Hash[] = [];
  for (const [i, line] of lines.entries()) {
    const hash = asHash(fromBase64(line) ?? new Uint8Array());
    if (hash === undefined) return malformed("not the base64 of 32 bytes", `proof.hashes[${i}]`);
    hashes.push(hash);
  }
  return success({
    ...(extra === undefined ? {} : { extra }),
    index: index.value,
    hashes,
    checkpoint,
  });
}

/** The bytes of a proof file. Throws `INTERNAL` for what {@link parseTlogProof} would not read back. */
export function formatTlogProof(proof: TlogProof): Uint8Array<ArrayBuffer> {
  const lines = [
    HEADER,
    ...(proof.extra === undefined ? [] : [`extra ${toBase64(proof.extra)}`]),
    `index ${formatSize(proof.index)}`,
    ...proof.hashes.map((hash) => toBase64(hash)),
  ];
  const bytes = concat(utf8(`${lines.join("\n")}\n\n`), proof.checkpoint);
  const back = parseTlogProof(bytes);
  if (!back.ok) throw new LogError("INTERNAL", back.message, back.detail);
  return bytes;
}

function malformed(message: string, field: string): Failure {
  return failure("FIELD_INVALID", `${field}: ${message}`, {
    field,
    expected: "a proof file (C2SP tlog-proof)",
  });
}
