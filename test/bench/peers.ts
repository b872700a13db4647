/** The peers, run as their makers ship them, under the same load client as ours. */
import { createHash, generateKeyPairSync } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "../peers/go.ts";
import { freePort, Measured } from "./process.ts";

export interface Peer {
  readonly name: string;
  readonly server: Measured;
  readonly path: string;
  readonly load: "rekor" | "tessera";
}

export type PeerResult = { readonly peer: Peer } | { readonly missing: string };

/** Rekor v2 on files, with the flags that make it fastest. */
export async function startRekor(folder: string): Promise<PeerResult> {
  const program = findProgram("rekorPosix");
  if (!program.found) return { missing: program.why };
  const key = join(folder, "rekor.pem");
  const storage = join(folder, "rekor");
  mkdirSync(storage, { recursive: true });
  const { privateKey } = generateKeyPairSync("ed25519");
  writeFileSync(key, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
  const [http, grpc, metrics] = [await freePort(), await freePort(), await freePort()];
  const server = new Measured(
    program.path,
    [
      "serve",
      "--http-address=127.0.0.1",
      `--http-port=${http}`,
      `--grpc-port=${grpc}`,
      `--http-metrics-port=${metrics}`,
      "--hostname=rekor.example.test",
      `--storage-dir=${storage}`,
      `--signer-filepath=${key}`,
      "--checkpoint-interval=200ms",
      "--batch-max-age=50ms",
      "--log-level=error",
    ],
    http,
  );
  await server.answers("/healthz");
  return {
    peer: {
      name: "Rekor v2.3.0, fastest flags",
      server,
      path: "/api/v2/log/entries",
      load: "rekor",
    },
  };
}

/** Tessera on files: no signature is checked and no proof is returned. */
export async function startTessera(folder: string): Promise<PeerResult> {
  const program = findProgram("tesseraPosix");
  if (!program.found) return { missing: program.why };
  const name = "tessera.example.test";
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const seed = privateKey.export({ type: "pkcs8", format: "der" }).subarray(-32);
  const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-32);
  const id = createHash("sha256")
    .update(Buffer.concat([Buffer.from(`${name}\n\x01`), raw]))
    .digest("hex")
    .slice(0, 8);
  const secret = Buffer.concat([Buffer.from([1]), seed]).toString("base64");
  const key = join(folder, "tessera.key");
  writeFileSync(key, `PRIVATE+KEY+${name}+${id}+${secret}`, { mode: 0o600 });
  const port = await freePort();
  const server = new Measured(
    program.path,
    [
      `--storage_dir=${join(folder, "tessera")}`,
      `--listen=127.0.0.1:${port}`,
      `--private_key=${key}`,
    ],
    port,
  );
  await server.answers("/checkpoint");
  return { peer: { name: "Tessera v1.0.4, defaults", server, path: "/add", load: "tessera" } };
}
