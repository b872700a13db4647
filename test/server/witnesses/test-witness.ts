/**
 * A witness for tests: it follows C2SP tlog-witness to the letter until it is told to misbehave.
 *
 * Written apart from our own witness: what the log asks is judged by other lines than those that
 * answer in production.
 */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { createServer } from "node:http";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { openNote } from "../../../client/note.ts";
import { concat, utf8 } from "../../../schema/bytes.ts";
import { unwrap } from "../../../schema/error.ts";
import { parseCheckpoint } from "../../../schema/tlog/checkpoint.ts";
import { cosignedMessage, formatCosignature } from "../../../schema/tlog/cosignature.ts";
import { emptyRoot } from "../../../schema/tlog/hash.ts";
import {
  formatSignatures,
  formatVkey,
  type NoteSignature,
  parseVkey,
  SIGNATURE_TYPES,
} from "../../../schema/tlog/note.ts";
import { type TreeHead, verifyConsistency } from "../../../schema/tlog/proof.ts";
import {
  formatTlogSize,
  parseAddCheckpoint,
  TLOG_SIZE_TYPE,
  witnessedCheckpointPath,
} from "../../../schema/tlog/tlog-witness.ts";
import type { WitnessAnswer, WitnessTransport } from "../../../server/witnesses/ports.ts";
import { SIGNER, sha256 } from "../entries.ts";

/** Seconds that a test's clock shows. */
export const NOW = 1_790_000_000;

type KeyType = typeof SIGNATURE_TYPES.cosignature | typeof SIGNATURE_TYPES.mlDsa44;

class CosigningKey {
  readonly name: string;
  readonly type: KeyType;
  readonly vkey: string;
  readonly #private: KeyObject;

  constructor(name: string, type: KeyType) {
    const { publicKey, privateKey } =
      type === SIGNATURE_TYPES.cosignature
        ? generateKeyPairSync("ed25519")
        : generateKeyPairSync("ml-dsa-44");
    const bytes = type === SIGNATURE_TYPES.cosignature ? 32 : 1_312;
    const raw = new Uint8Array(publicKey.export({ type: "spki", format: "der" })).slice(-bytes);
    this.name = name;
    this.type = type;
    this.#private = privateKey;
    this.vkey = formatVkey(sha256, name, type, raw);
  }

