/**
 * Fails where the folder of real data is at hand and the tests that read it were skipped.
 * Reads what the test run wrote; those tests have "real data" in their name.
 */
import { readFileSync } from "node:fs";

interface Results {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

const file = new URL("../dist/test-results.json", import.meta.url);
const results: Results = JSON.parse(readFileSync(file, "utf8"));
const tests = results.testResults
  .flatMap((one) => one.assertionResults)
  .filter((one) => one.fullName.includes("real data"));
const notRun = tests.filter((one) => one.status !== "passed");

if (tests.length < 5 || notRun.length > 0) {
  const names = notRun.map((one) => `  ${one.status}: ${one.fullName}`).join("\n");
  process.stderr.write(
    `The folder of real data is there, but its tests did not all run (${tests.length} found).\n${names}\n`,
  );
  process.exitCode = 1;
} else {
  process.stdout.write(`real data: ${tests.length} tests ran over it\n`);
}
