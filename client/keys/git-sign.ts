/**
 * The part of `ssh-keygen` that git asks of its `gpg.ssh.program`:
 *
 *     program -Y sign -n git -f <key> [-U] <file>      writes <file>.sig
 *
 * @module
 */
import { readFile, writeFile } from "node:fs/promises";
import { armor } from "../../schema/entry/sshsig.ts";
import { LogError } from "../../schema/error.ts";
import { type Signer, signSshsig } from "./signer.ts";

export interface SshKeygenSign {
  readonly namespace: string;
  /** A path, or with `-U` a public key whose private half is in the agent. */
  readonly key: string;
  readonly file: string;
}

/** Read the arguments that git gives; `undefined` where they ask for something else. */
export function parseSshKeygenSign(args: readonly string[]): SshKeygenSign | undefined {
  const values = new Map<string, string>();
  let file: string | undefined;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? "";
    if (arg === "-Y" || arg === "-n" || arg === "-f" || arg === "-O")
      values.set(arg, args[++i] ?? "");
    else if (arg !== "-U" && arg !== "-q") {
      if (arg.startsWith("-") || file !== undefined) return undefined;
      file = arg;
    }
  }
  const namespace = values.get("-n");
  const key = values.get("-f");
  if (values.get("-Y") !== "sign" || !namespace || !key || !file) return undefined;
  return { namespace, key, file };
}

/**
 * Sign a file into `<file>.sig`, armored. A signature that is there already is not written
 * over. Throws `FILE_UNREADABLE`, or what the signer throws.
 */
export async function signFileLikeSshKeygen(
  signer: Signer,
  namespace: string,
  file: string,
): Promise<string> {
  const target = `${file}.sig`;
  const signature = armor(
    await signSshsig(signer, namespace, await attempt(file, () => readFile(file))),
  );
  await attempt(target, () => writeFile(target, signature, { flag: "wx" }));
  return target;
}

async function attempt<T>(path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw new LogError("FILE_UNREADABLE", `${path} cannot be read or written`, {
      field: "file",
      cause: error,
    });
  }
}
