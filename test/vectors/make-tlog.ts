/**
 * Makes the vectors of the tree and of notes: `node test/vectors/make-tlog.ts`.
 *
 * Everything is derived from rules and fixed seeds, so the files come out the same every time; a
 * test compares them. Signatures that are allowed to be random are made in their deterministic form.
 */
import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { p256 } from "@noble/curves/nist.js";
import { ml_dsa44 } from "@noble/post-quantum/ml-dsa.js";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { concat, fromBase64, fromHex, toBase64, toHex, utf8 } from "../../schema/bytes.ts";
import { encodeSpki } from "../../schema/key/spki.ts";
import { encodeBundle, encodeContentTile } from "../../schema/tlog/bundle.ts";
import { formatCheckpoint } from "../../schema/tlog/checkpoint.ts";
import { cosignedMessage, formatCosignature } from "../../schema/tlog/cosignature.ts";
import { leafHash } from "../../schema/tlog/hash.ts";
import {
  formatNote,
  formatVkey,
  type NoteSignature,
  parseVkey,
  SIGNATURE_TYPES,
  type Vkey,
} from "../../schema/tlog/note.ts";
import { formatPromise } from "../../schema/tlog/promise.ts";
import { proveConsistency, proveInclusion, type TreeHead } from "../../schema/tlog/proof.ts";
import { tilePath, tilesOf } from "../../schema/tlog/tile.ts";
import { formatTlogProof } from "../../schema/tlog/tlog-proof.ts";
import { CompactRange, type GetNode, NodeSet } from "../../schema/tlog/tree.ts";

const { sha256 } = nodeCrypto;
const ENTRIES = 70_000;
const RULE = 'entry i is the UTF-8 text "entry <i>", i in decimal';
const ORIGIN = "log.example.test";
const entry = (i: number): Uint8Array => utf8(`entry ${i}`);

const nodes = new NodeSet();
const getNode: GetNode = (level, index) => nodes.get(level, index);
const heads: TreeHead[] = [];
const edges = new Map<number, string[]>();
const LISTED = [
  ...Array.from({ length: 18 }, (_, i) => i),
  31, 32, 33, 63, 64, 65, 100, 127, 128, 129, 255, 256, 257, 511, 512, 513, 1000, 65_535, 65_536,
  65_537, 65_792, ENTRIES,
];

function grow(): void {
  const range = CompactRange.empty(sha256);
  for (let size = 0; ; size++) {
    if (LISTED.includes(size)) {
      heads.push({ size, root: range.root() });
      edges.set(size, range.hashes.map(toHex));
    }
    if (size === ENTRIES) return;
    range.append(leafHash(sha256, entry(size)), (level, index, hash) =>
      nodes.set(level, index, hash),
    );
  }
}
grow();

function head(size: number): TreeHead {
  const found = heads.find((one) => one.size === size);
  if (found === undefined) throw new Error(`size ${size} is not listed`);
  return found;
}

const hexes = (list: readonly Uint8Array[]): string[] => list.map(toHex);

function trees(): unknown {
  return {
    rule: RULE,
    trees: heads.map(({ size, root }) => ({ size, root: toHex(root), edge: edges.get(size) })),
  };
}

const INCLUSIONS = [
  [0, 1], [0, 2], [1, 2], [0, 3], [2, 3], [4, 7], [6, 7], [0, 8], [5, 8], [16, 17], [63, 65],
  [64, 65], [99, 100], [0, 255], [254, 255], [255, 256], [256, 257], [511, 513], [777, 1000],
  [65_535, 65_536], [65_536, 65_537], [12_345, 65_792], [0, 70_000], [69_999, 70_000],
] as const;

function inclusion(): unknown {
  return {
    rule: RULE,
    valid: INCLUSIONS.map(([index, size]) => ({
      index,
      size,
      root: toHex(head(size).root),
      leafHash: toHex(leafHash(sha256, entry(index))),
      proof: hexes(proveInclusion(sha256, index, size, getNode)),
    })),
    invalid: [
      spoiledInclusion("index is the size", { index: 7 }),
      spoiledInclusion("index of the neighbour", { index: 3 }),
      spoiledInclusion("one hash too few", { drop: true }),
      spoiledInclusion("one hash too many", { add: true }),
      spoiledInclusion("hashes in reverse", { reverse: true }),
      spoiledInclusion("another size", { size: 4 }),
      spoiledInclusion("the leaf of another entry", { leaf: 5 }),
      spoiledInclusion("another root", { root: 8 }),
    ],
  };
}

