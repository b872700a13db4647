/**
 * `trust init`: pin a log, once.
 *
 * @module
 */
import { toHex } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import { keyHash, type Vkey } from "../../schema/tlog/note.ts";
import { splitsInTwo } from "../../schema/tlog/quorum.ts";
import { nodeCrypto } from "../crypto/node.ts";
import { httpTransport } from "../fetch.ts";
import { type Compared, compareOffer, fetchOffer, type Offer } from "../offer.ts";
import { printable } from "../printable.ts";
import { quorumText } from "../quorum.ts";
import type { Arguments, Command } from "./command.ts";
import type { ExitStatus, Io } from "./io.ts";
import { print, printJson } from "./output.ts";
import {
  differences,
  isNothing,
  readStored,
  type Stored,
  trustText,
  writeAll,
} from "./trust-files.ts";

export const trustInit: Command = {
  name: "trust init",
  summary: "Pin a log: fetch what it serves, compare fingerprints, write the files.",
  about: [
    "Nothing is trusted because it was fetched. The parts must agree with one another, and each of them must then be confirmed: by --vkey and --fingerprint, which came another way than the log itself (its operator's `countersign init` prints them), or by a person who compares what is shown and types yes. Else nothing is written (exit status 1).",
    "Written are trust.toml (the log, its witnesses and its index verifiers; add people and rules), and trusted_root.json, signing_config.json and witness_policy for other programs. Where such files are already, they are compared with what the log serves now, and nothing is written without --force.",
  ],
  positionals: [{ name: "URL", help: "where the log is", required: true }],
  options: {
    vkey: {
      type: "string",
      value: "VKEY",
      multiple: true,
      help: "the log's verifier key, as its operator gave it",
    },
    fingerprint: {
      type: "string",
      value: "HEX",
      multiple: true,
      help: "SHA-256 of a part: the log's key, the root of a timestamp authority, the text of the witness policy, the text of the policy of index verifiers, or trusted_root.json, which has the first two",
    },
    output: {
      type: "string",
      short: "o",
      value: "DIR",
      help: "folder of the files (default: here)",
    },
    check: { type: "boolean", help: "write nothing: say how the files differ from what is served" },
    force: { type: "boolean", help: "write over files that are there; the old trust.toml is kept" },
    "allow-split": {
      type: "boolean",
      help: "take a policy of which two quorums can have nobody in common: each could be shown another history",
    },
  },
  examples: [
    { what: "compare by eye", line: "countersign trust init https://log.example.org" },
    {
      what: "with what the operator gave out",
      line: "countersign trust init https://log.example.org --vkey log.example.org+0badcafe+AW… --fingerprint 9f86d0…",
    },
    {
      what: "does the log still serve what was pinned?",
      line: "countersign trust init https://log.example.org --check",
    },
  ],
  run: async (args: Arguments, io: Io): Promise<ExitStatus> => {
    const [url = ""] = args.positionals;
    const given = { fingerprints: args.list("fingerprint").map(hex), vkeys: args.list("vkey") };
    const transport = httpTransport(url);
    const fetched = await fetchOffer(nodeCrypto, transport);
    if (!fetched.ok) return refuse(args, io, undefined, [fetched.message]);
    const offer = fetched.value;
    const compared = compareOffer(offer, given);
    if (!args.json) print(io, ...offerLines(offer, compared));
    if (compared.unmatched.length > 0)
      return refuse(
        args,
        io,
        offer,
        compared.unmatched.map((one) => `the log offers nothing that is ${printable(one)}`),
      );
    const allowSplit = args.flag("allow-split");
    const splits = [offer.policy, offer.verifiers].some(
      (policy) => policy?.quorum !== undefined && splitsInTwo(policy),
    );
    if (splits && !allowSplit)
      return refuse(args, io, offer, [
        "two quorums of its witness policy, or of that of its index verifiers, can have nobody in common (--allow-split takes it all the same)",
      ]);
    const folder = args.value("output") ?? ".";
    const stored = await readStored(io, folder);
    if (args.flag("check") || (!isNothing(stored) && !args.flag("force")))
      return reportDifferences(args, io, offer, stored);
    if (compared.open.length > 0 && !(await confirmed(args, io)))
      return refuse(args, io, offer, compared.open.map(unconfirmed));
    const trust = trustText(offer, transport.url, allowSplit);
    const files = await writeAll(io, folder, offer, trust, stored);
    if (args.json) printJson(io, { state: "written", ...offerData(offer, compared), files });
    else print(io, ...files.map((file) => `written: ${file}`));
    return 0;
  },
};

