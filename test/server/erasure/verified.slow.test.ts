/**
 * An erasure in a log whose index is shown only with a quorum of real index verifiers: before it, and
 * after it by one that never saw the content.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { fileSubmission } from "../../../client/keys/signer.ts";
import { toHex, utf8 } from "../../../schema/bytes.ts";
import { initWitness } from "../../../server/witness/init.ts";
import { freePort } from "../../bench/process.ts";
import { startProcess } from "../../long/witness-killed.ts";
import { runProgram } from "../../peers/process.ts";
import { temporaryFolder } from "../fixture.ts";
import { ask, makeSigner, submit } from "../http/harness.ts";
import { eraseWhenIndexed, Operated } from "../operated.ts";

const { sha256 } = nodeCrypto;
const MAIN = new URL("../../../client/cli/main.ts", import.meta.url).pathname;
const PRIVATE = utf8("the address of somebody\n");
const NAMES = ["i0", "i1", "i2"] as const;

class Verifier {
  readonly name: string;
  readonly vkey: string;
  readonly #folder: string;
  /** Nobody is there as long as it was not started. */
  port = 1;
  end: () => Promise<string> = async () => "never started";

  private constructor(name: string, vkey: string, folder: string) {
    this.name = name;
    this.vkey = vkey;
    this.#folder = folder;
  }

  static async make(base: string, name: string): Promise<Verifier> {
    const folder = join(base, name);
    const full = `${name}.example.test`;
    const [key] = await initWitness(nodeCrypto, folder, full, ["ed25519"], "index verifier");
    return new Verifier(name, key?.vkeyText ?? expect.fail("no key"), folder);
  }

  async start(trust: string): Promise<void> {
    const { child, port, ended } = await startProcess(this.#folder, ["--index", "--trust", trust]);
    this.end = async () => {
      child.kill("SIGTERM");
      return ended;
    };
    onTestFinished(async () => void (await this.end()));
    this.port = await port;
  }
}

const policyOf = (verifiers: readonly Verifier[]): string =>
  `${verifiers.map(({ name, vkey, port }) => `witness ${name} ${vkey} http://127.0.0.1:${port}\n`).join("")}group two 2 ${NAMES.join(" ")}\nquorum two\n`;

test("a content is erased under a quorum of index verifiers, and one that starts afterwards stands for the index too", async () => {
  const base = temporaryFolder();
  const path = (name: string): string => join(base, name);
  const port = await freePort();
  const flags = { "index-enabled": "on", "http-listen": `127.0.0.1:${port}` };
  // Verifiers are processes, with the time of the machine.
  const log = await Operated.init(path("log"), flags, Date.now);
  const verifiers = await Promise.all(NAMES.map(async (name) => Verifier.make(base, name)));
  const [first, second, fresh] = verifiers;
  if (first === undefined || second === undefined || fresh === undefined)
    expect.fail("no verifiers");
  const serving = async (work: Parameters<Operated["serving"]>[0]): Promise<void> => {
    writeFileSync(path("verifiers.policy"), policyOf(verifiers));
    await log.serving(work, { "index-verifiers": path("verifiers.policy") });
  };
  const digest = sha256(PRIVATE);
  const lookUp = async (): Promise<{ status: number; answer: unknown }> => {
    const question = ["artifact", `sha256:${toHex(digest)}`, "--trust", path("trust.toml")];
    const options = { cwd: base, env: { XDG_STATE_HOME: path("state") } };
    const args = [MAIN, "lookup", ...question, "--wait", "60", "--json"];
    const { status, stdout } = await runProgram(process.execPath, args, options);
    return { status, answer: JSON.parse(stdout) };
  };
  const ada = await makeSigner();

  let vkey = "";
  await log.serving(async (running) => {
    ({ vkey } = running);
    await submit(running, await fileSubmission(ada, utf8("public\n")));
    await submit(running, await fileSubmission(ada, PRIVATE));
  });
  const trust = `trust = 1\n[[log]]\norigin = "operated.example.test"\nvkeys = ["${vkey}"]\nurl = "http://127.0.0.1:${port}"\n`;
  writeFileSync(path("verifier.toml"), trust);
  for (const verifier of [first, second]) await verifier.start(path("verifier.toml"));
  writeFileSync(
    path("trust.toml"),
    `${trust}[[log.index]]\npolicy = """\n${policyOf(verifiers)}"""\n`,
  );

  const by = (...names: readonly string[]) => ({
    complete: { verified: { state: "quorum", by: names.map((name) => `${name}.example.test`) } },
  });
  await serving(async (running) => {
    expect(await lookUp()).toMatchObject({
      status: 0,
      answer: { ...by("i0", "i1"), entries: [{ index: 2 }] },
    });
    await eraseWhenIndexed(running, digest);
    expect(await lookUp()).toMatchObject({
      status: 0,
      answer: { ...by("i0", "i1"), entries: [{ index: 2 }] },
    });
  });

  expect(await first.end()).toBe("0");
  await fresh.start(path("verifier.toml"));
  await serving(async (running) => {
    await submit(running, await fileSubmission(ada, utf8("later\n")));
    expect((await lookUp()).answer).toMatchObject({ ...by("i1", "i2"), entries: [{ index: 2 }] });
  });

  expect((await log.run("index rebuild")).status).toBe(0);
  await serving(async (running) => {
    expect(await lookUp()).toMatchObject({
      status: 0,
      answer: { ...by("i1", "i2"), entries: [{ index: 2 }] },
    });
    expect((await ask(running, `/content/sha256/${toHex(digest)}`)).status).toBe(410);
  });
});