function spoiledInclusion(
  why: string,
  how: { index?: number; size?: number; leaf?: number; root?: number; drop?: true; add?: true; reverse?: true },
): unknown {
  const proof = hexes(proveInclusion(sha256, 2, 7, getNode));
  const changed = how.drop ? proof.slice(1) : how.add ? [...proof, proof[0]] : proof;
  return {
    why,
    index: how.index ?? 2,
    size: how.size ?? 7,
    root: toHex(head(how.root ?? 7).root),
    leafHash: toHex(leafHash(sha256, entry(how.leaf ?? 2))),
    proof: how.reverse ? changed.toReversed() : changed,
  };
}

const CONSISTENCIES = [
  [0, 0], [0, 7], [1, 1], [1, 2], [1, 8], [2, 3], [3, 7], [4, 7], [6, 7], [6, 8], [7, 7], [8, 16],
  [15, 17], [33, 100], [64, 65], [127, 257], [128, 256], [255, 256], [256, 257], [513, 1000],
  [1000, 65_536], [65_535, 65_537], [65_536, 70_000], [65_537, 70_000],
] as const;

function consistency(): unknown {
  const valid = CONSISTENCIES.map(([older, newer]) => ({
    older: { size: older, root: toHex(head(older).root) },
    newer: { size: newer, root: toHex(head(newer).root) },
    proof: hexes(proveConsistency(sha256, older, newer, getNode)),
  }));
  const good = valid.find((one) => one.older.size === 3 && one.newer.size === 7);
  if (good === undefined) throw new Error("no 3 to 7");
  const { older, newer, proof } = good;
  const seven = { size: 7, root: older.root };
  return {
    rule: RULE,
    valid,
    invalid: [
      { why: "older and newer exchanged", older: newer, newer: older, proof },
      { why: "one hash too few", older, newer, proof: proof.slice(1) },
      { why: "one hash too many", older, newer, proof: [...proof, proof[0]] },
      { why: "hashes in reverse", older, newer, proof: proof.toReversed() },
      { why: "another older size", older: { ...older, size: 4 }, newer, proof },
      { why: "another newer size", older, newer: { ...newer, size: 9 }, proof },
      { why: "another older root", older: { size: 3, root: newer.root }, newer, proof },
      { why: "equal sizes, other roots", older: seven, newer, proof: [] },
      { why: "a root for the empty tree", older: { size: 0, root: older.root }, newer, proof: [] },
      {
        why: "a proof from the empty tree",
        older: { size: 0, root: toHex(head(0).root) },
        newer,
        proof: [proof[0]],
      },
    ],
  };
}

function tiles(): unknown {
  const row = (level: number, index: number, width: number): Uint8Array =>
    concat(
      ...Array.from({ length: width }, (_, i) => {
        const hash = getNode(level * 8, index * 256 + i);
        if (hash === undefined) throw new Error("the tile is not there");
        return hash;
      }),
    );
  return {
    rule: RULE,
    trees: [1, 255, 256, 257, 1000, 70_000].map((size) => {
      const all = [...tilesOf(size)];
      const listed = all.length > 12 ? all.filter((tile) => tile.width < 256 || tile.index < 2) : all;
      return {
        size,
        root: toHex(head(size).root),
        count: all.length,
        tiles: listed.map(({ level, index, width }) => ({
          path: tilePath(level, index, width),
          sha256: toHex(sha256(row(level, index, width))),
        })),
      };
    }),
    bytes: { path: "tile/0/003.p/3", base64: toBase64(row(0, 3, 3)) },
    paths: [
      { path: "tile/0/000", kind: "hash", level: 0, index: 0, width: 256 },
      { path: "tile/0/000.p/1", kind: "hash", level: 0, index: 0, width: 1 },
      { path: "tile/1/x001/x234/067.p/255", kind: "hash", level: 1, index: 1_234_067, width: 255 },
      { path: "tile/63/999", kind: "hash", level: 63, index: 999, width: 256 },
      { path: "tile/entries/x001/000", kind: "entries", level: 0, index: 1000, width: 256 },
      { path: "tile/content/999.p/17", kind: "content", level: 0, index: 999, width: 17 },
    ],
    refused: [
      "tile/0/0", "tile/00/000", "tile/64/000", "tile/0/x000/001", "tile/0/001/002",
      "tile/0/000.p/0", "tile/0/000.p/01", "tile/0/000.p/256", "/tile/0/000", "tile/data/000",
    ],
  };
}

