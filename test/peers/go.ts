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

type ProgramName = "tesseraFsck" | "tesseraPosix" | "rekorPosix";

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
};

export type Found =
  | { readonly found: true; readonly path: string }
  | { readonly found: false; readonly why: string };

const root = join(import.meta.dirname, "../..");

/** Path of the program, built on first use (minutes). `COUNTERSIGN_PEERS` names another folder. */
export function findProgram(name: ProgramName): Found {
  const { module, version } = PROGRAMS[name];
  const folder = join(
    process.env["COUNTERSIGN_PEERS"] ?? join(root, "node_modules/.cache/peers"),
    `${name}-${version}`,
  );
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
