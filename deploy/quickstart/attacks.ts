/**
 * Two attacks, with their refusals: a receipt that was changed, and a log that forked.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generate, makeLog } from "./log.ts";
import { freePort, good, refused, say, shown, step, type Workplace } from "./tools.ts";

export async function tamper(work: Workplace): Promise<void> {
  step("Attack 1: a receipt is changed by one character");
  const [name = ""] = readdirSync(work.receipts).toSorted();
  const receipt: unknown = JSON.parse(readFileSync(join(work.receipts, name), "utf8"));
  for (const [what, path] of [
    ["what was signed", ["content"]],
    ["the entry", ["logEntry", "canonicalizedBody"]],
    ["the proof", ["logEntry", "inclusionProof", "hashes", "0"]],
  ] as const) {
    const file = work.path("tampered.receipt.json");
    writeFileSync(file, JSON.stringify(changed(receipt, path)));
    const { stdout } = await work.countersign(["verify", file, "--trust", work.trust], 1);
    refused(`${what}: ${stdout.trim().split("\n")[0] ?? ""}`);
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

export async function fork(work: Workplace): Promise<void> {
  step("Attack 2: the log forks. Its thief has the key, and tells another story from entry 7 on");
  const port = await freePort();
  const config = makeLog(work, work.path("fork"), port);
  const stop = await work.serve(config);
  const url = `http://127.0.0.1:${port}/`;
  const mallory = await generate(work, "mallory", "ed25519");
  const thief = { XDG_STATE_HOME: work.path("thief") };
  for (let i = 0; i < 4; i++) {
    const file = work.path(`story-${i}.txt`);
    writeFileSync(file, `another story, part ${i}\n`);
    await work.countersign(
      [
        "sign",
        file,
        "--key",
        mallory.file,
        "--log",
        url,
        "--trust",
        work.trust,
        "--receipts",
        work.path("thief-receipts"),
      ],
      0,
      thief,
    );
  }
  good("the forked log answers, and signs with the very same key");
  shown(`countersign update --log ${url} --trust trust.toml`);
  const { stdout } = await work.countersign(
    ["update", "--log", url, "--trust", work.trust, "--evidence", work.path("evidence")],
    3,
  );
  await stop();
  refused(stdout.trim().split("\n")[0] ?? "");
  const [file = ""] = readdirSync(work.path("evidence"));
  say("The evidence convicts by itself. A fresh process, another machine's memory, no network:");
  shown(`countersign evidence verify evidence/${file} --trust trust.toml`);
  const stranger = { XDG_STATE_HOME: work.path("stranger") };
  const evidence = ["evidence", "verify", work.path("evidence", file), "--trust", work.trust];
  say(...(await work.countersign(evidence, 0, stranger)).stdout.trimEnd().split("\n"));
}
