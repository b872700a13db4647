/**
 * Where liars are caught: a log with an index on loopback, under keys of its own, two clients who
 * have only a trust file, and what each of them is told when it asks.
 *
 * Everything is honest until a lie is told (`lies-of-*.ts`). What is asked is the real command line.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { nodeCrypto } from "../../client/crypto/node.ts";
import type { Signer } from "../../client/keys/signer.ts";
import { toHex, utf8 } from "../../schema/bytes.ts";
import type { EvidenceKind } from "../../schema/evidence.ts";
import type { Submission } from "../../schema/http/messages.ts";
import { signerId } from "../../schema/key/signer-id.ts";
import { formatReceipt, type Receipt } from "../../schema/receipt.ts";
import { type Outcome, Workplace } from "../client/cli/in-process.ts";
import { type ServedIndex, serveIndex } from "../client/lookup/serve-index.ts";
import { TestIndex } from "../client/lookup/test-index.ts";
import { logKey, newSigner, review, signedCommit, TestLog } from "../client/test-log.ts";
import * as made from "../vectors/signers.ts";

const ada = newSigner();
export const carol: Signer = newSigner();
/** Signs at random: the same statement twice is two leaves. */
export const bob: Signer = newSigner("p256");
export const commit: Awaited<ReturnType<typeof signedCommit>> = await signedCommit(ada);
export const idOf = ({ publicKey }: Signer): string =>
  toHex(signerId(nodeCrypto.sha256, publicKey));

/** Who catches a lie, by which question, with which words, and what stays behind. */
export interface Catch {
  readonly by: "client" | "index verifier" | "monitor";
  readonly ask: (rig: Rig) => Promise<Outcome>;
  readonly status: number;
  /** Part of what is printed. */
  readonly reason: string;
  readonly evidence?: EvidenceKind;
}

export interface Lie {
  readonly name: string;
  readonly tell: (rig: Rig) => void | Promise<void>;
  readonly caught: readonly [Catch, ...Catch[]];
}

/** Signed files that are about nothing, up to a size. */
export function filled(log: TestLog, size: number, salt = ""): TestLog {
  const somebody = made.ed25519Signer("somebody");
  while (log.size < size) log.submit(made.rawSubmission(utf8(`file ${log.size}${salt}`), somebody));
  return log;
}

/** Entries 1 to 3: Ada's commit, and the reviews of Bob and Carol. All of it is indexed. */
export class Rig {
  readonly key: ReturnType<typeof logKey> = logKey();
  readonly main: TestLog = filled(new TestLog("log.test", this.key), 1);
  readonly index: TestIndex = new TestIndex(this.main);
  readonly served: ServedIndex;
  readonly client: Workplace = new Workplace();
  /** Who is told something else. */
  readonly other: Workplace = new Workplace();

  static async open(): Promise<Rig> {
    const rig = new Rig(await serveIndex(new TestIndex(new TestLog())));
    rig.served.index = rig.index;
    for (const place of [rig.client, rig.other]) {
      mkdirSync(place.path("receipts"));
      writeFileSync(place.path("trust.toml"), rig.trust());
    }
    writeFileSync(rig.client.path("monitor.toml"), MONITOR);
    rig.keep("commit", commit.submission);
    rig.keep("bob", await review(bob, commit));
    rig.keep("carol", await review(carol, commit));
    rig.index.grow();
    return rig;
  }

  private constructor(served: ServedIndex) {
    this.served = served;
  }

  /** `more` stands in the table of the log. */
  trust(more = ""): string {
    const people: [string, Signer, string][] = [
      ["Ada", ada, "author"],
      ["Bob", bob, "reviewer"],
      ["Carol", carol, "reviewer"],
    ];
    return [
      `trust = 1\n[[log]]\norigin = "log.test"\nvkeys = ["${this.main.vkey}"]\nurl = "${this.served.url}"\n${more}`,
      ...people.map(
        ([name, signer, role]) =>
          `[[person]]\nname = "${name}"\nkeys = ["${idOf(signer)}"]\nroles = ["${role}"]`,
      ),
      '[[rule]]\nfor = "commit"\nauthor = true\nreviewers = 2\n',
    ].join("\n");
  }

  /** Log something, and have its receipt at hand; the content. */
  keep(name: string, submission: Submission): Uint8Array {
    const [receipt] = this.main.log(submission);
    if (receipt?.content === undefined) throw new Error("no receipt");
    this.have(name, receipt);
    return receipt.content;
  }

  have(name: string, receipt: Receipt): void {
    const bytes = formatReceipt(receipt);
    writeFileSync(this.client.path("receipts", `${name}.receipt.json`), bytes);
  }

  /** The evidence of a kind that a client's commands have left behind. */
  evidence(kind: EvidenceKind): Uint8Array | undefined {
    const name = kind.startsWith("fork-") ? "fork-" : `${kind}-`;
    const files = [this.client, this.other].flatMap(({ folder }) =>
      readdirSync(folder, { recursive: true, encoding: "utf8" })
        .filter((file) => basename(file).startsWith(name))
        .map((file) => join(folder, file)),
    );
    const found = files.map((file) => readFileSync(file));
    const bytes = found.find((one) => one.includes(`"kind": "${kind}"`));
    return bytes === undefined ? undefined : new Uint8Array(bytes);
  }

  async close(): Promise<void> {
    await this.served.close();
    this.client.remove();
    this.other.remove();
  }
}

/** Watches the commit and both reviewers; Bob's key and receipts are its own. */
const MONITOR = [
  'monitor = 1\ntrust = "trust.toml"\nstate = "monitor"',
  '[[log]]\norigin = "log.test"',
  `commits = ["${commit.id}"]`,
  `keys = ["${idOf(bob)}", "${idOf(carol)}"]`,
  `own = ["${idOf(bob)}"]\nreceipts = "receipts"\n`,
].join("\n");

/** One round. Before a lie is told it is run once, so that it knows what was there. */
export const monitor: Catch["ask"] = async ({ client }) =>
  client.countersign("monitor", "--config", "monitor.toml", "--once");

/** What a monitor says of a lie. */
export const watched = (status: number, reason: string, evidence?: EvidenceKind): Catch => ({
  by: "monitor",
  ask: monitor,
  status,
  reason,
  ...(evidence === undefined ? {} : { evidence }),
});

const TRUST = ["--trust", "trust.toml"] as const;

export const lookUp =
  (...words: readonly string[]) =>
  async ({ client }: Rig): Promise<Outcome> =>
    client.countersign("lookup", ...words, ...TRUST);

/** What a client asks most often. */
export const aboutCommit: Catch["ask"] = lookUp("commit", commit.id);

export const isComplete: Catch["ask"] = async ({ client }) =>
  client.countersign("verify", commit.id, "--complete", ...TRUST);

export const byReceipts: Catch["ask"] = async ({ client }) =>
  client.countersign("verify", commit.id, ...TRUST);

export const executeIndex: Catch["ask"] = async ({ client }) =>
  client.countersign("index", "verify", ...TRUST);

export const newestHead: Catch["ask"] = async ({ client }) =>
  client.countersign("update", ...TRUST);
