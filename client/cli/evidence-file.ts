/**
 * Evidence becomes a file the moment it exists: a fork may never be shown a second time.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { EVIDENCE_SUFFIX, type Evidence, formatEvidence } from "../../schema/evidence.ts";
import { writeWhole } from "./files.ts";
import type { Io } from "./io.ts";

/** Write evidence under a name made from its bytes; the path, as it is shown. */
export async function saveEvidence(
  io: Io,
  folder: string | undefined,
  evidence: Evidence | Uint8Array,
): Promise<string> {
  const bytes = evidence instanceof Uint8Array ? evidence : formatEvidence(evidence);
  const digest = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
  const isFork = evidence instanceof Uint8Array || evidence.kind.startsWith("fork-");
  const name = isFork ? "fork" : evidence.kind;
  const file = join(folder ?? ".", `${name}-${digest}${EVIDENCE_SUFFIX}`);
  await writeWhole(io, file, bytes);
  return file;
}
