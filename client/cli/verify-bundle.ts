/**
 * `verify-bundle`: is this artifact what a Sigstore bundle says?
 *
 * Its arguments are those of the Sigstore conformance suite, so that the suite can ask it.
 *
 * @module
 */
import { fromHex, fromUtf8 } from "../../schema/bytes.ts";
import { LogError, unwrap } from "../../schema/error.ts";
import { encodeSpki, parseSpki } from "../../schema/key/spki.ts";
import { parseSshKeyLine } from "../../schema/key/ssh-key.ts";
import { asHash } from "../../schema/tlog/hash.ts";
import { MAX_POLICY_BYTES, parsePolicy } from "../../schema/tlog/tlog-policy.ts";
import { nodeCrypto } from "../crypto/node.ts";
import type { Asked } from "../sigstore/about.ts";
import { MAX_BUNDLE_BYTES } from "../sigstore/bundle.ts";
import { explainBundle } from "../sigstore/explain.ts";
import { pemDer } from "../sigstore/pem.ts";
import { MAX_ROOT_BYTES } from "../sigstore/trusted-root.ts";
import { type AskedSigner, type BundleTrust, verifyBundle } from "../sigstore/verify-bundle.ts";
import { MAX_TRUST_BYTES, parseTrust } from "../trust.ts";
import { digestText, fileDigest } from "./artifacts.ts";
import type { Arguments, Command } from "./command.ts";
import { readBytes, readStart } from "./files.ts";
import type { ExitStatus, Io } from "./io.ts";
import { wholeNumber } from "./options.ts";
import { print, printJson } from "./output.ts";

/** Files up to this are read whole; of a larger one the digest is enough. */
const MAX_ARTIFACT_BYTES = 67_108_864;
const MAX_KEY_FILE_BYTES = 65_536;
/** Names the trusted root that is meant where `--trusted-root` is not given. */
const ROOT_VARIABLE = "COUNTERSIGN_TRUSTED_ROOT";

export const verifyBundleCommand: Command = {
  name: "verify-bundle",
  summary: "Is this artifact what a Sigstore bundle says: signed by whom I ask for, and logged?",
  about: [
    "Reads bundles of any Sigstore client, with the entries of any log that the trusted root names. It asks nobody. Beyond what Sigstore's own verifier checks, the logged leaf must be of this very signature, digest and key, the checkpoint of the log that the entry names, and a statement about this very artifact.",
    "Needs Sigstore's packages beside this one; without them the line that installs them is shown.",
    "Exit status 0 is yes, 1 is no and says why, 2 could not ask.",
  ],
  positionals: [{ name: "ARTIFACT", help: "a file, or the sha256:HEX of one", required: true }],
  options: {
    bundle: { type: "string", value: "FILE", help: "the bundle (*.sigstore.json)", required: true },
    key: {
      type: "string",
      value: "FILE",
      help: "the public key that must have signed (PEM, or an OpenSSH line)",
    },
    "certificate-identity": {
      type: "string",
      value: "NAME",
      help: "the whole name in the certificate that must have signed: an e-mail address or a URI",
    },
    "certificate-oidc-issuer": {
      type: "string",
      value: "URL",
      help: "who vouched for that name; needed with --certificate-identity",
    },
    "trusted-root": {
      type: "string",
      value: "FILE",
      help: `Sigstore's trusted_root.json (default: the file that ${ROOT_VARIABLE} names)`,
    },
    trust: {
      type: "string",
      value: "FILE",
      help: "trust file: the log must be one of its logs as well, or one of them alone where no trusted root is given",
    },
    "witness-policy": {
      type: "string",
      value: "FILE",
      help: "C2SP policy whose quorum must have cosigned the checkpoint",
    },
    "min-logs": {
      type: "string",
      value: "N",
      help: "how many logs, by different operators, must have the entry (default: 1)",
    },
    "min-authorities": {
      type: "string",
      value: "N",
      help: "how many timestamp authorities, other than the log's own, must state a time (default: 0)",
    },
    staging: {
      type: "boolean",
      help: "the bundle is of Sigstore's staging instance, whose root --trusted-root must name",
    },
  },
  examples: [
    {
      what: "signed with a key that I have",
      line: "countersign verify-bundle tool.tar --bundle tool.tar.sigstore.json --key ada.pub --trusted-root trusted_root.json",
    },
    {
      what: "signed by a workflow, and seen by the witnesses of a policy",
      line: "countersign verify-bundle tool.tar --bundle tool.tar.sigstore.json --certificate-identity https://github.com/example/tool/.github/workflows/release.yml@refs/heads/main --certificate-oidc-issuer https://token.actions.githubusercontent.com --trusted-root trusted_root.json --witness-policy witnesses.policy",
    },
  ],
  run: async (args: Arguments, io: Io): Promise<ExitStatus> => {
    const [what = ""] = args.positionals;
    const trust = await trustOf(args, io);
    const bundle = await readBytes(io, args.need("bundle"), MAX_BUNDLE_BYTES);
    const ports = { crypto: nodeCrypto, now: () => Math.floor(io.now() / 1000) };
    const verdict = await verifyBundle(ports, trust, bundle, await askedOf(io, what));
    if (args.json) printJson(io, verdict);
    else print(io, explainBundle(verdict));
    return verdict.ok ? 0 : 1;
  },
};

