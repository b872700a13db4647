/**
 * The kind `dsse`: a plain signature over a DSSE pre-authentication encoding. The content is
 * the encoding itself, so nothing is put together here; but bytes that are no such encoding
 * were not signed as an envelope, whoever signed them.
 *
 * Spec: secure-systems-lab/dsse v1.0, protocol.md.
 *
 * @module
 */
import { parsePae } from "../../schema/entry/dsse.ts";
import { refuse, type SignatureKind } from "./kind.ts";
import { verifyPlain } from "./plain.ts";

export const dsseKind: SignatureKind = {
  format: "dsse",
  verify: async (crypto, input) => {
    const pae = parsePae(input.content);
    return pae.ok
      ? verifyPlain(crypto, input)
      : refuse("signature is malformed", "content", pae.message);
  },
};
