/**
 * All lies that are told, and the table of them: `node test/liars/all.ts` writes docs/liars.md.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { LIES_OF_INDEXES } from "./lies-of-indexes.ts";
import { LIES_OF_PROMISES } from "./lies-of-promises.ts";
import { LIES_OF_SERVERS } from "./lies-of-servers.ts";
import { LIES_OF_SIGNERS } from "./lies-of-signers.ts";
import type { Lie } from "./rig.ts";

const GROUPS: readonly (readonly [title: string, about: string, lies: readonly Lie[]])[] = [
  [
    "Of whoever answers",
    "The log's signatures are true, and the answer is not. Anybody between a client and the log can do this, so nobody is convicted.",
    LIES_OF_SERVERS,
  ],
  ["Of an index, or of the log about its history", "Signed with the log's key.", LIES_OF_INDEXES],
  ["Of a log that promises", "Signed with the log's key.", LIES_OF_PROMISES],
  ["Of signers, and of a log that lets them", "", LIES_OF_SIGNERS],
];

export const LIES: readonly Lie[] = GROUPS.flatMap(([, , lies]) => lies);

/** The text of docs/liars.md. */
export function liesDocument(): string {
  const tables = GROUPS.map(
    ([title, about, lies]) => `## ${title}

${about === "" ? "" : `${about}\n\n`}| lie | caught by | exit | its reason | evidence |
|---|---|---|---|---|
${lies.flatMap(rows).join("\n")}
`,
  );
  return `# Lies, and who catches them

Made from \`test/liars/\` by \`npm run docs\`. Each lie is really told there, by a log on loopback that signs with its own key, to the real command line; each is refused with a reason that no other lie has. What is caught with evidence is checked again by somebody who has nothing but the file and the trust file. What each kind proves: [evidence](evidence.md).

Besides: \`test/long/lookup-fuzz.test.ts\` changes bytes of valid bundles, more than ten thousand times, and says which bytes nothing commits to. \`test/long/evidence.test.ts\` gives every kind of evidence to a fresh process in an empty folder. \`test/long/honest.test.ts\` runs the same harness honestly, and nobody is accused.

${tables.join("\n")}`;
}

function rows({ name, caught }: Lie): string[] {
  return caught.map(
    ({ by, status, reason, evidence }, i) =>
      `| ${i === 0 ? name : ""} | ${by} | ${status} | … ${reason} … | ${evidence === undefined ? "–" : `\`${evidence}\``} |`,
  );
}

if (import.meta.main)
  writeFileSync(join(import.meta.dirname, "../../docs/liars.md"), liesDocument());
