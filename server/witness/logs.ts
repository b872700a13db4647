/**
 * The logs that a witness knows, by the lines of a file:
 *
 *     log <vkey> [<url>]
 *
 * as in a C2SP tlog-policy. Empty lines and lines that begin with # say nothing. The name in a
 * verifier key is the origin of the log; a log may have several keys, each on a line of its own, and
 * a checkpoint needs the signature of one. The file is read whole or refused whole: a log that is left
 * out because its line was not understood would look like one that was forgotten on purpose.
 *
 * Spec: C2SP tlog-policy (log lines), tlog-witness.
 *
 * @module
 */
import type { Crypto } from "../../client/crypto/crypto.ts";
import { usableKey } from "../../client/note.ts";
import { equal, fromUtf8, toHex, utf8 } from "../../schema/bytes.ts";
import { type Failure, failure, type Result, success } from "../../schema/error.ts";
import { parseVkey, SIGNATURE_TYPES, type Vkey } from "../../schema/tlog/note.ts";
import { MAX_COSIGNED_NAME_BYTES } from "./cosigner.ts";

/** Bytes of a list of logs: some hundred thousand lines. */
export const MAX_LOG_LIST_BYTES = 33_554_432;

export interface LogList {
  /** Logs, each once. */
  readonly size: number;
  /** The keys of the log with this origin; `undefined` for one that is not known. */
  readonly keysOf: (untrustedOrigin: string) => readonly Vkey[] | undefined;
  /** Where logs are said to be, each place once. */
  readonly places: readonly string[];
}

/**
 * `own` are the keys of the witness, which no log may have. Fails with `FIELD_INVALID`, `KEY_REFUSED`,
 * `KIND_UNSUPPORTED` or `TOO_LARGE`; `detail.at` is the line.
 */
export function parseLogList(
  crypto: Crypto,
  bytes: Uint8Array,
  own: readonly Vkey[],
): Result<LogList> {
  if (bytes.length > MAX_LOG_LIST_BYTES)
    return failure("TOO_LARGE", `a list of logs has at most ${MAX_LOG_LIST_BYTES} bytes`, {
      field: "logs",
      limit: MAX_LOG_LIST_BYTES,
    });
  const text = fromUtf8(bytes);
  if (text === undefined) return wrong("the list of logs is not UTF-8");
  const logs = new Map<string, Vkey[]>();
  const places = new Set<string>();
  const seen = new Set<string>();
  for (const [i, line] of text.split("\n").entries()) {
    const [keyword, ...words] = line.split(/[ \t\r]+/).filter((word) => word !== "");
    if (keyword === undefined || keyword.startsWith("#")) continue;
    const key =
      keyword === "log" ? readKey(crypto, words, own) : wrong(`"${keyword}" is not "log"`);
    const added = key.ok ? add(logs, seen, key.value) : key;
    if (!added.ok)
      return { ...added, detail: { field: "logs", ...added.detail, at: `line ${i + 1}` } };
    if (words[1] !== undefined) places.add(words[1]);
  }
  return success({
    size: logs.size,
    keysOf: (origin) => logs.get(origin),
    places: [...places],
  });
}

function readKey(
  crypto: Crypto,
  [text, , ...rest]: readonly string[],
  own: readonly Vkey[],
): Result<Vkey> {
  if (text === undefined || rest.length > 0) return wrong("the line is malformed");
  const vkey = parseVkey(crypto.sha256, text);
  if (!vkey.ok) return vkey;
  const { type, name, publicKey } = vkey.value;
  if (type === SIGNATURE_TYPES.cosignature) return wrong("the key is one of a witness");
  if (own.some((key) => equal(key.publicKey, publicKey)))
    return wrong("the key is this witness's own");
  if (utf8(name).length > MAX_COSIGNED_NAME_BYTES)
    return failure("TOO_LARGE", "the origin is too long to be cosigned", {
      limit: MAX_COSIGNED_NAME_BYTES,
    });
  const usable = usableKey(crypto, vkey.value);
  return usable.ok ? vkey : usable;
}

/** `seen` are the public keys so far, hex: one that stands twice is a slip, or one key of two logs. */
function add(logs: Map<string, Vkey[]>, seen: Set<string>, key: Vkey): Result<undefined> {
  const keys = logs.get(key.name) ?? [];
  const publicKey = toHex(key.publicKey);
  if (seen.has(publicKey) || keys.some(({ keyId }) => equal(keyId, key.keyId)))
    return wrong(`the key ${key.name}+${toHex(key.keyId)} stands twice`);
  seen.add(publicKey);
  logs.set(key.name, [...keys, key]);
  return success(undefined);
}

function wrong(message: string): Failure {
  return failure("FIELD_INVALID", message, {
    field: "logs",
    expected: "log <vkey> [<url>], each key once",
  });
}
