/**
 * What the HTTP side asks of the rest of the log. The composition root plugs it together;
 * tests plug the same parts.
 *
 * @module
 */
import type { Hash, Sha256 } from "../../schema/tlog/hash.ts";
import type { Admit } from "../admission/admit.ts";
import type { Authority } from "../admission/authority.ts";
import type { Limits } from "../admission/limit.ts";
import type { Logger } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { Promises } from "../promises/promises.ts";
import type { PublicDocuments } from "../public-documents.ts";
import type { Sequencer } from "../sequencer/log.ts";
import type { StorageReader } from "../storage/storage.ts";
import type { TimestampAuthority } from "../tsa/authority.ts";
import type { ClientAddress } from "./address.ts";
import type { ByteBudget } from "./body.ts";
import type { ConflictPort } from "./conflicts.ts";
import type { AskHints } from "./hints.ts";
import type { IndexPort } from "./lookup.ts";

/** The sequencer, as far as a front end sees it. */
export type LogPort = Pick<
  Sequencer,
  "published" | "append" | "appendWithin" | "appendDurable" | "inclusion"
>;

/** One line of `/readyz`. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** Why not, or what was seen. */
  readonly detail: string;
}

/** What the log tells of claims without a proof: hints with a receipt, and the feed of conflicts. */
export interface ClaimsPort extends ConflictPort {
  /** Slots in which an entry says something else than what is indexed. */
  readonly hints: AskHints;
}

export interface HttpPorts {
  readonly sha256: Sha256;
  /** SHA-256 of the note key, 32 bytes: Sigstore's `logId.keyId`. */
  readonly logId: Hash;
  readonly log: LogPort;
  readonly reader: StorageReader;
  readonly admit: Admit;
  readonly authority: Authority;
  readonly limits: Limits;
  readonly clientAddress: ClientAddress;
  readonly checks: () => Promise<readonly Check[]>;
  /** Sentences of `/readyz` that an operator must know although the log is ready. */
  readonly notes: () => readonly string[];
  readonly budget: ByteBudget;
  /** Answers that wait for whoever asked to read them, beyond a little that each may have. */
  readonly unread: ByteBudget;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly bodyTimeoutMs: number;
  /** `undefined` where it is switched off. */
  readonly timestamps: TimestampAuthority | undefined;
  /** `undefined` where the log gives none. */
  readonly promises: Pick<Promises, "give"> | undefined;
  readonly documents: PublicDocuments;
  /** The indexes that the log keeps, the oldest first. */
  readonly indexes: readonly IndexPort[];
  /** `undefined` where the log keeps no index. */
  readonly claims: ClaimsPort | undefined;
  /**
   * A write is answered after this: with its receipt, a promise, or `NOT_WITNESSED`. `undefined` where
   * there are no witnesses to wait for.
   */
  readonly writeWaitMs: number | undefined;
}
