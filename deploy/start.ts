/**
 * `npm start`: a log that serves and stays, in `./.countersign`. Makes the log on the first run.
 * Everything after `--` goes to `countersign serve`.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const command = join(root, "client/cli/main.ts");
const home = join(root, ".countersign");
const place = [
  "--storage-folder",
  join(home, "data"),
  "--storage-guard",
  join(home, "guard/head.guard"),
  "--log-key",
  join(home, "key/log.pem"),
];

if (!existsSync(join(home, "data"))) {
  const made = spawnSync(
    process.execPath,
    [command, "init", "--log-origin", "localhost", ...place],
    { stdio: "inherit" },
  );
  if (made.status !== 0) process.exit(made.status ?? 2);
}
const log = spawn(process.execPath, [command, "serve", ...place, ...process.argv.slice(2)], {
  stdio: "inherit",
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => log.kill(signal));
log.on("exit", (code) => {
  process.exitCode = code ?? 1;
});
