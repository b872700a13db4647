import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { type Classified, classify } from "../../../client/git/classify.ts";
import { latin1, utf8 } from "../../../schema/bytes.ts";
import type { GitHash } from "../../../schema/git/object.ts";
import { describeRealData, jsonOf } from "../../data.ts";

const hash: GitHash = (algorithm, bytes) => createHash(algorithm).update(bytes).digest("hex");

function idOf(bytes: Uint8Array): string {
  return createHash("sha1").update(`commit ${bytes.length}\0`).update(bytes).digest("hex");
}

function look(bytes: Uint8Array, id: string = idOf(bytes)): Classified {
  return classify({ id, type: "commit", size: bytes.length, bytes }, hash);
}

const TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
const PERSON = "Ada <ada@example.org> 1700000000 +0000";

function commit(signature: string): Uint8Array {
  return utf8(`tree ${TREE}\nauthor ${PERSON}\ncommitter ${PERSON}\n${signature}\nmessage\n`);
}

describe("objects of a repository are told apart without being believed", () => {
  test("one without a signature is unsigned", () => {
    expect(look(commit(""))).toEqual({ state: "unsigned" });
  });

  test("one whose bytes do not have its id is broken", () => {
    expect(look(commit(""), "0".repeat(40))).toEqual({
      state: "broken",
      reason: "its bytes do not have its id",
    });
  });

  test("one that is too large to be held is broken, and says so", () => {
    const object = { id: "0".repeat(40), type: "commit", size: 1e12, bytes: undefined } as const;
    expect(classify(object, hash)).toMatchObject({ state: "broken" });
  });

  test("OpenPGP and CMS are kinds of their own; an armor that is none is broken or unknown", () => {
    const armored = (kind: string): Classified =>
      look(commit(`gpgsig -----BEGIN ${kind}-----\n AAAA\n -----END ${kind}-----\n`));
    expect(armored("PGP SIGNATURE")).toEqual({ state: "unsupported", kind: "openpgp" });
    expect(armored("SIGNED MESSAGE")).toEqual({ state: "unsupported", kind: "cms" });
    expect(armored("LOVE LETTER")).toEqual({ state: "unsupported", kind: "unknown" });
    expect(armored("SSH SIGNATURE")).toMatchObject({ state: "broken" });
  });

  test("bytes that are no commit are broken", () => {
    expect(look(utf8("not a commit"))).toMatchObject({ state: "broken" });
    expect(look(new Uint8Array(0))).toMatchObject({ state: "broken" });
  });
});

describeRealData("git-commits", (read) => {
  const commits = jsonOf<{ file: string; type: string; commit: string }[]>(read("index.json"));

  test("each of the 75 is of the kind that its collector saw", () => {
    expect(commits).toHaveLength(75);
    const counts: Record<string, number> = {};
    for (const { file, commit: id } of commits) {
      const found = look(read(file), id);
      const name = "kind" in found ? `${found.state} ${found.kind}` : found.state;
      counts[name] = (counts[name] ?? 0) + 1;
    }
    expect(counts).toEqual({
      "signed ecdsa-sha2-nistp256": 12,
      "signed sk-ssh-ed25519@openssh.com": 11,
      "signed ssh-ed25519": 12,
      "signed ssh-rsa": 12,
      "unsupported cms": 12,
      "unsupported openpgp": 12,
      "unsupported ssh (certificate or newer key)": 4,
    });
  });

  test("one changed byte is no longer the object of that id", () => {
    for (const { file, commit: id } of commits) {
      const bytes = read(file).slice();
      const at = latin1(bytes).lastIndexOf("\n\n") + 2;
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      expect(look(bytes, id)).toMatchObject({ state: "broken" });
    }
  });
});
