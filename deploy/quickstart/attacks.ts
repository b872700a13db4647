/**
 * Two attacks, with their refusals: a receipt that was changed, and a log that forked.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { generate, makeLog } from "./log.ts";
import { freePort, good, refused, say, step, type Workplace } from "./tools.ts";

export async function tamper(work: Workplace): Promise<void> {
  step("Attack 1: a receipt is changed by one character");
  const [name = ""] = readdirSync(work.path("receipts")).toSorted();
  const receipt: unknown = JSON.parse(readFileSync(work.path("receipts", name), "utf8"));
  for (const [what, path] of [
    ["content", ["content"]],
    ["entry", ["logEntry", "canonicalizedBody"]],
    ["proof", ["logEntry", "inclusionProof", "hashes", "0"]],
  ] as const) {
    const file = `${what}-changed.receipt.json`;
    writeFileSync(work.path(file), JSON.stringify(changed(receipt, path)));
    const line = `verify ${file} --trust trust.toml`;
    const { stdout } = await work.countersign(line, { wanted: [1] });
    refused(stdout.trim().split("\n")[0] ?? "");
  }
}

/** A copy in which one character in the middle of a base64 text is another one. */
function changed(value: unknown, path: readonly string[]): unknown {
  const [name, ...rest] = path;
  if (name === undefined) {
    const text = String(value);
    const at = Math.floor(text.length / 2);
    return text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
  }
  if (Array.isArray(value))
    return value.map((item: unknown, i) => (String(i) === name ? changed(item, rest) : item));
  const fields = Object.entries(typeof value === "object" && value !== null ? value : {});
  return Object.fromEntries(
    fields.map(([key, item]) => [key, key === name ? changed(item, rest) : item]),
  );
}

/** @param size entries that both histories share */
export async function fork(work: Workplace, vkey: string, size: number): Promise<void> {
  step(`Attack 2: the log forks. A thief of its key tells another story from entry ${size} on`);
  const port = await freePort();
  makeLog(work, "fork", port);
  const stop = await work.serve("serve", "--config", "fork/log.toml");
  const url = `http://127.0.0.1:${port}/`;
  await generate(work, "mallory", "ed25519");
  const thief = { XDG_STATE_HOME: work.path("thief") };
  // One entry more than the true log got, so that the fork looks like growth.
  for (let part = 1; part <= 4; part++) {
    writeFileSync(work.path(`story-${part}.txt`), `another story, part ${part}\n`);
    await work.countersign(
      `sign story-${part}.txt --key mallory.pem --log ${url} --vkey ${vkey} --receipts thief/receipts`,
      { env: thief, quiet: true },
    );
  }
  good(`a real second log answers at ${url}, and signs with the very same key`);
  const line = `update --log ${url} --trust trust.toml --evidence evidence`;
  const { stdout } = await work.countersign(line, { wanted: [3] });
  refused(stdout.trim().split("\n")[0] ?? "");
  say("", "Somebody new remembers nothing. But no witness has cosigned the thief's history.");
  const newcomer = { XDG_STATE_HOME: work.path("newcomer") };
  const shown = await work.countersign(`update --log ${url} --trust trust.toml`, {
    wanted: [1],
    env: newcomer,
  });
  await stop();
  refused(shown.stdout.trim().split("\n")[0] ?? "");
  say("", "The evidence convicts by itself: a fresh process, no memory, no network.");
  const [file = ""] = readdirSync(work.path("evidence"));
  const judged = await work.countersign(`evidence verify evidence/${file} --trust trust.toml`, {
    env: { XDG_STATE_HOME: work.path("stranger") },
  });
  const [first = "", ...rest] = judged.stdout.trimEnd().split("\n");
  good(first);
  say(...rest);
}
