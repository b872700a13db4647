/**
 * Sigstore's own packages, which this client does not depend on. They are peers that somebody
 * installs who reads or makes Sigstore bundles; everybody else verifies receipts without them.
 * So they are imported here, late, and nowhere else, and an absent one is named with the line
 * that installs it.
 *
 * @module
 */
import type * as sigstoreBundle from "@sigstore/bundle";
import type * as sigstoreSpecs from "@sigstore/protobuf-specs";
import type * as sigstoreVerify from "@sigstore/verify";
import { LogError } from "../../schema/error.ts";

/** What is installed beside this package, and the versions it was tried with. */
export const SIGSTORE_PEERS: Readonly<Record<string, string>> = {
  "@sigstore/bundle": "^5.0.1",
  "@sigstore/protobuf-specs": "^0.5.2",
  "@sigstore/sign": "^5.1.0",
  "@sigstore/verify": "^4.1.3",
};

export type SigstoreSpecs = typeof sigstoreSpecs;

export interface VerifyPackages {
  readonly bundle: typeof sigstoreBundle;
  readonly specs: SigstoreSpecs;
  readonly verify: typeof sigstoreVerify;
}

/** What reading a bundle takes. Throws `USAGE` with the npm line where one is not installed. */
export async function verifyPackages(): Promise<VerifyPackages> {
  const [bundle, specs, verify] = await Promise.all([
    peer("@sigstore/bundle", () => import("@sigstore/bundle")),
    peer("@sigstore/protobuf-specs", () => import("@sigstore/protobuf-specs")),
    peer("@sigstore/verify", () => import("@sigstore/verify")),
  ]);
  return { bundle, specs, verify };
}

/** What giving a bundle an entry takes. Throws as {@link verifyPackages}. */
export async function specsPackage(): Promise<SigstoreSpecs> {
  return peer("@sigstore/protobuf-specs", () => import("@sigstore/protobuf-specs"));
}

/** One package. Not any missing module is an absence: what a package itself misses is a defect. */
async function peer<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    if (!isMissing(cause, name)) throw cause;
    throw new LogError("USAGE", `Sigstore bundles need ${name}, which is not installed`, {
      field: name,
      hint: `npm install ${installLine()}`,
      cause,
    });
  }
}

function installLine(): string {
  return Object.entries(SIGSTORE_PEERS)
    .map(([name, version]) => `${name}@${version}`)
    .join(" ");
}

function isMissing(cause: unknown, name: string): boolean {
  return (
    cause instanceof Error &&
    "code" in cause &&
    cause.code === "ERR_MODULE_NOT_FOUND" &&
    cause.message.includes(`'${name}'`)
  );
}
