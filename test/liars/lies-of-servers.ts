/**
 * Lies of whoever answers: the log, its index and their signatures are as they should be, and the
 * answer is not. Anybody between a client and the log can tell them; nobody is convicted.
 */

import { nodeCrypto } from "../../client/crypto/node.ts";
import { httpTransport } from "../../client/fetch.ts";
import { fetchLookup } from "../../client/lookup/ask.ts";
import { concat, fromUtf8, utf8 } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import { INDEX_V1 } from "../../schema/index/generation.ts";
import type { Lookup, LookupAnswer } from "../../schema/index/lookup.ts";
import {
  aboutCommit,
  type Catch,
  commit,
  filled,
  type Lie,
  lookUp,
  type Rig,
  watched,
} from "./rig.ts";

/** A lie about every list with more than one entry. */
function about(change: (honest: Extract<LookupAnswer, { kind: "list" }>) => LookupAnswer) {
  return ({ served }: Rig): void => {
    served.lie = (honest: Lookup): Lookup => ({
      ...honest,
      answers: honest.answers.map((one) =>
        one.kind === "list" && one.list.length > 1 ? change(one) : one,
      ),
    });
  };
}

const client = (status: number, reason: string): Lie["caught"] => [
  { by: "client", ask: aboutCommit, status, reason },
];

/** With a deadline of our own: the command line's is half a minute. */
const patiently: Catch["ask"] = async ({ served }) => {
  const transport = httpTransport(served.url, { deadlineMs: 300 });
  const keys = [{ type: "opaque", fields: [] }] as const;
  try {
    await fetchLookup(
      { generation: INDEX_V1, transport },
      { keys, entries: false, summaries: false },
    );
    return { status: 0, stdout: "", stderr: "" };
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
    return { status: 2, stdout: "", stderr: `${error.code}: ${error.message}` };
  }
};

