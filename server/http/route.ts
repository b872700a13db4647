/**
 * A route: which requests it takes, and what answers them.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { sendProblem } from "./respond.ts";

export type Handler = (
  req: IncomingMessage,
  res: ServerResponse,
  /** The last segment of the path, where the route ends in a name. */
  untrustedName: string,
  untrustedQuery: string,
) => void | Promise<void>;

export interface Route {
  /** Label in metrics. */
  readonly name: string;
  readonly method: "GET" | "POST";
  /** As Express writes it. */
  readonly path: string;
  readonly handler: Handler;
  /** How a refusal is answered; a problem document where nothing else is said. */
  readonly refuse?: typeof sendProblem;
}
