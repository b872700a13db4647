/** A bundle that the client puts together over a log of several tiles. */

import { expect, onTestFinished, test } from "vitest";
import { nodeCrypto } from "../../../client/crypto/node.ts";
import { httpTransport } from "../../../client/fetch.ts";
import { fileSubmission } from "../../../client/keys/signer.ts";
import { assembleLookup } from "../../../client/lookup/private.ts";
import { utf8 } from "../../../schema/bytes.ts";
import { INDEX_V1 } from "../../../schema/index/generation.ts";
import { formatLookup, type LookupKey } from "../../../schema/index/lookup.ts";
import { signerId } from "../../../schema/key/signer-id.ts";
import { newSigner, TestLog } from "../test-log.ts";
import { serveIndex } from "./serve-index.ts";
import { TestIndex } from "./test-index.ts";

test("a look-up through static files is the log's own bundle, over several tiles of entries and pages of keys", async () => {
  const [ada, bob] = [newSigner(), newSigner()];
  const main = new TestLog("log.test").fill(1);
  for (let n = 0; n < 320; n++)
    main.submit(await fileSubmission(n % 3 === 0 ? ada : bob, utf8(`file ${n}`)));
  const index = new TestIndex(main).grow();
  const served = await serveIndex(index);
  onTestFinished(async () => served.close());
  const ports = {
    crypto: nodeCrypto,
    transport: httpTransport(served.url),
    log: main.trusted,
  };
  const signer = ({ publicKey }: typeof ada): LookupKey => {
    return { type: "signer", fields: [signerId(nodeCrypto.sha256, publicKey)] };
  };
  const keys: readonly LookupKey[] = [
    signer(ada),
    signer(bob),
    { type: "opaque", fields: [] },
    ...Array.from({ length: 30 }, (_, n): LookupKey => {
      return { type: "artifact", fields: [nodeCrypto.sha256(utf8(`file ${n * 11}`))] };
    }),
  ];
  const bundle = await assembleLookup(
    { ...ports, generation: INDEX_V1 },
    { keys, entries: true, summaries: false },
  );
  expect(Buffer.from(bundle).equals(formatLookup(index.lookup(keys)))).toBe(true);
  const read = served.asked.filter((path) => path.includes("tile/content/"));
  expect(new Set(read).size).toBe(read.length);
  expect(read.filter((path) => !path.includes("index/"))).toHaveLength(2);
});