export const LIES_OF_SERVERS: readonly Lie[] = [
  {
    name: "omits an entry of a list",
    tell: about((one) => ({ ...one, list: one.list.slice(1) })),
    caught: client(3, "The list leaves out entry 2"),
  },
  {
    name: "calls a key absent that is there",
    tell: about(({ key }) => ({ key, kind: "absent" })),
    caught: client(3, "The key is in the map"),
  },
  {
    name: "adds an entry to a list",
    tell: about((one) => ({ ...one, list: [{ index: 0 }, ...one.list] })),
    caught: client(3, "The list has entry 0 besides those of the map"),
  },
  {
    name: "adds an entry that is not there yet",
    tell: ({ served }) => {
      served.lie = (honest) => ({ ...honest, entries: [...honest.entries, nowhere(honest)] });
    },
    caught: client(3, "The entry is not in the log at this index"),
  },
  {
    name: "reorders a list",
    tell: about((one) => ({ ...one, list: one.list.toReversed() })),
    caught: client(3, "indexes that increase"),
  },
  {
    name: "answers another key",
    tell: ({ served, index }) => {
      const keys = [{ type: "opaque", fields: [] }] as const;
      served.lie = () => index.lookup(keys);
    },
    caught: client(3, "the answer is not about what was asked"),
  },
  {
    name: "answers with no key at all",
    tell: ({ served }) => {
      served.lie = (honest) => ({ ...honest, answers: [] });
    },
    caught: client(3, "answers is not of its form: expected at least 1 items"),
  },
  {
    name: "answers empty",
    tell: ({ served }) => {
      served.lie = () => new Uint8Array(0);
    },
    caught: client(3, "Expected a JSON value, found the end"),
  },
  {
    name: "shows a stale head",
    tell: async (rig) => {
      const { index, main, served } = rig;
      const old = index.lookup([]);
      filled(main, main.size + 1);
      index.grow();
      await aboutCommit(rig);
      served.lie = (honest) => ({ ...honest, index: old.index, main: old.main });
    },
    caught: [
      ...client(2, "The index is shown with 2 leaves, fewer than the 3"),
      watched(2, "could not be checked: the index is shown with 2 leaves"),
    ],
  },
  {
    name: "shifts a list to the next entries",
    tell: about((one) => ({ ...one, list: one.list.map(({ index }) => ({ index: index + 1 })) })),
    caught: client(3, "in the place of entry 2"),
  },
  {
    name: "shifts a branch of the map to another slot",
    tell: ({ served }) => {
      served.lie = (honest) => ({ ...honest, tree: withSwappedBranches(honest.tree) });
    },
    caught: client(3, "another map than the signed one"),
  },
  {
    name: "shifts a branch of a static piece of the map to another slot",
    tell: ({ served }) => {
      served.lieInPiece = withShiftedBranch;
    },
    caught: [
      {
        by: "client",
        ask: lookUp("commit", commit.id, "--private"),
        status: 3,
        reason: "has another root than its name",
      },
    ],
  },
  {
    name: "names an older head as the indexed one",
    tell: ({ main, served }) => {
      served.lie = (honest) => ({ ...honest, main: fromUtf8(main.checkpoint(2)) ?? "" });
    },
    caught: client(3, "is not the one that the index names"),
  },
  {
    name: "shows another content of an entry",
    tell: ({ served }) => {
      served.lie = (honest) => ({
        ...honest,
        entries: honest.entries.map((one) => ({ ...one, content: utf8("another") })),
      });
    },
    caught: client(3, "The content is not the one that the leaf names"),
  },
  {
    name: "sends a body without an end",
    tell: ({ served }) => {
      served.lie = (_, __, res) => {
        const more = new Uint8Array(1_048_576).fill(0x20);
        const send = (): void => {
          while (!res.destroyed && res.write(more));
          if (!res.destroyed) res.once("drain", send);
        };
        send();
        return "answered";
      };
    },
    caught: client(3, "RESPONSE_INVALID"),
  },
  {
    name: "sends a body a byte at a time",
    tell: ({ served }) => {
      served.lie = (_, __, res) => {
        const timer = setInterval(() => res.write(" "), 20);
        res.once("close", () => clearInterval(timer));
        return "answered";
      };
    },
    caught: [{ by: "client", ask: patiently, status: 2, reason: "UNREACHABLE" }],
  },
];

/** A pruned tree in which the first two branches that are not shown stand in each other's slot. */
function withSwappedBranches(tree: Uint8Array): Uint8Array {
  const places: number[] = [];
  for (let at = 0; at < tree.length; ) {
    if (tree[at] === 0) places.push(at + 1);
    at += tree[at] === 1 ? 2 : tree[at] === 0 ? 33 : 65;
  }
  const [first = 0, second = 0] = places;
  const swapped = tree.slice();
  swapped.set(tree.subarray(second, second + 32), first);
  swapped.set(tree.subarray(first, first + 32), second);
  return swapped;
}

/** A piece in which the two branches of its root stand in each other's slot. */
function withShiftedBranch(piece: Uint8Array): Uint8Array {
  // Behind the kind, and in a page behind the length of its tree: 01, bit, left, right.
  const left = piece[0] === 1 ? 7 : 3;
  const right = endOf(piece, left);
  const end = endOf(piece, right);
  return concat(
    piece.subarray(0, left),
    piece.subarray(right, end),
    piece.subarray(left, right),
    piece.subarray(end),
  );
}

/** Where a node of a pruned tree ends: 00 hash, 01 bit left right, 02 key value. */
function endOf(tree: Uint8Array, at: number): number {
  if (tree[at] === 1) return endOf(tree, endOf(tree, at + 2));
  return at + (tree[at] === 0 ? 33 : 65);
}

/** An entry with another's proof. */
function nowhere({ entries }: Lookup): Lookup["entries"][number] {
  const [one] = entries;
  return { index: 99, leaf: nodeCrypto.sha256(utf8("x")), hashes: one?.hashes ?? [] };
}
