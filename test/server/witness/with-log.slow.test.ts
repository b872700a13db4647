/** Our log and our witnesses, both as they are served: what one asks for, the other gives. */
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { openNote } from "../../../client/note.ts";
import { utf8 } from "../../../schema/bytes.ts";
import { unwrap } from "../../../schema/error.ts";
import { parseVkey } from "../../../schema/tlog/note.ts";
import { witnessedCheckpointPath } from "../../../schema/tlog/tlog-witness.ts";
import { runOperatorCommand } from "../../../server/cli/index.ts";
import { loadConfig } from "../../../server/config-sources.ts";
import { silentLogger } from "../../../server/observe/log.ts";
import { openParts } from "../../../server/parts.ts";
import { type RunningLog, serveLog } from "../../../server/serve.ts";
import { temporaryFolder } from "../fixture.ts";
import { ask, submissions, submit } from "../http/harness.ts";
import { newWitness, sha256, startWitness, type TestWitness } from "./support.ts";

const ORIGIN = "witnessed.example.test";

function flagsOf(place: string): Record<string, string> {
  return {
    "log-key": join(place, "key.pem"),
    "storage-folder": join(place, "store"),
    "storage-guard": join(place, "head.guard"),
    "http-listen": "127.0.0.1:0",
    "metrics-listen": "off",
  };
}

async function makeLog(place: string): Promise<string> {
  let text = "";
  const sink = { write: (more: string | Uint8Array) => (text += more.toString()) };
  const io = { stdout: sink, stderr: sink, env: {}, cwd: place, isTty: false, now: Date.now };
  const flags = Object.entries(flagsOf(place)).flatMap(([name, value]) => [`--${name}`, value]);
  const argv = [...flags, "--log-origin", ORIGIN, "--json"];
  expect(await runOperatorCommand("init", argv, io), text).toBe(0);
  return /"vkey": "([^"]+)"/.exec(text)?.[1] ?? "";
}

/** `wait`: milliseconds after which a write is answered, witnessed or not. */
async function serve(
  place: string,
  policy: string,
  wait: number,
): Promise<RunningLog & { readonly port: number }> {
  const witness = { "witness-policy": policy, "witness-write-wait-ms": String(wait) };
  const flags = { ...flagsOf(place), ...witness };
  const { config } = loadConfig({ flags, env: {} });
  const surroundings = { cwd: place, env: {}, now: Date.now };
  const ports = { ...surroundings, crypto: nodeCrypto, logger: silentLogger };
  const log = await serveLog(await openParts(config, ports), config);
  return { ...log, port: Number(new URL(log.url).port) };
}

function policyOf(witnesses: readonly TestWitness[]): string {
  const lines = witnesses.flatMap(({ vkeys, url }, i) => [
    ...vkeys.map((vkey, k) => `witness w${i}-${k} ${vkey} ${url}`),
    `group w${i} any ${vkeys.map((_, k) => `w${i}-${k}`).join(" ")}`,
  ]);
  return `${lines.join("\n")}\ngroup all all ${witnesses.map((_, i) => `w${i}`).join(" ")}\nquorum all\n`;
}

test("W1 heads carry both keys of both witnesses, and a copy of the log gets no second history witnessed", async () => {
  const base = temporaryFolder();
  const place = join(base, "one");
  mkdirSync(place);
  const vkey = await makeLog(place);
  const witnesses: TestWitness[] = [];
  for (const name of ["first.test", "second.test"]) {
    const folder = await newWitness([], temporaryFolder(), name);
    writeFileSync(join(folder, "logs.txt"), `log ${vkey}\n`);
    witnesses.push(await startWitness(folder, {}, Date.now));
  }
  const policy = join(base, "policy.txt");
  writeFileSync(policy, policyOf(witnesses));

  const log = await serve(place, policy, 20_000);
  const [a, b, c] = await submissions(3);
  if (a === undefined || b === undefined || c === undefined) throw new Error("no submissions");
  expect((await submit(log, a)).status).toBe(201);
  cpSync(place, join(base, "two"), { recursive: true });
  expect((await submit(log, b)).status).toBe(201);
  const { body } = await ask(log, "/checkpoint");
  const keys = [vkey, ...witnesses.flatMap(({ vkeys }) => vkeys)];
  const vkeys = keys.map((text) => unwrap(parseVkey(sha256, text)));
  expect(unwrap(await openNote(nodeCrypto, body, vkeys)).verified).toHaveLength(5);
  const shown = witnessedCheckpointPath(sha256, ORIGIN);
  const seen = await Promise.all(witnesses.map((one) => ask(one, shown)));
  for (const one of seen) expect(textOf(one.body)).toBe(textOf(body));
  await log.close();

  // The copy is a log of its own, with the same key, that knows nothing of the last entry.
  const copy = await serve(join(base, "two"), policy, 300).catch(() => undefined);
  if (copy !== undefined) {
    expect((await submit(copy, c)).status).toBe(503);
    await copy.close();
  }
  for (const [i, one] of witnesses.entries()) {
    const { body: after } = await ask(one, shown);
    expect(textOf(after)).toBe(textOf(seen[i]?.body ?? utf8("")));
    await one.close();
  }
});

/** Origin, size and root. */
function textOf(note: Uint8Array): string {
  return Buffer.from(note).toString().split("\n\n")[0] ?? "";
}
