/**
 * A small log for the client's tests: a real tree, real signatures, real HTTP on loopback, and a
 * hook for every answer, so that a test can make it lie in exactly one place.
 *
 * It shares the pure room with the client (that is what the client is checked against elsewhere)
 * and nothing with the server.
 */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { privateKeySigner } from "../../client/keys/private-key.ts";
import { dsseSubmission, gitSign, type Signer } from "../../client/keys/signer.ts";
import type { TrustedLog } from "../../client/trust.ts";
import { concat, fromHex, fromUtf8, toBase64, toHex, utf8 } from "../../schema/bytes.ts";
import {
  formatLogStatement,
  LOG_PAYLOAD_TYPE,
  type LogStatement,
} from "../../schema/entry/log-statement.ts";
import { type PreparedEntry, prepareSubmission } from "../../schema/entry/prepare.ts";
import { LogError, unwrap } from "../../schema/error.ts";
import type { Submission } from "../../schema/http/messages.ts";
import { parseSubmission } from "../../schema/http/submission.ts";
import type { EndOfIndex } from "../../schema/index/index-end.ts";
import { formatLogEntry, type LogEntry, type Receipt } from "../../schema/receipt.ts";
import { encodeBundle, encodeContentTile } from "../../schema/tlog/bundle.ts";
import { formatCheckpoint } from "../../schema/tlog/checkpoint.ts";
import { asHash, type Hash, leafHash } from "../../schema/tlog/hash.ts";
import {
  formatNote,
  formatVkey,
  keyHash,
  keyId,
  type NoteSignature,
  parseVkey,
} from "../../schema/tlog/note.ts";
import { formatPromise } from "../../schema/tlog/promise.ts";
import { proveInclusion } from "../../schema/tlog/proof.ts";
import { parseTilePath, TILE_WIDTH } from "../../schema/tlog/tile.ts";
import { CompactRange, NodeSet } from "../../schema/tlog/tree.ts";

const { sha256 } = nodeCrypto;

/** A log's key, so that two logs can share one: that is how forks are made. */
export interface LogKey {
  readonly privateKey: KeyObject;
  readonly publicKey: Uint8Array;
}

export function logKey(): LogKey {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return { privateKey, publicKey: publicKey.export({ type: "spki", format: "der" }).subarray(-32) };
}

export class TestLog {
  readonly origin: string;
  readonly key: LogKey;
  readonly leaves: Uint8Array[] = [];
  /** Who stands beside the log's own signature in each checkpoint. */
  cosigners: readonly ((text: string) => NoteSignature)[] = [];
  readonly contents = new Map<string, Uint8Array>();
  readonly erased = new Set<string>();
  readonly #nodes = new NodeSet();
  readonly #range = CompactRange.empty(sha256);
  readonly #contentOf: (string | undefined)[] = [];

  constructor(origin = "log.test", key: LogKey = logKey()) {
    this.origin = origin;
    this.key = key;
  }

  get vkey(): string {
    return formatVkey(sha256, this.origin, 1, this.key.publicKey);
  }

  get trusted(): TrustedLog {
    return {
      origin: this.origin,
      vkeys: [unwrap(parseVkey(sha256, this.vkey))],
      vkeyTexts: [this.vkey],
    };
  }

  get size(): number {
    return this.leaves.length;
  }

  /** Append a leaf as it is; a duplicate keeps its index. */
  append(leaf: Uint8Array, content?: Uint8Array): number {
    const hash = toHex(leafHash(sha256, leaf));
    const before = this.leaves.findIndex((other) => toHex(leafHash(sha256, other)) === hash);
    return before >= 0 ? before : this.appendAgain(leaf, content);
  }

