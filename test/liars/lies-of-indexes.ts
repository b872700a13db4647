/**
 * Lies of a log about its index, and about its own history: signed with its own key, so that most
 * of them convict it.
 */
import { writeFileSync } from "node:fs";
import { nodeCrypto } from "../../client/crypto/node.ts";
import { gitHashOf } from "../../client/git/hash.ts";
import { fromHex, toHex, utf8 } from "../../schema/bytes.ts";
import { formatLookup, type LookupKey } from "../../schema/index/lookup.ts";
import { emptyMapRoot } from "../../schema/index/map.ts";
import { mapKey } from "../../schema/index/map-key.ts";
import { mapfn } from "../../schema/index/mapfn.ts";
import { type Posting, sortPostings } from "../../schema/index/posting.ts";
import type { Hash } from "../../schema/tlog/hash.ts";
import { TestIndex } from "../client/lookup/test-index.ts";
import { review, TestLog } from "../client/test-log.ts";
import { policyTable, policyText, TestWitness } from "../client/test-witness.ts";
import {
  aboutCommit,
  bob,
  byReceipts,
  type Catch,
  commit,
  executeIndex,
  filled,
  idOf,
  isComplete,
  type Lie,
  lookUp,
  newestHead,
  type Rig,
  watched,
} from "./rig.ts";

const { sha256 } = nodeCrypto;
const head = fromHex(commit.id) ?? new Uint8Array(0);
const subject: LookupKey = { type: "subject", fields: ["gitCommit", head] };
/** Entry of the statement that is lied about. */
const LIED_ABOUT = 4;

/** A statement of Bob's, at hand, and an index that tells a lie about it. */
function aStatement(lie: (rig: Rig) => void) {
  return async (rig: Rig): Promise<void> => {
    rig.keep("bob again", await review(bob, commit, { comment: "and again" }));
    lie(rig);
    rig.index.grow();
  };
}

const nameOf = ({ main }: Rig, { type, fields }: LookupKey): Hash =>
  mapKey(sha256, main.origin, type, fields);

const without = (rig: Rig, key: LookupKey) => {
  const name = toHex(nameOf(rig, key));
  return (postings: readonly Posting[], index: number): readonly Posting[] =>
    index === LIED_ABOUT ? postings.filter((one) => toHex(one.key) !== name) : postings;
};

function withOtherClaims(postings: readonly Posting[]): readonly Posting[] {
  return postings.map((one) => (one.claim ? { ...one, claim: sha256(one.claim) } : one));
}

/** Another index of the same log, with another leaf for the same size. */
function secondIndex({ main }: Rig): TestIndex {
  const other = new TestIndex(main);
  other.lie = (postings) => postings.slice(1);
  return other.grow();
}

/** What another client keeps of its question, shown to the first one. */
const theirAnswer: Catch["ask"] = async ({ client }) =>
  client.countersign("lookup", "--bundle", "theirs.lookup.json", "--trust", "trust.toml");

