/**
 * Long fuzzing of everything that reads a stranger's bytes: 20,000 runs for each reader.
 *
 * An input is a file of the vectors with a few random edits: bits flipped, spans cut out,
 * doubled, moved or taken from another file, numbers and brackets put in. A reader answers with a
 * result, whatever it is; it never throws, and never works or allocates beyond the input: each
 * has a budget of heap for its whole run. The seed is printed, and `FUZZ_SEED` repeats a run.
 */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { readSigningConfig, readTrustedRoot } from "../../client/documents.ts";
import { parseTrust } from "../../client/trust.ts";
import { verifyReceipt } from "../../client/verify/receipt.ts";
import { concat, fromBase64, latin1, toBase64, toHex, utf8 } from "../../schema/bytes.ts";
import { parsePae } from "../../schema/entry/dsse.ts";
import { parseLeaf } from "../../schema/entry/leaf.ts";
import { prepareSubmission } from "../../schema/entry/prepare.ts";
import { prepareRekor } from "../../schema/entry/prepare-rekor.ts";
import { dearmor, parseSshsig } from "../../schema/entry/sshsig.ts";
import { unwrap } from "../../schema/error.ts";
import { parseEvidence } from "../../schema/evidence.ts";
import { parseGitObject } from "../../schema/git/object.ts";
import { parseRekorRequest } from "../../schema/http/rekor.ts";
import { parseSubmission } from "../../schema/http/submission.ts";
import { parseJson } from "../../schema/json.ts";
import { certificateKey } from "../../schema/key/certificate.ts";
import { parseSpki } from "../../schema/key/spki.ts";
import { parseSshKey, parseSshKeyLine } from "../../schema/key/ssh-key.ts";
import { parseReceipt } from "../../schema/receipt.ts";
import { formatSigningConfig } from "../../schema/sigstore/signing-config.ts";
import { formatTrustedRoot } from "../../schema/sigstore/trusted-root.ts";
import { decodeBundle, decodeContentTile } from "../../schema/tlog/bundle.ts";
import { parseCheckpoint } from "../../schema/tlog/checkpoint.ts";
import { formatVkey, parseNote, parseVkey } from "../../schema/tlog/note.ts";
import { parsePromise } from "../../schema/tlog/promise.ts";
import { parseTilePath } from "../../schema/tlog/tile.ts";
import { parsePolicy } from "../../schema/tlog/tlog-policy.ts";
import { parseTlogProof } from "../../schema/tlog/tlog-proof.ts";
import { parseAddCheckpoint } from "../../schema/tlog/tlog-witness.ts";
import { formatClock, parseClock } from "../../server/clock-file.ts";
import { parseGuard } from "../../server/sequencer/guard.ts";
import { parseDerQuery, parseJsonQuery } from "../../server/tsa/query.ts";
import { certified } from "../vectors/certificates.ts";
import promises from "../vectors/note/promises.json" with { type: "json" };
import { digestRequest, dsseRequest } from "../vectors/rekor.ts";
import { p256Signer, rsaSigner } from "../vectors/signers.ts";
import { generator } from "./generator.ts";

const RUNS = Number(process.env["FUZZ_RUNS"] ?? 20_000);
const SEED = Number(process.env["FUZZ_SEED"] ?? Date.now() % 2 ** 31);
const { sha256 } = nodeCrypto;

const vectors = join(import.meta.dirname, "../vectors");

function files(...patterns: string[]): Uint8Array[] {
  const found = patterns.flatMap((pattern) => globSync(pattern, { cwd: vectors }));
  if (found.length === 0) throw new Error(`no vectors: ${patterns.join(" ")}`);
  return found.map((name) => new Uint8Array(readFileSync(join(vectors, name))));
}

/** Base64 strings of a vector, as the bytes they stand for: keys, leaves, signatures. */
function insides(all: readonly Uint8Array[]): Uint8Array[] {
  return all.flatMap((bytes) =>
    [...latin1(bytes).matchAll(/"([A-Za-z0-9+/]{40,}={0,2})"/g)].flatMap(
      ([, text = ""]) => fromBase64(text) ?? [],
    ),
  );
}

const TOKENS = [
  "{",
  "}",
  "[",
  "]",
  '"',
  ":",
  ",",
  "\\u0000",
  "9007199254740993",
  "-1",
  "1e400",
  "\n",
  "\n\n",
  "-----BEGIN SSH SIGNATURE-----",
  "— ",
  "__proto__",
  "\u202e",
  "=",
  "\0",
  "\xff\xff\xff\xff",
].map(utf8);

