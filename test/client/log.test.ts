import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { httpTransport } from "../../client/fetch.ts";
import { openHead } from "../../client/head.ts";
import { fileSubmission } from "../../client/keys/signer.ts";
import { LogReader } from "../../client/log.ts";
import { concat, utf8 } from "../../schema/bytes.ts";
import { LogError, unwrap } from "../../schema/error.ts";
import { formatLogEntry } from "../../schema/receipt.ts";
import { decodeBundle, encodeBundle, encodeContentTile } from "../../schema/tlog/bundle.ts";
import { leafHash } from "../../schema/tlog/hash.ts";
import { verifyInclusion } from "../../schema/tlog/proof.ts";
import { newSigner, type Served, serveLog, TestLog } from "./test-log.ts";

const { sha256 } = nodeCrypto;
const log = new TestLog().fill(3);
const signer = newSigner();
for (const name of ["one", "two", "three"]) log.submit(await fileSubmission(signer, utf8(name)));
log.fill(700);
const head = unwrap(await openHead(nodeCrypto, log.trusted, log.checkpoint()));

let served: Served;
let reader: LogReader;
beforeEach(async () => {
  served = await serveLog(() => log);
  const transport = httpTransport(served.url, { deadlineMs: 5000 });
  reader = new LogReader({ crypto: nodeCrypto, transport, log: log.trusted }, head);
});
afterEach(async () => served.close());

async function failure(asked: Promise<unknown>): Promise<LogError> {
  const error: unknown = await asked.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof LogError) return error;
  throw new Error("it did not fail", { cause: error });
}

async function readAll(from = 0, to?: number): Promise<number[]> {
  const indexes: number[] = [];
  for await (const { index, leafBytes } of reader.entries(from, to)) {
    expect(leafBytes).toEqual(log.leaves[index]);
    indexes.push(index);
  }
  return indexes;
}

describe("an honest log", () => {
  test("all entries are read, and any range of them", async () => {
    expect(await readAll()).toHaveLength(700);
    expect(await readAll(250, 260)).toEqual([250, 251, 252, 253, 254, 255, 256, 257, 258, 259]);
    expect(await readAll(699, 9999)).toEqual([699]);
    expect(await readAll(700)).toEqual([]);
  });

  test("contents come with their leaf, and say where there is none", async () => {
    const texts: string[] = [];
    const from = 3;
    for await (const { content } of reader.contents(from, 6))
      texts.push(
        content.state === "held" ? new TextDecoder().decode(content.bytes) : content.state,
      );
    expect(texts).toEqual(["one", "two", "three"]);
    expect(served.asked).toContain("tile/content/000?from=3");
  });

  test("a content tile that is cut into several answers is read on", async () => {
    served.lie = (path, honest) => {
      if (!path.startsWith("tile/content") || honest === undefined) return honest;
      // One content for each answer.
      const length = new DataView(honest.buffer, honest.byteOffset).getUint32(0);
      return honest.slice(0, length < 0xfffffffe ? 4 + length : 4);
    };
    const states: string[] = [];
    for await (const { content } of reader.contents(3, 6)) states.push(content.state);
    expect(states).toEqual(["held", "held", "held"]);
  });

  test("a receipt of any index is made from tiles alone, with its content", async () => {
    for (const index of [3, 4, 5]) {
      const { entry, content } = await reader.receipt(index);
      const hash = leafHash(sha256, entry.leafBytes);
      expect(verifyInclusion(sha256, head.tree, index, hash, entry.hashes)).toBe(true);
      expect(content).toBeDefined();
    }
    expect(served.asked.some((path) => path.startsWith("v1/"))).toBe(false);
  });

  test("a receipt is looked up by leaf hash", async () => {
    const wanted = leafHash(sha256, log.leaves[4] ?? new Uint8Array());
    const { receipt, head: newer } = await reader.receiptByLeafHash(wanted);
    expect(receipt.entry.index).toBe(4);
    expect(newer.tree.size).toBe(700);
  });

  test("an index outside the tree is not asked for", async () => {
    for (const index of [700, -1, 1.5, Number.NaN])
      expect((await failure(reader.entry(index))).code).toBe("NOT_FOUND");
    expect(served.asked).toEqual([]);
  });
});

