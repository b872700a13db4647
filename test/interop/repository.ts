/**
 * A real repository: its signed objects are imported, and every receipt is verified offline by the
 * packed tarball in an empty folder.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { command } from "../bench/ours.ts";
import { lastWords, runProgram } from "../peers/process.ts";
import { OURS, ourFsck, tesseraFsck } from "./fsck.ts";
import { type LiveLog, startLiveLog } from "./live-log.ts";
import { passes, type Row } from "./table.ts";

const root = join(import.meta.dirname, "../..");

const VERIFY_ALL = `import { readFileSync, readdirSync } from "node:fs";
import { nodeCrypto, parseTrust, verifyReceipt } from "countersign";
const trust = parseTrust(nodeCrypto.sha256, readFileSync("trust.toml"));
if (!trust.ok) throw new Error(trust.message);
let [yes, no] = [0, 0];
for (const name of readdirSync(process.argv[2])) {
  if (!name.endsWith(".receipt.json")) continue;
  const bytes = readFileSync(process.argv[2] + "/" + name);
  const verdict = await verifyReceipt({ crypto: nodeCrypto, trust: trust.value }, { name, bytes });
  verdict.ok ? yes++ : no++;
}
console.log(JSON.stringify({ yes, no }));
`;

/** The packed tarball alone, in an empty folder, with nothing but receipts and the trust file. */
function verifyElsewhere(receipts: string, { vkey, origin }: LiveLog): Row {
  const folder = mkdtempSync(join(tmpdir(), "countersign-elsewhere-"));
  try {
    install(folder);
    const trust = `trust = 1\n\n[[log]]\norigin = "${origin}"\nvkeys = ["${vkey}"]\n`;
    writeFileSync(join(folder, "trust.toml"), trust);
    writeFileSync(join(folder, "verify-all.js"), VERIFY_ALL);
    const here = { cwd: folder, encoding: "utf8" } as const;
    const begun = performance.now();
    const ran = spawnSync(process.execPath, ["verify-all.js", receipts], here);
    const seconds = (performance.now() - begun) / 1000;
    const answer: { yes: number; no: number } =
      ran.status === 0 ? JSON.parse(ran.stdout) : { yes: 0, no: -1 };
    const first = readdirSync(receipts).find((name) => name.endsWith(".receipt.json")) ?? "";
    const main = "node_modules/countersign/client/bin/main.js";
    const args = [main, "verify", join(receipts, first), "--trust", "trust.toml"];
    const one = spawnSync(process.execPath, args, here);
    const good = answer.yes > 0 && answer.no === 0 && one.status === 0;
    const detail = good
      ? `${answer.yes} yes, ${answer.no} no, in ${seconds.toFixed(1)} s; and one by its command`
      : `${ran.stderr}${one.stderr}`.slice(0, 500);
    const operation = "the packed tarball in an empty folder verifies every receipt offline";
    return passes(OURS, operation, good, detail);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function install(folder: string): void {
  const tarball = readdirSync(join(root, "dist")).find((name) =>
    /^countersign-\d.*\.tgz$/.test(name),
  );
  writeFileSync(join(folder, "package.json"), '{"private":true,"type":"module"}\n');
  const packed = join(root, "dist", tarball ?? "");
  execFileSync("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", packed], {
    cwd: folder,
    stdio: "pipe",
  });
}

export async function importRepository(repo: string): Promise<Row[]> {
  const log = await startLiveLog();
  try {
    const receipts = join(log.folder, "receipts");
    mkdirSync(receipts);
    const names = ["--log", log.url, "--vkey", log.vkey, "--receipts", receipts];
    const memory = ["--memory", join(log.folder, "memory.json")];
    const ran = await runProgram(
      process.execPath,
      [command, "import", "git", repo, ...names, ...memory],
      { env: { XDG_STATE_HOME: log.folder }, patience: 3_600_000 },
    );
    process.stderr.write(ran.stdout);
    const count = readdirSync(receipts).filter((name) => name.endsWith(".receipt.json")).length;
    const good = ran.status === 0;
    const detail = good ? `${count} receipts` : lastWords(ran);
    const rows = [passes(OURS, `import git ${basename(repo)}`, good, detail)];
    rows.push(await tesseraFsck(log, "check the log of that import"));
    await log.stop();
    rows.push(verifyElsewhere(receipts, log), await ourFsck(log));
    return rows;
  } finally {
    await log.remove();
  }
}
