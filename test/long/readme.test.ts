/** The README's own lines, run as they stand there. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { freePort } from "../bench/process.ts";

const root = join(import.meta.dirname, "../..");
const readme = readFileSync(join(root, "README.md"), "utf8");
const folder = mkdtempSync(join(tmpdir(), "countersign-readme-"));

/** The block of a language, counted from 0. */
function block(language: string, which = 0): string {
  const all = readme.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm"));
  const found = [...all][which]?.[1];
  if (found === undefined) throw new Error(`the README has no block ${which} of ${language}`);
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

  test("its Sigstore example makes a bundle that it and the command say yes to", async () => {
    // Their packages as npm would install them beside ours; linked, so that they find their own.
    symlinkSync(join(root, "node_modules/@sigstore"), join(folder, "node_modules/@sigstore"));
    writeFileSync(join(folder, "sigstore.ts"), block("ts", 1));
    const port = await freePort();
    const trust = join(folder, "trust.toml");
    const text = readFileSync(trust, "utf8");
    writeFileSync(trust, text.replace(/^url = .*$/m, `url = "http://127.0.0.1:${port}"`));
    const serve = ["serve", "--http-listen", `127.0.0.1:${port}`, "--metrics-listen", "off"];
    const main = join(root, "client/cli/main.ts");
    const env = { ...process.env, HOME: folder };
    const log = spawn(process.execPath, [main, ...serve], { cwd: folder, env, stdio: "ignore" });
    try {
      await answering(`http://127.0.0.1:${port}/readyz`);
      const ran = spawnSync(process.execPath, ["sigstore.ts"], { cwd: folder, encoding: "utf8" });
      expect(ran.status, `${ran.stdout}${ran.stderr}`).toBe(0);
      expect(ran.stdout).toMatch(/^yes: sha256:/);
      const run = (...args: string[]): ReturnType<typeof spawnSync> =>
        spawnSync(process.execPath, [main, ...args], { cwd: folder, env, encoding: "utf8" });
      const shown = String(run("key", "show", "bob.pem").stdout);
      writeFileSync(join(folder, "bob.pub"), shown.split("\n")[0] ?? "");
      const asked = [
        "--bundle",
        "hello.sigstore.json",
        "--key",
        "bob.pub",
        "--trust",
        "trust.toml",
      ];
      const yes = run("verify-bundle", "hello.txt", ...asked);
      expect(yes.status, `${String(yes.stdout)}${String(yes.stderr)}`).toBe(0);
      expect(run("verify-bundle", "trust.toml", ...asked).status).toBe(1);
    } finally {
      log.kill();
    }
  });
});

async function answering(url: string): Promise<void> {
  for (let i = 0; i < 200; i++) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok === true) return;
    await new Promise((later) => setTimeout(later, 100));
  }
  throw new Error(`${url} does not answer`);
}
