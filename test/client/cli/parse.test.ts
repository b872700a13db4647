import { describe, expect, test } from "vitest";
import type { Command } from "../../../client/cli/command.ts";
import { nearest, parseArguments } from "../../../client/cli/parse.ts";
import { LogError } from "../../../schema/error.ts";

const command: Command = {
  name: "paint fence",
  summary: "Paint.",
  positionals: [{ name: "FENCE", help: "which", required: true }],
  options: {
    colour: { type: "string", value: "NAME", help: "colour", required: true },
    output: { type: "string", short: "o", value: "FILE", help: "file" },
    coat: { type: "string", value: "N", help: "coat", multiple: true },
    wet: { type: "boolean", help: "wet" },
  },
  examples: [{ what: "red", line: "countersign paint fence north --colour red" }],
  run: () => Promise.resolve(0),
};

function refusal(...argv: string[]): LogError {
  try {
    parseArguments(command, argv);
  } catch (error) {
    if (error instanceof LogError) return error;
  }
  throw new Error("it was accepted");
}

describe("arguments are read against the command's record", () => {
  test("options, flags, repeats and positionals arrive", () => {
    const args = parseArguments(command, [
      "north",
      "--colour=red",
      "-o",
      "x",
      "--coat",
      "1",
      "--coat",
      "2",
      "--wet",
      "--json",
    ]);
    expect(args.positionals).toEqual(["north"]);
    expect(args.need("colour")).toBe("red");
    expect(args.value("output")).toBe("x");
    expect(args.list("coat")).toEqual(["1", "2"]);
    expect([args.flag("wet"), args.json, args.flag("help")]).toEqual([true, true, false]);
  });

  test("what follows -- is never an option", () => {
    expect(parseArguments(command, ["--colour", "red", "--", "--north"]).positionals).toEqual([
      "--north",
    ]);
  });

  test("an unknown option is named, with the one that was meant", () => {
    expect(refusal("north", "--color", "red").message).toBe(
      "unknown option --color; did you mean --colour?",
    );
    expect(refusal("north", "--xyzzy").message).toBe("unknown option --xyzzy");
    expect(refusal("north", "-z").detail.field).toBe("-z");
    expect(refusal("north", "--toString").message).toMatch(/^unknown option --toString/);
    expect(refusal("north", "--__proto__").code).toBe("USAGE");
  });

  test("what is missing, doubled or too much is named", () => {
    expect(refusal("north").detail.field).toBe("--colour");
    expect(refusal("--colour", "red").detail.field).toBe("FENCE");
    expect(refusal("north", "south", "--colour", "red").message).toMatch(/"south"/);
    expect(refusal("n", "--colour", "red", "--colour", "blue").message).toMatch(/twice/);
    expect(refusal("n", "--colour").message).toMatch(/needs a value \(NAME\)/);
    expect(refusal("n", "--colour", "--wet").message).toMatch(/needs a value/);
    expect(refusal("n", "--colour", "red", "--wet=yes").message).toMatch(/takes no value/);
    for (const argv of [["n"], ["--nope"]]) {
      expect(refusal(...argv).code).toBe("USAGE");
      expect(refusal(...argv).detail.hint).toBe("countersign paint fence --help");
    }
  });

  test("--help asks for nothing else", () => {
    expect(parseArguments(command, ["--help"]).flag("help")).toBe(true);
  });
});

describe("the nearest word", () => {
  test("is one that was likely meant, or none", () => {
    expect(nearest("verfy", ["verify", "entry"])).toBe("verify");
    expect(nearest("rece", ["receipts", "trust"])).toBe("receipts");
    expect(nearest("frobnicate", ["verify", "entry"])).toBeUndefined();
    expect(nearest("x".repeat(100_000), ["verify"])).toBeUndefined();
  });
});
