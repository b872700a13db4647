/** The client and the server together, over real HTTP: what the parts promise, the whole keeps. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { httpTransport } from "../../client/fetch.ts";
import { dsseSubmission, fileSubmission } from "../../client/keys/signer.ts";
import { LogReader } from "../../client/log.ts";
import { volatileMemory } from "../../client/memory.ts";
import { compareOffer, fetchOffer } from "../../client/offer.ts";
import { submit } from "../../client/submit.ts";
import { type BatchEvent, submitBatch } from "../../client/submit-batch.ts";
import { fetchHead, type LogPorts, update } from "../../client/update.ts";
import { verifyReceipt } from "../../client/verify/receipt.ts";
import { utf8 } from "../../schema/bytes.ts";
import { unwrap } from "../../schema/error.ts";
import type { Submission } from "../../schema/http/messages.ts";
import { formatReceipt, type Receipt } from "../../schema/receipt.ts";
import { leafHash } from "../../schema/tlog/hash.ts";
import { parseVkey } from "../../schema/tlog/note.ts";
import { DRIVERS, startTestLog, type TestLog } from "../server/http/harness.ts";
import { newSigner, signedCommit } from "./test-log.ts";

const signers = [newSigner("ed25519"), newSigner("p256")] as const;

describe.each(DRIVERS)("on the %s store", (driver) => {
  let server: TestLog;
  let ports: LogPorts;
  beforeAll(async () => {
    server = await startTestLog(driver);
    const vkeyText = server.parts.key.vkey;
    const vkey = unwrap(parseVkey(nodeCrypto.sha256, vkeyText));
    ports = {
      crypto: nodeCrypto,
      transport: httpTransport(server.url),
      log: { origin: vkey.name, vkeys: [vkey], vkeyTexts: [vkeyText] },
      memory: volatileMemory(),
    };
  });
  afterAll(async () => server.end());

  const verifies = async (receipt: Receipt): Promise<boolean> => {
    const trust = { logs: [ports.log], people: [], rules: [] };
    const file = { name: "r", bytes: formatReceipt(receipt) };
    return (await verifyReceipt({ crypto: nodeCrypto, trust }, file)).ok;
  };

  test("each kind of submission gets a receipt that verifies offline", async () => {
    const [ed25519, p256] = signers;
    const kinds: Submission[] = [
      await fileSubmission(ed25519, utf8("a file")),
      await fileSubmission(p256, utf8("a file")),
      await dsseSubmission(ed25519, "text/plain", utf8("an envelope")),
      await dsseSubmission(p256, "text/plain", utf8("an envelope")),
      (await signedCommit(ed25519)).submission,
    ];
    for (const kind of kinds) {
      const [receipt] = await submit(ports, kind);
      const [again] = await submit(ports, kind);
      expect(receipt !== undefined && (await verifies(receipt))).toBe(true);
      expect(again?.entry.index).toBe(receipt?.entry.index);
    }
  });

  test("what it serves about itself agrees, and is open until each part is confirmed", async () => {
    const offer = unwrap(await fetchOffer(nodeCrypto, ports.transport));
    expect(offer.vkeyText).toBe(server.parts.key.vkey);
    const nothing = compareOffer(offer, { fingerprints: [], vkeys: [] });
    expect(nothing.open.map(({ what }) => what)).toEqual(["log key", "timestamp authority"]);
    const fingerprints = nothing.open.map((part) => part.fingerprints[0]);
    const all = compareOffer(offer, { fingerprints, vkeys: [] });
    expect(all).toMatchObject({ open: [], unmatched: [] });
  });

  test("a batch over two tiles is streamed, proved and read back", async () => {
    async function* source(): AsyncGenerator<Submission> {
      for (let i = 0; i < 300; i++) yield await fileSubmission(signers[0], utf8(`file ${i}`));
    }
    const events: BatchEvent[] = [];
    for await (const event of submitBatch(ports, source(), { lines: 200 })) events.push(event);
    const receipts = events.flatMap((event) => (event.kind === "receipts" ? event.receipts : []));
    expect(events.filter(({ kind }) => kind === "committed")).toHaveLength(300);
    expect(receipts).toHaveLength(300);
    for (const receipt of receipts.slice(0, 20)) expect(await verifies(receipt)).toBe(true);

    expect((await update(ports)).state).toBe("same");
    const reader = new LogReader(ports, await fetchHead(ports));
    const held: string[] = [];
    for await (const { content } of reader.contents(0)) held.push(content.state);
    expect(held).toHaveLength(reader.head.tree.size);
    expect(new Set(held)).toEqual(new Set(["held"]));
    const last = receipts.at(-1)?.entry;
    if (last === undefined) throw new Error("no receipt");
    expect(await verifies(await reader.receipt(last.index))).toBe(true);
    const wanted = leafHash(nodeCrypto.sha256, last.leafBytes);
    const found = await reader.receiptByLeafHash(wanted);
    expect(found.receipt.entry.index).toBe(last.index);
  });

  test("a bad signature is refused by the log, in a batch and alone, and the rest is logged", async () => {
    const good = await fileSubmission(signers[0], utf8("good"));
    const bad = { ...(await fileSubmission(signers[0], utf8("bad"))), content: good.content };
    await expect(submit(ports, bad)).rejects.toMatchObject({ code: "SIGNATURE_INVALID" });
    const events: BatchEvent[] = [];
    for await (const event of submitBatch(ports, [bad, good])) events.push(event);
    expect(events.map(({ kind, line }) => `${kind} ${line}`)).toEqual([
      "refused 0",
      "committed 1",
      "receipts 1",
    ]);
  });
});
