/**
 * What each format of a `countersign` leaf carries in `key` and `value`: one row for each, in a table
 * that further kinds (OpenPGP, CMS, passkeys) are added to.
 *
 * A plain signature has its algorithm beside it, an SSHSIG brings its key, and any other is a form of
 * its own: key and value as its layout says, no `algorithm`. How each is verified is in the table of
 * `client/signature/registry.ts`; a kind needs a row in both.
 *
 * Spec: docs/formats.md §Leaf.
 *
 * @module
 */
import type { Result } from "../error.ts";
import type { PublicKey } from "../key/spki.ts";
import { OpenTable } from "../table.ts";

/** Key and value, as a leaf carries them. */
export interface CarriedSignature {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export type SignatureForm =
  | { readonly by: "key" | "sshsig" }
  | {
      readonly by: "form";
      /** The key that signs, out of what is carried: one form only, or a refusal. */
      readonly readKey: (attacker: CarriedSignature) => Result<PublicKey>;
    };

export const signatureForms: OpenTable<SignatureForm> = new OpenTable("format of signatures", [
  ["dsse", { by: "key" }],
  ["raw", { by: "key" }],
  ["sshsig", { by: "sshsig" }],
]);
