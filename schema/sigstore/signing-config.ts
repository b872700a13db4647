/**
 * Sigstore's signing configuration 0.2: where its clients send what they sign. It says nothing
 * about trust.
 *
 * Spec: sigstore_trustroot.proto of protobuf-specs 0.5, SigningConfig. Judged by: cosign,
 * @sigstore/protobuf-specs.
 *
 * @module
 */

const SIGNING_CONFIG_TYPE = "application/vnd.dev.sigstore.signingconfig.v0.2+json";

export interface SigningService {
  readonly url: string;
  /** RFC 3339. */
  readonly start: string;
}

export interface SigningConfig {
  readonly operator: string;
  /** The base of a log that speaks Rekor's API 2. */
  readonly log: SigningService;
  /** The whole URL of a timestamp authority. */
  readonly timestamps?: SigningService | undefined;
}

export function formatSigningConfig({ operator, log, timestamps }: SigningConfig): string {
  const service = ({ url, start }: SigningService, majorApiVersion: number): object => ({
    url,
    majorApiVersion,
    validFor: { start },
    operator,
  });
  const document = {
    mediaType: SIGNING_CONFIG_TYPE,
    rekorTlogUrls: [service(log, 2)],
    rekorTlogConfig: { selector: "ANY" },
    ...(timestamps === undefined
      ? { tsaConfig: {} }
      : { tsaUrls: [service(timestamps, 1)], tsaConfig: { selector: "ANY" } }),
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}
