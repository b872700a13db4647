/**
 * One checked entry in words, and as the JSON that `--json` prints.
 *
 * @module
 */
import { equal, toBase64, toHex } from "../../schema/bytes.ts";
import type { Reading } from "../../schema/entry/reading.ts";
import { gitObjectId, parseGitObject } from "../../schema/git/object.ts";
import { encodeSpki } from "../../schema/key/spki.ts";
import { parseVkey } from "../../schema/tlog/note.ts";
import { nodeCrypto } from "../crypto/node.ts";
import { gitHashOf } from "../git/hash.ts";
import { printable } from "../printable.ts";
import { witnessText } from "../verify/explain.ts";
import type { CheckedReceipt, Comparison } from "../verify/verdict.ts";

/** What a receipt that holds says, as plain data. */
export function entryData(receipt: CheckedReceipt): Record<string, unknown> {
  const { leaf, signer, reading } = receipt;
  return {
    log: receipt.head.origin,
    index: receipt.index,
    treeSize: receipt.head.tree.size,
    root: toBase64(receipt.head.tree.root),
    head: receipt.head.comparison,
    witnessed: receipt.head.witnessed,
    kind: leaf.kind,
    reads: reading.kind,
    mediaType: reading.mediaType,
    contentDigest: toHex(receipt.contentDigest),
    contentBytes: receipt.content.length,
    ...gitData(receipt),
    ...(reading.kind === "statement"
      ? {
          predicateType: reading.statement.predicateType,
          subject: reading.statement.subject,
          predicate: reading.statement.predicate,
        }
      : {}),
    signer: {
      ...(receipt.person === undefined ? {} : { person: receipt.person }),
      id: toHex(signer.signerId),
      keyType: signer.keyType,
      algorithm: signer.algorithm,
      key: toBase64(encodeSpki(signer.publicKey)),
      ...(signer.hardware === undefined ? {} : { hardware: signer.hardware }),
    },
  };
}

/** The same for a person. */
export function entryLines(receipt: CheckedReceipt): string[] {
  const { reading, signer } = receipt;
  return [
    `entry ${receipt.index} of ${receipt.head.origin}, under a signed head of ${receipt.head.tree.size} entries (${comparisonText(receipt.head.comparison)})`,
    `  what      ${what(receipt, reading)}`,
    `  content   sha256:${toHex(receipt.contentDigest)}, ${receipt.content.length} bytes`,
    `  signed by ${whose(receipt)}`,
    `  key       ${signer.keyType}, signer id ${toHex(signer.signerId)}`,
    `  seen by   ${witnessText(receipt.head.witnessed)}`,
    ...(signer.hardware === undefined
      ? []
      : [
          `  hardware  FIDO ${printable(signer.hardware.application)}, touched ${yesNo(signer.hardware.userPresent)}, verified ${yesNo(signer.hardware.userVerified)}, counter ${signer.hardware.counter}`,
        ]),
  ];
}

function whose(receipt: CheckedReceipt): string {
  if (receipt.person !== undefined) return receipt.person;
  return isLogKey(receipt) ? "the log itself" : "somebody whom the trust file does not name";
}

/** Whether the key of an entry is the one that signs the log's checkpoints. */
function isLogKey({ signer, vkeys }: CheckedReceipt): boolean {
  const { publicKey } = signer;
  if (publicKey.type !== "ed25519") return false;
  return vkeys.some((text) => {
    const vkey = parseVkey(nodeCrypto.sha256, text);
    return vkey.ok && equal(vkey.value.publicKey, publicKey.raw);
  });
}

function comparisonText(comparison: Comparison): string {
  if (comparison.state === "same as remembered") return "the same as this machine remembers";
  return comparison.remembered === undefined
    ? "not compared: nothing is remembered of this log"
    : `not compared: this machine remembers ${comparison.remembered} entries`;
}

function what(receipt: CheckedReceipt, reading: Reading): string {
  const git = gitData(receipt);
  if (git.object !== undefined) return `${reading.kind} ${git.object}`;
  if (reading.kind !== "statement") return `${reading.kind} (${reading.mediaType})`;
  const { predicateType, subject } = reading.statement;
  const names = subject.map(({ name, digest }) => name ?? Object.values(digest)[0] ?? "");
  return printable(`${predicateType} about ${names.join(", ")}`);
}

function gitData({ gitObject }: CheckedReceipt): { readonly object?: string } {
  if (gitObject === undefined) return {};
  const parsed = parseGitObject(gitObject);
  return parsed.ok ? { object: gitObjectId(gitHashOf(nodeCrypto), parsed.value, gitObject) } : {};
}

function yesNo(value: boolean): string {
  return value ? "yes" : "no";
}
