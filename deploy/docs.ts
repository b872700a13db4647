/**
 * `npm run docs`: the documents that are made from the code. A test holds them to it.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ERRORS } from "../schema/error.ts";
import { openapiText } from "../server/http/openapi.ts";

const folder = join(import.meta.dirname, "../docs");

function errors(): string {
  const rows = Object.entries(ERRORS).map(
    ([code, { meaning, http, exit }]) => `| \`${code}\` | ${meaning} | ${http} | ${exit} |`,
  );
  return `# Errors

Made from \`schema/error.ts\` by \`npm run docs\`. The table is closed, and a code never changes its meaning.

Exit status: 0 yes, 1 no, 2 could not ask, 3 the log misbehaved. The HTTP status is that of the problem document; what no server answers has 500 or 502 there.

| code | meaning | HTTP | exit |
|---|---|---|---|
${rows.join("\n")}
`;
}

/** Name below `docs/` → text. */
export function generatedDocuments(): ReadonlyMap<string, string> {
  return new Map([
    ["errors.md", errors()],
    ["openapi.json", `${JSON.stringify(JSON.parse(openapiText().toString()), null, 2)}\n`],
  ]);
}

if (import.meta.main) {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of generatedDocuments()) writeFileSync(join(folder, name), text);
}
