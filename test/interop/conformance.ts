/**
 * The sigstore-conformance suite against `countersign verify-bundle`, unmodified.
 *
 * The suite is a checkout that `COUNTERSIGN_CONFORMANCE` names. Its Python packages go into a
 * private environment; the trusted root of Sigstore's public instance, which the suite leaves to
 * the client, is the one that sigstore-python ships. Nothing is signed: `--skip-signing`.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Found, peersFolder } from "../peers/go.ts";
import { lastWords, runProgram } from "../peers/process.ts";
import { findSigstorePython } from "../peers/python.ts";
import { passes, type Row, refuses, skipped } from "./table.ts";

/** The commit that the results in docs/interop.md are of. */
const COMMIT = "a73de49";
const HERE = import.meta.dirname;
const OPERATION = "verify-bundle";

interface Report {
  readonly summary: { readonly passed?: number; readonly failed?: number; readonly error?: number };
  readonly tests: readonly {
    readonly nodeid: string;
    readonly outcome: string;
    readonly setup?: { readonly longrepr?: string };
  }[];
}

export async function runConformance(): Promise<Row[]> {
  const suite = process.env["COUNTERSIGN_CONFORMANCE"];
  const client = { client: "sigstore-conformance", version: COMMIT };
  const skip = (why: string): Row[] => [skipped(client, OPERATION, why)];
  if (suite === undefined || !existsSync(join(suite, "test/conftest.py")))
    return skip("COUNTERSIGN_CONFORMANCE names no checkout of the suite");
  const commit = commitOf(suite);
  const python = suitePython(suite, commit);
  if (!python.found) return skip(python.why);
  const root = publicGoodRoot();
  if (!root.found) return skip(root.why);
  const folder = mkdtempSync(join(tmpdir(), "countersign-conformance-"));
  try {
    const file = join(folder, "report.json");
    const ran = await runProgram(python.path, pytestArguments(file), {
      cwd: suite,
      env: {
        PYTHONPATH: HERE,
        PYTHONDONTWRITEBYTECODE: "1",
        COUNTERSIGN_NODE: process.execPath,
        COUNTERSIGN_COMMAND: join(HERE, "../../client/cli/main.ts"),
        COUNTERSIGN_TRUSTED_ROOT: root.path,
        GITHUB_WORKSPACE: "",
      },
      patience: 900_000,
    });
    if (!existsSync(file)) return [passes(client, OPERATION, false, lastWords(ran))];
    return rowsOf({ ...client, version: commit }, JSON.parse(readFileSync(file, "utf8")));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function pytestArguments(report: string): string[] {
  const pytest = "-m pytest test -q -p no:cacheprovider -p conformance_offline --skip-signing";
  const entrypoint = join(HERE, "conformance-entrypoint.sh");
  const output = ["--json-report", `--json-report-file=${report}`];
  return [...pytest.split(" "), "--entrypoint", entrypoint, ...output];
}

/** One row for all that passed, and one for each test that failed or was skipped. */
function rowsOf(client: Pick<Row, "client" | "version">, { summary, tests }: Report): Row[] {
  const { passed = 0, failed = 0, error = 0 } = summary;
  const left = tests.filter(({ outcome }) => outcome === "skipped");
  const words = `${passed} passed, ${failed + error} failed, ${left.length} skipped`;
  const nameOf = (nodeid: string): string => nodeid.replace(/^.*::/, "");
  return [
    passes(client, OPERATION, passed > 0 && failed + error === 0, words),
    ...tests
      .filter(({ outcome }) => outcome === "failed" || outcome === "error")
      .map(({ nodeid }) => refuses(client, OPERATION, nameOf(nodeid), false)),
    ...left.map(({ nodeid, setup }) =>
      skipped(
        client,
        nameOf(nodeid),
        /Skipped: (.*?)'?\)?$/.exec(setup?.longrepr ?? "")?.[1] ?? "",
      ),
    ),
  ];
}

function commitOf(suite: string): string {
  const git = ["-C", suite, "rev-parse", "--short=7", "HEAD"];
  try {
    return execFileSync("git", git, { encoding: "utf8", stdio: "pipe" }).trim();
  } catch {
    return "of no known commit";
  }
}

/** A Python with what the suite needs, installed on first use. */
function suitePython(suite: string, commit: string): Found {
  const folder = join(peersFolder(), `sigstore-conformance-${commit}`);
  const path = join(folder, "bin/python");
  if (existsSync(join(folder, "bin/pytest"))) return { found: true, path };
  process.stderr.write("installing what sigstore-conformance needs (Python) …\n");
  try {
    execFileSync("python3", ["-m", "venv", folder], { stdio: "pipe" });
    const install = ["-m", "pip", "install", "--quiet", "-r", join(suite, "requirements.txt")];
    execFileSync(path, install, { stdio: "pipe" });
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    const text = error instanceof Error ? error.message.split("\n").slice(0, 3).join(" ") : "";
    return { found: false, why: `it could not be installed: ${text}` };
  }
  return { found: true, path };
}

/** The trusted root of Sigstore's public instance, from a package that is signed for by others. */
function publicGoodRoot(): Found {
  const python = findSigstorePython();
  if (!python.found) return python;
  const store = execFileSync(
    python.path,
    ["-c", "import sigstore, pathlib; print(pathlib.Path(sigstore.__file__).parent / '_store')"],
    { encoding: "utf8" },
  ).trim();
  const path = join(
    store,
    encodeURIComponent("https://tuf-repo-cdn.sigstore.dev"),
    "trusted_root.json",
  );
  return existsSync(path) ? { found: true, path } : { found: false, why: `there is no ${path}` };
}