  /** Append a leaf, whether it is there or not. */
  appendAgain(leaf: Uint8Array, content?: Uint8Array): number {
    this.leaves.push(leaf);
    this.#range.append(leafHash(sha256, leaf), (level, index, node) =>
      this.#nodes.set(level, index, node),
    );
    const digest = content === undefined ? undefined : toHex(sha256(content));
    if (digest !== undefined && content !== undefined) this.contents.set(digest, content);
    this.#contentOf.push(digest);
    return this.leaves.length - 1;
  }

  /** Take a content out. Whether the log says so is for the caller: `eraseStatement`. */
  erase(content: Uint8Array): void {
    const digest = toHex(sha256(content));
    this.contents.delete(digest);
    this.erased.add(digest);
  }

  /** The log's own word that it erases a content, to be submitted. */
  async eraseStatement(content: Uint8Array): Promise<Submission> {
    const digest = toHex(sha256(content));
    return this.#statement({ type: "erase", ...this.#said(), digest, reason: "asked for" });
  }

  /** The log's own word that an index of it ends, to be submitted. */
  async endStatement(end: EndOfIndex): Promise<Submission> {
    return this.#statement({ type: "index-end", ...this.#said(), ...end });
  }

  #said(): { log: string; createdAt: string } {
    return { log: this.vkey, createdAt: "2026-11-20T10:00:00Z" };
  }

  #statement(statement: LogStatement): Promise<Submission> {
    const signer = privateKeySigner(this.key.privateKey, "log");
    return dsseSubmission(signer, LOG_PAYLOAD_TYPE, formatLogStatement(statement));
  }

  /** Leaves without meaning, to make a tree of some size. */
  fill(size: number, salt = ""): this {
    while (this.size < size) this.append(utf8(`filler ${this.size}${salt}`));
    return this;
  }

  submit(submission: Submission): { index: number; entry: PreparedEntry }[] {
    return unwrap(prepareSubmission(sha256, submission)).map((entry) => ({
      index: this.append(entry.leafBytes, entry.content),
      entry,
    }));
  }

  root(size: number = this.size): Hash {
    const range = CompactRange.empty(sha256);
    for (const leaf of this.leaves.slice(0, size)) range.append(leafHash(sha256, leaf));
    return range.root();
  }

  /** The signed note of a size, or of any root one likes. */
  checkpoint(size: number = this.size, root: Hash = this.root(size)): Uint8Array {
    const text = formatCheckpoint({ origin: this.origin, size, root });
    const cosignatures = this.cosigners.map((cosign) => cosign(text));
    return formatNote({ text, signatures: [this.signature(text), ...cosignatures] });
  }

  signature(text: string): { name: string; keyId: Uint8Array; signature: Uint8Array } {
    return {
      name: this.origin,
      keyId: keyId(sha256, this.origin, 1, this.key.publicKey),
      signature: new Uint8Array(sign(null, utf8(text), this.key.privateKey)),
    };
  }

  /** A promise of an entry that is there, or of any leaf one likes. */
  promise(
    index: number,
    times: { readonly time: number; readonly deadline: number },
    leaf: Uint8Array = this.leaves[index] ?? new Uint8Array(0),
  ): string {
    const { origin } = this;
    const text = formatPromise({ origin, leafHash: leafHash(sha256, leaf), index, ...times });
    return fromUtf8(formatNote({ text, signatures: [this.signature(text)] })) ?? "";
  }

  proof(index: number, size: number = this.size): Hash[] {
    return proveInclusion(sha256, index, size, (level, at) => this.#nodes.get(level, at));
  }

  entry(index: number, size: number = this.size): LogEntry {
    return {
      index,
      size,
      root: this.root(size),
      hashes: this.proof(index, size),
      checkpoint: fromUtf8(this.checkpoint(size)) ?? "",
      leafBytes: this.leaves[index] ?? new Uint8Array(0),
      logId: keyHash(sha256, this.origin, 1, this.key.publicKey),
    };
  }

  receipt(index: number, size: number = this.size): Receipt {
    const digest = this.#contentOf[index];
    const content = digest === undefined ? undefined : this.contents.get(digest);
    const entry = this.entry(index, size);
    return content === undefined ? { entry } : { entry, content };
  }

  /** Log a submission and take the receipts of its entries. */
  log(submission: Submission): Receipt[] {
    return this.submit(submission).map(({ index }) => this.receipt(index));
  }

  /** What is served under a path; `undefined` for 404. */
  serve(path: string, query: string): Uint8Array | undefined {
    if (path === "checkpoint") return this.checkpoint();
    const digest = /^content\/sha256\/([0-9a-f]{64})$/.exec(path)?.[1];
    if (digest !== undefined) return this.contents.get(digest);
    const name = /^v1\/entries\/(.+)$/.exec(path)?.[1];
    if (name !== undefined) return this.#lookUp(name);
    const tile = parseTilePath(path);
    if (!tile.ok) return undefined;
    const { kind, level, index, width } = tile.value;
    const first = index * TILE_WIDTH;
    if (kind === "hash") return this.#hashTile(level, first, width);
    if (first + width > this.size) return undefined;
    if (kind === "entries") return encodeBundle(this.leaves.slice(first, first + width));
    const from = Number(/^\?from=(\d+)$/.exec(query)?.[1] ?? "0");
    const slots = this.#contentOf.slice(first + from, first + width).map((held) => {
      if (held !== undefined && this.erased.has(held)) return { state: "erased" } as const;
      const bytes = held === undefined ? undefined : this.contents.get(held);
      return bytes === undefined
        ? ({ state: "never-held" } as const)
        : ({ state: "held", bytes } as const);
    });
    return encodeContentTile(slots).bytes;
  }

  #hashTile(level: number, first: number, width: number): Uint8Array | undefined {
    const hashes: Hash[] = [];
    for (let i = 0; i < width; i++) {
      const hash = this.#nodes.get(level * 8, first + i);
      if (hash === undefined) return undefined;
      hashes.push(hash);
    }
    return concat(...hashes);
  }

  #lookUp(name: string): Uint8Array | undefined {
    const hash = asHash(fromHex(name) ?? new Uint8Array(0));
    const index =
      hash === undefined
        ? Number(name)
        : this.leaves.findIndex((leaf) => toHex(leafHash(sha256, leaf)) === name);
    if (index < 0 || index >= this.size) return undefined;
    return utf8(JSON.stringify({ entry: formatLogEntry(this.entry(index)) }));
  }
}