function bundles(): unknown {
  const leaves = [entry(0), new Uint8Array(), entry(2)];
  return {
    entries: { leaves: leaves.map(toHex), bytes: toHex(encodeBundle(leaves)) },
    contents: {
      slots: [{ held: toHex(entry(0)) }, "never-held", "erased", { held: "" }],
      bytes: toHex(
        encodeContentTile([
          { state: "held", bytes: entry(0) },
          { state: "never-held" },
          { state: "erased" },
          { state: "held", bytes: new Uint8Array() },
        ]).bytes,
      ),
    },
    refused: [
      { why: "one byte too few", count: 1, bytes: "000207" },
      { why: "one byte too many", count: 1, bytes: "00010700" },
      { why: "half a length", count: 1, bytes: "00" },
    ],
  };
}

function sizes(): unknown {
  return {
    accepted: ["0", "1", "10", "4294967296", "9007199254740991"],
    refused: ["", "00", "01", "+1", "-1", "1.0", "1e3", " 1", "1 ", "9007199254740992", "18446744073709551615"],
  };
}

/** The seed of a test key: 32 bytes of its number. Never to be used outside tests. */
const seed = (number: number): Uint8Array => new Uint8Array(32).fill(number);

function ed25519(number: number): { publicKey: Uint8Array; sign: (message: Uint8Array) => Uint8Array } {
  const prefix = fromHex("302e020100300506032b657004220420") ?? new Uint8Array();
  const key = createPrivateKey({
    key: Buffer.from(concat(prefix, seed(number))),
    format: "der",
    type: "pkcs8",
  });
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  return {
    publicKey: Uint8Array.from(spki.subarray(-32)),
    sign: (message) => Uint8Array.from(sign(null, message, key)),
  };
}

function mlDsa44(number: number): { publicKey: Uint8Array; sign: (message: Uint8Array) => Uint8Array } {
  const key = ml_dsa44.keygen(seed(number));
  return {
    publicKey: key.publicKey,
    sign: (message) => ml_dsa44.sign(message, key.secretKey, { extraEntropy: false }),
  };
}

function ecdsa(number: number): { publicKey: Uint8Array; sign: (message: Uint8Array) => Uint8Array } {
  const secret = seed(number);
  const point = p256.getPublicKey(secret, false);
  return {
    publicKey: encodeSpki({ type: "ecdsa", curve: "p256", point }),
    sign: (message) => p256.sign(message, secret, { format: "der" }),
  };
}

interface Signer {
  readonly vkey: string;
  readonly key: Vkey;
  readonly line: (text: string, timestamp: number) => NoteSignature;
}

function signer(
  name: string,
  type: Vkey["type"],
  pair: { publicKey: Uint8Array; sign: (message: Uint8Array) => Uint8Array },
): Signer {
  const vkey = formatVkey(sha256, name, type, pair.publicKey);
  const parsed = parseVkey(sha256, vkey);
  if (!parsed.ok) throw new Error(parsed.message);
  const key = parsed.value;
  return {
    vkey,
    key,
    line: (text, timestamp) => {
      if (key.type === SIGNATURE_TYPES.ed25519 || key.type === SIGNATURE_TYPES.ecdsa)
        return { name, keyId: key.keyId, signature: pair.sign(utf8(text)) };
      const message = cosignedMessage(key.type, name, timestamp, text);
      if (!message.ok) throw new Error(message.message);
      const signature = pair.sign(message.value);
      return { name, keyId: key.keyId, signature: formatCosignature({ timestamp, signature }) };
    },
  };
}

const log = signer(ORIGIN, SIGNATURE_TYPES.ed25519, ed25519(1));
const logEcdsa = signer(ORIGIN, SIGNATURE_TYPES.ecdsa, ecdsa(2));
const logMlDsa = signer(ORIGIN, SIGNATURE_TYPES.mlDsa44, mlDsa44(3));
const witness = signer("witness.example.test/w1", SIGNATURE_TYPES.cosignature, ed25519(4));
const witnessMlDsa = signer("witness.example.test/w2", SIGNATURE_TYPES.mlDsa44, mlDsa44(5));
const stranger = signer("stranger.example.test", SIGNATURE_TYPES.ed25519, ed25519(6));

