/**
 * Builds the two packages that are published from this tree, as tarballs under `dist/`:
 *
 * - `countersign`: schema, client and command line. Also `browser/countersign.js`, one file
 *   that runs in any page or bare JavaScript engine.
 * - `countersign-server`: the log. Depends on the same version of `countersign` and takes
 *   schema and client from it, so that both run the same lines.
 */
import { execFileSync } from "node:child_process";
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { rolldown } from "rolldown";
import { MAIL_PEERS } from "../client/monitor/channels/nodemailer.ts";
import { SIGSTORE_PEERS } from "../client/sigstore/packages.ts";
import { LATE_IMPORT, ROOMS } from "./rooms.ts";

interface Workshop {
  readonly version: string;
  readonly license: string;
  readonly engines: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
}

/** What users of one part install besides. */
const PEERS = { ...SIGSTORE_PEERS, ...MAIL_PEERS };

const root = join(import.meta.dirname, "..");
const dist = join(root, "dist");
const js = join(dist, "js");
const workshop: Workshop = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** An import of a file below the root, in JavaScript or in a declaration file. */
const RELATIVE_IMPORT = /((?:from|import)\s*\(?\s*)"(\.{1,2}\/[^"]+)"/g;

function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
}

function compile(): void {
  rmSync(js, { recursive: true, force: true });
  run(
    process.execPath,
    join(root, "node_modules/typescript/bin/tsc"),
    "-p",
    "deploy/tsconfig.json",
  );
  for (const room of Object.keys(ROOMS))
    for (const asset of globSync(`${room}/**/*.{json,sql}`, { cwd: root })) {
      mkdirSync(dirname(join(js, asset)), { recursive: true });
      cpSync(join(root, asset), join(js, asset));
    }
}

/** Dependencies of some rooms, at the versions of the workshop. */
function dependenciesOf(...rooms: string[]): Record<string, string> {
  const names = new Set(rooms.flatMap((room) => ROOMS[room]?.packages ?? []));
  return Object.fromEntries(
    [...names].toSorted().map((name) => {
      const version = workshop.dependencies[name];
      if (version === undefined) throw new Error(`package.json lacks ${name}`);
      return [name, version];
    }),
  );
}

/** Rewrite the imports of every file below `folder`; `target` is relative to the root. */
function rewriteImports(
  folder: string,
  rewrite: (file: string, target: string) => string | undefined,
): void {
  for (const file of globSync(`${folder}/**/*.{js,d.ts}`)) {
    const before = readFileSync(file, "utf8");
    const name = relative(js, file);
    const after = before.replace(RELATIVE_IMPORT, (whole, lead: string, specifier: string) => {
      const replaced = rewrite(name, normalize(join(dirname(name), specifier)));
      return replaced === undefined ? whole : `${lead}"${replaced}"`;
    });
    if (after !== before) writeFileSync(file, after);
  }
}

async function bundleForBrowsers(file: string): Promise<void> {
  const bundle = await rolldown({ input: join(js, "client/browser.js"), platform: "browser" });
  await bundle.write({
    file,
    format: "iife",
    name: "countersign",
    minify: true,
    exports: "named",
    // A page that names no charset reads a script as windows-1252, and the em dash of signature
    // lines as three other characters: every note would be refused.
    charset: "ascii",
  });
  await bundle.close();
}

/**
 * The command line in few files: reading sixty modules is half of a short command's time. What a
 * command imports late stays apart, and so does the server.
 */
async function bundleCommandLine(folder: string): Promise<void> {
  const bundle = await rolldown({
    input: join(js, "client/cli/main.js"),
    platform: "node",
    external: [/^countersign-server\//, ...Object.keys(PEERS)],
  });
  await bundle.write({ dir: folder, format: "esm", chunkFileNames: "[name]-[hash].js" });
  await bundle.close();
}

function assemble(
  name: string,
  rooms: readonly string[],
  manifest: Record<string, unknown>,
): string {
  const folder = join(dist, name);
  rmSync(folder, { recursive: true, force: true });
  for (const room of rooms) cpSync(join(js, room), join(folder, room), { recursive: true });
  for (const file of ["LICENSE", "README.md"]) cpSync(join(root, file), join(folder, file));
  const { version, license } = workshop;
  const whole = {
    name,
    version,
    license,
    type: "module",
    engines: { node: workshop.engines["node"] },
    ...manifest,
  };
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(whole, null, 2)}\n`);
  return folder;
}

function pack(folder: string): string {
  const out = execFileSync("npm", ["pack", "--json", "--pack-destination", dist], {
    cwd: folder,
    encoding: "utf8",
  });
  const [first]: { filename: string }[] = JSON.parse(out);
  if (first === undefined) throw new Error(`npm packed nothing in ${folder}`);
  return join(dist, first.filename);
}

function entry(path: string): Record<string, string> {
  return { types: `./${path}.d.ts`, default: `./${path}.js` };
}

compile();

const serverEntry = LATE_IMPORT.to.replace(/\.ts$/, ".js");
rewriteImports(join(js, "client"), (_, target) =>
  target === serverEntry ? "countersign-server/cli" : undefined,
);
rewriteImports(join(js, "server"), (_, target) =>
  target.startsWith("server/") ? undefined : `countersign/internal/${target}`,
);

const client = assemble("countersign", ["schema", "client"], {
  description: "Client of the Countersign transparency log: submit, read, verify offline.",
  bin: { countersign: "client/bin/main.js" },
  exports: {
    ".": { browser: entry("client/browser"), ...entry("client/index") },
    "./schema": entry("schema/index"),
    "./browser": entry("client/browser"),
    "./sigstore": entry("client/sigstore/index"),
    "./browser.iife.js": "./browser/countersign.js",
    "./internal/*": "./*",
    "./package.json": "./package.json",
  },
  dependencies: dependenciesOf("schema", "client"),
  peerDependencies: PEERS,
  peerDependenciesMeta: Object.fromEntries(
    Object.keys(PEERS).map((name) => [name, { optional: true }]),
  ),
  sideEffects: false,
});
await bundleForBrowsers(join(client, "browser/countersign.js"));
await bundleCommandLine(join(client, "client/bin"));

const server = assemble("countersign-server", ["server"], {
  description: "Server of the Countersign transparency log.",
  exports: {
    ".": entry("server/index"),
    "./cli": entry("server/cli/index"),
    "./package.json": "./package.json",
  },
  dependencies: { countersign: workshop.version, ...dependenciesOf("server") },
});

for (const folder of [client, server]) process.stdout.write(`${relative(root, pack(folder))}\n`);
