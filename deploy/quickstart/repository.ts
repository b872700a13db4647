/**
 * A small repository of two people, every commit signed through our own signer.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Key } from "./log.ts";
import { good, step, type Workplace } from "./tools.ts";

/** A repository with five commits by two people and a tag, signed by our own signer. */
export async function makeRepository(work: Workplace, ada: Key, bob: Key): Promise<string> {
  step("A git repository; every commit signed through gpg.ssh.program = countersign");
  const repository = work.path("hello");
  const signer = work.writeSigner();
  await work.git("config", "--global", "gpg.format", "ssh");
  await work.git("config", "--global", "gpg.ssh.program", signer);
  await work.git("config", "--global", "commit.gpgSign", "true");
  await work.git("config", "--global", "tag.gpgSign", "true");
  await work.git("init", "--quiet", "--initial-branch=main", repository);
  const commits = [
    [ada, "Ada", "hello.txt", "hello\n", "Say hello"],
    [bob, "Bob", "LICENSE", "Apache-2.0\n", "Name the licence"],
    [ada, "Ada", "hello.txt", "hello, world\n", "Greet the world"],
    [bob, "Bob", "build.sh", "tar -c .\n", "Say how it is built"],
    [ada, "Ada", "hello.txt", "hello, world!\n", "Mean it"],
  ] as const;
  const as = (key: Key, name: string): string[] => [
    "-C",
    repository,
    "-c",
    `user.name=${name}`,
    "-c",
    `user.email=${name.toLowerCase()}@example.org`,
    "-c",
    `user.signingKey=${work.path(key.file)}`,
  ];
  for (const [key, name, file, text, message] of commits) {
    writeFileSync(join(repository, file), text);
    await work.git("-C", repository, "add", file);
    await work.git(...as(key, name), "commit", "--quiet", "--message", message);
  }
  await work.git(...as(ada, "Ada"), "tag", "--message", "The first release", "v1.0");
  writeFileSync(work.path("allowed-signers"), `ada@example.org ${ada.line}\n`);
  await work.git(
    "-C",
    repository,
    "-c",
    `gpg.ssh.allowedSignersFile=${work.path("allowed-signers")}`,
    "verify-commit",
    "HEAD",
  );
  good("5 commits and a tag, and stock git verifies them");
  return repository;
}
