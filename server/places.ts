/**
 * Where the files of a log are, out of its configuration. Relative paths start from the folder
 * the program was called in.
 *
 * The head guard's default place is the user's state folder, so that it is outside the data
 * folder and outside every backup of it (I6).
 *
 * @module
 */
import { realpathSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { toHex, utf8 } from "../schema/bytes.ts";
import { LogError } from "../schema/error.ts";
import type { Sha256 } from "../schema/tlog/hash.ts";
import type { Config } from "./config.ts";

/** The part of the process that places depend on. */
export interface Surroundings {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Places {
  readonly folder: string;
  readonly guard: string;
  readonly key: string;
  readonly timestampKey: string;
  readonly timestampChain: string;
}

/** @throws LogError CONFIG_INVALID where a default place cannot be told */
export function placesOf(
  sha256: Sha256,
  config: Config,
  origin: string,
  surroundings: Surroundings,
): Places {
  const at = (path: string): string => resolve(surroundings.cwd, path);
  const own = (suffix: string, field: string): string =>
    join(stateFolder(surroundings, field), `${toHex(sha256(utf8(origin)))}${suffix}`);
  const key = config.log.key === undefined ? own(".key.pem", "log.key") : at(config.log.key);
  const beside = key.replace(/\.pem$/, "");
  return {
    folder: at(config.storage.folder),
    guard:
      config.storage.guard === undefined
        ? own(".guard", "storage.guard")
        : at(config.storage.guard),
    key,
    timestampKey: at(config.timestamp.key ?? `${beside}.timestamp.pem`),
    timestampChain: at(config.timestamp.chain ?? `${beside}.timestamp-chain.pem`),
  };
}

/** I6: a guard inside the data folder goes back in time together with what it guards. */
export function mustBeApart({ folder, guard }: Pick<Places, "folder" | "guard">): void {
  const inside = relative(real(folder), real(guard));
  if (inside === ".." || inside.startsWith(`..${sep}`) || isAbsolute(inside)) return;
  throw new LogError("CONFIG_INVALID", `the guard ${guard} is inside the data folder`, {
    field: "storage.guard",
    expected: `a file outside ${folder} and outside its backups`,
  });
}

/** Past symbolic links, as far as the path exists. */
function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(real(parent), basename(path));
  }
}

function stateFolder({ env }: Surroundings, field: string): string {
  const named = env["XDG_STATE_HOME"];
  if (named !== undefined && isAbsolute(named)) return join(named, "countersign");
  const home = env["HOME"] ?? env["USERPROFILE"];
  if (home !== undefined && isAbsolute(home)) return join(home, ".local", "state", "countersign");
  throw new LogError("CONFIG_INVALID", `${field} has no default here: there is no home folder.`, {
    field,
    expected: "a path",
    hint: `set ${field}, or XDG_STATE_HOME`,
  });
}