/** The example of the specification of signed notes. */
const SPEC_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const SPEC_NOTE =
  "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

function notesFile(): unknown {
  const text = "first line\n\nthe text may have blank lines\n";
  const inside = `${text}\n— ${ORIGIN} AAAAAAAA\n`;
  const make = (body: string, ...signers: readonly Signer[]): string =>
    new TextDecoder().decode(
      formatNote({ text: body, signatures: signers.map((one) => one.line(body, 0)) }),
    );
  const good = make(text, log);
  const end = good.slice(text.length + 1);
  return {
    accepted: [
      { why: "the example of the specification", vkeys: [SPEC_VKEY], note: SPEC_NOTE, verified: 1 },
      { why: "one signature", vkeys: [log.vkey], note: good, verified: 1 },
      { why: "ECDSA on P-256", vkeys: [logEcdsa.vkey], note: make(text, logEcdsa), verified: 1 },
      { why: "an unknown key beside it", vkeys: [log.vkey], note: make(text, stranger, log), verified: 1 },
      { why: "two keys of one name", vkeys: [log.vkey, logEcdsa.vkey], note: make(text, log, logEcdsa), verified: 2 },
      { why: "one key twice counts once", vkeys: [log.vkey], note: make(text, log, log), verified: 1 },
      { why: "signature lines inside the text", vkeys: [log.vkey], note: make(inside, log), verified: 1 },
    ],
    refused: [
      { why: "no known key", vkeys: [stranger.vkey], note: good, code: "SIGNATURE_INVALID" },
      { why: "the text was changed", vkeys: [log.vkey], note: good.replace("first", "First"), code: "SIGNATURE_INVALID" },
      { why: "a known key's signature is bad beside a good one", vkeys: [log.vkey, logEcdsa.vkey], note: `${good}${make("other\n", logEcdsa).slice(7)}`, code: "SIGNATURE_INVALID" },
      { why: "no blank line", vkeys: [log.vkey], note: "text\n", code: "FIELD_INVALID" },
      { why: "no signature", vkeys: [log.vkey], note: "text\n\n", code: "FIELD_INVALID" },
      { why: "no newline at the end", vkeys: [log.vkey], note: good.slice(0, -1), code: "FIELD_INVALID" },
      { why: "a hyphen for the dash", vkeys: [log.vkey], note: `${text}\n${end.replace("—", "-")}`, code: "FIELD_INVALID" },
      { why: "a carriage return", vkeys: [log.vkey], note: good.replace("line\n", "line\r\n"), code: "FIELD_INVALID" },
      { why: "two spaces", vkeys: [log.vkey], note: `${text}\n${end.replace("— ", "—  ")}`, code: "FIELD_INVALID" },
      { why: "base64 with its unused bits set", vkeys: [SPEC_VKEY], note: SPEC_NOTE.replace("yaQM=", "yaQN="), code: "FIELD_INVALID" },
      { why: "base64 without its padding", vkeys: [SPEC_VKEY], note: SPEC_NOTE.replace("yaQM=", "yaQM"), code: "FIELD_INVALID" },
      { why: "a key id and no signature", vkeys: [log.vkey], note: `${text}\n— ${ORIGIN} AAAAAA==\n`, code: "FIELD_INVALID" },
    ],
  };
}

function keysFile(): unknown {
  const [name, , key] = log.vkey.split("+");
  return {
    accepted: [SPEC_VKEY, ...[log, logEcdsa, logMlDsa, witness, witnessMlDsa].map((one) => one.vkey)].map(
      (vkey) => {
        const parsed = parseVkey(sha256, vkey);
        if (!parsed.ok) throw new Error(parsed.message);
        const { type, publicKey, keyId } = parsed.value;
        return { vkey, name: parsed.value.name, type, publicKey: toHex(publicKey), keyId: toHex(keyId) };
      },
    ),
    refused: [
      { why: "the id of another key", vkey: `${name}+00000000+${key}` },
      { why: "another name, the same id", vkey: log.vkey.replace(ORIGIN, "other.example.test") },
      { why: "upper-case id", vkey: log.vkey.replace(/\+[0-9a-f]{8}\+/, (id) => id.toUpperCase()) },
      { why: "an unknown type", vkey: `x+00000000+${toBase64(new Uint8Array(33).fill(9))}` },
      { why: "a key one byte short", vkey: `x+00000000+${toBase64(concat(Uint8Array.of(1), new Uint8Array(31)))}` },
      { why: "a space in the name", vkey: `a b+00000000+${key}` },
      { why: "no name", vkey: `+00000000+${key}` },
      { why: "nothing", vkey: "" },
    ],
  };
}

