/**
 * What clients are pointed at: a live log, the files it gives about itself, and an authority for
 * certificates beside it.
 */
import type { KeyObject } from "node:crypto";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Fulcio, ISSUER } from "./fulcio.ts";
import type { BundleJson } from "./sample.ts";

export interface Services {
  readonly url: string;
  readonly origin: string;
  readonly vkey: string;
  /** The log's own private key, for what a thief of it could do. */
  readonly logKey: KeyObject;
  /** Text of the log's trusted root, with the certificate authority added. */
  readonly trustedRoot: string;
  /** Text of its signing config, with the certificate authority added. */
  readonly signingConfig: string;
  /** Full URL of the timestamp authority, where there is one. */
  readonly timestamps: string | undefined;
  /** C2SP policy of its witnesses, where it has any. */
  readonly policy: string | undefined;
  readonly fulcio: Fulcio;
  /** Scratch, removed afterwards. */
  readonly folder: string;
}

const ALWAYS = { start: "2026-01-01T00:00:00Z" };

/** The log's own files, plus the certificate authority: what an operator of both would hand out. */
export function addFulcio(
  files: { readonly trustedRoot: string; readonly signingConfig: string },
  fulcio: Fulcio,
): Pick<Services, "trustedRoot" | "signingConfig"> {
  const root: object = JSON.parse(files.trustedRoot);
  const config: object = JSON.parse(files.signingConfig);
  const service = (url: string): object[] => [
    { url, majorApiVersion: 1, validFor: ALWAYS, operator: "example.test" },
  ];
  return {
    trustedRoot: JSON.stringify({ ...root, ...fulcio.trust }),
    signingConfig: JSON.stringify({
      ...config,
      caUrls: service(fulcio.url),
      oidcUrls: service(ISSUER),
    }),
  };
}

/** Files of a scratch folder of its own, each under another name. */
export class Scratch {
  readonly folder: string;
  #count = 0;

  constructor(folder: string) {
    this.folder = mkdtempSync(join(folder, "scratch-"));
  }

  /** A path that nothing is at. */
  path(name: string): string {
    return join(this.folder, `${this.#count++}-${name}`);
  }

  file(name: string, content: string | Uint8Array, mode = 0o644): string {
    const path = this.path(name);
    writeFileSync(path, content, { mode });
    return path;
  }
}

export function readBundle(path: string): BundleJson {
  const bundle: BundleJson = JSON.parse(readFileSync(path, "utf8"));
  return bundle;
}
