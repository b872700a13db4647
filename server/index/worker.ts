/**
 * The thread that runs an index by one of the mapfns of this program.
 *
 * @module
 */
import { GENERATIONS } from "../../schema/index/generation.ts";
import { serveEngine } from "./engine-thread.ts";

serveEngine(GENERATIONS);