function checkpoints(): unknown {
  const root = head(7).root;
  const base64 = toBase64(root);
  return {
    accepted: [
      { text: formatCheckpoint({ origin: ORIGIN, size: 7, root }), origin: ORIGIN, size: 7, root: toHex(root), extensions: [] },
      { text: formatCheckpoint({ origin: "Log of éé +1", size: 0, root: head(0).root }), origin: "Log of éé +1", size: 0, root: toHex(head(0).root), extensions: [] },
      { text: `${ORIGIN}\n9007199254740991\n${base64}\nany\nextension\n`, origin: ORIGIN, size: 9007199254740991, root: toHex(root), extensions: ["any", "extension"] },
    ],
    refused: [
      { field: "checkpoint.origin", text: `\n7\n${base64}\n` },
      { field: "checkpoint.size", text: `${ORIGIN}\n07\n${base64}\n` },
      { field: "checkpoint.size", text: `${ORIGIN}\n-7\n${base64}\n` },
      { field: "checkpoint.size", text: `${ORIGIN}\n9007199254740992\n${base64}\n` },
      { field: "checkpoint.size", text: `${ORIGIN}\n` },
      { field: "checkpoint.root", text: `${ORIGIN}\n7\n` },
      { field: "checkpoint.root", text: `${ORIGIN}\n7\n${toBase64(root.subarray(1))}\n` },
      { field: "checkpoint.root", text: `${ORIGIN}\n7\n${base64.slice(0, -1)}\n` },
      { field: "checkpoint.extensions", text: `${ORIGIN}\n7\n${base64}\n\n` },
      { field: "checkpoint.extensions", text: `${ORIGIN}\n7\n${base64}\na\n\nb\n` },
      { field: "checkpoint", text: `${ORIGIN}\n7\n${base64}` },
    ],
  };
}

const TIME = 1_750_000_000;

function promises(): unknown {
  const hash = leafHash(sha256, entry(7));
  const base64 = toBase64(hash);
  const one = (origin: string, index: number, deadline: number) => {
    const text = formatPromise({ origin, leafHash: hash, index, time: TIME, deadline });
    return { text, origin, leafHash: toHex(hash), index, time: TIME, deadline };
  };
  const text = (...lines: readonly (string | number)[]) => `${lines.join("\n")}\n`;
  const label = "countersign-promise/v1";
  const good = one(ORIGIN, 7, TIME + 86_400);
  const note = formatNote({ text: good.text, signatures: [log.line(good.text, 0)] });
  return {
    vkey: log.vkey,
    note: new TextDecoder().decode(note),
    accepted: [good, one(ORIGIN, 0, TIME + 1), one("Log of éé +1", 9007199254740991, TIME + 1), one("7", 7, TIME + 1), one(label, 7, TIME + 1)],
    refused: [
      { field: "promise", text: text("countersign-promise/v2", ORIGIN, base64, 7, TIME, TIME + 1) },
      { field: "promise", text: formatCheckpoint({ origin: ORIGIN, size: 7, root: head(7).root }) },
      { field: "promise", text: good.text.slice(0, -1) },
      { field: "promise", text: `${good.text}more\n` },
      { field: "promise", text: "" },
      { field: "promise.origin", text: text(label, "", base64, 7, TIME, TIME + 1) },
      { field: "promise.leafHash", text: text(label, ORIGIN, base64.slice(0, -1), 7, TIME, TIME + 1) },
      { field: "promise.leafHash", text: text(label, ORIGIN, toBase64(hash.subarray(1)), 7, TIME, TIME + 1) },
      { field: "promise.index", text: text(label, ORIGIN, base64, "07", TIME, TIME + 1) },
      { field: "promise.index", text: text(label, ORIGIN, base64, "9007199254740992", TIME, TIME + 1) },
      { field: "promise.time", text: text(label, ORIGIN, base64, 7, -1, TIME + 1) },
      { field: "promise.deadline", text: text(label, ORIGIN, base64, 7, TIME, "") },
      { field: "promise.deadline", text: text(label, ORIGIN, base64, 7, TIME, TIME) },
      { field: "promise.deadline", text: text(label, ORIGIN, base64, 7, TIME, TIME - 1) },
    ],
  };
}

