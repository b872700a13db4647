import { afterEach, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { toHex, utf8 } from "../../../schema/bytes.ts";
import { pae } from "../../../schema/entry/dsse.ts";
import { REKOR_ENTRIES_PATH } from "../../../schema/http/paths.ts";
import { httpWitnesses } from "../../../server/witnesses/http.ts";
import { until } from "../../until.ts";
import { digestRequest, dsseRequest } from "../../vectors/rekor.ts";
import { p256Signer } from "../../vectors/signers.ts";
import { rejectionOf } from "../refusal.ts";
import { carriesQuorum } from "../witnesses/rig.ts";
import { listenAs, TestWitness } from "../witnesses/test-witness.ts";
import { ask, batch, DRIVERS, problemIn, submissions, submit, type TestLog } from "./harness.ts";
import { atEnd, endWitnessed, ready, startWitnessed } from "./witnessed-rig.ts";

afterEach(endWitnessed);

describe.each(DRIVERS)("a witnessed log on %s", (driver) => {
  test("I9 receipts and the checkpoint carry the quorum", async () => {
    const rig = await startWitnessed(driver, { "witness-write-wait-ms": "20000" });
    await ready(rig);
    const [one] = await submissions(1);
    if (one === undefined) throw new Error("no submission");
    expect((await submit(rig.log, one)).status).toBe(201);
    const { body } = await ask(rig.log, "/checkpoint");
    const head = { ...rig.log.published(), checkpoint: new Uint8Array(body) };
    expect(head.size).toBe(2);
    expect(await carriesQuorum(rig.policy, head)).toBe(true);
  });

  test("I9 a write whose quorum is late is 503 with its index, and the same again is 201", async () => {
    const rig = await startWitnessed(driver);
    await ready(rig);
    const [one] = await submissions(1);
    if (one === undefined) throw new Error("no submission");
    for (const witness of rig.witnesses) witness.trick = "500";
    const late = await submit(rig.log, one);
    expect(late.status).toBe(503);
    expect(late.headers["retry-after"]).toBe("2");
    expect(problemIn(late)).toMatchObject({ code: "NOT_WITNESSED", index: 1 });
    const lines = await batch(rig.log, [JSON.stringify(one)]);
    expect(lines).toMatchObject([
      { entries: [{ index: 1 }] },
      { problem: { code: "NOT_WITNESSED", index: 1 } },
    ]);
    // I4: what is pending cannot be read.
    expect((await ask(rig.log, "/v1/entries/1")).status).toBe(404);
    expect((await ask(rig.log, "/tile/entries/000.p/2")).status).toBe(404);
    expect((await ask(rig.log, "/tile/0/000.p/2")).status).toBe(404);
    for (const witness of rig.witnesses) witness.trick = undefined;
    await until(() => rig.log.published().size === 2);
    expect((await submit(rig.log, one)).status).toBe(201);
    expect(await batch(rig.log, [JSON.stringify(one)])).toMatchObject([
      { entries: [{ index: 1 }] },
      { proofs: [{ index: 1 }] },
    ]);
  });
});

describe("Rekor's interface of a witnessed log", () => {
  const send = async (log: TestLog, request: object) =>
    ask(log, REKOR_ENTRIES_PATH, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(request),
    });

  test("I9 a late quorum is 503 and code 14 with the index, and the same again is 201", async () => {
    const rig = await startWitnessed("memory");
    await ready(rig);
    const request = digestRequest(utf8("a"), p256Signer("p256"));
    for (const witness of rig.witnesses) witness.trick = "500";
    const late = await send(rig.log, request);
    expect(late.status).toBe(503);
    expect(JSON.parse(late.body.toString())).toEqual({
      code: 14,
      message: "durable at index 1, not yet witnessed; retry",
      details: [],
    });
    expect(late.headers["retry-after"]).toBe("2");
    for (const witness of rig.witnesses) witness.trick = undefined;
    await until(() => rig.log.published().size === 2);
    const again = await send(rig.log, request);
    expect(again.status).toBe(201);
    expect(JSON.parse(again.body.toString())).toMatchObject({ logIndex: "1" });
  });

  test("T1 I9 a content whose twin waits for witnesses is 503, and the same again is the entry", async () => {
    const rig = await startWitnessed("memory");
    await ready(rig);
    const signer = p256Signer("p256");
    const [type, payload] = ["application/example", utf8("b")] as const;
    for (const witness of rig.witnesses) witness.trick = undefined;
    await send(rig.log, digestRequest(pae(type, payload), signer));
    await until(() => rig.log.published().size === 2);
    for (const witness of rig.witnesses) witness.trick = "500";
    const whole = dsseRequest(type, payload, signer);
    expect((await send(rig.log, whole)).status).toBe(503);
    for (const witness of rig.witnesses) witness.trick = undefined;
    await until(() => rig.log.published().size === 3);
    const again = await send(rig.log, whole);
    expect(again.status).toBe(201);
    expect(JSON.parse(again.body.toString())).toMatchObject({
      logIndex: "1",
      kindVersion: { kind: "hashedrekord" },
    });
    expect(rig.log.published().size).toBe(3);
  });
});

describe("what an operator sees", () => {
  test("/readyz names each witness, says no blind spot, and a silent one is not the end of it", async () => {
    const rig = await startWitnessed("memory");
    await ready(rig);
    await until(() => rig.witnesses.every(({ cosigned }) => cosigned.length > 0));
    // It looks once in a second, and the first look was at the start.
    let text = "";
    await until(async () => {
      const { status, body } = await ask(rig.log, "/readyz");
      text = body.toString();
      return status === 200;
    });
    for (const name of ["w0", "w1", "w2-0, w2-1"]) expect(text).toContain(`${name} is ok`);
    expect(text).not.toContain("No witness is configured");
  });

  test("I6 before the witnesses have answered: reads and no writes, and who is missing", async () => {
    const silent = await startWitnessed("memory", {}, "500");
    const [one] = await submissions(1);
    if (one === undefined) throw new Error("no submission");
    const refused = await submit(silent.log, one);
    expect(problemIn(refused)).toMatchObject({ code: "WITNESSES_SILENT" });
    expect(refused.headers["retry-after"]).toBe("5");
    const readings = await ask(silent.log, "/readyz");
    expect(readings.status).toBe(503);
    expect(readings.body.toString()).toContain("missing: w0, w1, w2-0, w2-1");
  });
});

describe("HTTP to a witness", () => {
  test("an answer is capped, a silence ends, a redirect is an answer", async () => {
    const witness = new TestWitness("w");
    const { url, close } = await listenAs(witness);
    atEnd(close);
    witness.shownNote = new Uint8Array(1_100_000);
    const shown = `${url}/${toHex(nodeCrypto.sha256(utf8(witness.origin)))}/checkpoint`;
    const transport = httpWitnesses(2_000);
    expect((await rejectionOf(transport.get(shown))).code).toBe("TOO_LARGE");
    expect((await transport.get(url)).status).toBe(404);
    witness.trick = "hang";
    const impatient = httpWitnesses(30);
    expect(
      await rejectionOf(impatient.post(`${url}/add-checkpoint`, utf8("old 0\n"))),
    ).toMatchObject({ code: "UNREACHABLE", message: "no answer within 30 ms" });
    await close();
    expect((await rejectionOf(transport.get(url))).code).toBe("UNREACHABLE");
  });
});
