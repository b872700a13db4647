/**
 * A real witness process under load of logs that show two histories each, and everything that it
 * ever answered, over all its lives.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { toHex, utf8 } from "../../schema/bytes.ts";
import { unwrap } from "../../schema/error.ts";
import { parseCheckpoint } from "../../schema/tlog/checkpoint.ts";
import { parseCosignature } from "../../schema/tlog/cosignature.ts";
import { parseNote, parseSignatures } from "../../schema/tlog/note.ts";
import { formatAddCheckpoint, witnessedCheckpointPath } from "../../schema/tlog/tlog-witness.ts";
import { initWitness } from "../../server/witness/init.ts";
import { endsWithTest, portIn } from "../child.ts";
import { temporaryFolder } from "../server/fixture.ts";
import { ask } from "../server/http/harness.ts";
import { FakeLog, NAME, sha256, WITNESS_PORT } from "../server/witness/support.ts";

const MAIN = new URL("../../client/cli/main.ts", import.meta.url).pathname;

/** Two histories of one log: the same up to a point, then each its own. */
interface Rivals {
  readonly origin: string;
  readonly histories: readonly [FakeLog, FakeLog];
  /** Everything that was cosigned: size → root, hex. */
  readonly roots: Map<number, string>;
  newestTime: number;
}

export class WitnessUnderFire {
  readonly folder: string;
  readonly trouble: string[] = [];
  answers = 0;
  readonly #rivals: readonly Rivals[];
  readonly #entries: number;

  private constructor(folder: string, rivals: readonly Rivals[], entries: number) {
    this.folder = folder;
    this.#rivals = rivals;
    this.#entries = entries;
  }

  static async make(logs: number, entries: number): Promise<WitnessUnderFire> {
    const folder = join(temporaryFolder(), "witness");
    await initWitness(nodeCrypto, folder, NAME, ["ed25519"]);
    const rivals: Rivals[] = [];
    for (let i = 0; i < logs; i++) {
      const log = await FakeLog.make(`log${i}.fire.test`, entries);
      const histories = [log, log.fork(3 + i * 2)] as const;
      rivals.push({ origin: log.origin, histories, roots: new Map(), newestTime: 0 });
    }
    const list = rivals.map(({ histories }) => histories[0].lines).join("");
    writeFileSync(join(folder, "logs.txt"), list);
    return new WitnessUnderFire(folder, rivals, entries);
  }

  /** One life: it starts, is asked by everybody at once, and dies after so many milliseconds. */
  async live(milliseconds: number): Promise<void> {
    const { child, port, ended } = await startProcess(this.folder);
    const load = port.then((at) =>
      at === 0
        ? undefined
        : Promise.all(
            this.#rivals.flatMap((one) =>
              one.histories.map((history) => this.#press(at, one, history)),
            ),
          ),
    );
    // A life that dies while it starts is one of them.
    if (milliseconds > 0) await port;
    await new Promise((resolve) => setTimeout(resolve, Math.abs(milliseconds)));
    child.kill("SIGKILL");
    if ((await ended) !== "SIGKILL") this.trouble.push(`it ended by itself: ${await ended}`);
    await load;
  }

  /** What it shows after all of it, against what it has ever answered. */
  async judge(): Promise<readonly string[]> {
    const { child, port, ended } = await startProcess(this.folder);
    const at = await port;
    for (const one of this.#rivals) {
      const { origin, roots, histories } = one;
      const { status, body } = await ask({ port: at }, witnessedCheckpointPath(sha256, origin));
      const newest = Math.max(-1, ...roots.keys());
      if (status === 200) {
        const { size, root } = unwrap(parseCheckpoint(unwrap(parseNote(body)).text));
        if (size < newest) this.trouble.push(`${origin} stands at ${size}, answered ${newest}`);
        this.#keep(one, size, toHex(root));
      } else if (newest >= 0) this.trouble.push(`${origin} is forgotten`);
      const fits = histories.some((history) =>
        [...roots].every(([size, root]) => toHex(history.root(size)) === root),
      );
      if (!fits) this.trouble.push(`${origin} was cosigned in two histories`);
    }
    child.kill("SIGTERM");
    if ((await ended) !== "0") this.trouble.push(`its end was ${await ended}`);
    return this.trouble;
  }

  /** Asks for ever longer heads of one history until nobody answers. */
  async #press(port: number, one: Rivals, history: FakeLog): Promise<void> {
    let from = 0;
    const newestBefore = one.newestTime;
    for (;;) {
      const to = Math.min(this.#entries, from + Math.floor(Math.random() * 3));
      const proof = history.proof(from, to);
      const body = formatAddCheckpoint({ oldSize: from, proof, checkpoint: history.note(to) });
      const answer = await ask({ port }, "/add-checkpoint", { method: "POST", body }).catch(
        () => undefined,
      );
      if (answer === undefined) return;
      if (answer.status === 409) from = Number(answer.body.toString());
      else if (answer.status === 422) from = Math.floor(Math.random() * this.#entries);
      else if (answer.status === 200) {
        this.answers++;
        this.#keep(one, to, toHex(history.root(to)));
        const [line] = unwrap(parseSignatures(answer.body.toString()));
        const { timestamp } = unwrap(parseCosignature(4, line?.signature ?? utf8("")));
        if (timestamp < newestBefore) this.trouble.push(`${one.origin}: a time went back`);
        one.newestTime = Math.max(one.newestTime, timestamp);
        from = to;
      } else this.trouble.push(`${one.origin}: ${answer.status} ${answer.body.toString()}`);
    }
  }

  #keep({ origin, roots }: Rivals, size: number, root: string): void {
    if ((roots.get(size) ?? root) !== root) this.trouble.push(`${origin}: two roots of ${size}`);
    roots.set(size, root);
  }
}

interface Started {
  readonly child: ChildProcess;
  /** 0 where it died before it listened. */
  readonly port: Promise<number>;
  /** The signal, or the exit status with what it said. */
  readonly ended: Promise<string>;
}

/** `witness serve` as a process of its own. */
export async function startProcess(folder: string, more: readonly string[] = []): Promise<Started> {
  const flags = [...more, "--folder", folder, "--listen", "127.0.0.1:0", "--metrics", "off"];
  // One process is all the load: its address and its logs may ask as often as they can.
  flags.push("--requests-per-second-per-address", "0", "--cosignatures-per-second-per-log", "0");
  const child = endsWithTest(
    spawn(process.execPath, [MAIN, "witness", "serve", ...flags], {
      stdio: ["ignore", "pipe", "pipe"],
    }),
  );
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const ended = new Promise<string>((resolve) => {
    child.once("close", (status, signal) =>
      resolve(signal ?? (status === 0 ? "0" : `${status}: ${errors}`)),
    );
  });
  const port = portIn(child, WITNESS_PORT).then((found) => found ?? 0);
  return { child, port, ended };
}
