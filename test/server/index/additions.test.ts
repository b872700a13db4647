/**
 * OpenPGP, CMS, passkeys, key events and principals fit in: each is a row of a table, and admission,
 * the engine of the index, its proofs and the client do the rest as they are.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { gitHashOf } from "../../../client/git/hash.ts";
import { readEntries } from "../../../client/lookup/entries.ts";
import { saysText } from "../../../client/lookup/says.ts";
import type { LookupYes } from "../../../client/lookup/verdict.ts";
import { verifyLookup } from "../../../client/lookup/verify.ts";
import { fromHex, fromUtf8, utf8 } from "../../../schema/bytes.ts";
import { pae } from "../../../schema/entry/dsse.ts";
import { parseLeaf } from "../../../schema/entry/leaf.ts";
import { unwrap } from "../../../schema/error.ts";
import type { Submission } from "../../../schema/http/messages.ts";
import { type Generation, INDEX_V1, indexOrigin } from "../../../schema/index/generation.ts";
import { encodeIndexLeaf } from "../../../schema/index/index-leaf.ts";
import { formatLookup, type LookupKey } from "../../../schema/index/lookup.ts";
import { initialState, reExecute } from "../../../schema/index/re-execute.ts";
import { parseUpdate } from "../../../schema/index/update.ts";
import { leafHash } from "../../../schema/tlog/hash.ts";
import { ownDoor } from "../../../server/admission/own-door.ts";
import { IndexEngine } from "../../../server/index/engine.ts";
import { snapshotFile } from "../../../server/index/snapshot.ts";
import { IndexStore } from "../../../server/index/store.ts";
import type { StoredContent } from "../../../server/storage/storage.ts";
import { TestLog } from "../../client/test-log.ts";
import * as made from "../../vectors/signers.ts";
import * as say from "../../vectors/statements.ts";
import { sha256 } from "../entries.ts";
import { rejectionOf } from "../refusal.ts";
import { LAYOUTS, PRINCIPAL, submissionOf } from "./additions.ts";
import { INDEX_V2, KEY_EVENT } from "./second.ts";

const IN_TOTO = "application/vnd.in-toto+json";
const hashes = { sha256, git: gitHashOf(nodeCrypto) };
const ada = made.ed25519Signer("ada");
const ADA = "acct:ada@example.test";
const admit = ownDoor(nodeCrypto);
const send = async (submission: Submission) => admit(utf8(JSON.stringify(submission)));

const statement = (predicateType: string, predicate: object): Uint8Array => {
  const subject = [{ digest: { sha256: say.FILE_SHA256 } }];
  return utf8(
    JSON.stringify({ _type: "https://in-toto.io/Statement/v1", subject, predicateType, predicate }),
  );
};
const subject: LookupKey = {
  type: "subject",
  fields: ["sha256", fromHex(say.FILE_SHA256) ?? new Uint8Array(0)],
};
const keyEvent: LookupKey = { type: "key-event", fields: [subject.fields[1] ?? ""] };
const principal: LookupKey = { type: "principal", fields: [ADA] };
const principalBy: LookupKey = { type: "principal-by", fields: [sha256(ada.spki), ADA] };

describe("a kind of signature that was added", () => {
  test.each(LAYOUTS.map((layout) => [layout.format, layout] as const))(
    "%s is admitted under its signer id, and refused over another content",
    async (format, layout) => {
      const content = pae(IN_TOTO, statement(KEY_EVENT, { event: "ends" }));
      const [entry] = await send(submissionOf(layout, content));
      const leaf = unwrap(parseLeaf(entry?.leaf ?? new Uint8Array(0)));
      expect(leaf).toMatchObject({
        signature: { format, key: { id: sha256(layout.signer.spki) } },
      });
      const other = {
        ...submissionOf(layout, content),
        content: Buffer.from("x").toString("base64"),
      };
      expect(await rejectionOf(send(other))).toMatchObject({ code: "SIGNATURE_INVALID" });
      const unknown = { ...submissionOf(layout, content), format: "smoke" };
      expect(await rejectionOf(send(unknown))).toMatchObject({ code: "KIND_UNSUPPORTED" });
    },
  );
});

describe.each([
  ["the first mapfn", INDEX_V1],
  ["the second mapfn", INDEX_V2],
] as const)("the index of %s", (_, generation) => {
  let folder: string;
  let main: TestLog;
  let engine: IndexEngine;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "countersign-additions-"));
    main = new TestLog("log.test");
    // Each statement under each kind of signature that was added, and one under a plain key.
    for (const layout of LAYOUTS) {
      const event = pae(IN_TOTO, statement(KEY_EVENT, { event: "ends" }));
      for (const entry of await send(submissionOf(layout, event)))
        main.append(entry.leaf, entry.content);
    }
    const speaks = statement(PRINCIPAL, { principal: ADA });
    for (const entry of await send(made.dsseSubmission(IN_TOTO, speaks, ada)))
      main.append(entry.leaf, entry.content);
    engine = open(folder, main, generation);
  });
  afterEach(() => {
    engine.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function lookUp(keys: readonly LookupKey[]): Promise<LookupYes> {
    const index = new TestLog(indexOrigin(main.origin, generation), main.key);
    const first = initialState(sha256, generation.id, main.origin);
    const grown = engine.grow({ size: main.size, root: main.root() }, main.checkpoint());
    engine.keep();
    const [update] = unwrap(parseUpdate(engine.update(1) ?? new Uint8Array(0)));
    if (update === undefined) expect.fail("no update");
    const log = { origin: main.origin, vkeys: [main.vkey] };
    const entries = main.leaves.map((leaf, i) => {
      const { content } = main.receipt(i);
      return {
        leafHash: leafHash(sha256, leaf),
        postings: generation.mapfn(hashes, log, leaf, content),
      };
    });
    // An index verifier comes to the same leaf.
    expect(unwrap(reExecute(first, update, entries)).index.size).toBe(2);
    index.append(encodeIndexLeaf(first.leaf));
    index.append(grown.leaf);
    const found = engine.find(keys, false);
    const wanted = found.answers.flatMap((one) =>
      one.kind === "list" ? one.list.map((item) => item.index) : [],
    );
    const bundle = formatLookup({
      index: {
        checkpoint: fromUtf8(index.checkpoint()) ?? "",
        leafIndex: 1,
        leaf: grown.leaf,
        hashes: index.proof(1),
      },
      main: found.main,
      tree: found.tree,
      answers: found.answers,
      entries: [...new Set(wanted)]
        .toSorted((a, b) => a - b)
        .map((at) => {
          const { entry, content } = main.receipt(at);
          const proof = { index: at, leaf: entry.leafBytes, hashes: entry.hashes };
          return content === undefined ? proof : { ...proof, content };
        }),
    });
    const ports = { crypto: nodeCrypto, log: main.trusted, verifiers: [], generation };
    const verdict = await verifyLookup(ports, bundle, keys);
    return verdict.ok ? verdict : expect.fail(JSON.stringify(verdict.refusal));
  }

  test("has every entry under what follows from its leaf, and the client reads who signed and what", async () => {
    const signers = [...LAYOUTS.map(({ signer }) => signer), ada].map(
      ({ spki }): LookupKey => ({ type: "signer", fields: [sha256(spki)] }),
    );
    const answer = await lookUp([...signers, subject]);
    const counts = answer.found.map((one) => (one.kind === "present" ? one.summary.n : 0));
    expect(counts).toEqual([1, 1, 1, 1, LAYOUTS.length + 1]);
    const trust = { logs: [main.trusted], people: [], rules: [] };
    const read = await readEntries({ crypto: nodeCrypto, trust }, answer);
    expect(read.map(({ receipt }) => receipt && saysText(receipt.reading))).toEqual([
      ...LAYOUTS.map(() => "says that a key ends"),
      `speaks for ${ADA}`,
    ]);
  });

  test("has what was added only where its mapfn says so, and proves that", async () => {
    const answer = await lookUp([keyEvent, principal, principalBy]);
    const kinds = answer.found.map(({ kind }) => kind);
    const isSecond = generation === INDEX_V2;
    expect(kinds).toEqual(Array.from({ length: 3 }, () => (isSecond ? "present" : "absent")));
    if (isSecond) expect(answer.found[0]).toMatchObject({ summary: { n: LAYOUTS.length } });
  });
});

function open(folder: string, main: TestLog, generation: Generation): IndexEngine {
  const store = IndexStore.open(sha256, folder, { origin: main.origin, mapfn: generation.id });
  return IndexEngine.open({
    hashes,
    log: { origin: main.origin, vkeys: [main.vkey] },
    generation,
    store,
    snapshot: snapshotFile(folder),
    erased: () => undefined,
    reader: {
      leaves: (from, to) => main.leaves.slice(from, to),
      contents: (from, to) =>
        Array.from({ length: to - from }, (_, i): StoredContent => {
          const { content } = main.receipt(from + i);
          return content === undefined
            ? { state: "never-held" }
            : { state: "held", bytes: content };
        }),
    },
  });
}
