/**
 * sigstore-python, installed by the machine's own Python and pip into a private environment. Where
 * there is no Python, or the package cannot be had, the answer says why.
 */
import { execFileSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Found, peersFolder } from "./go.ts";

export const SIGSTORE_PYTHON = "4.5.1";

/** Path of the environment's Python; the program is `python -m sigstore`. */
export function findSigstorePython(): Found {
  const folder = join(peersFolder(), `sigstore-${SIGSTORE_PYTHON}`);
  const path = join(folder, "bin/python");
  if (existsSync(join(folder, "bin/sigstore"))) return { found: true, path };
  process.stderr.write(`installing sigstore ${SIGSTORE_PYTHON} (Python) …\n`);
  try {
    execFileSync("python3", ["-m", "venv", folder], { stdio: "pipe" });
    execFileSync(path, ["-m", "pip", "install", "--quiet", `sigstore==${SIGSTORE_PYTHON}`], {
      stdio: "pipe",
    });
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    const text = error instanceof Error ? error.message.split("\n").slice(0, 3).join(" ") : "";
    return { found: false, why: `it could not be installed: ${text}` };
  }
  return { found: true, path };
}
