/** The feed of conflicts: of a log that runs, and of its file in every state. */

import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { verifyEvidence } from "../../../client/evidence.ts";
import { httpTransport } from "../../../client/fetch.ts";
import { fetchLookup } from "../../../client/lookup/ask.ts";
import { assembleLookup } from "../../../client/lookup/private.ts";
import { fromUtf8, toHex, utf8 } from "../../../schema/bytes.ts";
import { INDEX_V1 } from "../../../schema/index/generation.ts";
import { mapKey } from "../../../schema/index/map-key.ts";
import type { Hash } from "../../../schema/tlog/hash.ts";
import { type Conflict, type ConflictPorts, Conflicts } from "../../../server/index/conflicts.ts";
import type { FoundConflict } from "../../../server/index/find-conflicts.ts";
import { ada, bob, build, OTHER_COMMIT, refUpdate } from "../../client/evidence/scene.ts";
import * as say from "../../vectors/statements.ts";
import { temporaryFolder } from "../fixture.ts";
import { ask } from "../http/harness.ts";
import { Operated, trustedOf } from "../operated.ts";
import { feed, type Item, items, signed, submit, until } from "./feed.ts";

const { sha256 } = nodeCrypto;

/** A look-up through static files gives the bundle that the log gives. */
async function sameInPrivate(log: Parameters<typeof feed>[0]): Promise<void> {
  const transport = httpTransport(`http://127.0.0.1:${log.port}`);
  const keys = [
    { type: "signer", fields: [sha256(ada.spki)] },
    { type: "purl", fields: ["pkg:npm/nothing"] },
  ] as const;
  for (const entries of [true, false]) {
    const request = { keys, entries, summaries: !entries };
    const ports = {
      crypto: nodeCrypto,
      generation: INDEX_V1,
      transport,
      log: trustedOf(log),
    };
    expect(fromUtf8(await assembleLookup(ports, request))).toBe(
      fromUtf8(await fetchLookup(ports, request)),
    );
  }
  const piece = `/index/v1/map/${"0".repeat(64)}`;
  expect((await ask(log, piece)).status).toBe(404);
  expect((await ask(log, `${piece}?at=2`)).status).toBe(400);
}

