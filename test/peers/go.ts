/**
 * Other people's programs, built by the machine's own Go into a private folder and never put
 * on PATH. Where there is no Go, or a module cannot be had, the answer says why.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { basename, join } from "node:path";

interface GoProgram {
  /** Import path of the command. */
  readonly module: string;
  readonly version: string;
}

type ProgramName =
  | "tesseraFsck"
  | "tesseraPosix"
  | "tesseraOneshot"
  | "rekorPosix"
  | "cosign"
  | "litewitness"
  | "omniwitness";

const PROGRAMS: Readonly<Record<ProgramName, GoProgram>> = {
  tesseraFsck: { module: "github.com/transparency-dev/tessera/cmd/fsck", version: "v1.0.4" },
  tesseraPosix: {
    module: "github.com/transparency-dev/tessera/cmd/conformance/posix",
    version: "v1.0.4",
  },
  rekorPosix: {
    module: "github.com/sigstore/rekor-tiles/v2/cmd/rekor-server/posix",
    version: "v2.3.0",
  },
  /** The one program of Tessera's that takes a witness policy. */
  tesseraOneshot: {
    module: "github.com/transparency-dev/tessera/cmd/examples/posix-oneshot",
    version: "v1.0.4",
  },
  cosign: { module: "github.com/sigstore/cosign/v3/cmd/cosign", version: "v3.1.3" },
  /** The newest that Go 1.26 builds. */
  litewitness: { module: "filippo.io/torchwood/cmd/litewitness", version: "v0.9.0" },
  omniwitness: {
    module: "github.com/transparency-dev/witness/cmd/omniwitness",
    version: "v0.0.0-20260720115447-2e1c6971d19e",
  },
};

export type Found =
  | { readonly found: true; readonly path: string }
  | { readonly found: false; readonly why: string };

const root = join(import.meta.dirname, "../..");

/** Where other people's programs are kept. `COUNTERSIGN_PEERS` names another folder. */
export function peersFolder(): string {
  return process.env["COUNTERSIGN_PEERS"] ?? join(root, "node_modules/.cache/peers");
}

/** Path of the program, built on first use (minutes). */
export function findProgram(name: ProgramName): Found {
  const { module, version } = PROGRAMS[name];
  const folder = join(peersFolder(), `${name}-${version}`);
  const path = join(folder, basename(module));
  if (existsSync(path)) return { found: true, path };
  try {
    execFileSync("go", ["version"], { stdio: "ignore" });
  } catch {
    return { found: false, why: "there is no Go on this machine" };
  }
  mkdirSync(folder, { recursive: true });
  process.stderr.write(`building ${module}@${version} …\n`);
  try {
    execFileSync("go", ["install", `${module}@${version}`], {
      env: { ...process.env, GOBIN: folder, GOFLAGS: "-p=2" },
      stdio: ["ignore", "ignore", "pipe"],
    });
  } catch (error) {
    const text = error instanceof Error ? error.message.split("\n").slice(0, 3).join(" ") : "";
    return { found: false, why: `it could not be built: ${text}` };
  }
  return { found: true, path };
}
