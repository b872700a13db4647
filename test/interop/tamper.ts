/**
 * Every way in which a bundle is tampered with. Each changes one thing and leaves the rest as good as
 * the one who tampers can make it.
 *
 * `gaps` are the clients that do not look at that thing (`accepts (its own gap)` in the table); our own
 * verifier has none.
 */
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { forge } from "./forge.ts";
import {
  type BundleJson,
  entryOf,
  type Family,
  hasTimestamp,
  type LogEntryJson,
  type Sample,
  signatureOf,
  type Tampered,
} from "./sample.ts";

/** Base64 of a signature in, base64 of a timestamp over it out. */
export type ForeignAuthority = (signature: string) => Promise<string>;

export interface TamperParts {
  readonly origin: string;
  /** The log's own private key: what a thief of it could do. */
  readonly logKey: KeyObject;
  /** The public key of a stranger, PEM. */
  readonly strangersKey: string;
  /** Another sample of the same kind, by the same signer, over something else. */
  readonly other: Sample;
  /** A checkpoint is expected to carry lines of witnesses. */
  readonly witnessed: boolean;
  /** Gives timestamps of an authority that nobody trusts. */
  readonly foreignTimestamp?: ForeignAuthority;
}

/** Everything that is tried on one sample. */
export async function tamper(sample: Sample, parts: TamperParts): Promise<Tampered[]> {
  return [
    ...artifactAndKey(sample, parts),
    ...proof(sample),
    ...besideTheProof(sample),
    ...entries(sample, parts),
    ...witnesses(sample, parts),
    ...(await timestamps(sample, parts)),
  ];
}

function changed(sample: Sample, change: (bundle: BundleJson) => void): Sample {
  const bundle = structuredClone(sample.bundle);
  change(bundle);
  return { ...sample, bundle };
}

function withEntry(sample: Sample, change: (entry: LogEntryJson) => void): Sample {
  return changed(sample, (bundle) => change(entryOf(bundle)));
}

/** Base64 with one bit of its bytes turned. */
function flipped(base64: string, at = 10): string {
  const bytes = Buffer.from(base64, "base64");
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes.toString("base64");
}

function artifactAndKey(sample: Sample, { strangersKey, other }: TamperParts): Tampered[] {
  const expected =
    sample.expected.kind === "key"
      ? { ...sample.expected, pem: strangersKey }
      : { ...sample.expected, subject: "https://example.test/somebody-else" };
  return [
    {
      what: "another artifact",
      sample: { ...sample, artifact: Buffer.concat([sample.artifact, Buffer.from("!")]) },
      // It knows nothing of in-toto: whether a statement is about the file is left to its caller.
      gaps: sample.form === "attestation" ? ["sigstore-js"] : [],
    },
    { what: "a foreign key, or another identity", sample: { ...sample, expected }, gaps: [] },
    {
      what: "another signature",
      sample: changed(sample, (bundle) => setSignature(bundle, flipped(signatureOf(bundle)))),
      gaps: [],
    },
    {
      what: "the signature of something else",
      sample: changed(sample, (bundle) => setSignature(bundle, signatureOf(other.bundle))),
      gaps: [],
    },
  ];
}

function setSignature(bundle: BundleJson, base64: string): void {
  if (bundle.messageSignature !== undefined) bundle.messageSignature.signature = base64;
  for (const one of bundle.dsseEnvelope?.signatures ?? []) one.sig = base64;
}

function checkpointLine(entry: LogEntryJson, line: number, change: (text: string) => string): void {
  const { checkpoint } = entry.inclusionProof;
  const lines = checkpoint.envelope.split("\n");
  lines[line] = change(lines[line] ?? "");
  checkpoint.envelope = lines.join("\n");
}

function proof(sample: Sample): Tampered[] {
  const cases: [string, (entry: LogEntryJson) => void][] = [
    [
      "another size in the checkpoint",
      (e) => checkpointLine(e, 1, (size) => `${Number(size) + 1}`),
    ],
    ["another root in the checkpoint", (e) => checkpointLine(e, 2, (root) => flipped(root))],
    [
      "another root, in the checkpoint and beside it",
      (e) => {
        e.inclusionProof.rootHash = flipped(e.inclusionProof.rootHash);
        checkpointLine(e, 2, () => e.inclusionProof.rootHash);
      },
    ],
    [
      "another index, in the proof and at the top",
      (e) => {
        e.logIndex = `${Number(e.logIndex ?? 0) - 1}`;
        e.inclusionProof.logIndex = e.logIndex;
      },
    ],
    [
      "another hash in the proof",
      (e) => {
        e.inclusionProof.hashes = e.inclusionProof.hashes?.map((hash) => flipped(hash)) ?? [];
      },
    ],
    [
      "one hash fewer in the proof",
      (e) => {
        e.inclusionProof.hashes = e.inclusionProof.hashes?.slice(1) ?? [];
      },
    ],
    [
      "another leaf",
      (e) => {
        e.canonicalizedBody = flipped(e.canonicalizedBody, 60);
      },
    ],
    [
      "the log's own signature altered",
      (e) => checkpointLine(e, 4, (line) => line.replace(/.{6}$/, "AAAAAA")),
    ],
    [
      "no checkpoint",
      (e) => {
        e.inclusionProof.checkpoint.envelope = "";
      },
    ],
  ];
  return cases.map(([what, change]) => ({ what, sample: withEntry(sample, change), gaps: [] }));
}

