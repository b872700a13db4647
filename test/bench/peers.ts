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

/** A new key of a log, as these programs read it, and the text by which others know it. */
interface NoteKey {
  readonly file: string;
  readonly origin: string;
  readonly vkey: string;
}

/** Ed25519, as PEM for Rekor and as a note's secret key for Tessera. */
export function newNoteKey(folder: string, origin: string, form: "pem" | "note"): NoteKey {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const seed = privateKey.export({ type: "pkcs8", format: "der" }).subarray(-32);
  const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-32);
  const id = createHash("sha256")
    .update(Buffer.concat([Buffer.from(`${origin}\n\x01`), raw]))
    .digest("hex")
    .slice(0, 8);
  const text = (key: Buffer): string => Buffer.concat([Buffer.from([1]), key]).toString("base64");
  const file = join(folder, `${origin}.key`);
  const secret =
    form === "pem"
      ? privateKey.export({ type: "pkcs8", format: "pem" })
      : `PRIVATE+KEY+${origin}+${id}+${text(seed)}`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, secret, { mode: 0o600 });
  return { file, origin, vkey: `${origin}+${id}+${text(raw)}` };
}

/** Rekor v2 on files, with the flags that make it fastest. */
export async function startRekor(
  folder: string,
  key: NoteKey = newNoteKey(folder, "rekor.example.test", "pem"),
  more: readonly string[] = [],
): Promise<PeerResult> {
  const program = findProgram("rekorPosix");
  if (!program.found) return { missing: program.why };
  const storage = join(folder, "rekor");
  mkdirSync(storage, { recursive: true });
  const [http, grpc, metrics] = [await freePort(), await freePort(), await freePort()];
  const server = new Measured(
    program.path,
    [
      "serve",
      "--http-address=127.0.0.1",
      `--http-port=${http}`,
      `--grpc-port=${grpc}`,
      `--http-metrics-port=${metrics}`,
      `--hostname=${key.origin}`,
      `--storage-dir=${storage}`,
      `--signer-filepath=${key.file}`,
      "--checkpoint-interval=200ms",
      "--batch-max-age=50ms",
      "--log-level=error",
      ...more,
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
export async function startTessera(
  folder: string,
  key: NoteKey = newNoteKey(folder, "tessera.example.test", "note"),
): Promise<PeerResult> {
  const program = findProgram("tesseraPosix");
  if (!program.found) return { missing: program.why };
  const port = await freePort();
  const server = new Measured(
    program.path,
    [
      `--storage_dir=${join(folder, "tessera")}`,
      `--listen=127.0.0.1:${port}`,
      `--private_key=${key.file}`,
    ],
    port,
  );
  await server.answers("/checkpoint");
  return { peer: { name: "Tessera v1.0.4, defaults", server, path: "/add", load: "tessera" } };
}
