/**
 * The version of this package, from the one place where it is written.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** `package.json` lies two folders above, in the source tree and in the published package. */
export function packageVersion(): string {
  const file = join(import.meta.dirname, "..", "..", "package.json");
  const manifest: unknown = JSON.parse(readFileSync(file, "utf8"));
  return typeof manifest === "object" &&
    manifest !== null &&
    "version" in manifest &&
    typeof manifest.version === "string"
    ? manifest.version
    : "unknown";
}