/** Numbers that stand beside the proof and are not part of what the checkpoint's signature covers. */
function besideTheProof(sample: Sample): Tampered[] {
  const cases: [string, readonly Family[], (entry: LogEntryJson) => void][] = [
    [
      "another index at the top only",
      ["sigstore-js", "sigstore-python"],
      (e) => {
        e.logIndex = `${Number(e.logIndex ?? 0) + 1}`;
      },
    ],
    [
      "another tree size beside the checkpoint",
      ["sigstore-js", "cosign", "cosign-stamps"],
      (e) => {
        e.inclusionProof.treeSize = `${Number(e.inclusionProof.treeSize) + 1}`;
      },
    ],
    [
      "another root beside the checkpoint",
      ["sigstore-js", "cosign", "cosign-stamps"],
      (e) => {
        e.inclusionProof.rootHash = flipped(e.inclusionProof.rootHash);
      },
    ],
  ];
  return cases.map(([what, gaps, change]) => ({ what, sample: withEntry(sample, change), gaps }));
}

function replaced(sample: Sample, make: (entry: LogEntryJson) => LogEntryJson): Sample {
  return changed(sample, (bundle) => {
    bundle.verificationMaterial.tlogEntries = [make(entryOf(bundle))];
  });
}

function entries(sample: Sample, parts: TamperParts): Tampered[] {
  const stranger = generateKeyPairSync("ed25519").privateKey;
  const forged = (origin: string, privateKey: KeyObject, change = (leaf: string): string => leaf) =>
    replaced(sample, (entry) => {
      const leaf = change(Buffer.from(entry.canonicalizedBody, "base64").toString());
      return forge({ origin, privateKey }, entry.kindVersion, Buffer.from(leaf));
    });
  const impostor = forged(parts.origin, stranger);
  const sameName = changed(impostor, (bundle) => {
    entryOf(bundle).logId = entryOf(sample.bundle).logId;
  });
  return [
    {
      what: "the entry of another signature",
      sample: replaced(sample, () => structuredClone(entryOf(parts.other.bundle))),
      gaps: [],
    },
    {
      what: "another log's entry and checkpoint",
      sample: forged("elsewhere.example.test", stranger),
      gaps: [],
    },
    { what: "another log's, under this one's name", sample: impostor, gaps: [] },
    { what: "another log's, under this one's name and log id", sample: sameName, gaps: [] },
    {
      what: "a leaf with another key, well proven",
      sample: forged(parts.origin, parts.logKey, otherKeyInLeaf(parts.strangersKey)),
      gaps: ["sigstore-js"],
    },
  ];
}

/** The leaf with the stranger's key where the signer's was. */
function otherKeyInLeaf(strangersKey: string): (leaf: string) => string {
  const rawBytes = strangersKey.replaceAll(/-----[A-Z ]+-----|\s/g, "");
  return (leaf) =>
    leaf.replace(
      /"(?:publicKey|x509Certificate)":\{"rawBytes":"[^"]*"\}/,
      `"publicKey":{"rawBytes":"${rawBytes}"}`,
    );
}

function witnesses(sample: Sample, { witnessed }: TamperParts): Tampered[] {
  if (!witnessed) return [];
  const without = withEntry(sample, ({ inclusionProof }) => {
    const { checkpoint } = inclusionProof;
    const [text = "", lines = ""] = checkpoint.envelope.split("\n\n");
    const [first = ""] = lines.split("\n");
    checkpoint.envelope = `${text}\n\n${first}\n`;
  });
  // No other client counts witnesses.
  const gaps: Family[] = ["cosign", "cosign-stamps", "sigstore-js", "sigstore-python"];
  return [{ what: "the witnesses' lines left out (no quorum)", sample: without, gaps }];
}

async function timestamps(sample: Sample, { foreignTimestamp }: TamperParts): Promise<Tampered[]> {
  if (foreignTimestamp === undefined || !hasTimestamp(sample.bundle)) return [];
  const signedTimestamp = await foreignTimestamp(signatureOf(sample.bundle));
  const withStamp = changed(sample, (bundle) => {
    bundle.verificationMaterial.timestampVerificationData = {
      rfc3161Timestamps: [{ signedTimestamp }],
    };
  });
  // Asked about a key, and not for timestamps, it does not look at them: the key has no end.
  const gaps: Family[] = sample.expected.kind === "key" ? ["cosign"] : [];
  return [{ what: "a timestamp of another authority", sample: withStamp, gaps }];
}