export const LIES_OF_INDEXES: readonly Lie[] = [
  {
    name: "an index omits an entry under a key",
    tell: aStatement((rig) => {
      rig.index.lie = without(rig, subject);
    }),
    caught: [
      {
        by: "client",
        ask: isComplete,
        status: 3,
        reason: `it leaves entry ${LIED_ABOUT} out under subject gitCommit`,
        evidence: "omission",
      },
      { by: "index verifier", ask: executeIndex, status: 3, reason: "1 too few for its entries" },
      watched(3, `the index leaves your entry ${LIED_ABOUT} out under subject`, "omission"),
    ],
  },
  {
    name: "an index omits an entry under every key that is asked for",
    tell: aStatement((rig) => {
      rig.index.lie = (postings, index) => (index === LIED_ABOUT ? [] : postings);
    }),
    caught: [
      {
        by: "client",
        ask: isComplete,
        status: 3,
        reason: "is left out by the index of log.test: entry 4 is not under statement",
        evidence: "omission",
      },
    ],
  },
  {
    name: "an index omits an entry, and no index verifier of the trust file stands beside it",
    tell: async (rig) => {
      const policy = policyText(1, [new TestWitness("verifier.test")]);
      const trust = rig.trust(policyTable(policy, "", "index"));
      writeFileSync(rig.client.path("trust.toml"), trust);
      await aStatement(() => {
        rig.index.lie = without(rig, subject);
      })(rig);
    },
    caught: [
      {
        by: "client",
        ask: isComplete,
        status: 3,
        reason: `asks for verifier.test; and the index is false: it leaves entry ${LIED_ABOUT} out under subject`,
        evidence: "omission",
      },
      watched(
        3,
        "warning unwitnessed: log.test/index/v1: The head of log.test/index/v1 at 3 entries",
        "omission",
      ),
    ],
  },
  {
    name: "an index adds an entry under a key",
    tell: aStatement((rig) => {
      const key = nameOf(rig, { type: "git-commit", fields: [head] });
      rig.index.lie = (postings, index) =>
        index === LIED_ABOUT ? sortPostings([...postings, { key }]) : postings;
    }),
    caught: [
      {
        by: "client",
        ask: aboutCommit,
        status: 3,
        reason: `entry ${LIED_ABOUT} does not say what git-commit`,
        evidence: "false-posting",
      },
      { by: "index verifier", ask: executeIndex, status: 3, reason: "1 too many for its entries" },
      watched(3, "CRITICAL false-posting: commit", "false-posting"),
    ],
  },
  {
    name: "an index puts another value into a slot",
    tell: aStatement((rig) => {
      rig.index.lie = withOtherClaims;
    }),
    caught: [
      {
        by: "client",
        ask: isComplete,
        status: 3,
        reason: `entry ${LIED_ABOUT} says something else of verdict-by`,
        evidence: "false-posting",
      },
      { by: "index verifier", ask: executeIndex, status: 3, reason: "its postings root is not" },
      watched(3, "CRITICAL false-posting: verdict-by", "false-posting"),
    ],
  },
  {
    name: "an index has another map than its postings",
    tell: aStatement((rig) => {
      rig.index.lieInMap = withOtherClaims;
    }),
    caught: [{ by: "index verifier", ask: executeIndex, status: 3, reason: "its map root is not" }],
  },
  {
    name: "an index leaves a key out of its map and hides where it belongs",
    tell: aStatement((rig) => {
      rig.index.lieInMap = without(rig, subject);
    }),
    caught: [
      {
        by: "index verifier",
        ask: executeIndex,
        status: 3,
        reason: "is not what its log gives: the old",
      },
      {
        by: "client",
        ask: isComplete,
        status: 3,
        reason: `it leaves entry ${LIED_ABOUT} out under subject`,
        evidence: "omission",
      },
    ],
  },
  {
    name: "an index counts keys that it does not have",
    tell: ({ index, main }) => {
      index.lieInLeaf = (leaf) => ({ ...leaf, keys: leaf.keys + 1 });
      filled(main, main.size + 1);
      index.grow();
    },
    caught: [
      { by: "index verifier", ask: executeIndex, status: 3, reason: "its number of keys is not" },
    ],
  },
  {
    name: "an index calls opaque what the log holds",
    tell: aStatement(({ index, main }) => {
      const hashes = { sha256, git: gitHashOf(nodeCrypto) };
      const log = { origin: main.origin, vkeys: [main.vkey] };
      index.lie = (postings, at) =>
        at === LIED_ABOUT ? mapfn(hashes, log, index.entry(at).leaf, undefined) : postings;
    }),
    caught: [
      {
        by: "client",
        ask: lookUp("signer", idOf(bob)),
        status: 3,
        reason: `it calls entry ${LIED_ABOUT} opaque, and here is its content`,
      },
      watched(3, `the index calls your entry ${LIED_ABOUT} opaque, and the log holds its content`),
    ],
  },
  {
    name: "an index follows another mapfn",
    tell: ({ index }) => {
      index.addLeaf({ ...index.position.leaf, mapfn: sha256(utf8("another")) });
    },
    caught: [
      { by: "client", ask: aboutCommit, status: 3, reason: "The index follows another mapfn" },
      { by: "index verifier", ask: executeIndex, status: 3, reason: "it names another mapfn" },
      watched(
        3,
        "answered by what is not so: the leaf of the index is not to be used: The index follows",
      ),
    ],
  },
  {
    name: "an index is of another log",
    tell: ({ index }) => index.addLeaf({ ...index.position.leaf, origin: "other.test" }),
    caught: [
      { by: "client", ask: aboutCommit, status: 3, reason: "The index is of another log" },
      { by: "index verifier", ask: executeIndex, status: 3, reason: "it is of another log" },
      watched(
        3,
        "answered by what is not so: the leaf of the index is not to be used: The index is of",
      ),
    ],
  },
  {
    name: "two leaves for one size",
    tell: ({ index }) => index.addLeaf({ ...index.position.leaf, mapRoot: emptyMapRoot(sha256) }),
    caught: [
      {
        by: "index verifier",
        ask: executeIndex,
        status: 3,
        reason: "its size is 4, as that of the leaf before",
        evidence: "index-contradiction",
      },
    ],
  },
  {
    name: "a leaf that goes back",
    tell: ({ index, main }) => {
      const { leaf } = index.position;
      index.addLeaf({ ...leaf, main: { size: 2, root: main.root(2) } });
    },
    caught: [
      {
        by: "index verifier",
        ask: executeIndex,
        status: 3,
        reason: "it goes back from the size 4 to 2",
        evidence: "index-contradiction",
      },
    ],
  },
  {
    name: "a head of the index that is not over its leaves",
    tell: ({ index }) => {
      const [update] = index.updates;
      index.log.append(Uint8Array.of(1));
      if (update !== undefined) index.updates.push(update);
    },
    caught: [
      {
        by: "client",
        ask: aboutCommit,
        status: 3,
        reason: "the leaf of the index is not to be used",
      },
    ],
  },
  {
    name: "a forked index log",
    tell: async (rig) => {
      await aboutCommit(rig);
      rig.served.index = secondIndex(rig);
    },
    caught: [
      {
        by: "client",
        ask: aboutCommit,
        status: 3,
        reason: "FORKED: log.test/index/v1 has signed two histories",
        evidence: "fork-same-size",
      },
      {
        by: "index verifier",
        ask: executeIndex,
        status: 3,
        reason: "FORKED: log.test/index/v1",
        evidence: "fork-same-size",
      },
      watched(3, "CRITICAL fork-same-size: log.test/index/v1", "fork-same-size"),
    ],
  },
  {
    name: "a forked index log that grew",
    tell: async (rig) => {
      await aboutCommit(rig);
      const other = secondIndex(rig);
      filled(rig.main, rig.main.size + 1);
      rig.served.index = other.grow();
    },
    caught: [
      {
        by: "client",
        ask: aboutCommit,
        status: 3,
        reason: "FORKED: log.test/index/v1 has signed two histories",
        evidence: "fork-inconsistent",
      },
      watched(3, "CRITICAL fork-inconsistent: log.test/index/v1", "fork-inconsistent"),
    ],
  },
  {
    name: "different answers to different clients",
    tell: async (rig) => {
      await aboutCommit(rig);
      const fork = filled(new TestLog("log.test", rig.key), 4, " of the fork");
      const theirs = new TestIndex(fork).grow().lookup([subject]);
      writeFileSync(rig.client.path("theirs.lookup.json"), formatLookup(theirs));
    },
    caught: [
      {
        by: "client",
        ask: theirAnswer,
        status: 3,
        reason: "FORKED: log.test has signed two histories",
        evidence: "fork-same-size",
      },
    ],
  },
  {
    name: "two entries at one place, to two clients of whom one has both receipts",
    tell: async (rig) => {
      const fork = filled(new TestLog("log.test", rig.key), 1, " of the fork");
      fork.submit(await review(bob, commit, { verdict: "reject" }));
      rig.have("of somebody else", filled(fork, 7, " of the fork").receipt(1));
    },
    caught: [
      {
        by: "client",
        ask: byReceipts,
        status: 3,
        reason: "the log log.test has two entries at one place",
        evidence: "wrong-entry",
      },
    ],
  },
  {
    name: "another history than yesterday's, which is longer",
    tell: async (rig) => {
      await newestHead(rig);
      const fork = filled(new TestLog("log.test", rig.key), 7, " of the fork");
      rig.served.index = new TestIndex(fork).grow();
    },
    caught: [
      {
        by: "client",
        ask: newestHead,
        status: 3,
        reason: "FORKED: log.test has signed two histories. Nothing of it was believed",
        evidence: "fork-inconsistent",
      },
      watched(3, "CRITICAL fork-inconsistent: log.test: has", "fork-inconsistent"),
    ],
  },
];
