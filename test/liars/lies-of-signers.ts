/**
 * Lies of people about what they have signed, and of a log that admits what it should refuse.
 */
import { nodeCrypto } from "../../client/crypto/node.ts";
import { toHex, utf8 } from "../../schema/bytes.ts";
import { encodeLeaf, parseLeaf } from "../../schema/entry/leaf.ts";
import { unwrap } from "../../schema/error.ts";
import { review, TestLog } from "../client/test-log.ts";
import { certified } from "../vectors/certificates.ts";
import * as made from "../vectors/signers.ts";
import {
  aboutCommit,
  bob,
  carol,
  commit,
  executeIndex,
  isComplete,
  type Lie,
  type Rig,
  watched,
} from "./rig.ts";

/** A leaf with one bit of its signature changed. */
function forged(leafBytes: Uint8Array): Uint8Array {
  const leaf = unwrap(parseLeaf(leafBytes));
  if (leaf.kind !== "countersign") throw new Error("another kind of leaf");
  const value = leaf.signature.value.map((byte, i) => (i === 9 ? byte ^ 1 : byte));
  return encodeLeaf({ ...leaf, signature: { ...leaf.signature, value } });
}

async function rejected({ main }: Rig): Promise<{ leaf: Uint8Array; content: Uint8Array }> {
  const scratch = new TestLog(main.origin, main.key);
  const [receipt] = scratch.log(await review(carol, commit, { verdict: "reject" }));
  if (receipt?.content === undefined) throw new Error("no receipt");
  return { leaf: receipt.entry.leafBytes, content: receipt.content };
}

export const LIES_OF_SIGNERS: readonly Lie[] = [
  {
    name: "a leaf with a bad signature",
    tell: async (rig) => {
      const { leaf, content } = await rejected(rig);
      rig.main.append(forged(leaf), content);
      rig.index.grow();
    },
    caught: [
      {
        by: "client",
        ask: aboutCommit,
        status: 3,
        reason: "THE LOG MISBEHAVED: the answer shows bad-admission",
        evidence: "bad-admission",
      },
      watched(3, "CRITICAL bad-admission: signer", "bad-admission"),
    ],
  },
  {
    name: "a leaf that nobody can read",
    tell: ({ main, index }) => {
      main.append(utf8("no leaf"));
      index.grow();
    },
    caught: [
      { by: "index verifier", ask: executeIndex, status: 3, reason: "Entry 4 is no leaf" },
      {
        by: "monitor",
        ask: async ({ client }) =>
          client.countersign("monitor", "--config", "monitor.toml", "--once", "--full"),
        status: 3,
        reason: "entry 4: the log admitted what is no leaf",
      },
    ],
  },
  {
    name: "a duplicate leaf",
    tell: ({ main, index }) => {
      const { entry, content } = main.receipt(2);
      main.appendAgain(entry.leafBytes, content);
      index.grow();
    },
    caught: [
      {
        by: "client",
        ask: aboutCommit,
        status: 3,
        reason: "THE LOG MISBEHAVED: the answer shows duplicate-leaf",
        evidence: "duplicate-leaf",
      },
      watched(3, "has one leaf at the indexes 2 and 4", "duplicate-leaf"),
    ],
  },
  {
    name: "a statement that was made for another log",
    tell: async (rig) => {
      await takeBack(rig);
      const log = new TestLog("elsewhere.test").vkey;
      rig.keep("bob", await review(bob, commit, { log }));
      rig.index.grow();
    },
    caught: [{ by: "client", ask: isComplete, status: 1, reason: "is meant for another log" }],
  },
  {
    name: "a stolen key signs what its owner did not",
    tell: async (rig) => {
      rig.main.submit(await review(bob, commit, { comment: "by a thief" }));
      rig.index.grow();
    },
    caught: [watched(1, "CRITICAL not-signed-by-us")],
  },
  {
    name: "a withdrawn approval, signed once more",
    tell: async (rig) => {
      await takeBack(rig);
      const before = rig.main.size;
      rig.keep("bob", await review(bob, commit));
      if (rig.main.size === before) throw new Error("it was the very same leaf");
      rig.index.grow();
    },
    caught: [{ by: "client", ask: isComplete, status: 1, reason: "Bob has taken it back" }],
  },
  {
    name: "a certificate in somebody's name that nobody has issued",
    tell: async (rig) => {
      await takeBack(rig);
      const mallory = made.ed25519Signer("mallory");
      const selfSigned = certified(mallory, "bob@example.org", mallory);
      const predicate = {
        repo: { uri: "git+https://example.org/repo" },
        targetRef: "refs/heads/main",
        base: { gitCommit: "0".repeat(40) },
        head: { gitCommit: commit.id, gitTree: commit.tree },
        verdict: "approve",
        scope: "change",
        reviewedAt: "2026-01-31T12:00:00Z",
      };
      const body = utf8(
        JSON.stringify({
          _type: "https://in-toto.io/Statement/v1",
          subject: [{ digest: { gitCommit: commit.id, gitTree: commit.tree } }],
          predicateType: "urn:countersign:commit-review:v1",
          predicate,
        }),
      );
      rig.keep("bob", made.dsseSubmission("application/vnd.in-toto+json", body, selfSigned));
      rig.index.grow();
    },
    caught: [
      { by: "client", ask: isComplete, status: 1, reason: "is signed by nobody in the trust file" },
    ],
  },
];

/** Bob has taken his approval back, and everybody has been told. */
async function takeBack(rig: Rig): Promise<void> {
  const { content } = rig.main.receipt(2);
  if (content === undefined) throw new Error("no content");
  const supersedes = toHex(nodeCrypto.sha256(content));
  rig.keep("bob took it back", await review(bob, commit, { verdict: "withdraw", supersedes }));
}