  line(text: string, timestamp: number): NoteSignature {
    const message = unwrap(cosignedMessage(this.type, this.name, timestamp, text));
    const signature = new Uint8Array(sign(null, message, this.#private));
    const { name, keyId } = unwrap(parseVkey(sha256, this.vkey));
    return { name, keyId, signature: formatCosignature({ timestamp, signature }) };
  }
}

/** What a witness does to a request instead of answering it. */
export type Trick =
  | "500"
  | "gone"
  | "hang"
  | "lying 422"
  | "bare 409"
  | "409 larger"
  | "409 of the named size"
  | "forged line"
  | "line of another key"
  | "line of another checkpoint"
  | "time 0"
  | "time of tomorrow"
  | "no line"
  | "too much";

export const TRICKS: readonly Trick[] = [
  "500",
  "gone",
  "lying 422",
  "bare 409",
  "409 larger",
  "409 of the named size",
  "forged line",
  "line of another key",
  "line of another checkpoint",
  "time 0",
  "time of tomorrow",
  "no line",
  "too much",
];

interface Seen extends TreeHead {
  readonly note: Uint8Array;
}

export interface TestWitnessOptions {
  readonly types?: readonly KeyType[];
  readonly logVkeys?: readonly string[];
  readonly origin?: string;
  /** Seconds since 1970. */
  readonly now?: () => number;
}

export class TestWitness {
  readonly name: string;
  readonly keys: readonly CosigningKey[];
  readonly origin: string;
  readonly #logVkeys: readonly string[];
  readonly #now: () => number;
  /** What it does from now on; `undefined` is honest. */
  trick: Trick | undefined;
  /** It answers when this does. */
  gate: Promise<void> | undefined;
  /** Whether it shows what it has seen. */
  shows = true;
  /** Shown instead of what it has seen. */
  shownNote: Uint8Array | undefined;
  seen: Seen | undefined;
  /** Every head that it has cosigned, oldest first. */
  readonly cosigned: TreeHead[] = [];
  /** Requests, by the size that was sent. */
  readonly asked: { readonly old: number; readonly size: number }[] = [];

  constructor(name: string, options: TestWitnessOptions = {}) {
    const { types = [SIGNATURE_TYPES.cosignature], logVkeys, origin, now } = options;
    this.name = name;
    this.keys = types.map((type) => new CosigningKey(name, type));
    this.#logVkeys = logVkeys ?? SIGNER.vkeys;
    this.origin = origin ?? SIGNER.origin;
    this.#now = now ?? (() => NOW);
  }

  /** Lines of a policy; the keys of one witness form a group of their own. */
  policyLines(url: string): string {
    const names = this.keys.map((_, i) =>
      this.keys.length === 1 ? this.name : `${this.name}-${i}`,
    );
    const lines = this.keys.map(({ vkey }, i) => `witness ${names[i]} ${vkey} ${url}\n`);
    return lines.length === 1
      ? lines.join("")
      : `${lines.join("")}group ${this.name} any ${names.join(" ")}\n`;
  }

  async answer(method: string, path: string, body: Uint8Array): Promise<WitnessAnswer> {
    if (method === "GET" && path.endsWith(witnessedCheckpointPath(sha256, this.origin))) {
      const note = this.shownNote ?? this.seen?.note;
      if (!this.shows) return plain(503, "");
      return note === undefined ? plain(404, "") : { ...plain(200, ""), body: note };
    }
    if (method !== "POST" || !path.endsWith("/add-checkpoint")) return plain(404, "");
    await this.gate;
    return this.#addCheckpoint(body);
  }

  async #addCheckpoint(body: Uint8Array): Promise<WitnessAnswer> {
    const request = parseAddCheckpoint(body);
    if (!request.ok) return plain(400, request.message);
    const { oldSize, proof, checkpoint } = request.value;
    const keys = this.#logVkeys.map((text) => unwrap(parseVkey(sha256, text)));
    const opened = await openNote(nodeCrypto, checkpoint, keys);
    if (!opened.ok) return plain(403, opened.message);
    const { text } = opened.value.note;
    const head = unwrap(parseCheckpoint(text));
    if (head.origin !== this.origin) return plain(404, "another log");
    this.asked.push({ old: oldSize, size: head.size });
    const tricked = this.#tricked(text, oldSize, head.size);
    if (tricked !== undefined) return tricked;
    if (oldSize > head.size) return plain(400, "old is larger");
    const last = this.seen ?? { size: 0, root: emptyRoot(sha256) };
    if (oldSize !== last.size)
      return { status: 409, contentType: TLOG_SIZE_TYPE, body: utf8(formatTlogSize(last.size)) };
    if (!verifyConsistency(sha256, last, head, proof)) return plain(422, "not consistent");
    const lines = this.keys.map((key) => key.line(text, this.#now()));
    const signed = concat(checkpoint, utf8(formatSignatures(lines)));
    this.seen = { size: head.size, root: head.root, note: signed };
    this.cosigned.push({ size: head.size, root: head.root });
    return plain(200, formatSignatures(lines));
  }

  #tricked(text: string, oldSize: number, size: number): WitnessAnswer | undefined {
    const [key] = this.keys;
    if (key === undefined) return undefined;
    switch (this.trick) {
      case undefined:
        return undefined;
      case "500":
        return plain(500, "out of order");
      case "gone":
      case "hang":
        throw new Error("gone");
      case "lying 422":
        return plain(422, "I do not believe you");
      case "bare 409":
        return plain(409, "");
      case "409 larger":
        return {
          status: 409,
          contentType: TLOG_SIZE_TYPE,
          body: utf8(formatTlogSize(size + 1_000)),
        };
      case "409 of the named size":
        return { status: 409, contentType: TLOG_SIZE_TYPE, body: utf8(formatTlogSize(oldSize)) };
      case "forged line": {
        const line = key.line(text, this.#now());
        const signature = line.signature.slice();
        signature[20] = (signature[20] ?? 0) ^ 1;
        return plain(200, formatSignatures([{ ...line, signature }]));
      }
      case "line of another key":
        return plain(
          200,
          formatSignatures([new CosigningKey(this.name, key.type).line(text, this.#now())]),
        );
      case "line of another checkpoint":
        return plain(
          200,
          formatSignatures([key.line(text.replace(`\n${size}\n`, `\n${size + 1}\n`), this.#now())]),
        );
      case "time 0":
        return plain(200, formatSignatures([key.line(text, 0)]));
      case "time of tomorrow":
        return plain(200, formatSignatures([key.line(text, this.#now() + 86_400)]));
      case "no line":
        return plain(200, "");
      case "too much":
        return { ...plain(200, ""), body: new Uint8Array(2_000_000) };
    }
  }
}

/** Without a network: `http://<name>` is the witness of that name. */
export function transportTo(witnesses: readonly TestWitness[]): WitnessTransport {
  const exchange = async (
    method: string,
    url: string,
    body: Uint8Array,
  ): Promise<WitnessAnswer> => {
    const { hostname, pathname } = new URL(url);
    const witness = witnesses.find(({ name }) => name === hostname);
    if (witness === undefined) throw new Error(`nobody is at ${url}`);
    return witness.answer(method, pathname, body);
  };
  return {
    post: (url, body) => exchange("POST", url, body),
    get: (url) => exchange("GET", url, new Uint8Array(0)),
  };
}

/** The same witness on a loopback port, under a path of its own. */
export async function listenAs(
  witness: TestWitness,
): Promise<{ readonly url: string; readonly close: () => Promise<void> }> {
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on("data", (chunk: Buffer) => chunks.push(chunk));
    req.on("end", () => {
      if (witness.trick === "hang") return;
      witness.answer(req.method ?? "", req.url ?? "", new Uint8Array(Buffer.concat(chunks))).then(
        ({ status, contentType, body }) => {
          res.writeHead(status, { "content-type": contentType });
          res.end(body);
        },
        () => req.destroy(),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    url: `http://127.0.0.1:${address.port}/${witness.name}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A policy text over these witnesses: each is one voice, `threshold` of them are the quorum. */
export function policyText(
  witnesses: readonly { readonly witness: TestWitness; readonly url: string }[],
  threshold: number,
): string {
  const lines = witnesses.map(({ witness, url }) => witness.policyLines(url));
  const names = witnesses.map(({ witness }) => witness.name);
  return `${lines.join("")}group all-of-them ${threshold} ${names.join(" ")}\nquorum all-of-them\n`;
}

function plain(status: number, text: string): WitnessAnswer {
  return { status, contentType: "text/plain; charset=utf-8", body: utf8(text) };
}
