/**
 * From the calls of one batch to what is to be committed: which leaves are new, which index each
 * gets, and which entries are duplicates.
 *
 * - I8  One leaf, one index. A leaf that is in the store, or came earlier in the batch, is not
 *       logged again; it gets the original's index. The original is read back and hashed before
 *       anybody is told so, and all 32 bytes of the hash are compared.
 *
 * A leaf that comes with and without its content in one batch is logged with it. One that is in the
 * store without stays so for ever: whoever brings its content is told to append the twin.
 *
 * @module
 */
import { equal } from "../../schema/bytes.ts";
import { LogError } from "../../schema/error.ts";
import { type Hash, leafHash, type Sha256 } from "../../schema/tlog/hash.ts";
import type { NewEntry, StorageReader } from "../storage/storage.ts";
import type { Pool, Ticket } from "./pool.ts";
import type { Appended } from "./ports.ts";

/** A call and where each of its entries went. */
export interface Placed {
  readonly ticket: Ticket;
  readonly appended: readonly Appended[];
}

export interface Plan {
  readonly entries: readonly NewEntry[];
  readonly placed: readonly Placed[];
  /** Calls with an entry that gets no index, and why. Nothing of them is logged. */
  readonly refused: readonly { readonly ticket: Ticket; readonly reason: LogError }[];
}

/** A leaf of the batch, once for all entries that are it. */
interface Leaf {
  entry: NewEntry;
  /** In the store already, under this index. */
  stored: number | undefined;
  /** Why it gets no index: its original is damaged, or its content is refused. */
  against: LogError | undefined;
  /** Given in this batch. */
  index: number | undefined;
}

/** The leaves of a batch, each once, in order of arrival. */
export class Leaves {
  readonly #tickets: readonly Ticket[];
  readonly #leaves = new Map<string, Leaf>();
  readonly #leavesOf: Leaf[][] = [];

  constructor(tickets: ReturnType<Pool["take"]>) {
    this.#tickets = tickets;
    for (const ticket of tickets) {
      this.#leavesOf.push(
        ticket.entries.map((entry) => {
          const key = keyOf(entry.leafHash);
          let leaf = this.#leaves.get(key);
          if (leaf === undefined) {
            leaf = { entry, stored: undefined, against: undefined, index: undefined };
            this.#leaves.set(key, leaf);
          }
          return leaf;
        }),
      );
    }
  }

  get hashes(): Hash[] {
    return Array.from(this.#leaves.values(), (leaf) => leaf.entry.leafHash);
  }

  /** `found` answers `hashes`, in their order, for a store of `size` entries. */
  place(
    sha256: Sha256,
    reader: Pick<StorageReader, "leaves" | "hasContent">,
    size: number,
    found: readonly (number | undefined)[],
    refuses: (contentDigest: Hash) => LogError | undefined = () => undefined,
  ): Plan {
    let i = 0;
    for (const leaf of this.#leaves.values()) {
      leaf.stored = found[i++];
      if (leaf.stored !== undefined)
        leaf.against = checkOriginal(sha256, reader, size, leaf.stored, leaf.entry.leafHash);
      else leaf.against = refuses(leaf.entry.contentDigest);
    }
    const added: Leaf[] = [];
    const placed: Placed[] = [];
    const refused: { ticket: Ticket; reason: LogError }[] = [];
    for (const [n, ticket] of this.#tickets.entries()) {
      const leaves = this.#leavesOf[n] ?? [];
      const reason = leaves.find((leaf) => leaf.against !== undefined)?.against;
      if (reason !== undefined) {
        refused.push({ ticket, reason });
        continue;
      }
      const appended = leaves.map((leaf, i): Appended => {
        const content = ticket.entries[i]?.content;
        if (leaf.stored !== undefined) {
          const needsTwin = content !== undefined && !reader.hasContent(leaf.stored);
          return { index: leaf.stored, duplicate: true, ...(needsTwin ? { needsTwin } : {}) };
        }
        if (leaf.entry.content === undefined && content !== undefined)
          leaf.entry = { ...leaf.entry, content };
        if (leaf.index !== undefined) return { index: leaf.index, duplicate: true };
        leaf.index = size + added.length;
        added.push(leaf);
        return { index: leaf.index, duplicate: false };
      });
      placed.push({ ticket, appended });
    }
    return { entries: added.map(({ entry }) => entry), placed, refused };
  }
}

function checkOriginal(
  sha256: Sha256,
  reader: Pick<StorageReader, "leaves">,
  size: number,
  index: number,
  hash: Hash,
): LogError | undefined {
  const field = `entry ${index}`;
  const hint = "run `countersign fsck`: it names what is wrong";
  if (index >= size) {
    return new LogError("STORE_CORRUPT", `${field} is known by its hash and beyond the head`, {
      field,
      hint,
    });
  }
  try {
    const [leaf] = reader.leaves(index, index + 1);
    if (leaf !== undefined && equal(leafHash(sha256, leaf), hash)) return undefined;
  } catch (cause) {
    return new LogError("STORE_CORRUPT", `${field} cannot be read`, { field, hint, cause });
  }
  return new LogError("STORE_CORRUPT", `${field} is not what its hash says`, { field, hint });
}

function keyOf(hash: Hash): string {
  return Buffer.from(hash.buffer, hash.byteOffset, hash.byteLength).toString("latin1");
}