async function trustOf(args: Arguments, io: Io): Promise<BundleTrust> {
  const signer = await signerOf(args, io);
  const trustFile = args.value("trust");
  const policyFile = args.value("witness-policy");
  const root = await rootOf(args, io, trustFile !== undefined && signer.material === "key");
  const count = (option: string): number | undefined =>
    args.value(option) === undefined ? undefined : wholeNumber(args, option);
  const logs =
    trustFile === undefined
      ? undefined
      : unwrap(parseTrust(nodeCrypto.sha256, await readBytes(io, trustFile, MAX_TRUST_BYTES))).logs;
  const policy =
    policyFile === undefined
      ? undefined
      : unwrap(parsePolicy(nodeCrypto.sha256, await readBytes(io, policyFile, MAX_POLICY_BYTES)));
  return {
    signer,
    root,
    logs,
    policy,
    minLogs: count("min-logs"),
    minAuthorities: count("min-authorities"),
  };
}

async function signerOf(args: Arguments, io: Io): Promise<AskedSigner> {
  const [key, identity, issuer] = [
    args.value("key"),
    args.value("certificate-identity"),
    args.value("certificate-oidc-issuer"),
  ];
  if (key !== undefined && identity === undefined && issuer === undefined)
    return { material: "key", key: await readPublicKey(io, key) };
  if (key === undefined && identity !== undefined && issuer !== undefined)
    return { material: "certificate", identity, issuer };
  throw new LogError("USAGE", "it is not said who must have signed", {
    field: "--key",
    expected: "--key FILE, or both --certificate-identity NAME and --certificate-oidc-issuer URL",
  });
}

async function readPublicKey(io: Io, file: string): Promise<Uint8Array> {
  const bytes = await readBytes(io, file, MAX_KEY_FILE_BYTES);
  const pem = pemDer("PUBLIC KEY", bytes);
  const key = pem === undefined ? parseSshKeyLine((fromUtf8(bytes) ?? "").trim()) : parseSpki(pem);
  if (!key.ok)
    throw new LogError("SIGNER_FAILED", `${file} is no public key: ${key.message}`, {
      field: "--key",
      expected: 'a PEM file ("-----BEGIN PUBLIC KEY-----") or an OpenSSH line',
    });
  return encodeSpki("key" in key.value ? key.value.key : key.value);
}

async function rootOf(args: Arguments, io: Io, mayLack: boolean): Promise<Uint8Array | undefined> {
  const named = args.value("trusted-root");
  const file = named ?? (args.flag("staging") ? undefined : io.env[ROOT_VARIABLE]);
  if (file !== undefined) return readBytes(io, file, MAX_ROOT_BYTES);
  if (mayLack) return undefined;
  throw new LogError("USAGE", "it is not said which logs and authorities are trusted", {
    field: "--trusted-root",
    expected: `--trusted-root FILE, or ${ROOT_VARIABLE} in the environment; with --key, --trust FILE is enough`,
    hint: "nothing is fetched: get the trusted root once, from somebody you trust, and keep it",
  });
}

async function askedOf(io: Io, what: string): Promise<Asked> {
  const text = digestText(what) ?? (what.startsWith("sha256:") ? "" : undefined);
  if (text !== undefined) return { digest: needHash(text) };
  const artifact = await readStart(io, what, MAX_ARTIFACT_BYTES + 1);
  if (artifact.length <= MAX_ARTIFACT_BYTES) return { artifact };
  return { digest: needHash(await fileDigest(io, what)) };
}

function needHash(hex: string): Extract<Asked, { digest: unknown }>["digest"] {
  const hash = asHash(fromHex(hex) ?? new Uint8Array(0));
  if (hash !== undefined) return hash;
  throw new LogError("USAGE", "the digest is not 64 hexadecimal digits", {
    field: "ARTIFACT",
    expected: "a file, or sha256:<64 hexadecimal digits, lower case>",
  });
}
