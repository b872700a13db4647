/**
 * What `deploy/` ships, run as far as this machine allows: the systemd unit is checked by systemd,
 * the example configuration starts a log from the packed tarballs under another user, and the
 * Dockerfile is built where a Docker engine runs.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../bench/process.ts";
import { endOf, endsWithTest } from "../child.ts";
import { can } from "../faults/machine.ts";

const root = join(import.meta.dirname, "../..");
const deploy = join(root, "deploy");
const folder = mkdtempSync(join(tmpdir(), "countersign-deploy-"));

async function isReady(url: string): Promise<boolean> {
  for (let tries = 0; tries < 300; tries++) {
    const ready = await fetch(`${url}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (ready) return true;
    await sleep(100);
  }
  return false;
}

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const UNITS = ["countersign.service", "witness.service"] as const;

describe.skipIf(!can("systemd-analyze", "--version")).each(UNITS)("the systemd unit %s", (name) => {
  test("is understood by systemd, word for word", () => {
    const unit = readFileSync(join(deploy, name), "utf8");
    // Only the program is not on this machine.
    const file = join(folder, name);
    writeFileSync(file, unit.replace(/^ExecStart=\S+/m, "ExecStart=/bin/true"));
    const ran = spawnSync("systemd-analyze", ["verify", file], { encoding: "utf8" });
    expect(ran.stderr + ran.stdout).toBe("");
    expect(ran.status).toBe(0);
  });

  test("leaves little to attack: systemd rates its exposure below 2 of 10", () => {
    const ran = spawnSync("systemd-analyze", ["security", "--offline=true", join(folder, name)], {
      encoding: "utf8",
    });
    const rating = /Overall exposure level for \S+ (\d+\.\d+)/.exec(ran.stdout)?.[1];
    expect(Number(rating)).toBeLessThan(2);
  });
});

describe("the example configurations", () => {
  const nobody = 65_534;
  const asRoot = process.getuid?.() === 0;
  const unprivileged = asRoot ? { uid: nobody, gid: nobody } : {};
  const home = join(folder, "host");
  const config = join(home, "countersign.toml");
  const main = join(home, "app/node_modules/countersign/client/bin/main.js");
  let url = "";

  beforeAll(async () => {
    execFileSync(process.execPath, ["deploy/build.ts"], { cwd: root, stdio: "pipe" });
    const app = join(home, "app");
    mkdirSync(app, { recursive: true });
    writeFileSync(join(app, "package.json"), '{"private":true}\n');
    const { version }: { version: string } = JSON.parse(
      readFileSync(join(root, "package.json"), "utf8"),
    );
    const tarballs = ["countersign", "countersign-server"].map((name) =>
      join(root, `dist/${name}-${version}.tgz`),
    );
    // As the Dockerfile does it.
    execFileSync(
      "npm",
      ["install", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", ...tarballs],
      {
        cwd: app,
        stdio: "pipe",
      },
    );
    const [port, metrics] = [await freePort(), await freePort()];
    url = `http://127.0.0.1:${port}`;
    const example = readFileSync(join(deploy, "countersign.toml"), "utf8")
      .replaceAll("/var/lib/", `${home}/`)
      .replace("127.0.0.1:8080", `127.0.0.1:${port}`)
      .replace("127.0.0.1:9090", `127.0.0.1:${metrics}`);
    expect(example).not.toContain("/var/lib");
    writeFileSync(config, example);
    chmodSync(folder, 0o755);
    for (const name of ["countersign", "countersign-guard"]) {
      mkdirSync(join(home, name), { mode: 0o700 });
      if (asRoot) chownSync(join(home, name), nobody, nobody);
    }
  });

  test("makes and serves a log as an unprivileged user, and SIGTERM ends it with status 0", async () => {
    const env = { PATH: process.env["PATH"], HOME: join(home, "countersign") };
    const options = { cwd: home, env, ...unprivileged };
    const made = spawnSync(process.execPath, [main, "init", "--config", config], {
      ...options,
      encoding: "utf8",
    });
    expect(made.status, `${made.stdout}${made.stderr}`).toBe(0);
    const log = endsWithTest(
      spawn(process.execPath, [main, "serve", "--config", config], { ...options, stdio: "ignore" }),
    );
    const ended = endOf(log);
    expect(await isReady(url)).toBe(true);
    const checkpoint = await (await fetch(`${url}/checkpoint`)).text();
    expect(checkpoint.split("\n").slice(0, 2)).toEqual(["log.example.org", "1"]);
    log.kill("SIGTERM");
    expect(await ended).toBe(0);
  });

  test("makes and serves a witness in the same way", async () => {
    const state = join(home, "countersign-witness");
    mkdirSync(state, { mode: 0o700 });
    if (asRoot) chownSync(state, nobody, nobody);
    const port = await freePort();
    const example = readFileSync(join(deploy, "witness.toml"), "utf8")
      .replaceAll("/var/lib/", `${home}/`)
      .replaceAll("/etc/countersign/", `${home}/`)
      .replace("127.0.0.1:8081", `127.0.0.1:${port}`)
      .replace("127.0.0.1:9091", `127.0.0.1:${await freePort()}`);
    expect(example).not.toMatch(/\/(?:var|etc)\//);
    writeFileSync(join(home, "witness.toml"), example);
    writeFileSync(join(home, "witness-logs.txt"), "# none yet\n");
    const options = { cwd: home, env: { PATH: process.env["PATH"] }, ...unprivileged };
    const init = ["witness", "init", "--name", "w.example.org", "--folder", join(state, "w1")];
    const made = spawnSync(process.execPath, [main, ...init], { ...options, encoding: "utf8" });
    expect(made.status, `${made.stdout}${made.stderr}`).toBe(0);
    const serve = ["witness", "serve", "--config", join(home, "witness.toml")];
    const witness = endsWithTest(
      spawn(process.execPath, [main, ...serve], { ...options, stdio: "ignore" }),
    );
    const ended = endOf(witness);
    expect(await isReady(`http://127.0.0.1:${port}`)).toBe(true);
    witness.kill("SIGTERM");
    expect(await ended).toBe(0);
  });
});

describe.skipIf(!can("docker", "info"))("the Dockerfile", () => {
  test("builds, and its command answers", () => {
    execFileSync(
      "docker",
      ["build", "-f", join(deploy, "Dockerfile"), "-t", "countersign-test", root],
      { stdio: "pipe" },
    );
    const ran = spawnSync("docker", ["run", "--rm", "countersign-test", "--version"], {
      encoding: "utf8",
    });
    expect(ran.status, ran.stderr).toBe(0);
  });
});
