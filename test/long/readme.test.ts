/** The README's own lines, run as they stand there. */
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { freePort } from "../bench/process.ts";

const root = join(import.meta.dirname, "../..");
const readme = readFileSync(join(root, "README.md"), "utf8");
const folder = mkdtempSync(join(tmpdir(), "countersign-readme-"));

function block(language: string): string {
  const found = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "m").exec(readme)?.[1];
  if (found === undefined) throw new Error(`the README has no block of ${language}`);
  return found;
}

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the README", () => {
  test("its shell lines log a commit and a review and verify them with the log gone", async () => {
    const bin = join(folder, "bin");
    mkdirSync(bin);
    const command = join(bin, "countersign");
    const main = join(root, "client/cli/main.ts");
    writeFileSync(command, `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`);
    chmodSync(command, 0o755);
    // What a reader does not type: stop at the first failure, and wait for the log to listen.
    const prelude = `set -eu\nset -m\ntrap 'kill %1 2>/dev/null || true' EXIT\n`;
    const port = await freePort();
    const lines = block("sh")
      .replaceAll("127.0.0.1:8085", `127.0.0.1:${port}`)
      .replace(
        "&\n",
        `&\nuntil curl -sf http://127.0.0.1:${port}/readyz >/dev/null; do sleep 0.1; done\n`,
      );
    const ran = spawnSync("bash", ["-c", prelude + lines], {
      cwd: folder,
      encoding: "utf8",
      env: {
        PATH: `${bin}${delimiter}${process.env["PATH"] ?? ""}`,
        HOME: folder,
        GIT_CONFIG_NOSYSTEM: "1",
      },
    });
    expect(ran.status, `${ran.stdout}\n${ran.stderr}`).toBe(0);
    expect(ran.stdout).toContain("yes: commit");
    expect(ran.stdout).toMatch(/author\s+Ada/);
    expect(ran.stdout).toMatch(/reviewed\s+Bob/);
  });

  test("its library example says yes to that receipt and no to an altered one", () => {
    execFileSync(process.execPath, ["deploy/build.ts"], { cwd: root, stdio: "pipe" });
    const modules = join(folder, "node_modules");
    mkdirSync(modules);
    execFileSync("cp", ["-r", join(root, "dist/countersign"), join(modules, "countersign")]);
    for (const name of ["canonicalize", "smol-toml", "@noble"])
      execFileSync("cp", ["-r", join(root, "node_modules", name), join(modules, name)]);
    writeFileSync(join(folder, "package.json"), '{"type":"module"}\n');
    writeFileSync(join(folder, "example.ts"), block("ts"));
    const receipts = join(folder, "receipts");
    const name = readdirSync(receipts).find((file) => file.endsWith(".receipt.json")) ?? "";
    const run = (file: string): ReturnType<typeof spawnSync> =>
      spawnSync(process.execPath, ["example.ts", file], { cwd: folder, encoding: "utf8" });
    const yes = run(join(receipts, name));
    expect(yes.status, `${String(yes.stdout)}${String(yes.stderr)}`).toBe(0);
    const altered = readFileSync(join(receipts, name), "utf8").replace(
      /"logIndex": "\d+"/g,
      '"logIndex": "0"',
    );
    writeFileSync(join(folder, "altered.receipt.json"), altered);
    expect(run("altered.receipt.json").status).toBe(1);
  });
});