function hex(text: string): string {
  const digits = text
    .replace(/^sha256:/i, "")
    .replaceAll(":", "")
    .toLowerCase();
  if (/^[0-9a-f]{64}$/.test(digits)) return digits;
  throw new LogError("USAGE", `--fingerprint is "${text}"`, {
    field: "--fingerprint",
    expected: "SHA-256 in hex, 64 digits",
  });
}

/** With --json a program reads the answer, and no program confirms anything. */
async function confirmed(args: Arguments, io: Io): Promise<boolean> {
  if (io.ask === undefined || args.json) return false;
  const answer = await io.ask(
    "Compare each fingerprint with what its operator gave you another way than this log.\nType yes to trust all of it: ",
  );
  return answer.trim() === "yes";
}

function unconfirmed({ what, name, fingerprints }: Offer["parts"][number]): string {
  return `nobody confirmed the ${what} ${printable(name)}: --fingerprint ${fingerprints[0]}`;
}

function refuse(
  args: Arguments,
  io: Io,
  offer: Offer | undefined,
  reasons: readonly string[],
): ExitStatus {
  if (args.json)
    printJson(io, {
      state: "refused",
      reasons,
      ...(offer === undefined ? {} : { origin: offer.log.origin, parts: offer.parts }),
    });
  else print(io, ...reasons.map((reason) => `no: ${reason}`), "Nothing was written.");
  return 1;
}

function reportDifferences(args: Arguments, io: Io, offer: Offer, stored: Stored): ExitStatus {
  const found = differences(offer, stored);
  const { origin } = offer.log;
  if (args.json)
    printJson(io, { state: found.length === 0 ? "unchanged" : "differs", origin, reasons: found });
  else if (found.length === 0) print(io, "The files are what the log serves now.");
  else
    print(
      io,
      ...found.map((difference) => `no: ${difference}`),
      "Nothing was written. --force writes what is served now, when it is confirmed.",
    );
  return found.length === 0 ? 0 : 1;
}

function offerLines(
  { log, vkeyText, parts, policy, verifiers, root, services }: Offer,
  compared: Compared,
): string[] {
  return [
    `log       ${log.origin}`,
    `vkey      ${vkeyText}`,
    ...parts.flatMap((part) => [
      `${part.what} ${printable(part.name)}${compared.covered.includes(part) ? ", as given" : ""}`,
      `  sha256  ${part.fingerprints[0]}`,
    ]),
    ...root.authorities.flatMap(({ chain }) =>
      chain.map((digest) => `  certificate sha256 ${digest}`),
    ),
    ...(policy.quorum === undefined
      ? ["witnesses none: nobody but the log vouches for its heads"]
      : [`witnesses ${quorumText(policy.quorum)}`]),
    // By its hash: a key of ML-DSA-44 fills a screen, and nobody compares it by eye.
    ...policy.witnesses.map(({ vkey }) => `  sha256  ${keyDigest(vkey)} ${vkey.name}`),
    ...(verifiers?.quorum === undefined
      ? ["index     verified by nobody but the log"]
      : [`index     verified by ${quorumText(verifiers.quorum)}`]),
    ...(verifiers?.witnesses ?? []).map(({ vkey }) => `  sha256  ${keyDigest(vkey)} ${vkey.name}`),
    ...services.map((service) => `sends to  ${printable(service)}`),
  ];
}

function keyDigest({ name, type, publicKey }: Vkey): string {
  return toHex(keyHash(nodeCrypto.sha256, name, type, publicKey));
}

function offerData(
  { log, vkeyText, parts, root, policy, verifiers, services }: Offer,
  { covered }: Compared,
): object {
  return {
    origin: log.origin,
    vkey: vkeyText,
    parts: parts.map((part) => ({ ...part, given: covered.includes(part) })),
    timestampAuthorities: root.authorities,
    quorum: policy.quorum === undefined ? null : quorumText(policy.quorum),
    witnesses: policy.witnesses.map(({ vkeyText: witness }) => witness),
    indexQuorum: verifiers?.quorum === undefined ? null : quorumText(verifiers.quorum),
    indexVerifiers: (verifiers?.witnesses ?? []).map(({ vkeyText: key }) => key),
    services,
  };
}
