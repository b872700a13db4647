/**
 * The client on Node: everything of `common.ts`, and what needs a disk, a terminal or an agent.
 *
 * @module
 */
export * from "./common.ts";
export { nodeCrypto } from "./crypto/node.ts";
export { openSigner, type SignerPorts } from "./keys/open.ts";
export { dsseSubmission, fileSubmission, gitSign, type Signer } from "./keys/signer.ts";
export { fileMemory } from "./memory-file.ts";
