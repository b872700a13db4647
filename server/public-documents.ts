/**
 * What clients pin and configure themselves with, out of the running configuration:
 * `/trusted_root.json`, `/signing_config.json`, `/witness_policy`, `/index/v1/verifier_policy`.
 *
 * They are served so that an operator need not write them. Nobody should believe them because they
 * were served: their fingerprints go to clients by another way.
 *
 * Spec: docs/formats.md §Documents for clients.
 *
 * @module
 */
import { LogError, unwrap } from "../schema/error.ts";
import { TIMESTAMP_PATH } from "../schema/http/paths.ts";
import { type Generation, indexOrigin, indexPrefix } from "../schema/index/generation.ts";
import { formatSigningConfig } from "../schema/sigstore/signing-config.ts";
import { formatTrustedRoot } from "../schema/sigstore/trusted-root.ts";
import type { Sha256 } from "../schema/tlog/hash.ts";
import { formatVkey, makeVkey, parseVkey, type Vkey } from "../schema/tlog/note.ts";
import type { Policy } from "../schema/tlog/quorum.ts";
import { formatPolicy } from "../schema/tlog/tlog-policy.ts";
import { timeText } from "./log-clock.ts";
import type { Chain } from "./tsa/chain.ts";

export interface PublicDocuments {
  readonly trustedRoot: Uint8Array;
  readonly signingConfig: Uint8Array;
  /** Read anew for each answer: witnesses come and go while the log runs. */
  readonly witnessPolicy: () => Uint8Array;
  /** The same for the index: its log is named by the index's own key. */
  readonly verifierPolicy: (generation: Generation) => Uint8Array;
}

export interface DocumentParts {
  readonly sha256: Sha256;
  readonly vkey: string;
  readonly origin: string;
  /** `http.public_url`; `https://<origin>` where there is none. */
  readonly publicUrl: string | undefined;
  /** From the genesis. */
  readonly createdAt: string;
  /** What signs time stamps now, if anything does. */
  readonly chain: Chain | undefined;
  /** What signed them before: pinned still, and never asked again. */
  readonly retired: readonly Chain[];
  /** Witnesses, groups and quorum in force; `undefined` where no witness is configured. */
  readonly policy: () => Policy | undefined;
  /** The same for the index log. */
  readonly verifiers: (generation: Generation) => Policy | undefined;
}

const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** @throws LogError CONFIG_INVALID for a public URL that clients would not take for this log's */
export function makeDocuments(parts: DocumentParts): PublicDocuments {
  const { sha256, vkey: vkeyText, origin, createdAt, chain } = parts;
  const vkey = unwrap(parseVkey(sha256, vkeyText));
  const { url, baseUrl } = publicUrls(parts.publicUrl, origin);
  const stamps = `${url}${TIMESTAMP_PATH}`;
  const chains = chain === undefined ? parts.retired : [chain, ...parts.retired];
  const timestamps = chains.map((one) => ({ ...one, url: stamps, start: timeText(one.from) }));
  return {
    trustedRoot: Buffer.from(
      formatTrustedRoot(sha256, { logs: [{ baseUrl, vkey, start: createdAt }], timestamps }),
    ),
    signingConfig: Buffer.from(
      formatSigningConfig({
        operator: origin,
        log: { url, start: createdAt },
        timestamps: chain && { url: stamps, start: timeText(chain.from) },
      }),
    ),
    witnessPolicy: () => policyText(parts.policy(), { vkey, vkeyText, url }),
    verifierPolicy: (generation) =>
      policyText(parts.verifiers(generation), {
        ...indexKey(sha256, vkey, generation),
        url: url + indexPrefix(generation),
      }),
  };
}

function policyText(policy: Policy | undefined, log: Policy["logs"][number]): Uint8Array {
  const { witnesses = [], groups = [], quorum } = policy ?? {};
  return Buffer.from(formatPolicy({ logs: [log], witnesses, groups, quorum }));
}

/** The log's key, as it signs the index log. */
function indexKey(
  sha256: Sha256,
  { name, type, publicKey }: Vkey,
  generation: Generation,
): { vkey: Vkey; vkeyText: string } {
  const origin = indexOrigin(name, generation);
  return {
    vkey: makeVkey(sha256, origin, type, publicKey),
    vkeyText: formatVkey(sha256, origin, type, publicKey),
  };
}

/**
 * Where the log is reached, and the base URL that names it. They are one, but for a log on a
 * loopback address: Sigstore's clients want the origin as host name in what they pin, and do not
 * call it.
 */
function publicUrls(
  configured: string | undefined,
  origin: string,
): { readonly url: string; readonly baseUrl: string } {
  const named = `https://${origin}`;
  const url = (configured ?? named).replace(/\/+$/, "");
  const { hostname } = new URL(url);
  if (hostname === origin) return { url, baseUrl: url };
  if (LOOPBACK.test(hostname)) return { url, baseUrl: named };
  throw new LogError(
    "CONFIG_INVALID",
    `The public URL has the host ${hostname}, not the log's name.`,
    {
      field: "http.public_url",
      expected: `a URL of the host ${origin}, or of this machine while the log is tried out`,
    },
  );
}