function mutate(seeds: readonly Uint8Array[], random: (below: number) => number): Uint8Array {
  const pick = (): Uint8Array => seeds[random(seeds.length)] ?? new Uint8Array(0);
  let bytes = pick().slice();
  for (let edits = 1 + random(4); edits > 0; edits--) {
    const at = random(bytes.length + 1);
    const end = Math.min(bytes.length, at + random(64));
    const [head, span, tail] = [
      bytes.subarray(0, at),
      bytes.subarray(at, end),
      bytes.subarray(end),
    ];
    switch (random(6)) {
      case 0:
        bytes = concat(head, tail);
        break;
      case 1:
        bytes = concat(head, span, span, tail);
        break;
      case 2:
        bytes = concat(head, TOKENS[random(TOKENS.length)] ?? span, tail);
        break;
      case 3: {
        const other = pick();
        const from = random(other.length + 1);
        bytes = concat(head, other.subarray(from, from + random(64)), tail);
        break;
      }
      case 4:
        bytes = bytes.slice(0, at);
        break;
      default:
        bytes = bytes.slice();
        if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
    }
  }
  return bytes;
}

const leaves = files("leaf/*.json");
const git = files("git/*.commit", "git/*.tag", "git/*.push-certificate");
const notes = files("note/*.json", "tlog/*.json");
const receipts = files("leaf/*.receipt.json");
const trust = utf8(
  'trust = 1\n\n[[log]]\norigin = "a.example"\nvkeys = ["a.example+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"]\n\n[[person]]\nname = "Ada"\nkeys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA=="]\nroles = ["author"]\n\n[[rule]]\nfor = "commit"\nauthor = true\n',
);
const checkpoints = insides(receipts).concat(
  receipts.flatMap((bytes) =>
    [...latin1(bytes).matchAll(/"envelope": "([^"]+)"/g)].map(([, text = ""]) =>
      utf8(text.replaceAll("\\n", "\n").replaceAll("â\x80\x94", "—")),
    ),
  ),
);

/** `openssl ts -query -sha256 -cert`. */
const timestampQuery = Buffer.from(
  "30430201013031300d0609608648016503040201050004205891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03020811fdd097854e20960101ff",
  "hex",
);
const timestampJson = utf8(
  `{"artifactHash":"${"A".repeat(43)}=","hashAlgorithm":"sha256","certificates":true,"nonce":5}`,
);

const vkeys = ["w.example", "v.example"].map((name) =>
  formatVkey(sha256, name, 4, sha256(utf8(name))),
);
const promised = promises.accepted.map(({ text }) => utf8(text));
const policy = utf8(
  `witness w ${vkeys[0]}\nwitness v ${vkeys[1]} https://v.example\ngroup g 2 w v\nquorum g\n`,
);
const addCheckpoint = utf8(`old 7\n${toBase64(sha256(policy))}\n\na.example\n9\n`);
const logVkey = unwrap(parseVkey(sha256, formatVkey(sha256, "a.example", 1, sha256(policy))));
const start = "2026-01-01T00:00:00Z";
const trustedRoot = utf8(
  formatTrustedRoot(sha256, {
    logs: [{ baseUrl: "https://a.example", vkey: logVkey, start }],
    timestamps: [
      {
        url: "https://a.example/api/v1/timestamp",
        organization: "a",
        commonName: "tsa",
        certificates: [policy],
        start,
      },
    ],
  }),
);
const signingConfig = utf8(
  formatSigningConfig({ operator: "a", log: { url: "https://a.example", start } }),
);

const signers = [p256Signer("a"), rsaSigner()].flatMap((one) => [one, certified(one, "a@b.c")]);
const certificates = signers.flatMap(({ certificate }) => certificate ?? []);
const requests = signers.flatMap((signer) =>
  [digestRequest(policy, signer), dsseRequest("a/b", policy, signer)].map((request) =>
    utf8(JSON.stringify(request)),
  ),
);

