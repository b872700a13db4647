import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concat, toHex } from "../../../schema/bytes.ts";
import { SshReader, sshString, sshU32, sshUnsigned } from "../../../schema/key/ssh-wire.ts";
import { hex } from "../support.ts";

describe("the data types of SSH", () => {
  // RFC 4251 §5.
  test.each([
    ["", "00000000"],
    ["09a378f9b2e332a7", "0000000809a378f9b2e332a7"],
    ["80", "000000020080"],
  ])("the mpint 0x%s is written %s and read back", (magnitude, wire) => {
    expect(toHex(sshUnsigned(hex(magnitude)))).toBe(wire);
    expect(new SshReader(hex(wire)).unsigned()).toEqual(hex(magnitude));
  });

  test.each([
    ["negative", "00000002edcc"],
    ["a zero too many", "0000000200 7f"],
    ["zero as a byte", "0000000100"],
    ["longer than the bytes", "0000000201"],
    ["no length", "000000"],
  ])("an mpint is refused: %s", (_name, wire) => {
    expect(new SshReader(hex(wire)).unsigned()).toBeUndefined();
  });

  test.each(["00000002ff41", "000000024100", "ffffffff41"])("%s is no text", (wire) => {
    expect(new SshReader(hex(wire)).text()).toBeUndefined();
  });

  test("values follow one another, and the end is known", () => {
    const reader = new SshReader(concat(sshU32(7), sshString("ä"), Uint8Array.of(9)));
    expect(reader.u32()).toBe(7);
    expect(reader.text()).toBe("ä");
    expect(reader.offset).toBe(10);
    expect(reader.done).toBe(false);
    expect(reader.u8()).toBe(9);
    expect(reader.done).toBe(true);
    expect(reader.u8()).toBeUndefined();
    expect(reader.u32()).toBeUndefined();
  });

  test("whatever mpint is accepted is what would be written", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5 }), (body) => {
        const magnitude = new SshReader(sshString(body)).unsigned();
        if (magnitude !== undefined) expect(sshUnsigned(magnitude)).toEqual(sshString(body));
      }),
      { numRuns: 2000 },
    );
  });
});
