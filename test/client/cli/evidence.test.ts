import { writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { toHex } from "../../../schema/bytes.ts";
import type { ClaimKind } from "../../../schema/evidence/claims.ts";
import { type Evidence, formatEvidence } from "../../../schema/evidence.ts";
import * as say from "../../vectors/statements.ts";
import { ada, build, OTHER_COMMIT, refUpdate, Scene } from "../evidence/scene.ts";
import { Workplace } from "./in-process.ts";

let place: Workplace;
let scene: Scene;

beforeEach(() => {
  place = new Workplace();
  scene = new Scene();
  const { origin, vkey } = scene.main;
  const trust = `trust = 1\n[[log]]\norigin = "${origin}"\nvkeys = ["${vkey}"]\n`;
  writeFileSync(place.path("trust.toml"), trust);
});

afterEach(() => place.remove());

const signer = nodeCrypto.sha256(ada.spki);
const repository = "https://git.example.test/project";

function verify(evidence: Evidence): ReturnType<Workplace["countersign"]> {
  writeFileSync(place.path("a.evidence.json"), formatEvidence(evidence));
  return place.countersign("evidence", "verify", "a.evidence.json", "--trust", "trust.toml");
}

function moved(kind: ClaimKind, immutable: boolean): Evidence {
  const one = scene.sign(refUpdate(say.COMMIT));
  const other = scene.sign(refUpdate(OTHER_COMMIT, { immutable }));
  const slot = { type: "ref-by", fields: [signer, repository, "refs/heads/main"] } as const;
  return { kind, slot, statements: [one, other] };
}

test("a signer who moved an immutable ref is named, with what the file does not prove", async () => {
  const { status, stdout } = await verify(moved("equivocation", true));
  expect(status).toBe(0);
  expect(stdout).toContain(`signer ${toHex(signer)} contradicted itself (equivocation)`);
  expect(stdout).toContain("against:    whoever holds the key");
  expect(stdout).toContain("not proved: which of the two statements is true");
});

test("a ref that may move is reported against nobody, and convicts nobody", async () => {
  const reported = await verify(moved("ref-moved", false));
  expect(reported).toMatchObject({ status: 0 });
  expect(reported.stdout).toContain("against:    nobody");
  const accused = await verify(moved("equivocation", false));
  expect(accused).toMatchObject({ status: 1 });
  expect(accused.stdout).toContain("PROVES_NOTHING");
});

test("an index that left an entry out is held against its log", async () => {
  const index = scene.sign(build(say.FILE_SHA256)).entry.index;
  scene.index.lie = () => [];
  scene.index.grow();
  const key = { type: "signer", fields: [signer] } as const;
  const lookup = scene.about([key], index);
  const { status, stdout } = await verify({ kind: "omission", key, lookup, gaps: [] });
  expect(status).toBe(0);
  expect(stdout).toContain("log.test misbehaved (omission)");
  expect(stdout).toContain("against:    the log log.test\n");
});
