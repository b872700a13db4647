/**
 * The tiles in the OpenAPI document.
 *
 * @module
 */
import { CHECKPOINT_PATH, OCTETS_TYPE, TILE_PREFIXES } from "../../schema/http/paths.ts";
import { bytesPath, type Json, parameter } from "./openapi-parts.ts";

export function tilePaths(): Json {
  const paths: Record<string, unknown> = {};
  for (const prefix of TILE_PREFIXES) {
    paths[`${prefix}${CHECKPOINT_PATH}`] = bytesPath(
      "The newest signed checkpoint.",
      "text/plain",
      [],
    );
    paths[`${prefix}/tile/{tile}`] = bytesPath(
      "A hash tile `<L>/<N>[.p/<W>]`, an entry bundle `entries/<N>[.p/<W>]`, or contents `content/<N>[.p/<W>]`; slashes are not encoded.",
      OCTETS_TYPE,
      [
        parameter("tile", "path", "As C2SP tlog-tiles writes it."),
        parameter("from", "query", "Contents only: the first entry inside the tile to send."),
      ],
    );
  }
  return paths;
}
