/**
 * The two published packages, as a stranger gets them: built from the tree, packed, installed
 * from the tarballs into an empty folder, and used there.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createContext, Script } from "node:vm";
import { publint } from "publint";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROOMS } from "../../deploy/rooms.ts";
import { altered, receiptsOfEachKind } from "./receipts.ts";

const root = join(import.meta.dirname, "../..");
const empty = mkdtempSync(join(tmpdir(), "countersign-pack-"));
const verifierFolder = join(empty, "verifier");
const operatorFolder = join(empty, "operator");

interface Manifest {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly bin?: Readonly<Record<string, string>>;
}

function manifest(folder: string, name: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "node_modules", name, "package.json"), "utf8"));
}

function install(folder: string, ...tarballs: string[]): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{"private":true}\n');
  execFileSync("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", ...tarballs], {
    cwd: folder,
    stdio: "pipe",
  });
}

function countersign(folder: string, ...args: string[]): ReturnType<typeof spawnSync> {
  return spawnSync(
    process.execPath,
    [join(folder, "node_modules/countersign/client/bin/main.js"), ...args],
    { cwd: folder, encoding: "utf8" },
  );
}

beforeAll(() => {
  execFileSync(process.execPath, ["deploy/build.ts"], { cwd: root, stdio: "pipe" });
  const { version }: Manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const client = join(root, `dist/countersign-${version}.tgz`);
  const server = join(root, `dist/countersign-server-${version}.tgz`);
  install(verifierFolder, client);
  install(operatorFolder, client, server);
});

afterAll(() => rmSync(empty, { recursive: true, force: true }));

describe("the package countersign", () => {
  test("brings no server: nothing of an operator's dependencies is installed with it", () => {
    const allowed = new Set([
      ...(ROOMS["schema"]?.packages ?? []),
      ...(ROOMS["client"]?.packages ?? []),
    ]);
    expect(Object.keys(manifest(verifierFolder, "countersign").dependencies).toSorted()).toEqual(
      [...allowed].toSorted(),
    );
    for (const name of ["express", "better-sqlite3", "zod", "pino", "countersign-server"])
      expect(existsSync(join(verifierFolder, "node_modules", name)), name).toBe(false);
    expect(globSync("**/*.node", { cwd: join(verifierFolder, "node_modules") })).toEqual([]);
  });

  test("holds no TypeScript source and no test", () => {
    const folder = join(verifierFolder, "node_modules/countersign");
    const sources = globSync("**/*.ts", { cwd: folder }).filter((file) => !file.endsWith(".d.ts"));
    expect(sources).toEqual([]);
    expect(globSync("**/*.test.*", { cwd: folder })).toEqual([]);
  });

  test("passes publint", async () => {
    const pkgDir = join(verifierFolder, "node_modules/countersign");
    const { messages } = await publint({ pkgDir, strict: true, pack: false });
    expect(messages).toEqual([]);
  });

  test("says which line to type when a command needs the server", () => {
    const ran = countersign(verifierFolder, "serve");
    expect(ran.status).toBe(2);
    expect(String(ran.stderr)).toContain("npm install countersign-server@");
  });

  test("brings none of Sigstore's packages, and says which line to type where they are needed", () => {
    expect(existsSync(join(verifierFolder, "node_modules/@sigstore"))).toBe(false);
    for (const name of ["a.txt", "a.pub", "a.json"]) writeFileSync(join(verifierFolder, name), "x");
    const key = createPublicKey(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey);
    writeFileSync(
      join(verifierFolder, "a.pub"),
      key.export({ type: "spki", format: "pem" }).toString(),
    );
    const options = ["--bundle", "a.json", "--key", "a.pub", "--trusted-root", "a.json"];
    const ran = countersign(verifierFolder, "verify-bundle", "a.txt", ...options);
    expect(ran.status, String(ran.stderr)).toBe(2);
    expect(String(ran.stderr)).toMatch(
      /\[USAGE\] field @sigstore\/[a-z-]+\n {2}try: npm install @sigstore\//,
    );
  });

  test("its command verifies a receipt of each kind offline, and refuses each when altered", async () => {
    const made = await receiptsOfEachKind();
    const trust = join(verifierFolder, "trust.toml");
    writeFileSync(trust, made.trust);
    for (const { name, bytes } of made.receipts) {
      const file = join(verifierFolder, `${name}.receipt.json`);
      writeFileSync(file, bytes);
      const yes = countersign(verifierFolder, "verify", file, "--trust", trust, "--json");
      expect(yes.status, `${name}: ${String(yes.stdout)}${String(yes.stderr)}`).toBe(0);
      writeFileSync(file, altered(Buffer.from(bytes).toString()));
      const no = countersign(verifierFolder, "verify", file, "--trust", trust, "--json");
      expect(no.status, `${name}, altered: ${String(no.stdout)}`).toBe(1);
    }
  });
});

