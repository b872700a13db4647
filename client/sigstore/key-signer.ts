/**
 * A signer for `@sigstore/sign` on the keys of this client: a key file, or a key in a running
 * ssh-agent.
 *
 * The hint is the key's SSH fingerprint, as `ssh-keygen -lf` prints it. It stands in the bundle
 * and in the envelope, and it is the one form that every Sigstore client lets pass: those in Go
 * skip a signature whose key id is anything else.
 *
 * @module
 */
import type { Signature, Signer as SigstoreSigner } from "@sigstore/sign";
import { LogError } from "../../schema/error.ts";
import { KEY_DETAILS } from "../../schema/key/key-details.ts";
import { encodeSpki } from "../../schema/key/spki.ts";
import { plainDetails, plainly, type Signer } from "../keys/signer.ts";
import { formatPem } from "./pem.ts";

export class KeySigner implements SigstoreSigner {
  readonly #signer: Signer;

  /** A key of `openSigner`. */
  constructor(signer: Signer) {
    this.#signer = plainly(signer);
  }

  /** Throws `SIGNER_FAILED` for a key that cannot make plain signatures. */
  async sign(data: Uint8Array): Promise<Signature> {
    const { publicKey, signRaw, ssh, describe } = this.#signer;
    const keyDetails = plainDetails(publicKey);
    if (signRaw === undefined || keyDetails === undefined)
      throw new LogError("SIGNER_FAILED", `${describe()} cannot make plain signatures`, {
        field: "key",
        expected: "a key file, or an ECDSA P-256 or RSA key in an agent",
      });
    const signature = await signRaw(KEY_DETAILS[keyDetails].algorithm, data);
    return {
      signature: Buffer.from(signature),
      key: {
        $case: "publicKey",
        publicKey: formatPem("PUBLIC KEY", encodeSpki(publicKey)),
        hint: ssh?.fingerprint ?? "",
      },
    };
  }
}
