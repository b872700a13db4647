/** Runs kill-child.ts and keeps what it said, over all its lives. */
import { nodeCrypto } from "../../client/crypto/node.ts";
import { equal, toHex } from "../../schema/bytes.ts";
import { success } from "../../schema/error.ts";
import type { Hash } from "../../schema/tlog/hash.ts";
import { verifyConsistency, verifyInclusion } from "../../schema/tlog/proof.ts";
import { fsck } from "../../server/fsck.ts";
import { openLog } from "../../server/open.ts";
import { StoreAudit } from "../../server/storage/sqlite/audit.ts";
import { entry, GENESIS, type Place, SIGNER, sha256 } from "../server/fixture.ts";
import { begin, type Life } from "./life.ts";

/** Everything that was acknowledged by any life of the log. */
export class Memory {
  readonly indexes = new Map<number, number>();
  readonly numbers = new Map<number, number>();
  readonly roots = new Map<number, string>();
  readonly trouble: string[] = [];
  next = 0;
  /** Size at the last `ready`: a life may not begin behind it. */
  size = 0;

  hear(line: string): void {
    const [what, a = "", b = ""] = line.split(" ");
    if (what === "ack") this.#ack(Number(a), Number(b));
    else if (what === "head") this.#head(Number(a), b);
    else if (what === "ready") this.#ready(Number(a));
    else this.trouble.push(line);
  }

  #ack(number: number, index: number): void {
    const index0 = this.indexes.get(number);
    const number0 = this.numbers.get(index);
    if ((index0 ?? index) !== index) this.trouble.push(`entry ${number}: ${index0} and ${index}`);
    if ((number0 ?? number) !== number) this.trouble.push(`index ${index} was given twice`);
    this.indexes.set(number, index);
    this.numbers.set(index, number);
    this.next = Math.max(this.next, number + 1);
  }

  #head(size: number, root: string): void {
    if ((this.roots.get(size) ?? root) !== root) this.trouble.push(`two roots of size ${size}`);
    this.roots.set(size, root);
  }

  #ready(size: number): void {
    const newest = Math.max(0, ...this.roots.keys());
    if (size < newest) this.trouble.push(`it began at ${size} after a head of ${newest}`);
    this.size = size;
  }
}

/** One life. `plan` is its planned death; without one the caller kills it. */
export function live(place: Place, memory: Memory, plan = ""): Life {
  const args = [place.folder, place.guard, String(memory.next), plan];
  return begin("kill-child.ts", args, (line) => memory.hear(line));
}

/** Starts the log by the code of the normal path and re-verifies all that was acknowledged. */
export async function findTrouble(place: Place, memory: Memory): Promise<readonly string[]> {
  const trouble = [...memory.trouble];
  const { log, storage } = await openLog(place, {
    signer: SIGNER,
    crypto: nodeCrypto,
    clock: () => 0,
    onFatal: (reason) => void trouble.push(reason.message),
    genesis: GENESIS,
  });
  const head = log.published();
  for (const [number, index] of memory.indexes) {
    const { leaf, leafHash } = entry(number, { bytes: (number * 37) % 900 });
    const [stored] = storage.reader.leaves(index, index + 1);
    if (stored === undefined || !equal(stored, leaf)) trouble.push(`entry ${number} is lost`);
    if (!verifyInclusion(sha256, head, index, leafHash, [...log.inclusion(index, head, leafHash)]))
      trouble.push(`the receipt of entry ${number} does not verify`);
  }
  for (const [size, root] of memory.roots) {
    const proof = [...log.consistency(size, head.size)];
    const older = { size, root: bytesOf(root) };
    if (!verifyConsistency(sha256, older, head, proof))
      trouble.push(`the head of ${size} is not a prefix of ${head.size}`);
  }
  await log.close();
  return [...trouble, ...(await findings(place))];
}

async function findings(place: Place): Promise<readonly string[]> {
  const audit = StoreAudit.open(place.folder);
  const report = await fsck({
    audit,
    crypto: nodeCrypto,
    vkeys: SIGNER.vkeys,
    factsOf: (leaf) => {
      const name = Buffer.from(leaf).toString().split(" ")[1] ?? "";
      const contentDigest = sha256(Buffer.from(`content of ${name}`));
      return success({ contentDigest, mayBeOpaque: false });
    },
  });
  audit.close();
  return report.findings.map((finding) => `${finding.place}: ${finding.message}`);
}

function bytesOf(hex: string): Hash {
  const bytes = sha256(new Uint8Array(0));
  bytes.set(Buffer.from(hex, "hex"));
  if (toHex(bytes) !== hex) throw new Error("not a root");
  return bytes;
}
