/**
 * The arrows between the rooms, as a test: `schema → client → server`, never back, and which
 * room may import which npm package. The drawing is `deploy/rooms.ts`.
 */
import { globSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, normalize, sep } from "node:path";
import { describe, expect, test } from "vitest";
import { LATE_IMPORT, ROOMS } from "../deploy/rooms.ts";

const root = join(import.meta.dirname, "..");

interface Import {
  readonly from: string;
  readonly specifier: string;
}

function importsOf(file: string): Import[] {
  const source = readFileSync(join(root, file), "utf8");
  const found: Import[] = [];
  const statement =
    /^\s*(?:import|export)\s(?:[^"';]*?\sfrom\s*)?"([^"]+)"|\bimport\(\s*"([^"]+)"\s*\)|\bnew URL\(\s*"([^"]+\.ts)",\s*import\.meta\.url/gm;
  for (const match of source.matchAll(statement)) {
    const specifier = match[1] ?? match[2] ?? match[3];
    if (specifier !== undefined) found.push({ from: file, specifier });
  }
  return found;
}

function roomOf(file: string): string {
  return file.split(sep)[0] ?? "";
}

function packageOf(specifier: string): string {
  const parts = specifier.split("/");
  return specifier.startsWith("@") ? parts.slice(0, 2).join("/") : (parts[0] ?? "");
}

function targetOf({ from, specifier }: Import): string {
  return normalize(join(dirname(from), specifier));
}

const files = Object.keys(ROOMS).flatMap((room) => globSync(`${room}/**/*.ts`, { cwd: root }));
const imports = files.flatMap(importsOf);

describe("imports run one way", () => {
  test("there is something to check", () => {
    expect(files.length).toBeGreaterThan(50);
    expect(imports.length).toBeGreaterThan(100);
  });

  test("schema ← client ← server, and the late import is the only exception", () => {
    const wrong = imports
      .filter(({ specifier }) => specifier.startsWith("."))
      .filter((entry) => {
        const from = roomOf(entry.from);
        const to = roomOf(targetOf(entry));
        if (from === to || ROOMS[from]?.rooms.includes(to)) return false;
        return entry.from !== LATE_IMPORT.from || targetOf(entry) !== LATE_IMPORT.to;
      })
      .map((entry) => `${entry.from} → ${entry.specifier}`);
    expect(wrong).toEqual([]);
  });

  test("each room imports only the packages that the drawing gives it", () => {
    const wrong = imports
      .filter(({ specifier }) => !specifier.startsWith(".") && !isBuiltin(specifier))
      .filter(
        ({ from, specifier }) => !ROOMS[roomOf(from)]?.packages.includes(packageOf(specifier)),
      )
      .filter(({ from, specifier }) => {
        const optional = ROOMS[roomOf(from)]?.optional ?? [];
        return !optional.some(
          ({ packages, part }) => packages.includes(packageOf(specifier)) && from.startsWith(part),
        );
      })
      .map((entry) => `${entry.from} → ${entry.specifier}`);
    expect(wrong).toEqual([]);
  });

  test("an optional package is loaded late, by one file, and by no import that runs at start", () => {
    const optional = Object.values(ROOMS).flatMap((room) => room.optional ?? []);
    expect(optional.length).toBeGreaterThan(0);
    for (const { packages, part, loader } of optional) {
      const wrong = files
        .filter((file) => file.startsWith(part))
        .filter((file) => {
          const source = readFileSync(join(root, file), "utf8");
          const named = packages.map((name) => name.replaceAll("/", "\\/")).join("|");
          const late = new RegExp(`import\\(\\s*"(?:${named})"`).test(source);
          const early = new RegExp(
            `^(?:import|export)\\s(?!type\\s)[^;]*?from\\s*"(?:${named})"`,
            "m",
          ).test(source);
          return early || (late && file !== loader);
        });
      expect(wrong).toEqual([]);
    }
  });

  test("schema reads no Node module, and client reaches none from its browser entry", () => {
    const reached = new Set(["client/browser.ts"]);
    for (const file of reached)
      for (const entry of imports.filter(({ from }) => from === file))
        if (entry.specifier.startsWith(".")) reached.add(targetOf(entry));
    const pure = new Set([...files.filter((file) => roomOf(file) === "schema"), ...reached]);
    const wrong = imports
      .filter(({ from, specifier }) => pure.has(from) && isBuiltin(specifier))
      .map((entry) => `${entry.from} → ${entry.specifier}`);
    expect(wrong).toEqual([]);
  });

  test("only entry points read argv, the environment or the clock of the machine", () => {
    const entries = new Set(["client/cli/main.ts", "server/storage/sqlite/worker.ts"]);
    const wrong = files.filter(
      (file) =>
        !entries.has(file) &&
        /\bprocess\.(argv|env)\b|\bDate\.now\(|\bnew Date\(\)/.test(
          readFileSync(join(root, file), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, ""),
        ),
    );
    expect(wrong).toEqual([]);
  });
});

describe("invariants", () => {
  test("each numbered invariant in a header has a test with its number, and the other way round", () => {
    const inHeaders = new Set<string>();
    for (const file of files)
      for (const match of readFileSync(join(root, file), "utf8").matchAll(
        /^ \* - ([IWMXP]\d{1,2})\s/gm,
      ))
        if (match[1] !== undefined) inHeaders.add(match[1]);
    const inTests = new Set<string>();
    for (const file of globSync("test/**/*.test.ts", { cwd: root }))
      for (const match of readFileSync(join(root, file), "utf8").matchAll(
        /\b(?:test|describe)[^"`']*["`']([IWMXP]\d{1,2})\b/g,
      ))
        if (match[1] !== undefined) inTests.add(match[1]);
    expect([...inHeaders].toSorted()).toEqual([...inTests].toSorted());
    expect(inHeaders.size).toBeGreaterThanOrEqual(8);
  });
});

describe("the newcomer's table", () => {
  test("every path that CONTRIBUTING, README and docs name in code marks exists", () => {
    const named = ["CONTRIBUTING.md", ...globSync("docs/*.md", { cwd: root })].flatMap((document) =>
      [
        ...readFileSync(join(root, document), "utf8").matchAll(
          /`((?:schema|client|server|test|deploy|docs)\/[\w./-]+)`/g,
        ),
      ].map((match) => match[1] ?? ""),
    );
    const missing = named.filter((path) => globSync(path, { cwd: root }).length === 0);
    expect(missing).toEqual([]);
    expect(named.length).toBeGreaterThan(10);
  });
});