describe("a liar", () => {
  /** One bit of one answer. */
  const flip = (which: (path: string) => boolean): void => {
    served.lie = (path, honest) => {
      if (!which(path) || honest === undefined) return honest;
      const bytes = honest.slice();
      const last = bytes.length - 1;
      bytes[last] = (bytes[last] ?? 0) ^ 1;
      return bytes;
    };
  };

  test.each(["tile/0/000", "tile/0/002.p/188", "tile/1/000.p/2"])(
    "CVE-2026-56865 no tile goes unchecked: a bit flipped in %s",
    async (tile) => {
      flip((path) => path === tile);
      expect((await failure(readAll())).code).toBe("RESPONSE_INVALID");
    },
  );

  test("CVE-2026-56865 every single hash of every tile, set to zero, is found at sizes 1 to 40", async () => {
    for (let size = 1; size <= 40; size++) {
      const tree = unwrap(await openHead(nodeCrypto, log.trusted, log.checkpoint(size)));
      for (let zeroed = 0; zeroed < size; zeroed++) {
        const transport = {
          ...httpTransport(served.url),
          get: async (path: string) => {
            const bytes = log.serve(path, "")?.slice() ?? new Uint8Array();
            if (path.startsWith("tile/0/")) bytes.fill(0, zeroed * 32, zeroed * 32 + 32);
            return bytes;
          },
        };
        const lied = new LogReader({ crypto: nodeCrypto, transport, log: log.trusted }, tree);
        expect((await failure(lied.nodes([{ level: 0, index: 0 }]))).code).toBe("RESPONSE_INVALID");
      }
    }
  });

  test("CVE-2026-56864 a leaf that is served but not in the tree is refused, wherever it stands", async () => {
    served.lie = (path, honest) => {
      if (path !== "tile/entries/001" || honest === undefined) return honest;
      const leaves = unwrap(decodeBundle(honest, 256));
      leaves[100] = utf8("not in the tree");
      return encodeBundle(leaves);
    };
    expect((await failure(readAll(0, 400))).code).toBe("RESPONSE_INVALID");
    served.lie = (path, honest) =>
      path === "tile/entries/001" && honest !== undefined ? concat(honest, utf8("more")) : honest;
    expect((await failure(readAll(0, 400))).code).toBe("RESPONSE_INVALID");
  });

  test("two entries swapped, or a bundle of another place, is refused", async () => {
    served.lie = (path, honest) => {
      if (path !== "tile/entries/001" || honest === undefined) return honest;
      return encodeBundle(unwrap(decodeBundle(honest, 256)).toReversed());
    };
    expect((await failure(readAll(0, 400))).code).toBe("RESPONSE_INVALID");
    served.lie = (path, honest) =>
      path === "tile/entries/001" ? log.serve("tile/entries/000", "") : honest;
    expect((await failure(readAll(0, 400))).code).toBe("RESPONSE_INVALID");
  });

  test("another content under a digest, alone or in a tile, is refused", async () => {
    served.lie = (path, honest) => (path.startsWith("content/") ? utf8("something else") : honest);
    expect((await failure(reader.receipt(3))).code).toBe("RESPONSE_INVALID");
    served.lie = (path, honest) => {
      const bytes = honest?.slice();
      // The first byte of the first content, behind its length.
      if (path.startsWith("tile/content")) bytes?.set([0x7a], 4);
      return bytes;
    };
    const read = (async () => {
      for await (const _ of reader.contents(5, 6));
    })();
    expect((await failure(read)).code).toBe("RESPONSE_INVALID");
  });

  test("an entry that always has a content, said to be there without one, is refused", async () => {
    served.lie = (path, honest) =>
      path.startsWith("tile/content") ? encodeContentTile([{ state: "never-held" }]).bytes : honest;
    const read = (async () => {
      for await (const _ of reader.contents(3, 4));
    })();
    expect(await failure(read)).toMatchObject({
      code: "RESPONSE_INVALID",
      detail: { field: "content of entry 3" },
    });
  });

  test("a content that it no longer holds leaves a receipt without one", async () => {
    served.lie = (path, honest) => (path.startsWith("content/") ? undefined : honest);
    expect((await reader.receipt(3)).content).toBeUndefined();
  });

  test("a content that was erased leaves a receipt without one", async () => {
    served.lie = (path, honest, res) => {
      if (!path.startsWith("content/")) return honest;
      res.writeHead(410, { "content-type": "application/problem+json" });
      res.end('{"code":"CONTENT_ERASED","detail":"The operator erased this content."}');
      return "answered";
    };
    expect((await reader.receipt(3)).content).toBeUndefined();
  });

  test("an entry of a kind that only a newer program knows is no fault of the log", async () => {
    const newer = new TestLog("log.test").fill(3);
    newer.append(utf8('{"apiVersion":"0.0.1","kind":"newer","spec":{}}'));
    const other = await serveLog(() => newer);
    const transport = httpTransport(other.url);
    const trusted = newer.trusted;
    const newest = unwrap(await openHead(nodeCrypto, trusted, newer.checkpoint()));
    const asked = new LogReader({ crypto: nodeCrypto, transport, log: trusted }, newest).receipt(3);
    expect((await failure(asked)).code).toBe("KIND_UNSUPPORTED");
    await other.close();
  });

  const wanted = leafHash(sha256, log.leaves[4] ?? new Uint8Array());
  const answerWith = (body: unknown): void => {
    served.lie = (path, honest) =>
      path.startsWith("v1/entries/") ? utf8(JSON.stringify(body)) : honest;
  };

  test.each([
    ["an empty object", {}],
    ["an empty list", { entries: [] }],
    ["nothing in it", { entry: null }],
    ["an empty entry", { entry: {} }],
    ["another entry", { entry: formatLogEntry(log.entry(5)) }],
  ])("CVE-2026-42501 a look-up answered by %s is an error", async (_, body) => {
    answerWith(body);
    expect((await failure(reader.receiptByLeafHash(wanted))).code).toBe("RESPONSE_INVALID");
  });

  test("CVE-2026-42501 a look-up answered by no bytes is an error", async () => {
    served.lie = (path, honest) => (path.startsWith("v1/") ? new Uint8Array() : honest);
    expect((await failure(reader.receiptByLeafHash(wanted))).code).toBe("RESPONSE_INVALID");
  });

  test("a look-up with the right leaf and a proof for another index is an error", async () => {
    answerWith({ entry: formatLogEntry({ ...log.entry(4), index: 5 }) });
    expect((await failure(reader.receiptByLeafHash(wanted))).code).toBe("RESPONSE_INVALID");
  });

  test("a tile of a wrong length, of endless length, or slow, is an error", async () => {
    served.lie = (path, honest) => (path.startsWith("tile/0/") ? honest?.slice(1) : honest);
    expect((await failure(readAll())).code).toBe("RESPONSE_INVALID");
    served.lie = (path, honest) =>
      path.startsWith("tile/0/") ? new Uint8Array(1_000_000) : honest;
    expect((await failure(readAll())).code).toBe("RESPONSE_INVALID");
    served.lie = () => "answered";
    const transport = httpTransport(served.url, { deadlineMs: 100 });
    const slow = new LogReader({ crypto: nodeCrypto, transport, log: log.trusted }, head);
    expect((await failure(slow.entry(0))).code).toBe("UNREACHABLE");
  });
});