function cosignedNote(...lines: readonly ((text: string) => NoteSignature)[]): Uint8Array {
  const text = formatCheckpoint({ origin: ORIGIN, ...head(7) });
  return formatNote({ text, signatures: lines.map((line) => line(text)) });
}

function cosignatures(): unknown {
  const text = formatCheckpoint({ origin: ORIGIN, ...head(7) });
  const message = (type: 4 | 6, name: string): string => {
    const made = cosignedMessage(type, name, TIME, text);
    if (!made.ok) throw new Error(made.message);
    return toHex(made.value);
  };
  const note = cosignedNote(
    (body) => witnessMlDsa.line(body, TIME),
    (body) => log.line(body, 0),
    (body) => witness.line(body, TIME + 1),
    (body) => stranger.line(body, 0),
    (body) => logMlDsa.line(body, TIME),
  );
  return {
    log: log.vkey,
    logMlDsa44: logMlDsa.vkey,
    witnesses: [
      { vkey: witness.vkey, timestamp: TIME + 1 },
      { vkey: witnessMlDsa.vkey, timestamp: TIME },
    ],
    note: new TextDecoder().decode(note),
    messages: [
      { type: 4, cosigner: witness.key.name, timestamp: TIME, text, message: message(4, witness.key.name) },
      { type: 6, cosigner: witnessMlDsa.key.name, timestamp: TIME, text, message: message(6, witnessMlDsa.key.name) },
    ],
  };
}

function tlogProofs(): unknown {
  const checkpoint = cosignedNote(
    (body) => log.line(body, 0),
    (body) => witness.line(body, TIME),
  );
  const hashes = proveInclusion(sha256, 2, 7, getNode);
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  const plain = text(formatTlogProof({ index: 2, hashes, checkpoint }));
  const extra = fromBase64("ZXh0cmE=") ?? new Uint8Array();
  return {
    rule: RULE,
    log: log.vkey,
    witness: witness.vkey,
    accepted: [
      { file: plain, index: 2, hashes: hexes(hashes), extra: null },
      { file: text(formatTlogProof({ extra, index: 2, hashes, checkpoint })), index: 2, hashes: hexes(hashes), extra: toHex(extra) },
      { file: text(formatTlogProof({ index: 0, hashes: [], checkpoint })), index: 0, hashes: [], extra: null },
    ],
    refused: [
      { field: "proof", file: plain.replace("@v1", "@v2") },
      { field: "proof", file: "c2sp.org/tlog-proof@v1\nindex 2\n" },
      { field: "proof.index", file: plain.replace("index 2", "index 02") },
      { field: "proof.index", file: plain.replace("index 2\n", "") },
      { field: "proof.index", file: plain.replace("index 2", "index 9007199254740992") },
      { field: "proof.extra", file: plain.replace("index 2", "extra ZXh0cmE\nindex 2") },
      { field: "proof.hashes[0]", file: plain.replace("index 2\n", "index 2\nAAAA\n") },
      { field: "proof.hashes", file: plain.replace("index 2\n", `index 2\n${`${toBase64(head(7).root)}\n`.repeat(61)}`) },
    ],
  };
}

/** The files by their path under test/vectors. */
export function files(): Map<string, string> {
  const all: readonly (readonly [string, unknown])[] = [
    ["tlog/sizes.json", sizes()],
    ["tlog/trees.json", trees()],
    ["tlog/inclusion.json", inclusion()],
    ["tlog/consistency.json", consistency()],
    ["tlog/tiles.json", tiles()],
    ["tlog/bundles.json", bundles()],
    ["tlog/tlog-proofs.json", tlogProofs()],
    ["note/notes.json", notesFile()],
    ["note/keys.json", keysFile()],
    ["note/checkpoints.json", checkpoints()],
    ["note/promises.json", promises()],
    ["note/cosignatures.json", cosignatures()],
  ];
  return new Map(all.map(([path, value]) => [path, `${JSON.stringify(value, null, 2)}\n`]));
}

if (import.meta.main)
  for (const [path, text] of files()) {
    const url = new URL(path, import.meta.url);
    mkdirSync(new URL(".", url), { recursive: true });
    writeFileSync(url, text);
  }
