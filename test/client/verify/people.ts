/** The people of the verdict tests, their trust file, and receipts of what they say. */
import { nodeCrypto } from "../../../client/crypto/node.ts";
import type { Signer } from "../../../client/keys/signer.ts";
import { parseTrust, type Trust } from "../../../client/trust.ts";
import type { ReceiptFile } from "../../../client/verify/receipt.ts";
import { toHex } from "../../../schema/bytes.ts";
import { unwrap } from "../../../schema/error.ts";
import type { Submission } from "../../../schema/http/messages.ts";
import { signerId } from "../../../schema/key/signer-id.ts";
import { formatReceipt } from "../../../schema/receipt.ts";
import { newSigner, type TestLog } from "../test-log.ts";

export const ada: Signer = newSigner();
export const bob: Signer = newSigner("p256");
export const bobsOther: Signer = newSigner();
export const carol: Signer = newSigner();
export const dan: Signer = newSigner("p256");
export const eve: Signer = newSigner();
export const max: Signer = newSigner();
export const hub: Signer = newSigner("p256");
export const nobody: Signer = newSigner();

const id = (signer: Signer): string => toHex(signerId(nodeCrypto.sha256, signer.publicKey));

function person(name: string, keys: readonly Signer[], roles: string, more = ""): string {
  const list = keys.map((key) => JSON.stringify(id(key))).join(", ");
  return `[[person]]\nname = "${name}"\nkeys = [${list}]\nroles = [${roles}]\n${more}\n`;
}

/** A trust in these logs and people, with these rules. */
export function trustIn(logs: readonly TestLog[], rules: string): Trust {
  const source = [
    "trust = 1",
    ...logs.map(({ origin, vkey }) => `[[log]]\norigin = "${origin}"\nvkeys = ["${vkey}"]`),
    person("Ada", [ada], '"author", "reviewer"'),
    person("Bob", [bob, bobsOther], '"reviewer"'),
    person("Carol", [carol], '"reviewer", "author"'),
    person("Dan", [dan], '"builder"'),
    person("Eve", [eve], '"builder"'),
    person("Max", [max], '"maintainer"'),
    person("Hub", [hub], '"author", "reviewer", "builder", "maintainer"', "platform = true"),
    rules,
  ].join("\n");
  return unwrap(parseTrust(nodeCrypto.sha256, source));
}

/** Log submissions and take their receipts, named by what they are. */
export async function logAll(
  log: TestLog,
  said: Readonly<Record<string, Submission | Promise<Submission>>>,
): Promise<ReceiptFile[]> {
  const files: ReceiptFile[] = [];
  for (const [name, submission] of Object.entries(said))
    for (const receipt of log.log(await submission))
      files.push({ name, bytes: formatReceipt(receipt) });
  return files;
}
