/**
 * Standing in for ssh-keygen, as git's `gpg.ssh.program`.
 *
 * `git config gpg.format ssh`, `git config gpg.ssh.program countersign`, `git config
 * user.signingKey FILE`: then `git commit -S` calls `-Y sign -n git -f FILE BUFFER` and expects
 * the armored signature in `BUFFER.sig`. The key is a key file of ours or of OpenSSH, or a public
 * key whose private half the running ssh-agent has.
 *
 * Checking is not taken over: `-Y verify`, `-Y find-principals` and `-Y check-novalidate` go to
 * the real ssh-keygen, so that git's own verification stays what it is.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { LogError } from "../../schema/error.ts";
import { parseSshKeygenSign, signFileLikeSshKeygen } from "../keys/git-sign.ts";
import { openSigner } from "../keys/open.ts";
import { pathOf } from "./files.ts";
import type { ExitStatus, Io } from "./io.ts";
import { agentSocket, askPassphrase } from "./signers.ts";

export async function gitSign(argv: readonly string[], io: Io): Promise<ExitStatus> {
  if (argv[1] !== "sign") return passToSshKeygen(argv, io);
  const asked = parseSshKeygenSign(argv);
  if (asked === undefined)
    throw new LogError("USAGE", "-Y sign needs -n NAMESPACE, -f KEY and one file", {
      field: "-Y sign",
      hint: "git config gpg.ssh.program countersign",
    });
  // git keeps our standard error to itself, so whether a person is there is found out by asking.
  const ports = { agent: agentSocket(io), askPassphrase: askPassphrase(io, undefined, true) };
  const signer = await openSigner(asked.key, ports);
  await signFileLikeSshKeygen(signer, asked.namespace, pathOf(io, asked.file));
  return 0;
}

function passToSshKeygen(argv: readonly string[], io: Io): Promise<ExitStatus> {
  return new Promise((resolve, reject) => {
    const child = spawn("ssh-keygen", argv, { stdio: "inherit", cwd: io.cwd, env: { ...io.env } });
    child.once("error", (cause) => {
      reject(
        new LogError("FILE_UNREADABLE", "ssh-keygen, which checks for git, cannot be run", {
          field: "ssh-keygen",
          hint: "install OpenSSH",
          cause,
        }),
      );
    });
    child.once("close", (status) => {
      resolve(status === 0 ? 0 : status === 1 ? 1 : 2);
    });
  });
}
