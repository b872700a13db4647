import { expect, test } from "vitest";
import { utf8 } from "../../../schema/bytes.ts";
import { parseSimpleSigning } from "../../../schema/entry/simple-signing.ts";
import * as say from "../../vectors/statements.ts";

const text = new TextDecoder().decode(say.SIMPLE_SIGNING);

test("simple signing of either kind is read", () => {
  const expected = {
    dockerReference: "registry.example.test/tool",
    manifestDigest: say.FILE_SHA256,
  };
  for (const one of [
    text,
    text.replace("atomic container signature", "cosign container image signature"),
    text.replace(',"optional":null', ""),
    text.replace('"optional":null', '"optional":{"creator":"x"}'),
    `${text}\n`.replace("{", "{\n  "),
  ])
    expect(parseSimpleSigning(utf8(one))).toEqual(expected);
});

test.each([
  ["another member", text.replace('"optional"', '"other"')],
  ["options that are no object", text.replace('"optional":null', '"optional":[]')],
  ["another critical member", text.replace('"identity"', '"more":1,"identity"')],
  ["another type", text.replace("atomic", "other")],
  ["no identity", text.replace('"docker-reference":', '"reference":')],
  ["another digest", text.replace("sha256:", "sha512:")],
  ["a short digest", text.replace(/sha256:../, "sha256:")],
  ["a member twice", text.replace("{", '{"optional":null,')],
  ["a list", `[${text}]`],
  ["nothing", ""],
  ["half of it", text.slice(0, 40)],
])("%s is no simple signing", (_, changed) => {
  expect(changed).not.toBe(text);
  expect(parseSimpleSigning(utf8(changed))).toBeUndefined();
});
