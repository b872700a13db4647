/**
 * The drawing of the rooms: who may import whom, and which npm package belongs to which room.
 * The architecture test holds the code to it, and the build takes each package's dependencies
 * from it, so that neither can drift from the other.
 */
import { MAIL_PEERS } from "../client/monitor/channels/nodemailer.ts";
import { SIGSTORE_PEERS } from "../client/sigstore/packages.ts";

interface Room {
  /** Rooms it may import besides itself. */
  readonly rooms: readonly string[];
  /** npm packages it may import. */
  readonly packages: readonly string[];
  /**
   * Packages that its users install only for the part that needs them. They may be named in
   * that part alone, as types, and loaded by one file alone, late.
   */
  readonly optional?: readonly OptionalPart[];
}

interface OptionalPart {
  readonly packages: readonly string[];
  readonly part: string;
  readonly loader: string;
}

export const ROOMS: Readonly<Record<string, Room>> = {
  schema: { rooms: [], packages: ["canonicalize"] },
  client: {
    rooms: ["schema"],
    packages: [
      "@noble/curves",
      "@noble/hashes",
      "@noble/post-quantum",
      "cli-progress",
      "smol-toml",
    ],
    optional: [
      {
        packages: Object.keys(SIGSTORE_PEERS),
        part: "client/sigstore/",
        loader: "client/sigstore/packages.ts",
      },
      {
        packages: Object.keys(MAIL_PEERS),
        part: "client/monitor/channels/",
        loader: "client/monitor/channels/nodemailer.ts",
      },
    ],
  },
  server: {
    rooms: ["schema", "client"],
    packages: [
      "@peculiar/asn1-cms",
      "@peculiar/asn1-schema",
      "@peculiar/asn1-tsp",
      "@peculiar/asn1-x509",
      "better-sqlite3",
      "express",
      "lru-cache",
      "pino",
      "prom-client",
      "rate-limiter-flexible",
      "smol-toml",
      "zod",
    ],
  },
};

/**
 * The one arrow that points back: the command line finds the operator's commands by a late
 * import, so that whoever only verifies installs no server.
 */
export const LATE_IMPORT = { from: "client/cli/operator.ts", to: "server/cli/index.ts" } as const;
