/**
 * The command line without a log: help of every command, and refusals.
 */
import { describe, expect, test } from "vitest";
import { commandHelp, usageLine } from "../../../client/cli/help.ts";
import type { Io } from "../../../client/cli/io.ts";
import { OPERATOR_COMMANDS } from "../../../client/cli/operator.ts";
import { table } from "../../../client/cli/output.ts";
import { parseArguments } from "../../../client/cli/parse.ts";
import { runCommandLine } from "../../../client/cli/run.ts";
import { COMMANDS } from "../../../client/cli/table.ts";

async function run(...argv: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  let stdout = "";
  let stderr = "";
  const io: Io = {
    stdout: { write: (text) => (stdout += String(text)) },
    stderr: { write: (text) => (stderr += String(text)) },
    env: {},
    cwd: "/",
    isTty: false,
    now: () => 0,
  };
  return { status: await runCommandLine(argv, io), stdout, stderr };
}

describe("every command explains itself", () => {
  test.each(COMMANDS.map(({ name }) => name))("%s --help", async (name) => {
    const { status, stdout } = await run(...name.split(" "), "--help");
    expect(status).toBe(0);
    expect(stdout).toContain(`  countersign ${name}`);
    expect(stdout).toContain("\nExamples:\n");
    expect(stdout).toContain("--json");
    for (const line of stdout.split("\n"))
      if (!line.startsWith("  countersign")) expect(line.length).toBeLessThanOrEqual(100);
  });

  test.each(COMMANDS)("the record of $name says what its help and examples say", async (entry) => {
    const command = await entry.load();
    expect(command.name).toBe(entry.name);
    expect(commandHelp(command)).toContain(usageLine(command));
    for (const { line } of command.examples) {
      const prefix = `countersign ${command.name} `;
      expect(line.startsWith(prefix)).toBe(true);
      // An example that its own command would refuse teaches the wrong thing.
      parseArguments(command, shellWords(line.slice(prefix.length)));
    }
  });

  test("the first page names them all", async () => {
    const { status, stdout } = await run("--help");
    expect(status).toBe(0);
    for (const { name, summary } of [...COMMANDS, ...OPERATOR_COMMANDS]) {
      expect(stdout).toContain(`  ${name} `);
      expect(stdout).toContain(summary.split(" ")[0]);
    }
  });
});

describe("what is not understood is named", () => {
  test.each([
    [["verfy"], /unknown command "verfy"; did you mean "verify"\?/],
    [["key", "generat"], /did you mean "key generate"\?/],
    [["key", "explode"], /unknown command "key explode"/],
    [["verify", "x", "--trsut", "f"], /did you mean --trust\?/],
    [["key", "generate"], /--output FILE is missing/],
  ])("%j", async (argv, message) => {
    const { status, stdout, stderr } = await run(...argv);
    expect(status).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toMatch(message);
    expect(stderr).toContain("[USAGE]");
  });

  test("as JSON where JSON was asked for", async () => {
    const { status, stdout } = await run("verfy", "--json");
    expect(status).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "USAGE", field: "command" } });
  });

  test("nothing at all is answered with the first page, and status 2", async () => {
    expect(await run()).toMatchObject({ status: 2, stderr: "" });
    expect((await run("key")).stdout).toContain("key generate");
  });
});

describe("a table", () => {
  test("keeps its columns", () => {
    expect(
      table([
        ["a", 5],
        ["bbb", 100],
      ]),
    ).toEqual(["a      5", "bbb  100"]);
  });
});

function shellWords(line: string): string[] {
  return [...line.matchAll(/(?:'[^']*'|[^\s'])+/g)].map((match) => match[0].replaceAll("'", ""));
}