/** What a liar does with an answer: other bytes, `undefined` for 404, or the whole response. */
export type Lie = (
  path: string,
  honest: Uint8Array | undefined,
  res: ServerResponse,
) => Uint8Array | undefined | "answered" | Promise<Uint8Array | undefined | "answered">;

export interface Served {
  readonly url: string;
  /** Paths asked for, in order. */
  readonly asked: string[];
  lie: Lie;
  close(): Promise<void>;
}

/** Serve a log on loopback. The log may grow or be replaced between requests. */
export async function serveLog(
  log: () => TestLog,
  lie: Lie = (_, honest) => honest,
): Promise<Served> {
  const served = { asked: [] as string[], lie };
  const server: Server = createServer((req, res) => {
    answer(log(), served, req, res).catch((error: unknown) => {
      res.destroy(error instanceof Error ? error : undefined);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return Object.assign(served, {
    url: `http://127.0.0.1:${address.port}/`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

async function answer(
  log: TestLog,
  served: { asked: string[]; lie: Lie },
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const url = new URL(req.url ?? "/", "http://log.test");
  const path = url.pathname.slice(1);
  served.asked.push(`${path}${url.search}`);
  const honest =
    req.method === "POST" ? await answerPost(log, path, req) : log.serve(path, url.search);
  const body = await served.lie(path, honest, res);
  if (body === "answered") return;
  if (body === undefined) {
    res.writeHead(404, { "content-type": "application/problem+json" });
    res.end(JSON.stringify({ code: "NOT_FOUND", detail: "nothing here", status: 404 }));
    return;
  }
  const refused = (fromUtf8(body.subarray(0, 20)) ?? "").startsWith('{"type":"problem');
  res.writeHead(refused ? 400 : req.method === "POST" ? 201 : 200);
  res.end(body);
}

async function answerPost(log: TestLog, path: string, req: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of req as AsyncIterable<Uint8Array>) chunks.push(chunk);
  const body = concat(...chunks);
  if (path === "v1/entries") {
    const logged = log.submit(unwrap(parseSubmission(body)));
    const entries = logged.map(({ index }) => formatLogEntry(log.entry(index)));
    return utf8(JSON.stringify({ entries }));
  }
  const lines = (fromUtf8(body) ?? "").split("\n").filter((line) => line !== "");
  const all: { index: number }[] = [];
  const answers = lines.map((line) => {
    try {
      const logged = log.submit(unwrap(parseSubmission(utf8(line))));
      all.push(...logged);
      const entries = logged.map(({ index, entry }) => ({
        index,
        leafHash: toHex(entry.leafHash),
      }));
      return JSON.stringify({ entries });
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      return JSON.stringify({ problem: { code: error.code, detail: error.message, status: 400 } });
    }
  });
  const proofs = all.map(({ index }) => ({ index, hashes: log.proof(index).map(toBase64) }));
  const checkpoint = fromUtf8(log.checkpoint());
  return utf8(`${[...answers, JSON.stringify({ checkpoint, proofs })].join("\n")}\n`);
}

/** A person's key of a kind that has a PKCS#8 form. */
export function newSigner(type: "ed25519" | "p256" = "ed25519"): Signer {
  const { privateKey } =
    type === "ed25519"
      ? generateKeyPairSync("ed25519")
      : generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  return privateKeySigner(privateKey, "test");
}

/** A signed statement of one of the project's own types. */
export async function statement(
  signer: Signer,
  predicateType: string,
  subject: readonly object[],
  predicate: object,
): Promise<Submission> {
  const body = { _type: "https://in-toto.io/Statement/v1", subject, predicateType, predicate };
  return dsseSubmission(signer, "application/vnd.in-toto+json", utf8(JSON.stringify(body)));
}

/** A commit signed as git does it, and its ids. */
export async function signedCommit(
  signer: Signer,
  message = "a change",
): Promise<{ object: Uint8Array; id: string; tree: string; submission: Submission }> {
  const tree = toHex(nodeCrypto.sha1(utf8(`tree of ${message}`)));
  const identity = "Ada <ada@example.org> 1700000000 +0000";
  const head = `tree ${tree}\nauthor ${identity}\ncommitter ${identity}\n`;
  const armored = await gitSign(signer, utf8(`${head}\n${message}\n`));
  const header = `gpgsig ${armored.trimEnd().replaceAll("\n", "\n ")}\n`;
  const object = utf8(`${head}${header}\n${message}\n`);
  const id = toHex(nodeCrypto.sha1(concat(utf8(`commit ${object.length}\0`), object)));
  return { object, id, tree, submission: { kind: "git", object: toBase64(object) } };
}

export async function review(
  signer: Signer,
  head: { id: string; tree: string },
  more: object = {},
): Promise<Submission> {
  return statement(
    signer,
    "urn:countersign:commit-review:v1",
    [{ digest: { gitCommit: head.id, gitTree: head.tree } }],
    {
      repo: { uri: "git+https://example.org/repo" },
      targetRef: "refs/heads/main",
      base: { gitCommit: "0".repeat(40) },
      head: { gitCommit: head.id, gitTree: head.tree },
      verdict: "approve",
      scope: "change",
      reviewedAt: "2026-01-31T12:00:00Z",
      ...more,
    },
  );
}

export async function buildResult(
  signer: Signer,
  commit: string,
  output: Uint8Array,
  more: object = {},
): Promise<Submission> {
  const input = { gitCommit: commit };
  const artifact = { name: "tool", digest: { sha256: toHex(sha256(output)) } };
  return statement(signer, "urn:countersign:build-result:v1", [artifact], {
    input,
    inputsDigest: toHex(sha256(utf8(JSON.stringify(input)))),
    output: [artifact],
    system: "x86_64-linux",
    builder: { operator: "somebody" },
    deterministic: true,
    ...more,
  });
}

export async function releaseStatement(
  signer: Signer,
  commit: string,
  artifact: Uint8Array,
): Promise<Submission> {
  const made = { name: "tool", digest: { sha256: toHex(sha256(artifact)) } };
  const subject = [{ digest: { gitCommit: commit } }, made];
  return statement(signer, "urn:countersign:release:v1", subject, {
    repo: { uri: "git+https://example.org/repo" },
    ref: "refs/tags/v1.0.0",
    gitCommit: commit,
    artifacts: [made],
    immutable: true,
  });
}
