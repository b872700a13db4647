/**
 * What the index's thread is asked and answers.
 *
 * @module
 */
import type { MapPiece } from "../../schema/http/map-paths.ts";
import type { LookupKey } from "../../schema/index/lookup.ts";
import type { IndexedLog } from "../../schema/index/mapfn.ts";
import type { ContestedPage } from "./conflicts.ts";
import type { Grown } from "./engine.ts";
import type { FoundConflict } from "./find-conflicts.ts";
import type { FoundKeys } from "./find-keys.ts";

export type IndexRequest =
  | {
      readonly call: "open";
      /** Folder of the index's own tables. */
      readonly folder: string;
      /** Database of the log, which is read only. */
      readonly logDatabase: string;
      readonly log: IndexedLog;
      readonly mapfn: Uint8Array;
    }
  | {
      readonly call: "grow";
      readonly size: number;
      readonly root: Uint8Array;
      readonly main: Uint8Array;
    }
  | { readonly call: "replay"; readonly leaf: Uint8Array; readonly main: Uint8Array }
  /** The next slices of a snapshot, at least one; the answer says whether there is `more`. */
  | { readonly call: "snapshot"; readonly milliseconds: number }
  | { readonly call: "keep" | "abandon" | "close" }
  | {
      readonly call: "find";
      readonly keys: readonly LookupKey[];
      readonly summaries: boolean;
      readonly at?: number;
    }
  | { readonly call: "update" | "edge"; readonly leafIndex: number }
  | {
      readonly call: "piece";
      readonly piece: Omit<MapPiece, "root"> & { readonly root: Uint8Array };
    }
  | ConflictQuestion;

export type ConflictQuestion =
  /** What the entries of some keys are to each other. */
  | { readonly call: "conflicts"; readonly keys: readonly Uint8Array[] }
  /** The next keys that have several values. */
  | { readonly call: "contested"; readonly after: Uint8Array }
  /** Slots in which an entry says something else than what is indexed. */
  | { readonly call: "hints"; readonly leaf: Uint8Array; readonly content: Uint8Array };

/** Where the index stands; part of every answer. */
export interface IndexStanding {
  /** Leaves that are kept. */
  readonly leaves: number;
  /** Entries that are indexed. */
  readonly size: number;
  readonly keys: number;
  readonly mapBytes: number;
  /** Entries that the map's snapshot on the disk has; 0 where there is none. */
  readonly snapshotSize: number;
  /** Values that a start has to set in that map before it is the newest one. */
  readonly snapshotChanges: number;
}

export interface IndexAnswer {
  readonly standing: IndexStanding;
  readonly grown?: Grown;
  readonly found?: FoundKeys;
  readonly update?: Uint8Array | undefined;
  readonly edge?: Uint8Array | undefined;
  readonly conflicts?: readonly FoundConflict[];
  readonly contested?: ContestedPage;
  readonly more?: boolean;
  readonly piece?: Uint8Array | undefined;
  readonly hints?: readonly LookupKey[];
}
