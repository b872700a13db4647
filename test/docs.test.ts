/** What the documents say is what the code says. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { generatedDocuments } from "../deploy/docs.ts";
import { ERRORS } from "../schema/error.ts";

const root = join(import.meta.dirname, "..");

function read(name: string): string {
  return readFileSync(join(root, name), "utf8");
}

describe("documents made from the code", () => {
  test.each([...generatedDocuments()])("docs/%s is as `npm run docs` writes it", (name, text) => {
    expect(read(`docs/${name}`)).toBe(text);
  });
});

describe("docs/operate.md", () => {
  test("says what to do for every refusal to start", () => {
    const text = read("docs/operate.md");
    const refusals = Object.keys(ERRORS).filter((code) =>
      /^(STORE_|GUARD_|INIT_|KEY_MISMATCH|CONFIG_INVALID)/.test(code),
    );
    expect(refusals.length).toBeGreaterThan(8);
    for (const code of refusals) expect(text, code).toContain(`\`${code}\``);
  });
});

describe("docs/dependencies.md", () => {
  test("names every package of package.json with its exact version", () => {
    const text = read("docs/dependencies.md");
    const manifest: Record<string, Record<string, string> | undefined> = JSON.parse(
      read("package.json"),
    );
    const all = ["dependencies", "devDependencies", "optionalDependencies"].flatMap((kind) =>
      Object.entries(manifest[kind] ?? {}),
    );
    expect(all.length).toBeGreaterThan(20);
    for (const [name, version] of all) {
      if (name.startsWith("@types/")) continue;
      expect(text, name).toContain(`\`${name}\``);
      expect(text, `${name} ${version}`).toContain(version);
      expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
    }
  });
});
