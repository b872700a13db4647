/**
 * `countersign/sigstore`: reading and making Sigstore bundles. It needs Sigstore's own packages,
 * which are installed beside this one by whoever wants this part (`packages.ts`).
 *
 * @module
 */
export type { Asked } from "./about.ts";
export { explainBundle, explainBundleRefusal } from "./explain.ts";
export { bundleOfReceipt } from "./from-receipt.ts";
export { KeySigner } from "./key-signer.ts";
export type {
  BundleEntry,
  BundleNo,
  BundleRefusal,
  BundleSigner,
  BundleTimestamp,
  BundleVerdict,
  BundleYes,
} from "./verdict.ts";
export {
  type AskedSigner,
  type BundlePorts,
  type BundleTrust,
  verifyBundle,
} from "./verify-bundle.ts";
export { CountersignWitness, type CountersignWitnessOptions } from "./witness.ts";