const readers: readonly [string, readonly Uint8Array[], (bytes: Uint8Array) => unknown][] = [
  ["JSON", leaves, (bytes) => parseJson(bytes)],
  ["submissions, as far as their signature", leaves, prepare],
  ["leaves", insides(leaves), parseLeaf],
  ["receipts", receipts, parseReceipt],
  ["evidence", files("leaf/*.evidence.json"), parseEvidence],
  ["git objects", git, parseGitObject],
  ["PAE", insides(leaves), parsePae],
  ["armored SSH signatures", git, dearmor],
  ["SSH signatures", insides(leaves), parseSshsig],
  ["SSH keys", insides(leaves), parseSshKey],
  ["SSH key lines", [trust], (bytes) => parseSshKeyLine(latin1(bytes))],
  ["SPKI", insides(leaves), parseSpki],
  ["certificates", certificates, certificateKey],
  ["Rekor's requests, as far as their signature", requests, prepareRequest],
  ["notes", checkpoints, parseNote],
  ["checkpoints", checkpoints, (bytes) => parseCheckpoint(latin1(bytes))],
  ["promises", promised, (bytes) => parsePromise(latin1(bytes))],
  ["verifier keys", [trust], (bytes) => parseVkey(sha256, latin1(bytes))],
  ["proof files", notes, parseTlogProof],
  ["entry bundles", insides(leaves), (bytes) => decodeBundle(bytes, 256)],
  ["content tiles", insides(leaves), (bytes) => decodeContentTile(bytes, 256)],
  ["tile paths", [utf8("tile/0/x001/234"), utf8("tile/entries/067.p/8")], path],
  ["trust files", [trust], (bytes) => parseTrust(sha256, bytes)],
  ["trusted roots", [trustedRoot], (bytes) => readTrustedRoot(sha256, "a.example", bytes)],
  ["signing configurations", [signingConfig], readSigningConfig],
  ["witness policies", [policy], (bytes) => parsePolicy(sha256, bytes)],
  ["requests to witnesses", [addCheckpoint, ...checkpoints], parseAddCheckpoint],
  ["head guards", [utf8("countersign-guard/v1\na\n00\n1\nAA==\n\n"), ...checkpoints], parseGuard],
  ["clock files", [formatClock(sha256, "a", 1)], (bytes) => parseClock(sha256, "a", bytes)],
  ["timestamp queries in DER", [timestampQuery], (bytes) => parseDerQuery(bytes, "2.999")],
  ["timestamp queries in JSON", [timestampJson], (bytes) => parseJsonQuery(bytes, "2.999")],
];

function prepare(bytes: Uint8Array): unknown {
  // The vectors hold a submission each, under a name; its own bytes are read, then prepared.
  const text = latin1(bytes);
  const inside = /"submission":\s*(\{[\s\S]*?\n {2}\})/.exec(text)?.[1];
  const submission = parseSubmission(inside === undefined ? bytes : utf8(inside));
  return submission.ok ? prepareSubmission(sha256, submission.value) : submission;
}

function prepareRequest(bytes: Uint8Array): unknown {
  const request = parseRekorRequest(bytes);
  return request.ok ? prepareRekor(sha256, request.value) : request;
}

function path(bytes: Uint8Array): unknown {
  return parseTilePath(latin1(bytes));
}

describe(`${RUNS} mutated inputs each, seed ${SEED}`, () => {
  test.each(readers)("%s: an answer every time", (name, seeds, read) => {
    const random = generator(SEED ^ name.length);
    const before = process.memoryUsage().heapUsed;
    let kept: unknown;
    for (let run = 0; run < RUNS; run++) {
      const bytes = mutate(seeds, random);
      try {
        kept = read(bytes);
      } catch (error) {
        const hex = Buffer.from(bytes).toString("base64");
        throw new Error(`seed ${SEED}, run ${run}: it threw on ${hex}`, { cause: error });
      }
    }
    expect(kept).not.toBeNull();
    // What is left after the run, garbage included: a reader that allocates by a number it read
    // would be far beyond this.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(512 * 1_048_576);
  });

  test("a changed receipt verifies only where what it says is unchanged", async () => {
    const random = generator(SEED);
    const log: { vkey: string } = JSON.parse(readFileSync(join(vectors, "leaf/log.json"), "utf8"));
    const vkey = unwrap(parseVkey(sha256, log.vkey));
    const logs = [{ origin: vkey.name, vkeys: [vkey], vkeyTexts: [log.vkey] }];
    const ports = { crypto: nodeCrypto, trust: { logs, people: [], rules: [] } };
    const said = (bytes: Uint8Array): string => {
      const { entry, content } = unwrap(parseReceipt(bytes));
      return `${entry.index} ${toHex(entry.leafBytes)} ${toHex(content ?? entry.leafBytes)}`;
    };
    const originals = new Set(receipts.map(said));
    for (const bytes of receipts)
      expect((await verifyReceipt(ports, { name: "r", bytes })).ok).toBe(true);
    for (let run = 0; run < RUNS / 5; run++) {
      const bytes = mutate(receipts, random);
      const verdict = await verifyReceipt(ports, { name: "r", bytes });
      if (verdict.ok) expect(originals, `seed ${SEED}, run ${run}`).toContain(said(bytes));
    }
  });
});
