import { describe, expect, test } from "vitest";
import type { Crypto } from "../../client/crypto/crypto.ts";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { openNote } from "../../client/note.ts";
import { makeVkey, parseVkey, SIGNATURE_TYPES, type Vkey } from "../../schema/tlog/note.ts";
import { failureOf, flipped, hex, sha256, valueOf } from "../schema/tlog/support.ts";
import keys from "../vectors/note/keys.json" with { type: "json" };
import notes from "../vectors/note/notes.json" with { type: "json" };

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const vkeysOf = (texts: readonly string[]): Vkey[] =>
  texts.map((text) => valueOf(parseVkey(sha256, text)));
const example = notes.accepted[0] ?? expect.fail();

describe("N1 opening a note", () => {
  test.each(notes.accepted)("is granted: $why", async ({ vkeys, note, verified }) => {
    const known = vkeysOf(vkeys);
    const opened = valueOf(await openNote(nodeCrypto, bytesOf(note), known));
    expect(opened.verified).toHaveLength(verified);
    expect(new Set(opened.verified).size).toBe(verified);
    expect(known).toEqual(expect.arrayContaining([...opened.verified]));
  });

  test.each(notes.refused)("is refused: $why", async ({ vkeys, note, code }) => {
    expect(failureOf(await openNote(nodeCrypto, bytesOf(note), vkeysOf(vkeys))).code).toBe(code);
  });

  test("the example of the specification has the text that was signed", async () => {
    const opened = valueOf(
      await openNote(nodeCrypto, bytesOf(example.note), vkeysOf(example.vkeys)),
    );
    expect(opened.note.text).toBe("This is an example message.\n");
  });

  test("is refused with any one bit of it altered", async () => {
    const bytes = bytesOf(example.note);
    const known = vkeysOf(example.vkeys);
    for (let bit = 0; bit < bytes.length * 8; bit++)
      expect((await openNote(nodeCrypto, flipped(bytes, bit), known)).ok).toBe(false);
  });

  test("is refused without keys, since nobody known has signed", async () => {
    expect(failureOf(await openNote(nodeCrypto, bytesOf(example.note), [])).code).toBe(
      "SIGNATURE_INVALID",
    );
  });

  test("is refused where two different known keys answer to one name and id", async () => {
    const [key] = vkeysOf(example.vkeys);
    if (key === undefined) expect.fail();
    const other = { ...key, publicKey: hex(keys.accepted[1]?.publicKey ?? "") };
    const bytes = bytesOf(example.note);
    const refusal = failureOf(await openNote(nodeCrypto, bytes, [key, other]));
    expect(refusal).toMatchObject({ code: "FIELD_INVALID", detail: { field: "keys" } });
    const twice = valueOf(await openNote(nodeCrypto, bytes, [key, { ...key }]));
    expect(twice.verified).toEqual([key]);
  });

  test("a key of small order, under which anything verifies, is refused as a key", async () => {
    const weak = makeVkey(
      sha256,
      "weak",
      SIGNATURE_TYPES.ed25519,
      Uint8Array.of(1, ...new Uint8Array(31)),
    );
    const id = Buffer.from(weak.keyId);
    const signature = Buffer.concat([id, Uint8Array.of(1), new Uint8Array(63)]).toString("base64");
    const note = bytesOf(`anything\n\n— weak ${signature}\n`);
    expect(failureOf(await openNote(nodeCrypto, note, [weak])).code).toBe("KEY_REFUSED");
  });

  test("a platform without the algorithm is named as what is at fault", async () => {
    const without: Crypto = { ...nodeCrypto, supports: () => false };
    const refusal = failureOf(
      await openNote(without, bytesOf(example.note), vkeysOf(example.vkeys)),
    );
    expect(refusal.code).toBe("KIND_UNSUPPORTED");
    expect(refusal.message).toContain("platform");
  });
});
