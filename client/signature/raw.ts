/**
 * The kind `raw`: a plain signature over the content as it is, whatever it is.
 *
 * @module
 */
import type { SignatureKind } from "./kind.ts";
import { verifyPlain } from "./plain.ts";

export const rawKind: SignatureKind = { format: "raw", verify: verifyPlain };
