/** A receipt of each kind of entry that this version takes, and the trust file that fits them. */
import { generateKeyPairSync } from "node:crypto";
import { privateKeySigner } from "../../client/keys/private-key.ts";
import { dsseSubmission, fileSubmission, type Signer } from "../../client/keys/signer.ts";
import { utf8 } from "../../schema/bytes.ts";
import type { Submission } from "../../schema/http/messages.ts";
import { formatReceipt } from "../../schema/receipt.ts";
import { signedCommit, TestLog } from "../client/test-log.ts";

export interface MadeReceipts {
  readonly receipts: readonly { readonly name: string; readonly bytes: Uint8Array }[];
  readonly trust: string;
}

const signers: Readonly<Record<string, () => Signer>> = {
  ed25519: () => privateKeySigner(generateKeyPairSync("ed25519").privateKey, "test"),
  p256: () =>
    privateKeySigner(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey, "test"),
  p384: () =>
    privateKeySigner(generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey, "test"),
  p521: () =>
    privateKeySigner(generateKeyPairSync("ec", { namedCurve: "P-521" }).privateKey, "test"),
  rsa: () =>
    privateKeySigner(generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey, "test"),
  "ml-dsa-44": () => privateKeySigner(generateKeyPairSync("ml-dsa-44").privateKey, "test"),
};

async function submissions(name: string, signer: Signer): Promise<[string, Submission][]> {
  const made: [string, Submission][] = [
    [
      `${name}-dsse`,
      await dsseSubmission(signer, "application/x-pack-test", utf8(`{"by":"${name}"}`)),
    ],
    [`${name}-file`, await fileSubmission(signer, utf8(`a file signed with ${name}`))],
  ];
  if (signer.ssh !== undefined)
    made.push([`${name}-commit`, (await signedCommit(signer, `by ${name}`)).submission]);
  return made;
}

let made: Promise<MadeReceipts> | undefined;

export function receiptsOfEachKind(): Promise<MadeReceipts> {
  made ??= make();
  return made;
}

async function make(): Promise<MadeReceipts> {
  const log = new TestLog("pack.example.test").fill(100);
  const named: { name: string; index: number }[] = [];
  for (const [name, signer] of Object.entries(signers))
    for (const [kind, submission] of await submissions(name, signer()))
      for (const { index } of log.submit(submission)) named.push({ name: kind, index });
  log.fill(300);
  const receipts = named.map(({ name, index }) => ({
    name,
    bytes: formatReceipt(log.receipt(index)),
  }));
  const trust = `trust = 1\n\n[[log]]\norigin = "${log.origin}"\nvkeys = ["${log.vkey}"]\n`;
  return { receipts, trust };
}

/** One character of the root changed. */
export function altered(receipt: string): string {
  const other = receipt.replace(
    /("rootHash":\s*")(.)/,
    (_, lead: string, first: string) => `${lead}${first === "A" ? "B" : "A"}`,
  );
  if (other === receipt) throw new Error("nothing was altered");
  return other;
}