describe("the conflicts of a running log", () => {
  test("are found, served with evidence, resolved by their signers, and found again", async () => {
    const place = await Operated.init(temporaryFolder(), { "index-enabled": "on" });
    const file = place.path("data/index-v1/conflicts.ndjson");
    const found = await place.serving(async (log) => {
      for (const one of [
        signed(build(say.FILE_SHA256)),
        signed(build(say.OTHER_SHA256)),
        signed(build(say.OTHER_SHA256, { builder: { operator: "again" } })),
        signed(refUpdate(say.COMMIT)),
        signed(refUpdate(OTHER_COMMIT, { immutable: false }), bob),
        signed(say.review()),
        signed(say.review({ verdict: "reject" })),
      ])
        await submit(log, one);
      const all = await items(log, 3);
      const names = all.map(({ kind, slot }) => `${kind} ${slot.type}`).toSorted();
      expect(names).toEqual([
        "equivocation output-by",
        "equivocation verdict-by",
        "ref-moved ref-value",
      ]);
      const trust = { logs: [trustedOf(log)] };
      for (const { evidence, kind } of all) {
        const answer = await ask(log, evidence);
        const verdict = await verifyEvidence(nodeCrypto, trust, new Uint8Array(answer.body));
        expect(verdict).toMatchObject({ ok: true, kind });
      }
      const [first] = all;
      expect((await feed(log, `?after=${first?.cursor}`)).items).toHaveLength(2);
      expect((await ask(log, "/v1/conflicts?before=1")).status).toBe(400);
      expect((await ask(log, "/v1/conflicts/nothing/evidence")).status).toBe(404);
      const atom = (await ask(log, "/v1/conflicts.atom")).body.toString();
      expect(atom).toContain(`https://operated.example.test${first?.evidence}`);
      const accept = { accept: "application/atom+xml" };
      expect((await ask(log, "/v1/conflicts", { headers: accept })).body.toString()).toBe(atom);
      return all;
    });
    // What can be derived is derived again, under the same names.
    writeFileSync(file, "torn");
    await place.serving(async (log) => {
      const again = await items(log, 3);
      const ids = (list: readonly Item[]): string[] => list.map(({ id }) => id).toSorted();
      expect(ids(again)).toEqual(ids(found));
      await sameInPrivate(log);
      const verdict = again.find(({ slot }) => slot.type === "verdict-by") ?? expect.fail("none");
      const approved = toHex(sha256(contentOf(say.review())));
      await submit(log, signed(say.review({ verdict: "withdraw", supersedes: approved })));
      await until(async () =>
        (await ask(log, verdict.evidence)).status === 404 ? true : undefined,
      );
    });
  });

  test("are hinted at in the answer to a submission, where the index answers in time", async () => {
    const place = await Operated.init(temporaryFolder(), { "index-enabled": "on" });
    await place.serving(async (log) => {
      const first = await submit(log, signed(build(say.FILE_SHA256)));
      expect(JSON.parse(first.body.toString())).not.toHaveProperty("conflictHint");
      // A duplicate is hinted at as well; the index may be busy, or not there yet.
      const hinted = await until(async () => {
        const { body } = await submit(log, signed(build(say.OTHER_SHA256)));
        const answer: { conflictHint?: { type: string }[] } = JSON.parse(body.toString());
        return answer.conflictHint;
      });
      expect(hinted.map(({ type }) => type)).toEqual(["output-by"]);
    });
  });
});

function contentOf(statement: say.StatementParts): Uint8Array {
  const type = "application/vnd.in-toto+json";
  const payload = say.payload(statement);
  const head = utf8(`DSSEv1 ${type.length} ${type} ${payload.length} `);
  return new Uint8Array([...head, ...payload]);
}

