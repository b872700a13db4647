/**
 * Real data made by others, where it is at hand: the folder named by `COUNTERSIGN_DATA`, else
 * `../shared/data`. A suite over it runs when its folder is there, and says so when it is not.
 *
 * Golden vectors of the project itself are in `test/vectors/` and are always there.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";
import { fileURLToPath } from "node:url";
import { describe, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const dataFolder = env["COUNTERSIGN_DATA"] ?? join(root, "../shared/data");

/** A folder of real data, if it is there. */
function dataPath(name: string): string | undefined {
  const path = join(dataFolder, name);
  return existsSync(path) ? path : undefined;
}

/** A suite over a folder of real data; where the folder is missing, one skipped test says so. */
export function describeRealData(
  name: string,
  suite: (read: (file: string) => Uint8Array, path: string) => void,
): void {
  const path = dataPath(name);
  describe(`real data: ${name}`, () => {
    if (path === undefined) test.skip(`skipped: there is no folder ${name}; set COUNTERSIGN_DATA`);
    else suite((file) => readBytes(join(path, file)), path);
  });
}

/** A golden vector by its path below `test/vectors/`. */
export function vector(path: string): Uint8Array {
  return readBytes(join(root, "test/vectors", path));
}

/** A JSON file below `test/vectors/`; the caller says what it holds. */
export function vectorJson<T>(path: string): T {
  return jsonOf<T>(vector(path));
}

/** JSON that is trusted to hold what the caller says: a list of vectors or of real data. */
export function jsonOf<T>(bytes: Uint8Array): T {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the tests read what their own scripts wrote
  return JSON.parse(new TextDecoder().decode(bytes)) as T;
}

function readBytes(path: string): Uint8Array {
  return new Uint8Array(readFileSync(path));
}
