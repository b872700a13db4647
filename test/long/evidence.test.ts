/**
 * Every kind of evidence, produced for real: by clients that were lied to (`test/liars/`), and by a
 * log that runs and finds contradictions of its signers. Each file convinces a fresh process in an
 * empty folder, which has nothing else but the trust file.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { EVIDENCE_KINDS, type EvidenceKind } from "../../schema/evidence.ts";
import { bob, build, OTHER_COMMIT, refUpdate, release } from "../client/evidence/scene.ts";
import { LIES } from "../liars/all.ts";
import { Rig } from "../liars/rig.ts";
import { temporaryFolder } from "../server/fixture.ts";
import { ask } from "../server/http/harness.ts";
import { items, signed, submit } from "../server/index/feed.ts";
import { Operated } from "../server/operated.ts";
import * as say from "../vectors/statements.ts";

const run = promisify(execFile);
const MAIN = join(import.meta.dirname, "../../client/cli/main.ts");

/** Kinds that are not made here, and why. */
const NOT_HERE: Readonly<Record<string, string>> = {
  "sha1-collision": "nobody has published two signed git objects of one SHA-1 id",
};

interface Made {
  readonly kind: EvidenceKind;
  readonly from: string;
  readonly file: Uint8Array;
  readonly trust: string;
}

/** What a fresh process says of a file, in a folder that has only the file and the trust file. */
async function judged({ file, trust }: Made): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), "countersign-judge-"));
  try {
    writeFileSync(join(folder, "one.evidence.json"), file);
    writeFileSync(join(folder, "trust.toml"), trust);
    const line = ["evidence", "verify", "one.evidence.json", "--trust", "trust.toml", "--json"];
    const env = { HOME: folder, XDG_STATE_HOME: join(folder, "state") };
    const { stdout } = await run(process.execPath, [MAIN, ...line], { cwd: folder, env });
    return JSON.parse(stdout);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function byLiars(): Promise<Made[]> {
  const made: Made[] = [];
  for (const { name, tell, caught } of LIES)
    for (const { ask: question, evidence: kind, by } of caught) {
      if (kind === undefined || by === "monitor" || made.some((one) => one.kind === kind)) continue;
      const rig = await Rig.open();
      await tell(rig);
      await question(rig);
      const file = rig.evidence(kind) ?? expect.fail(`${name} left no ${kind}`);
      made.push({
        kind,
        from: name,
        file,
        trust: readFileSync(rig.other.path("trust.toml"), "utf8"),
      });
      await rig.close();
    }
  return made;
}

/** Statements that contradict each other, in every slot and of every kind that a feed has. */
const STATEMENTS = [
  signed(build(say.FILE_SHA256)),
  signed(build(say.OTHER_SHA256)),
  signed(build(say.FILE_SHA256, { system: "other" })),
  signed(build(say.OTHER_SHA256, { system: "other", deterministic: false })),
  signed(build(say.OTHER_SHA256, { system: "third" })),
  signed(build(say.FILE_SHA256, { system: "third" }), bob),
  signed(refUpdate(say.COMMIT)),
  signed(refUpdate(OTHER_COMMIT)),
  signed(refUpdate(say.PARENT, { immutable: false }), bob),
  signed(release(say.COMMIT)),
  signed(release(OTHER_COMMIT)),
  signed(say.review()),
  signed(say.review({ verdict: "reject" })),
  signed(say.review({ seq: 7, base: { gitCommit: "2".repeat(40) } }), bob),
  signed(say.review({ seq: 7, base: { gitCommit: "3".repeat(40) } }), bob),
];
const FOUND = [
  "builders-disagree output",
  "equivocation output-by",
  "equivocation ref-by",
  "equivocation release-by",
  "equivocation signer-seq",
  "equivocation verdict-by",
  "irreproducible output-by",
  "ref-moved ref-value",
];

async function byALog(): Promise<Made[]> {
  const place = await Operated.init(temporaryFolder(), { "index-enabled": "on" });
  return place.serving(async (log) => {
    for (const one of STATEMENTS) await submit(log, one);
    const made = new Map<string, Made>();
    for (let wanted = FOUND.length; made.size < FOUND.length; wanted++)
      for (const { kind, slot, evidence } of await items(log, wanted)) {
        const from = `${kind} ${slot.type}`;
        const file = new Uint8Array((await ask(log, evidence)).body);
        const [origin] = log.vkey.split("+");
        const trust = `trust = 1\n[[log]]\norigin = "${origin}"\nvkeys = ["${log.vkey}"]\n`;
        made.set(from, { kind: kindOf(kind), from, file, trust });
      }
    expect([...made.keys()].toSorted()).toEqual(FOUND);
    return [...made.values()];
  });
}

function kindOf(name: string): EvidenceKind {
  return (
    EVIDENCE_KINDS.find((kind) => kind === name) ?? expect.fail(`no kind of evidence: ${name}`)
  );
}

test("every kind is produced for real, and convinces a fresh process in an empty folder", async () => {
  const all = [...(await byLiars()), ...(await byALog())];
  for (const one of all) {
    const { kind, from } = one;
    const who = ["irreproducible", "builders-disagree", "ref-moved"].includes(kind)
      ? "nobody"
      : kind === "equivocation"
        ? "signer"
        : "log";
    expect(await judged(one), from).toMatchObject({ ok: true, kind, accused: { who } });
  }
  const missing = EVIDENCE_KINDS.filter((kind) => !all.some((one) => one.kind === kind));
  expect(missing.toSorted()).toEqual(Object.keys(NOT_HERE).toSorted());
});