describe("the browser bundle of countersign", () => {
  const bundle = (): string =>
    readFileSync(join(verifierFolder, "node_modules/countersign/browser/countersign.js"), "utf8");

  test("is ASCII, so that the charset of a page changes nothing in it", () => {
    expect(bundle()).toMatch(/^[\x20-\x7e\n\t]+$/);
  });

  test("verifies a receipt of each kind in a bare context without require, process and Buffer", async () => {
    const made = await receiptsOfEachKind();
    // What every browser has and the bare language lacks; nothing of Node.
    const context = createContext({
      TextEncoder,
      TextDecoder,
      crypto: globalThis.crypto,
      receipts: made.receipts.map(({ name, bytes }) => {
        const text = Buffer.from(bytes).toString();
        return { name, text, altered: altered(text) };
      }),
      trust: made.trust,
      answers: [],
    });
    new Script(bundle()).runInContext(context);
    const answers: unknown = await new Script(`(async () => {
      for (const absent of ["require", "process", "Buffer"])
        if (absent in globalThis) throw new Error(absent + " is there");
      const crypto = countersign.browserCrypto(globalThis.crypto.subtle);
      const trusted = countersign.parseTrust(crypto.sha256, trust);
      if (!trusted.ok) throw new Error(trusted.message);
      const all = [];
      for (const { name, text, altered } of receipts) {
        const bytes = new TextEncoder().encode(text);
        const yes = await countersign.verifyReceipt({ crypto, trust: trusted.value }, { name, bytes });
        const other = new TextEncoder().encode(altered);
        const no = await countersign.verifyReceipt({ crypto, trust: trusted.value }, { name, bytes: other });
        all.push({ name, yes: yes.ok, no: no.ok });
      }
      return JSON.stringify(all);
    })()`).runInContext(context);
    expect(JSON.parse(String(answers))).toEqual(
      made.receipts.map(({ name }) => ({ name, yes: true, no: false })),
    );
  });
});

describe("the package countersign-server", () => {
  test("depends on the same version of countersign and carries neither schema nor client", () => {
    const server = manifest(operatorFolder, "countersign-server");
    expect(server.dependencies["countersign"]).toBe(server.version);
    const folder = join(operatorFolder, "node_modules/countersign-server");
    expect(existsSync(join(folder, "schema"))).toBe(false);
    expect(existsSync(join(folder, "client"))).toBe(false);
  });

  test("passes publint", async () => {
    const pkgDir = join(operatorFolder, "node_modules/countersign-server");
    const { messages } = await publint({ pkgDir, strict: true, pack: false });
    expect(messages).toEqual([]);
  });

  test("makes a log and checks it, found by the command of countersign", () => {
    const place = [
      "--storage-folder",
      "data",
      "--storage-guard",
      "guard/head.guard",
      "--log-key",
      "key/log.pem",
    ];
    const made = countersign(operatorFolder, "init", "--log-origin", "pack.example.test", ...place);
    expect(made.status, String(made.stderr)).toBe(0);
    const checked = countersign(operatorFolder, "fsck", ...place);
    expect(checked.status, String(checked.stderr)).toBe(0);
  });
});
