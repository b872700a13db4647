/**
 * The part of fsck about erased contents: each is announced by a statement of the log, what is
 * announced is gone, and the postings that were kept can be read.
 *
 * @module
 */
import { fromHex, toHex } from "../schema/bytes.ts";
import { leafContentDigest } from "../schema/entry/leaf.ts";
import { OwnStatements } from "../schema/entry/own-statements.ts";
import { parsePostings } from "../schema/index/posting.ts";
import type { Findings, FsckPorts } from "./fsck.ts";
import type { LeafRow } from "./storage/sqlite/audit.ts";

export class ErasureCheck {
  /** Contents that are gone. */
  count = 0;
  readonly #audit: FsckPorts["audit"];
  readonly #findings: Findings;
  readonly #own: OwnStatements | undefined;
  /** Digests in hex, with the index of the statement. */
  readonly #announced = new Map<string, number>();
  /** Contents of the log's own statements, which nothing erases. */
  readonly #protected = new Set<string>();

  /** Without the log's keys nobody can say which statements are its own. */
  constructor({ audit, crypto, vkeys }: FsckPorts, findings: Findings) {
    this.#audit = audit;
    this.#findings = findings;
    this.#own = vkeys && new OwnStatements(crypto.sha256, vkeys);
  }

  leaf({ idx, bytes, content }: LeafRow): void {
    const leaf = content === null ? undefined : this.#own?.find(bytes);
    if (content === null || leaf === undefined) return;
    const held = this.#audit.contentBytes(content);
    const said = held && this.#own?.read(leaf, held);
    if (said === undefined) return;
    this.#protected.add(toHex(leafContentDigest(leaf)));
    if (said.type === "erase" && !this.#announced.has(said.digest))
      this.#announced.set(said.digest, idx);
  }

  /** `erased` are the ids of contents that are gone. */
  end(erased: ReadonlySet<number>): void {
    this.count = erased.size;
    for (const { idx, bytes } of this.#audit.keptPostings()) {
      const postings = parsePostings(bytes);
      if (!postings.ok) this.#findings.add(`kept postings of entry ${idx}`, postings.message);
    }
    if (this.#own === undefined) return;
    const announced = new Set<number>();
    for (const [digest, statement] of this.#announced) {
      const id = this.#audit.contentId(fromHex(digest) ?? new Uint8Array(0));
      if (id === undefined || this.#protected.has(digest)) continue;
      announced.add(id);
      if (!erased.has(id))
        this.#findings.add(
          `content ${id}`,
          `entry ${statement} erases it, and it is here: the next start takes it out`,
        );
    }
    for (const id of erased)
      if (!announced.has(id))
        this.#findings.add(`content ${id}`, "it is gone, and no statement of the log says so");
  }
}
