/** The thread of an index whose program knows both mapfns. */
import { serveEngine } from "../../../server/index/engine-thread.ts";
import { BOTH } from "./second.ts";

serveEngine(BOTH);