describe("the file of the feed", () => {
  const conflictIn = (ref: string): FoundConflict => ({
    kind: "ref-moved",
    slot: { type: "ref-value", fields: ["https://a.test/x", ref] },
    entries: [1, 2],
  });
  const keyOf = ({ slot }: FoundConflict): Hash =>
    mapKey(sha256, "log.test", slot.type, slot.fields);
  const all = ["refs/tags/a", "refs/tags/b", "refs/tags/c"].map(conflictIn);

  /** An index that has these conflicts, and counts the scans of it. */
  function ports(
    path: string,
    leaves = 4,
  ): ConflictPorts & { readonly scans: () => number; readonly asked: () => number } {
    let scans = 0;
    let asked = 0;
    return {
      sha256,
      origin: "log.test",
      path,
      leaves: () => leaves,
      find: async (keys) => {
        asked += keys.length;
        return all.filter((one) => keys.some((key) => toHex(key) === toHex(keyOf(one))));
      },
      contested: async (after) => {
        if (after === undefined) scans++;
        const [first, ...rest] = all.map(keyOf);
        // Two pages.
        if (first === undefined) throw new Error("no keys");
        return after === undefined ? { keys: [first], next: first } : { keys: rest };
      },
      now: () => 1_700_000_000_000,
      scans: () => scans,
      asked: () => asked,
    };
  }
  const names = (list: readonly Conflict[]): readonly (string | undefined)[] =>
    list.map(({ slot }) => String(slot.fields[1]));

  test("is made by a scan, and not scanned again where it was closed in order", async () => {
    const path = `${temporaryFolder()}/conflicts.ndjson`;
    const first = ports(path);
    const feed = await Conflicts.open(first);
    await feed.idle();
    expect(feed.scanned).toBe(true);
    expect(names(feed.after(0, 10))).toEqual(["refs/tags/a", "refs/tags/b", "refs/tags/c"]);
    expect(names(feed.after(1, 1))).toEqual(["refs/tags/b"]);
    expect(names(feed.newest(2))).toEqual(["refs/tags/c", "refs/tags/b"]);
    const asked = first.asked();
    feed.add(all.map(keyOf));
    await feed.idle();
    // Nothing new can be found about them: the index is not even asked.
    expect([feed.after(0, 10).length, first.asked()]).toEqual([3, asked]);
    await feed.close();
    const second = ports(path);
    const again = await Conflicts.open(second);
    await again.idle();
    expect([second.scans(), again.after(0, 10)]).toEqual([0, feed.after(0, 10)]);
    await again.close();
    const later = ports(path, 5);
    const behind = await Conflicts.open(later);
    await behind.idle();
    expect([later.scans(), behind.after(0, 10)]).toEqual([1, feed.after(0, 10)]);
    await behind.close();
  });

  test("cut off at any byte, or with a line of another feed, is made whole again", async () => {
    const path = `${temporaryFolder()}/conflicts.ndjson`;
    const feed = await Conflicts.open(ports(path));
    await feed.idle();
    const whole = readFileSync(path);
    for (let length = 0; length < whole.length; length += 7) {
      writeFileSync(path, whole.subarray(0, length));
      const again = await Conflicts.open(ports(path));
      await again.idle();
      expect(again.after(0, 10)).toEqual(feed.after(0, 10));
      await again.close();
    }
    writeFileSync(path, whole.toString().replace("refs/tags/b", "refs/tags/x"));
    appendFileSync(path, '{"done":4}\n');
    const forged = await Conflicts.open(ports(path));
    await forged.idle();
    expect(names(forged.after(0, 10))).toEqual(["refs/tags/a", "refs/tags/b", "refs/tags/c"]);
  });

  test("loses what is about an erased content, also in the file, and no cursor is given twice", async () => {
    const path = `${temporaryFolder()}/conflicts.ndjson`;
    const gone = new Set<number>();
    const last = { ...conflictIn("refs/tags/secret"), entries: [8, 9] as const };
    const found = [conflictIn("refs/tags/a"), last];
    const erasing = (list: readonly FoundConflict[]): ConflictPorts => ({
      ...ports(path),
      find: async () => list.filter(({ entries }) => !entries.some((index) => gone.has(index))),
      isGone: (index) => gone.has(index),
    });
    const feed = await Conflicts.open(erasing(found));
    await feed.idle();
    expect(names(feed.after(0, 10))).toEqual(["refs/tags/a", "refs/tags/secret"]);
    gone.add(9);
    await feed.forget();
    expect(names(feed.after(0, 10))).toEqual(["refs/tags/a"]);
    expect(readFileSync(path, "utf8")).not.toContain("secret");
    await feed.close();
    const again = await Conflicts.open(erasing([...found, conflictIn("refs/tags/b")]));
    again.add(all.map(keyOf));
    await again.idle();
    expect(again.after(0, 10).map(({ cursor }) => cursor)).toEqual([1, 3]);
    await again.close();
    // Erased by another process, while this one did not run.
    gone.add(1);
    const third = await Conflicts.open(erasing([]));
    expect(third.after(0, 10)).toEqual([]);
    expect(readFileSync(path, "utf8")).toBe('{"upTo":3}\n');
    await third.close();
  });

  test("of an index that cannot be asked stays as it is, and says so", async () => {
    const path = `${temporaryFolder()}/conflicts.ndjson`;
    const troubles: unknown[] = [];
    const broken = {
      ...ports(path),
      contested: async () => Promise.reject(new Error("the thread is gone")),
      onTrouble: (reason: unknown) => troubles.push(reason),
    };
    const feed = await Conflicts.open(broken);
    await feed.idle();
    await feed.close();
    expect([feed.scanned, troubles.length, readFileSync(path, "utf8")]).toEqual([false, 1, ""]);
  });
});
