/**
 * A new witness: keys and an empty state, which name each other.
 *
 * Only this makes a state, and never where there are keys already: keys without their state are
 * those of a witness that forgot what it cosigned (W1). The state gets its name last, so that an
 * init that was cut off is told from a state that was lost.
 *
 * @module
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Crypto } from "../../client/crypto/crypto.ts";
import { generateKeyFile, openKeyFile } from "../../client/keys/key-file.ts";
import { LogError } from "../../schema/error.ts";
import { parseVkey } from "../../schema/tlog/note.ts";
import { takeLock } from "../lock.ts";
import { type Cosigner, makeCosigner, mustBeName } from "./cosigner.ts";
import { beginState, createState, type Role, stateFiles } from "./state-file.ts";

/** The keys that a witness can have, in the order of its signature lines. */
export const COSIGNER_TYPES = ["ed25519", "ml-dsa-44"] as const;
export type CosignerType = (typeof COSIGNER_TYPES)[number];

/** Where the list of logs is, unless the configuration says otherwise. */
export const LOGS_FILE = "logs.txt";

const LOGS_HEAD = "# The logs that this witness cosigns, one key a line: log <vkey> [<url>]\n";

function keyPath(folder: string, type: CosignerType): string {
  return join(folder, `${type}.pem`);
}

/** @throws LogError STORE_EXISTS, INIT_UNFINISHED, FIELD_INVALID, FILE_UNREADABLE */
export async function initWitness(
  crypto: Crypto,
  folder: string,
  name: string,
  types: readonly CosignerType[],
  role: Role = "witness",
): Promise<readonly Cosigner[]> {
  mustBeName(name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const lock = takeLock(stateFiles(folder).lock, `the witness in ${folder}`);
  try {
    const orphan = COSIGNER_TYPES.map((type) => keyPath(folder, type)).find((path) =>
      existsSync(path),
    );
    beginState(folder, orphan);
    const cosigners: Cosigner[] = [];
    for (const type of types)
      cosigners.push(
        makeCosigner(crypto, await generateKeyFile(keyPath(folder, type), type), name),
      );
    // An index verifier knows its logs by a trust file, with their witnesses.
    if (role === "witness") writeFileSync(join(folder, LOGS_FILE), LOGS_HEAD, { flag: "a" });
    createState(
      folder,
      cosigners.map(({ vkeyText }) => vkeyText),
      role,
    );
    return cosigners;
  } finally {
    lock.release();
  }
}

/**
 * The keys in a folder, opened as the state names them. Throws `KEY_MISMATCH` for a key that the state
 * does not name, or that is not there.
 */
export async function openCosigners(
  crypto: Crypto,
  folder: string,
  vkeys: readonly string[],
): Promise<readonly Cosigner[]> {
  const [first = ""] = vkeys;
  const named = parseVkey(crypto.sha256, first);
  const name = named.ok ? named.value.name : "";
  const cosigners: Cosigner[] = [];
  for (const type of COSIGNER_TYPES)
    if (existsSync(keyPath(folder, type)))
      cosigners.push(makeCosigner(crypto, await openKeyFile(keyPath(folder, type)), name));
  const found = cosigners.map(({ vkeyText }) => vkeyText);
  const wrong = [...vkeys, ...found].find((key) => !vkeys.includes(key) || !found.includes(key));
  if (wrong === undefined) return cosigners;
  throw new LogError("KEY_MISMATCH", `the keys in ${folder} are not those of its state`, {
    field: wrong,
    expected: vkeys.join(" and "),
    hint: "bring the keys back that init made together with this state",
  });
}
