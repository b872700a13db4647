/**
 * A certificate authority and CT log for these runs: Sigstore's own mock of both (`@sigstore/mock`)
 * behind HTTP on loopback, so that clients in other processes reach it.
 */
import { createHash, createPublicKey, generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { fulcioHandler, initializeCA, initializeCTLog } from "@sigstore/mock";

/** Whom the mock's certificates name. */
export const SUBJECT = "https://example.test/people/mara";
export const ISSUER = "https://issuer.example.test";

export interface Fulcio {
  readonly url: string;
  /** What a trusted root says of this authority and its CT log. */
  readonly trust: { readonly certificateAuthorities: object[]; readonly ctlogs: object[] };
  readonly close: () => Promise<void>;
}

const ALWAYS = { start: "2026-01-01T00:00:00Z" };

export async function startFulcio(): Promise<Fulcio> {
  const ctKeys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const ctLog = await initializeCTLog(ctKeys);
  const ca = await initializeCA(generateKeyPairSync("ec", { namedCurve: "P-384" }), ctLog);
  const handler = fulcioHandler(ca);
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (request.url !== handler.path) {
        response.writeHead(404).end();
        return;
      }
      const body = asMockReads(Buffer.concat(chunks).toString(), request.headers.authorization);
      void handler.fn(body).then((answer) => {
        const { contentType = "text/plain" } = answer;
        // The mock says 201 where Fulcio says 200, and one client takes nothing else.
        const statusCode = answer.statusCode === 201 ? 200 : answer.statusCode;
        response.writeHead(statusCode, { "content-type": contentType });
        response.end(answer.response);
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const url = `http://127.0.0.1:${address.port}`;
  const ctSpki = createPublicKey({ key: ctLog.publicKey, type: "spki", format: "der" });
  return {
    url,
    trust: {
      certificateAuthorities: [
        {
          subject: { organization: "sigstore.mock", commonName: "sigstore" },
          uri: url,
          certChain: { certificates: [{ rawBytes: base64(ca.rootCertificate) }] },
          validFor: ALWAYS,
        },
      ],
      ctlogs: [
        {
          baseUrl: url,
          hashAlgorithm: "SHA2_256",
          publicKey: {
            rawBytes: ctSpki.export({ type: "spki", format: "der" }).toString("base64"),
            keyDetails: "PKIX_ECDSA_P256_SHA_256",
            validFor: ALWAYS,
          },
          logId: { keyId: createHash("sha256").update(ctLog.publicKey).digest("base64") },
        },
      ],
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface CertificateRequest {
  credentials?: { oidcIdentityToken: string };
  certificateSigningRequest?: string;
}

/**
 * Fulcio takes the token in the body or as a bearer's, and a signing request as PEM or as its base64; the
 * mock knows the first of each.
 */
function asMockReads(body: string, authorization = ""): string {
  const request: CertificateRequest = JSON.parse(body);
  const token = authorization.replace(/^Bearer /, "");
  if (token !== "") request.credentials = { oidcIdentityToken: token };
  const { certificateSigningRequest: csr } = request;
  if (csr !== undefined && !csr.startsWith("-----"))
    request.certificateSigningRequest = Buffer.from(csr, "base64").toString();
  return JSON.stringify(request);
}

function base64(bytes: ArrayBufferView): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

/** An identity token as an OIDC provider would issue it; the mock does not check its signature. */
export function identityToken(): string {
  const now = Math.floor(Date.now() / 1000);
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = {
    iss: ISSUER,
    sub: SUBJECT,
    aud: "sigstore",
    iat: now,
    nbf: now,
    exp: now + 3600,
  };
  return [part({ alg: "RS256", typ: "JWT" }), part(claims), "c2lnbmF0dXJl"].join(".");
}
