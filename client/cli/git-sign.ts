/**
 * Standing in for ssh-keygen, as git's `gpg.ssh.program`.
 *
 * `git config gpg.format ssh`, `git config gpg.ssh.program countersign`, `git config
 * user.signingKey FILE`: then `git commit -S` calls `-Y sign -n git -f FILE BUFFER` and expects
 * the armored signature in `BUFFER.sig`. The key file is ours or an OpenSSH private key; where
 * only a public key is given, the running ssh-agent is asked for its private side.
 *
 * Checking is not taken over: `-Y verify`, `-Y find-principals` and `-Y check-novalidate` go to
 * the real ssh-keygen, so that git's own verification stays what it is.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { LogError } from "../../schema/error.ts";
import { MAX_CONTENT_BYTES } from "../../schema/limits.ts";
import { readBytes, writeWhole } from "./files.ts";
import type { ExitStatus, Io } from "./io.ts";
import { openSigner } from "./signers.ts";

export async function gitSign(argv: readonly string[], io: Io): Promise<ExitStatus> {
  if (argv[1] !== "sign") return await passToSshKeygen(argv, io);
  const { namespace, key, files } = signArguments(argv.slice(2));
  const { signSshsig } = await import("../keys/signer.ts");
  const { nodeCrypto } = await import("../crypto/node.ts");
  const { armor } = await import("../../schema/entry/sshsig.ts");
  const signer = await openSigner(io, { file: key });
  for (const file of files) {
    const content = await readBytes(io, file, MAX_CONTENT_BYTES);
    const blob = await signSshsig(nodeCrypto, signer, namespace, content);
    await writeWhole(io, `${file}.sig`, armor(blob));
  }
  return 0;
}

interface SignArguments {
  readonly namespace: string;
  readonly key: string;
  readonly files: readonly string[];
}

/** The options of `ssh-keygen -Y sign` that git uses. `-U` (key is in the agent) needs no act. */
function signArguments(argv: readonly string[]): SignArguments {
  let namespace: string | undefined;
  let key: string | undefined;
  const files: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i] ?? "";
    if (argument === "-n") namespace = argv[++i];
    else if (argument === "-f") key = argv[++i];
    else if (argument === "-O") i++;
    else if (argument !== "-U" && argument !== "-q" && argument !== "--") files.push(argument);
  }
  if (namespace === undefined || key === undefined || files.length === 0)
    throw new LogError("USAGE", "-Y sign needs -n NAMESPACE, -f KEY and a file", {
      field: "-Y sign",
      hint: "git config gpg.ssh.program countersign",
    });
  return { namespace, key, files };
}

function passToSshKeygen(argv: readonly string[], io: Io): Promise<ExitStatus> {
  return new Promise((resolve, reject) => {
    const child = spawn("ssh-keygen", argv, { stdio: "inherit", cwd: io.cwd, env: { ...io.env } });
    child.once("error", (cause) => {
      reject(
        new LogError(
          "FILE_UNREADABLE",
          "ssh-keygen, which checks signatures for git, cannot be run",
          {
            field: "ssh-keygen",
            hint: "install OpenSSH",
            cause,
          },
        ),
      );
    });
    child.once("close", (status) => {
      resolve(status === 0 ? 0 : status === 1 ? 1 : 2);
    });
  });
}
